//! The numbers that the codes of scales stand for.

use std::sync::OnceLock;

/// 256 numbers in [-1, 1], sorted, the denser the nearer to zero: seven decades, of which each has twice as many numbers as the one
/// below (dynamic tree quantization, arXiv 1511.04561, as in bitsandbytes).
pub fn dynamic_map() -> &'static [f32; 256] {
    static MAP: OnceLock<[f32; 256]> = OnceLock::new();
    MAP.get_or_init(|| {
        let numbers = decades(1);
        let negative: Vec<f32> = numbers.iter().map(|number| -number).collect();
        sorted(numbers.into_iter().chain(negative))
    })
}

/// The same in [0, 1], with twice as many numbers in each decade (arXiv 2110.02861, as in bitsandbytes).
pub fn unsigned_dynamic_map() -> &'static [f32; 256] {
    static MAP: OnceLock<[f32; 256]> = OnceLock::new();
    MAP.get_or_init(|| sorted(decades(2).into_iter()))
}

/// The middles of equal parts of seven decades, of which the lowest has `parts`.
fn decades(parts: i32) -> Vec<f32> {
    let mut numbers = Vec::new();
    for decade in 0..7 {
        let parts = parts << decade;
        for part in 0..parts {
            let middle = 0.1 + 0.9 * (f64::from(part) + 0.5) / f64::from(parts);
            numbers.push((middle * 10f64.powi(decade - 6)) as f32);
        }
    }
    numbers
}

/// These 254 numbers with 0 and 1.
fn sorted(numbers: impl Iterator<Item = f32>) -> [f32; 256] {
    let mut numbers: Vec<f32> = numbers.chain([0.0, 1.0]).collect();
    numbers.sort_unstable_by(f32::total_cmp);
    let mut map = [0.0; 256];
    map.copy_from_slice(&numbers);
    map
}
