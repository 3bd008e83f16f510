//! Moments in fewer bits train nearly as in single precision.

mod support;

use burn::tensor::FloatDType;
use glpft_model::Trained;
use glpft_recipes::{Moments, Packing, StageRecipe};
use support::trace::trace;
use support::{examples, model, recipe};

#[test]
fn the_loss_falls_as_with_moments_in_single_precision() {
    let losses = |moments| {
        let mut model = model("llama", FloatDType::F32);
        model.train(Trained::All);
        let recipe = StageRecipe {
            moments,
            max_steps: Some(60),
            epochs: 60,
            warmup_ratio: 0.1,
            ..recipe()
        };
        let found = trace(&mut model, &recipe, Packing::Tree, &examples(8, 40));
        found.expect("trains").losses
    };
    let whole = losses(Moments::F32);
    assert_eq!(whole.len(), 60);
    let last = |losses: &[f64]| losses[50..].iter().sum::<f64>() / 10.0;
    let fall = whole[0] - last(&whole);
    assert!(fall > 0.5, "{whole:?}");
    for (moments, bound) in [(Moments::Bf16, 0.01), (Moments::Int8, 0.02)] {
        let found = losses(moments);
        // The first update sees the gradient alone.
        assert!((found[0] - whole[0]).abs() < 1e-9);
        assert_ne!(found, whole);
        let apart = (last(&found) - last(&whole)).abs();
        assert!(apart <= bound * fall, "{moments}: {apart} of {fall}");
    }
}
