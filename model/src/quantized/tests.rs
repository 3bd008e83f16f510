//! Quantization against bitsandbytes' own numbers and against its definition.

use std::collections::BTreeMap;

use glpft_data::{Purpose, Random};

use super::*;

const BOTH: [Code; 2] = [Code::Int8, Code::Nf4];
const DYNAMIC: [Code; 2] = [Code::Dynamic, Code::UnsignedDynamic];

fn numbers(count: usize) -> Vec<f32> {
    let random = Random::new(7, None, 0, Purpose::Synthetic);
    let mut numbers = vec![0.0; count];
    random.fill_normal(0, &mut numbers);
    numbers.iter().map(|number| number * 0.04).collect()
}

fn read(quantization: Quantization, numbers: usize, quantized: &Quantized) -> Vec<f32> {
    let held = Held {
        quantization,
        numbers,
        codes: &quantized.codes,
        scales: &quantized.scales,
    };
    let mut read = vec![0.0; numbers];
    held.read(0..numbers, &mut read);
    read
}

/// `tests/golden/nf4.py` made the file with bitsandbytes 0.50.2: codes and scales of numbers that anyone can compute, and what they
/// become again.
#[test]
fn nf4_is_bitsandbytes() {
    let golden = include_str!("../../../tests/golden/nf4.json");
    let golden: BTreeMap<String, Vec<f64>> = serde_json::from_str(golden).expect("JSON");
    let singles = |name: &str| -> Vec<f32> { golden[name].iter().map(|&one| one as f32).collect() };
    assert_eq!(singles("table"), code::NF4);
    for (found, expected) in dynamic_map().iter().zip(singles("dynamic")) {
        assert!(
            (found - expected).abs() <= 2e-7 * expected.abs(),
            "{found} {expected}"
        );
    }
    for (found, expected) in unsigned_dynamic_map()
        .iter()
        .zip(singles("unsigned_dynamic"))
    {
        assert!(
            (found - expected).abs() <= 2e-7 * expected.abs(),
            "{found} {expected}"
        );
    }
    let number = |at: u64| {
        let whole = (at * 7919 % 2003) as f32 - 1001.0;
        whole * (8 + at / 64 * 37 % 11) as f32 / 65_536.0
    };
    let numbers: Vec<f32> = (0..64 * 300).map(number).collect();
    let shown = |numbers: Vec<f32>| -> Vec<f32> {
        golden["shown"]
            .iter()
            .map(|&at| numbers[at as usize])
            .collect()
    };
    let plain = Quantization {
        code: Code::Nf4,
        double: false,
    };
    let quantized = quantize(plain, &numbers);
    let codes: Vec<f64> = quantized.codes.iter().map(|&code| code.into()).collect();
    assert_eq!(codes, golden["codes"]);
    assert_eq!(quantized.scales, singles("scales"));
    let again = read(plain, numbers.len(), &quantized);
    assert_eq!(shown(again), singles("again"));
    let double = Quantization {
        double: true,
        ..plain
    };
    let quantized = quantize(double, &numbers);
    let own = double.own_code_bytes(numbers.len());
    let of_scales = quantized.codes[own..].iter().map(|&code| f64::from(code));
    let distances = of_scales.zip(&golden["scale_codes"]);
    let distances: Vec<f64> = distances
        .map(|(ours, theirs)| (ours - theirs).abs())
        .collect();
    // Their mean of the scales differs in its last bit, which decides for a scale in the middle of two numbers.
    assert_eq!(distances.len(), 300);
    assert!(distances.iter().sum::<f64>() <= 3.0, "{distances:?}");
    let again = read(double, numbers.len(), &quantized);
    for (found, expected) in shown(again).iter().zip(singles("double_again")) {
        assert!(
            (found - expected).abs() <= 1e-6 * expected.abs(),
            "{found} {expected}"
        );
    }
}

