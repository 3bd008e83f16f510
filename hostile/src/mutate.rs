//! Files that are almost what they should be.

mod structure;

/// Makes changed copies of files, always the same ones of a seed.
pub struct Mutator {
    state: u64,
}

/// What is put where a number stands, or anywhere.
const WORDS: [&[u8]; 34] = [
    b"0",
    b"-1",
    b"1e999",
    b"-1e999",
    b"0.5",
    b"1e-400",
    b"NaN",
    b"Infinity",
    b"null",
    b"true",
    b"\"\"",
    b"[]",
    b"{}",
    b"[[]]",
    b"999999999999",
    b"9223372036854775807",
    b"9223372036854775808",
    b"18446744073709551615",
    b"18446744073709551616",
    b"4294967295",
    b"4294967296",
    b"16777217",
    b"340282366920938463463374607431768211456",
    b"\"",
    b"\\",
    b"\\ud83d",
    b"\\u0000",
    b"\0",
    b"\xff\xfe",
    b"\xf0\x9f\xa6",
    b"\xe2\x96\x81",
    b"</s>",
    b",",
    b"../..",
];

/// What is put where eight or four bytes stand.
const LONGS: [u64; 14] = [
    0,
    1,
    7,
    255,
    1 << 16,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    1 << 40,
    i64::MAX as u64,
    1 << 63,
    u64::MAX - 7,
    u64::MAX,
];

impl Mutator {
    /// The changes of a seed.
    pub fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// SplitMix64.
    fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    /// A number below `end`, or 0.
    pub fn below(&mut self, end: usize) -> usize {
        match end {
            0 => 0,
            end => (self.next() % end as u64) as usize,
        }
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    /// A place in `bytes`, half of the time near the beginning, where headers are.
    fn place(&mut self, bytes: &[u8]) -> usize {
        let end = match self.below(2) {
            0 => bytes.len().min(512),
            _ => bytes.len(),
        };
        self.below(end)
    }

    /// A changed copy of one of `files`.
    pub fn mutate(&mut self, files: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = files[self.below(files.len())].clone();
        // Half of the files stay well-formed: what reads values is behind what reads bytes.
        let kept = match self.below(2) {
            0 => structure::change(self, &bytes),
            _ => None,
        };
        if let Some(kept) = kept {
            bytes = kept;
            if self.below(4) > 0 {
                return bytes;
            }
        }
        for _ in 0..=self.below(3) {
            self.change(&mut bytes, files);
        }
        bytes
    }

    fn change(&mut self, bytes: &mut Vec<u8>, files: &[Vec<u8>]) {
        let at = self.place(bytes);
        match self.below(12) {
            0 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << self.below(8);
                }
            }
            1 => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = self.below(256) as u8;
                }
            }
            2 => bytes.truncate(at),
            3 => {
                let end = bytes.len().min(at + 1 + self.below(64));
                bytes.drain(at..end);
            }
            4 => {
                let word = self.pick(&WORDS).to_vec();
                insert(bytes, at, &word);
            }
            5 => self.number(bytes, at),
            6 => self.long(bytes, at),
            7 => {
                let depth = 1 << self.below(17);
                let opening: &[u8] =
                    self.pick(&[b"[".as_slice(), b"{\"a\":", b"{a=", b"a.", b"[[", b"("]);
                insert(bytes, at, &opening.repeat(depth));
            }
            8 => {
                let other = &files[self.below(files.len())];
                let begin = self.below(other.len());
                let end = other.len().min(begin + 1 + self.below(256));
                insert(bytes, at, &other[begin..end]);
            }
            9 => self.twice(bytes, at),
            10 => {
                let end = bytes.len().min(at + 1 + self.below(32));
                let part = bytes[at.min(end)..end].repeat(1 << self.below(10));
                insert(bytes, at, &part);
            }
            _ => {
                let other = &files[self.below(files.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[self.below(other.len())..]);
            }
        }
    }

    /// Puts something extreme where the next number in the text stands.
    fn number(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'.');
        let Some(begin) = bytes[at..].iter().position(digit).map(|skip| at + skip) else {
            return;
        };
        let length = bytes[begin..].iter().take_while(|byte| digit(byte)).count();
        let word = match self.below(2) {
            0 => self.pick(&WORDS[..10]),
            _ => self.pick(&WORDS),
        };
        let word = word.to_vec();
        bytes.splice(begin..begin + length, word);
    }

    /// Overwrites the next bytes with an extreme length or offset.
    fn long(&mut self, bytes: &mut [u8], at: usize) {
        let long = self.pick(&LONGS).wrapping_add(self.below(3) as u64);
        let size = self.pick(&[4, 8]);
        let at = at / 4 * 4;
        if let Some(place) = bytes.get_mut(at..at + size) {
            place.copy_from_slice(&long.to_le_bytes()[..size]);
        }
    }

    /// Has a key with its value there twice, or whatever stands between two commas.
    fn twice(&mut self, bytes: &mut Vec<u8>, at: usize) {
        let comma = |from: usize, bytes: &[u8]| {
            let rest = bytes.get(from..)?;
            rest.iter()
                .position(|&byte| byte == b',')
                .map(|skip| from + skip)
        };
        if let Some(begin) = comma(at, bytes)
            && let Some(end) = comma(begin + 1, bytes)
        {
            let part = bytes[begin..end].to_vec();
            insert(bytes, begin, &part);
        }
    }
}

fn insert(bytes: &mut Vec<u8>, at: usize, part: &[u8]) {
    bytes.splice(at..at, part.iter().copied());
}
