//! Frozen weights in fewer bits train as the numbers that they stand for.

mod support;

use burn::tensor::FloatDType;
use glpft_model::quantized::{Held, quantize};
use glpft_model::{Decoder, Trained, quantization};
use glpft_recipes::{Backward, FrozenWeights, Packing, StageRecipe, WeightType};
use support::trace::{Trace, trace};
use support::{attach, changed_model, config, examples, frozen_model, recipe};

const LAYERS: usize = 3;

/// What a weight's numbers become.
fn as_held(frozen: FrozenWeights, values: &mut [f32]) {
    let Some(quantization) = quantization(frozen) else {
        for value in values {
            // The nearest bfloat16, ties to even.
            let bits = value.to_bits();
            *value = f32::from_bits((bits + 0x7fff + (bits >> 16 & 1)) >> 16 << 16);
        }
        return;
    };
    let quantized = quantize(quantization, values);
    let held = Held {
        quantization,
        numbers: values.len(),
        codes: &quantized.codes,
        scales: &quantized.scales,
    };
    held.read(0..values.len(), values);
}

fn train(mut model: Decoder, recipe: &StageRecipe) -> Trace {
    attach(&mut model, 0.1);
    model.train(Trained::Adapters);
    trace(&mut model, recipe, Packing::Tree, &examples(8, 40)).expect("trains")
}

#[test]
fn frozen_weights_train_as_what_they_stand_for() {
    for (family, backward, recompute) in [
        ("llama", Backward::Whole, 0),
        ("qwen2", Backward::Whole, 1),
        ("phi3", Backward::LayerWise, 0),
    ] {
        let mut config = config(family);
        config.layers = LAYERS;
        let recipe = StageRecipe {
            max_steps: Some(3),
            backward,
            recompute,
            ..recipe()
        };
        for (held_as, double_quantization) in [
            (WeightType::Bf16, false),
            (WeightType::Int8, false),
            (WeightType::Nf4, false),
            (WeightType::Nf4, true),
        ] {
            let frozen = FrozenWeights {
                held_as,
                double_quantization,
            };
            let held = frozen_model(config.clone(), FloatDType::F64, frozen);
            let whole = FrozenWeights::default();
            let full = changed_model(config.clone(), FloatDType::F64, whole, &|name, values| {
                if name.ends_with("_proj.weight") {
                    as_held(frozen, values);
                }
            });
            let plain = frozen_model(config.clone(), FloatDType::F64, whole);
            let [held, full, plain] = [held, full, plain].map(|model| train(model, &recipe));
            assert!(!held.weights.is_empty());
            assert_eq!(held.losses, full.losses, "{family} {held_as}");
            assert_eq!(held.weights, full.weights, "{family} {held_as}");
            assert_ne!(held.losses, plain.losses, "{family} {held_as}");
        }
    }
}
