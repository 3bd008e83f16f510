//! The numbers that the codes of scales stand for.

use std::sync::OnceLock;

/// 256 numbers in [-1, 1], sorted, the denser the nearer to zero: seven decades, of which each has twice as many numbers as the one
/// below (dynamic tree quantization, arXiv 1511.04561, as in bitsandbytes).
pub fn dynamic_map() -> &'static [f32; 256] {
    static MAP: OnceLock<[f32; 256]> = OnceLock::new();
    MAP.get_or_init(|| {
        let mut numbers = vec![0.0, 1.0];
        for decade in 0..7 {
            let parts = 1 << decade;
            for part in 0..parts {
                // The middle of one of equal parts of [0.1, 1].
                let middle = 0.1 + 0.9 * (f64::from(part) + 0.5) / f64::from(parts);
                let number = middle * 10f64.powi(decade - 6);
                numbers.extend([number as f32, -number as f32]);
            }
        }
        numbers.sort_unstable_by(f32::total_cmp);
        let mut map = [0.0; 256];
        map.copy_from_slice(&numbers);
        map
    })
}