/// Whole blocks, a last one that is not whole, an odd number, none.
#[test]
fn every_number_is_the_nearest_that_its_block_has() {
    for count in [0, 1, 63, 64, 65, 1000, 4097, 40_001] {
        let numbers = numbers(count);
        for code in BOTH {
            let plain = Quantization {
                code,
                double: false,
            };
            let quantized = quantize(plain, &numbers);
            assert_eq!(quantized.codes.len(), plain.code_bytes(count));
            assert_eq!(quantized.scales.len(), plain.scales(count));
            let bytes = quantized.codes.len() + 4 * quantized.scales.len();
            assert_eq!(plain.bytes(count), bytes as u64);
            let all: Vec<f32> = match code {
                Code::Int8 => (-127..=127).map(|whole| whole as f32 / 127.0).collect(),
                _ => code::NF4.to_vec(),
            };
            let again = read(plain, count, &quantized);
            for (at, (number, again)) in numbers.iter().zip(&again).enumerate() {
                let scale = quantized.scales[at / BLOCK];
                let distances = all.iter().map(|one| (one * scale - number).abs());
                let nearest = distances.fold(f32::INFINITY, f32::min);
                let distance = (again - number).abs();
                assert!(
                    distance <= nearest + 1e-6 * scale,
                    "{at} of {count}: {distance} {nearest}"
                );
            }
            let double = Quantization {
                double: true,
                ..plain
            };
            let quantized = quantize(double, &numbers);
            let bytes = quantized.codes.len() + 4 * quantized.scales.len();
            assert_eq!(double.bytes(count), bytes as u64);
            // A scale is off by half the widest gap of the 256 numbers, of the largest distance from the mean.
            let largest = largest(&numbers);
            for (plain, double) in again.iter().zip(read(double, count, &quantized)) {
                assert!((plain - double).abs() <= 0.01 * largest, "{plain} {double}");
            }
        }
    }
}

/// What is read is written again as it was: a state that goes through a file is the same.
#[test]
fn numbers_that_were_held_are_held_the_same() {
    for code in BOTH.into_iter().chain(DYNAMIC) {
        let mut numbers = numbers(40_001);
        if code == Code::UnsignedDynamic {
            numbers.iter_mut().for_each(|number| *number *= *number);
        }
        if DYNAMIC.contains(&code) {
            // A block whose scale has no inverse, and one that ends where it begins to have one.
            numbers[..64].fill(5e-39);
            numbers[64..128].fill(2e-38);
        }
        let plain = Quantization {
            code,
            double: false,
        };
        let quantized = quantize(plain, &numbers);
        let again = read(plain, numbers.len(), &quantized);
        assert_eq!(quantize(plain, &again), quantized, "{code:?}");
        // Near: of each number by what its neighbours in the table are apart.
        for (number, again) in numbers.iter().zip(&again) {
            let scale = largest(&numbers);
            assert!(
                (number - again).abs() <= 0.16 * scale,
                "{code:?}: {number} {again}"
            );
        }
    }
}

/// An update divides by the root of the second moment: beside one that is far larger, a small one must not vanish.
#[test]
fn no_positive_number_becomes_zero() {
    let mut numbers = [1e-12; 64];
    numbers[0] = 1.0;
    let quantization = Quantization {
        code: Code::UnsignedDynamic,
        double: false,
    };
    let again = read(quantization, 64, &quantize(quantization, &numbers));
    assert!(again.iter().all(|&number| number > 0.0), "{again:?}");
}

#[test]
fn a_part_is_what_it_is_in_the_whole() {
    let numbers = numbers(1001);
    for code in BOTH {
        for double in [false, true] {
            let quantization = Quantization { code, double };
            let quantized = quantize(quantization, &numbers);
            let whole = read(quantization, numbers.len(), &quantized);
            let held = Held {
                quantization,
                numbers: numbers.len(),
                codes: &quantized.codes,
                scales: &quantized.scales,
            };
            for range in [0..1, 1..2, 63..65, 5..700, 64..128, 999..1001, 7..7] {
                let mut part = vec![f32::NAN; range.len()];
                held.read(range.clone(), &mut part);
                assert_eq!(part, whole[range]);
            }
        }
    }
}

#[test]
fn zeros_and_tiny_numbers_stay_finite() {
    for numbers in [
        [0.0; 64],
        [1e-45; 64],
        [-f32::MAX; 64],
        [f32::MIN_POSITIVE; 64],
    ] {
        for code in BOTH {
            for double in [false, true] {
                let quantization = Quantization { code, double };
                let again = read(quantization, 64, &quantize(quantization, &numbers));
                assert!(again.iter().all(|number| number.is_finite()), "{numbers:?}");
            }
        }
    }
    let plain = Quantization {
        code: Code::Nf4,
        double: false,
    };
    assert_eq!(read(plain, 64, &quantize(plain, &[0.0; 64])), [0.0; 64]);
}
