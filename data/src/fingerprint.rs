//! Fingerprints: what decides a result, hashed, so that the result can be used again.

use sha2::{Digest, Sha256};
use std::fmt::Write;

/// The SHA-256 (hex) of parts, each preceded by its length, so that moving bytes between parts changes it.
pub fn fingerprint(parts: &[&[u8]]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_le_bytes());
        hash.update(part);
    }
    let mut hex = String::with_capacity(64);
    for byte in hash.finalize() {
        // Writing to a string does not fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// A number in [0, 1) that hangs on a seed and a text alone.
pub(crate) fn fraction_of(seed: u64, text: &str) -> f64 {
    let mut hash = Sha256::new();
    hash.update(b"share");
    hash.update(seed.to_le_bytes());
    hash.update(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&hash.finalize()[..8]);
    // The 53 bits that a double holds.
    (u64::from_le_bytes(first) >> 11) as f64 / (1u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::fingerprint;

    #[test]
    fn parts_are_told_apart() {
        assert_eq!(
            fingerprint(&[]),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_ne!(fingerprint(&[b"ab", b"c"]), fingerprint(&[b"a", b"bc"]));
        assert_ne!(fingerprint(&[b"ab"]), fingerprint(&[b"ab", b""]));
    }
}
