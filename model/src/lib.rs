//! The decoder in burn: layers, LoRA, kernels, generation.
//!
//! Activations are `[tokens, width]` throughout: a [`Batch`](glpft_data::Batch) is one flat sequence of tree nodes, so
//! there is no batch dimension and no padding.

mod adapter;
mod attention;
mod cache;
mod decoder;
mod device;
mod error;
mod feed_forward;
pub mod generation;
mod inputs;
pub mod kernels;
mod layer;
mod linear;
mod norm;
mod parameter;
mod part;
pub mod quantized;
mod rotary;
mod saved;
mod trunk;
mod trunk_states;
mod weight;

pub use adapter::{Adapter, Dropout, adapter_config};
pub use decoder::{Decoder, Trained, is_adapter};
pub use device::{device, devices};
pub use error::ModelError;
pub use inputs::{Inputs, Targets};
pub use parameter::{Parameter, ParameterVisitor, Parameters, WeightSource};
pub use part::{EMBEDDING, Part};
pub use rotary::Angles;
pub use trunk::LastTrunk;
pub use trunk_states::{Growing, TrunkStates};
pub use weight::{Weight, quantization, weight_bytes};
