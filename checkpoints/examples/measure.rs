//! Measures opening, reading and fingerprinting a model directory or a GGUF file, and writing it as safetensors.
//!
//! `cargo run --release -p glpft-checkpoints --example measure -- MODEL [OUT]`
#![allow(clippy::print_stdout, reason = "a program that tells what it measures")]

use std::env;
use std::error::Error;
use std::path::PathBuf;
use std::time::Instant;

use glpft_checkpoints::{
    FloatType, GgufFile, ModelConfig, ModelFiles, TensorShape, fingerprint, write_safetensors,
};

fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let mut arguments = env::args().skip(1).map(PathBuf::from);
    let model = arguments.next().ok_or("which model?")?;
    let opened = Instant::now();
    let config = match GgufFile::is_at(&model) {
        true => GgufFile::open(&model)?.model_config()?,
        false => ModelConfig::read(&model)?,
    };
    let files = ModelFiles::open(&model)?;
    files.check(&config)?;
    println!("open and check: {:.3} s", opened.elapsed().as_secs_f64());
    let tensors = config.tensors();
    let gigabytes = config.parameters() as f64 * 4.0 / 1e9;
    let timed = |what: &str, start: Instant| {
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{what}: {seconds:.3} s, {:.2} GB/s as f32",
            gigabytes / seconds
        );
    };
    for _ in 0..2 {
        let start = Instant::now();
        for TensorShape { name, shape } in &tensors {
            std::hint::black_box(files.read_f32(name, shape)?);
        }
        timed("read", start);
        let start = Instant::now();
        fingerprint(&config, &files)?;
        timed("fingerprint", start);
    }
    let Some(out) = arguments.next() else {
        return Ok(());
    };
    for dtype in [FloatType::F32, FloatType::F16, FloatType::Bf16] {
        let path = out.join(format!("{}.safetensors", dtype.torch_name()));
        let shape = |name: &str| tensors.iter().find(|tensor| tensor.name == name);
        let mut read = |name: &str| {
            files
                .read_f32(name, &shape(name).ok_or("?")?.shape)
                .map_err(Box::<dyn Error + Send + Sync>::from)
        };
        let start = Instant::now();
        write_safetensors(&path, &tensors, dtype, &mut read)?;
        timed(&format!("read and write {}", dtype.torch_name()), start);
    }
    Ok(())
}
