//! The decoder's operations composed of burn operations, forward and backward: what the fused kernels are
//! tested against, and what devices without a kernel of their own run.

mod adamw;
mod attention;
mod cached_attention;
mod cross_entropy;
mod elementwise;
mod held_weight;
mod projection;
mod rms_norm;
mod trunk_attention;

pub use adamw::adamw;
pub use attention::{tree_attention_backward, tree_attention_forward};
pub use cached_attention::cached_attention;
pub use cross_entropy::linear_cross_entropy_forward;
pub use elementwise::{gate, gate_backward, rotary};
pub use held_weight::whole_weight;
pub use projection::{
    adapted_projection_backward, adapted_projection_forward, projection, projection_input_grad,
    projection_weight_grad,
};
pub use rms_norm::{rms_norm, rms_norm_backward};
pub use trunk_attention::{joined, trunk_attention_backward, trunk_attention_forward};
