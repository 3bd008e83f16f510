//! Saving memory changes nothing else: layers computed again give the gradients of layers that were kept, and a
//! layer-wise backward trains as a whole one does.

mod support;

use burn::tensor::FloatDType;
use glpft_model::{Decoder, Parameter, ParameterVisitor, Trained};
use glpft_recipes::{Backward, Packing, StageRecipe};
use glpft_train::TrainError;
use support::trace::{Difference, Trace, trace, weights};
use support::{attach, config, examples, random_model, recipe};

/// What counts as the same in double precision.
const TOLERANCE: f64 = 1e-10;

/// Deep enough that every third layer is neither none nor all.
const LAYERS: usize = 4;

#[derive(Clone, Copy, Debug)]
enum Tuning {
    Full,
    /// Adapters with that dropout.
    Lora(f64),
}

fn model(family: &str, tuning: Tuning) -> Decoder {
    let mut config = config(family);
    config.layers = LAYERS;
    let mut model = random_model(config, FloatDType::F64);
    match tuning {
        Tuning::Full => model.train(Trained::All),
        Tuning::Lora(dropout) => {
            attach(&mut model, dropout);
            model.train(Trained::Adapters);
        }
    }
    model
}

/// Three steps of several micro-batches.
fn train(model: &mut Decoder, recipe: &StageRecipe) -> Trace {
    let examples = examples(8, 40);
    let found = trace(model, recipe, Packing::Tree, &examples).expect("trains");
    assert_eq!(found.losses.len(), 3);
    found
}

fn three_steps(recompute: usize, backward: Backward, clip_norm: f64) -> StageRecipe {
    StageRecipe {
        max_steps: Some(3),
        warmup_ratio: 0.0,
        recompute,
        backward,
        clip_norm,
        ..recipe()
    }
}

fn assert_same(found: &Trace, expected: &Trace, what: &str) {
    for Difference(distance, of) in [
        found.loss_difference(expected),
        found.gradient_difference(expected),
        found.weight_difference(expected),
    ] {
        assert!(distance <= TOLERANCE, "{what}: {of}: {distance:e}");
    }
}

#[test]
fn memory_settings_change_no_gradient_and_no_weight() {
    // Tied and untied, with and without biases and norms of query and key; scales, norms around and windows; fused.
    for family in ["llama", "qwen2-untied", "qwen3-tied", "gemma3", "phi3"] {
        for tuning in [Tuning::Full, Tuning::Lora(0.0), Tuning::Lora(0.2)] {
            // A bound that every step exceeds, and none.
            for clip_norm in [0.1, 0.0] {
                let kept = three_steps(0, Backward::Whole, clip_norm);
                let expected = train(&mut model(family, tuning), &kept);
                for (recompute, backward) in [
                    (1, Backward::Whole),
                    (2, Backward::Whole),
                    (3, Backward::Whole),
                    (0, Backward::LayerWise),
                ] {
                    let recipe = three_steps(recompute, backward, clip_norm);
                    let found = train(&mut model(family, tuning), &recipe);
                    let what = format!("{family} {tuning:?} {recompute} {backward} {clip_norm}");
                    assert_same(&found, &expected, &what);
                }
            }
        }
    }
}

#[test]
fn dropout_and_clipping_are_noticed() {
    // What the test above varies does something.
    let kept = |tuning, clip_norm| {
        let recipe = three_steps(0, Backward::Whole, clip_norm);
        train(&mut model("llama", tuning), &recipe)
    };
    let plain = kept(Tuning::Lora(0.0), 0.0);
    let dropped = kept(Tuning::Lora(0.2), 0.0);
    assert!(dropped.gradient_difference(&plain).0 > 1e-2);
    let clipped = kept(Tuning::Lora(0.0), 0.1);
    assert!(plain.norms.iter().all(|&norm| norm > 0.1));
    assert!(clipped.weight_difference(&plain).0 > 1e-6);
}

#[test]
fn a_gradient_that_is_not_finite_stops_a_layer_wise_step() {
    /// Multiplies the parameters whose paths end so.
    struct Scale(&'static str, f64);
    impl ParameterVisitor for Scale {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if path.ends_with(self.0) {
                parameter.update(|value| value * self.1);
            }
        }
    }
    const BROKEN: &str = "layers.1.mlp.down_proj.lora_A.weight";
    for clip_norm in [1.0, 0.0] {
        // The same output of a tiny A and a huge B, but A's gradient has no finite square.
        let mut model = model("llama", Tuning::Lora(0.0));
        model.visit_all(&mut Scale(BROKEN, 1e-200));
        model.visit_all(&mut Scale("layers.1.mlp.down_proj.lora_B.weight", 1e200));
        let before = weights(&mut model);
        let recipe = three_steps(0, Backward::LayerWise, clip_norm);
        let result = trace(&mut model, &recipe, Packing::Tree, &examples(8, 40));
        let Err(TrainError::NotFinite { step: 1, what, .. }) = result else {
            panic!("{:?}", result.map(|found| found.losses));
        };
        assert!(what.contains(BROKEN), "{what}");
        // Known before the first update where clipping asks for the norm; else met on the way down.
        let after = weights(&mut model);
        for ((path, before), after) in before.iter().zip(after.values()) {
            let above = path.contains("layers.2.") || path.contains("layers.3.");
            let updated = above && clip_norm == 0.0;
            assert_eq!(before != after, updated, "{path}, clip_norm {clip_norm}");
        }
    }
}
