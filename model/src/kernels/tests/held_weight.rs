//! Weights that are held in few bits.

use crate::quantized::{Code, Quantization, quantize};

use super::*;

/// A weight's scales and codes as tensors, and what they mean.
fn blocks(quantization: Quantization, [outputs, inputs]: [usize; 2]) -> [FlexTensor; 2] {
    let numbers: Vec<f32> = values(normal(1, &[outputs, inputs]))
        .into_iter()
        .map(|number| number as f32)
        .collect();
    let quantized = quantize(quantization, &numbers);
    let words = quantized.codes.chunks_exact(4);
    let words: Vec<i32> = words
        .map(|bytes| i32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
        .collect();
    let (length, scales) = (vec![words.len()], vec![1, quantized.scales.len()]);
    [
        Flex::float_from_data(TensorData::new(quantized.scales, scales), &FlexDevice),
        Flex::int_from_data(TensorData::new(words, length), &FlexDevice),
    ]
}

fn quantizations() -> Vec<Quantization> {
    let mut all = Vec::new();
    for code in [Code::Int8, Code::Nf4, Code::Dynamic, Code::UnsignedDynamic] {
        for double in [false, true] {
            all.push(Quantization { code, double });
        }
    }
    all
}

/// Rows of whole blocks, rows across them, an odd number, more blocks than one scale of scales has.
#[test]
fn a_weight_in_full() {
    for shape in [[3, 64], [7, 33], [70, 48], [300, 64]] {
        for quantization in quantizations() {
            let [scales, codes] = blocks(quantization, shape);
            let [outputs, inputs] = shape;
            let held_as = HeldAs::Blocks {
                quantization,
                outputs,
                inputs,
            };
            for dtype in [FloatDType::F32, FloatDType::F64] {
                let whole = |composed: bool| {
                    let whole = match composed {
                        true => composed::whole_weight::<Flex>,
                        false => <Flex as DecoderOps>::whole_weight,
                    };
                    let whole = whole(scales.clone(), codes.clone(), held_as, dtype);
                    assert_eq!(whole.shape().to_vec(), shape);
                    values(Flex::float_cast(whole, FloatDType::F64))
                };
                assert_eq!(whole(true), whole(false), "{quantization:?} {shape:?}");
            }
        }
    }
    // A matrix of a narrower type.
    let matrix = Flex::float_cast(normal(1, &[70, 48]), FloatDType::BF16);
    let whole = Flex::whole_weight(matrix.clone(), no_codes(), HeldAs::Matrix, FloatDType::F64);
    assert_eq!(
        values(whole),
        values(Flex::float_cast(matrix, FloatDType::F64))
    );
}

/// Output and gradients are those of the same weight in full, to the last bit.
#[test]
fn products_with_held_weights() {
    let shape @ [outputs, inputs] = [70, 48];
    let (x, grad) = (normal(0, &[150, inputs]), normal(2, &[150, outputs]));
    let (a, b) = (normal(3, &[4, inputs]), normal(4, &[outputs, 4]));
    let low_rank = LowRank {
        scale: 1.7,
        dropout: Some(DropoutMask {
            random: Random::new(3, None, 0, Purpose::Dropout),
            probability: 0.3,
        }),
    };
    let mut weights: Vec<_> = quantizations()
        .into_iter()
        .map(|quantization| {
            let [scales, codes] = blocks(quantization, shape);
            let held_as = HeldAs::Blocks {
                quantization,
                outputs,
                inputs,
            };
            (scales, codes, held_as)
        })
        .collect();
    let narrow = Flex::float_cast(normal(1, &shape), FloatDType::BF16);
    weights.push((narrow, no_codes(), HeldAs::Matrix));
    for (weight, codes, held_as) in weights {
        let whole = Flex::whole_weight(weight.clone(), codes.clone(), held_as, FloatDType::F64);
        let both = [
            (weight, codes, held_as),
            (whole, no_codes(), HeldAs::Matrix),
        ];
        let [held, full] = both.map(|(weight, codes, held_as)| {
            differentiated([&x, &a, &b], &grad, |[x, a, b]| {
                let weight = || Graph::from_inner(weight.clone());
                let kept = Remake::Kept;
                let (i, o, w) = (x.clone(), x.clone(), x.clone());
                let plain = Graph::projection(
                    i,
                    o,
                    w,
                    kept,
                    weight(),
                    codes.clone(),
                    held_as,
                    Precision::F32,
                );
                let (i, o, w) = (x.clone(), x.clone(), x);
                let adapted = Graph::adapted_projection(
                    i,
                    o,
                    w,
                    kept,
                    weight(),
                    codes.clone(),
                    held_as,
                    a,
                    b,
                    low_rank,
                    Precision::F32,
                );
                Graph::float_mul(plain, adapted)
            })
        });
        for (held, full) in held.into_iter().zip(full) {
            assert_eq!(values(held), values(full), "{held_as:?}");
        }
    }
}
