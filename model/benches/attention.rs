//! Attention of SmolLM2-135M's shape under the causal mask, forward and backward: seconds and GFLOP/s of the products
//! that the mathematics asks for (2 forward, 5 backward, half of each masked).
//!
//! ```text
//! cargo bench -p glpft-model --bench attention
//! ```

#![allow(clippy::print_stdout, reason = "what a benchmark is for")]

use std::time::Instant;

use burn::tensor::{Device, Distribution, Int, Tensor, TensorData};
use glpft_model::kernels::{AttentionShape, tree_attention};

fn main() {
    let shape = AttentionShape {
        heads: 9,
        kv_heads: 3,
        head_dim: 64,
        scale: 0.125,
        window: None,
        precision: glpft_recipes::Precision::F32,
    };
    let device = Device::flex();
    for tokens in [1024, 2048, 4096] {
        let random = |heads: usize| {
            let size = [tokens, heads * shape.head_dim];
            Tensor::<2>::random(size, Distribution::Default, &device)
                .autodiff()
                .require_grad()
        };
        let (query, key, value) = (random(9), random(3), random(3));
        let end = TensorData::new(vec![tokens as i64; tokens], [tokens]);
        let end = Tensor::<1, Int>::from_data(end, &device);
        let places = TensorData::new((0..tokens as i64).collect(), [tokens]);
        let places = Tensor::<1, Int>::from_data(places, &device);
        let product = tokens as f64 * tokens as f64 * 64.0 * 9.0 * 1e-9;
        let (mut forward, mut backward) = (f64::MAX, f64::MAX);
        for _ in 0..5 {
            let started = Instant::now();
            let output = tree_attention(
                query.clone(),
                key.clone(),
                value.clone(),
                end.clone(),
                places.clone(),
                shape,
            );
            forward = forward.min(started.elapsed().as_secs_f64());
            let loss = output.sum();
            let started = Instant::now();
            let _ = loss.backward();
            backward = backward.min(started.elapsed().as_secs_f64());
        }
        println!(
            "{tokens:5} tokens: forward {:6.1} ms {:5.0} GFLOP/s, backward {:6.1} ms {:5.0} GFLOP/s",
            forward * 1e3,
            2.0 * product / forward,
            backward * 1e3,
            5.0 * product / backward,
        );
    }
}
