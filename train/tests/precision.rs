//! The precision of a stage's recipe is the model's.

mod support;

use burn::tensor::FloatDType;
use glpft_model::Trained;
use glpft_recipes::{Packing, Precision};
use support::trace::trace;
use support::{attach, examples, model, recipe};

/// Products of rounded operands move a loss and its gradients by about what bf16 rounds, and not more.
#[test]
fn bf16_is_near_f32_and_not_the_same() {
    let examples = examples(4, 30);
    for lora in [false, true] {
        let of = |precision, recompute| {
            let mut model = model("llama", FloatDType::F32);
            if lora {
                attach(&mut model, 0.1);
            }
            model.train(if lora {
                Trained::Adapters
            } else {
                Trained::All
            });
            let mut recipe = recipe();
            recipe.precision = precision;
            recipe.recompute = recompute;
            recipe.lora.dropout = 0.1;
            recipe.max_steps = Some(1);
            trace(&mut model, &recipe, Packing::Tree, &examples).expect("a training")
        };
        let (exact, rounded) = (of(Precision::F32, 0), of(Precision::Bf16, 0));
        let loss = rounded.loss_difference(&exact);
        assert!((1e-6..2e-2).contains(&loss.0), "lora {lora}: {loss:?}");
        let gradient = rounded.gradient_difference(&exact);
        assert!(
            (1e-4..1e-1).contains(&gradient.0),
            "lora {lora}: {gradient:?}"
        );

        let again = of(Precision::Bf16, 1);
        assert_eq!(again.losses, rounded.losses);
        let gradient = again.gradient_difference(&rounded);
        assert!(gradient.0 <= 1e-6, "recomputed, lora {lora}: {gradient:?}");
    }
}
