//! Another device computes what the CPU computes.
//!
//! `GLPFT_DEVICE` names it, as `--device` does; the build needs its feature
//! (`cargo test --release -p glpft-train --features glpft-model/wgpu --test devices`). Without it: skipped.

#![allow(clippy::print_stdout, reason = "a test that skips itself says so")]

mod support;

use burn::tensor::Device;
use glpft_model::Trained;
use glpft_recipes::{Backward, Packing};
use support::trace::trace;
use support::{attach, examples, model_on, recipe};

/// Single precision on both sides, sums in another order.
const TOLERANCE: f64 = 1e-4;

#[test]
fn a_device_trains_like_the_cpu() {
    let Some(name) = std::env::var_os("GLPFT_DEVICE") else {
        println!("skipped: GLPFT_DEVICE names no device");
        return;
    };
    let device = glpft_model::device(&name.to_string_lossy()).expect("the device");
    let examples = examples(4, 30);
    for (family, lora, packing, backward) in [
        ("llama", false, Packing::Tree, Backward::Whole),
        ("qwen3", false, Packing::Rows, Backward::LayerWise),
        ("qwen2", true, Packing::Tree, Backward::Whole),
    ] {
        let mut recipe = recipe();
        recipe.backward = backward;
        recipe.max_steps = Some(2);
        recipe.lora.dropout = 0.1;
        let of = |device: &Device| {
            let mut model = model_on(family, device);
            if lora {
                attach(&mut model, recipe.lora.dropout);
            }
            model.train(if lora {
                Trained::Adapters
            } else {
                Trained::All
            });
            trace(&mut model, &recipe, packing, &examples).expect("a training")
        };
        let (found, expected) = (of(&device), of(&Device::flex()));
        for worst in [
            found.loss_difference(&expected),
            found.gradient_difference(&expected),
            found.weight_difference(&expected),
        ] {
            println!("{family}: {worst:?}");
            assert!(worst.0 <= TOLERANCE, "{family}: {worst:?}");
        }
    }
}
