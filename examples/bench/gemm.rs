//! The machine's f32 GEMM speed through burn.

use std::io::Write;
use std::time::Instant;

use burn::tensor::{Device, Distribution, Tensor};
use serde_json::json;

use crate::Result;

/// Rows, inner size, columns: large products, among them those of a 135M model's feed-forward at 4096 tokens.
const SHAPES: [[usize; 3]; 4] = [
    [2048, 1536, 2048],
    [2048, 2048, 2048],
    [4096, 576, 1536],
    [4096, 1536, 576],
];

#[derive(clap::Args)]
pub(crate) struct Gemm {
    /// How often each shape is multiplied; the fastest counts
    #[arg(long, default_value_t = 5)]
    repeat: usize,
}

impl Gemm {
    pub(crate) fn execute(self) -> Result<()> {
        let device = Device::flex();
        let mut peak = 0f64;
        let mut shapes = Vec::new();
        for [rows, inner, columns] in SHAPES {
            let random = |size: [usize; 2]| {
                Tensor::<2>::random(size, Distribution::Uniform(-1.0, 1.0), &device)
            };
            let (left, right) = (random([rows, inner]), random([inner, columns]));
            let mut fastest = f64::MAX;
            for _ in 0..self.repeat.max(1) {
                let started = Instant::now();
                let product = left.clone().matmul(right.clone());
                // The backend may be lazy: one element of the product is asked for.
                let _ = product.slice([0..1, 0..1]).try_into_data()?;
                fastest = fastest.min(started.elapsed().as_secs_f64());
            }
            let gflops = 2e-9 * (rows * inner * columns) as f64 / fastest;
            peak = peak.max(gflops);
            shapes.push(json!({"shape": [rows, inner, columns], "gflops": gflops}));
        }
        let found =
            json!({"gemm_gflops": peak, "shapes": shapes, "threads": rayon::current_num_threads()});
        writeln!(std::io::stdout(), "{found}")?;
        Ok(())
    }
}
