//! The operations that burn alone computes with more memory traffic than the mathematics needs.
//!
//! The list is in `operations`: each is a method of [`DecoderOps`] with a default body composed of burn operations, forward and
//! backward; the CPU backend overrides them with fused kernels (`flex`). Autodiff is wired once in
//! `autodiff`, by hand-written backward passes that keep only what they need. The functions of this
//! module are the way in: they take and give [`Tensor`](burn::tensor::Tensor)s.

mod adamw;
mod attention;
mod autodiff;
mod cached_attention;
pub mod composed;
mod cross_entropy;
mod elementwise;
mod flex;
mod held_weight;
mod operations;
mod projection;
mod projection_input;

pub use adamw::{AdamW, adamw, sum_of_squares};
pub use attention::{AttentionShape, TrunkKeys, branch_attention, tree_attention};
pub use cached_attention::{CacheRun, CacheRuns, cached_attention};
pub use cross_entropy::linear_cross_entropy;
pub use elementwise::{gate, rms_norm, rotary};
pub use held_weight::{HeldAs, HeldWeight};
pub use operations::DecoderOps;
pub use projection::{DropoutMask, LowRank, adapted_projection, projection};
pub use projection_input::{ProjectionInput, Remake};

#[cfg(test)]
mod tests;
