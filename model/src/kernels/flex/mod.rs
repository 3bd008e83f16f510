//! Fused kernels of the CPU backend: one pass over memory where composed operations make several, vectorized for
//! the processor at run time, parallel over rows. Each result depends on the number of threads at most, never on
//! their timing.

mod adamw;
mod attention;
mod attention_backward;
mod bf16;
mod cached_attention;
mod cross_entropy;
mod elementwise;
mod few_rows;
mod held_weight;
mod mask;
mod matrix;
mod product;
mod projection;
mod real;
mod rms_norm;
#[cfg(target_arch = "x86_64")]
mod shared_attention;
mod small;
mod softmax;
#[cfg(target_arch = "x86_64")]
mod spans;
#[cfg(target_arch = "x86_64")]
mod tile;
mod trunk_attention;

use burn::backend::Flex;
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::tensor::{DType, FloatDType};
use glpft_checkpoints::Activation;
use glpft_recipes::Precision;

#[cfg(test)]
pub(super) use real::Real;

use super::{AdamW, AttentionShape, CacheRuns, DecoderOps, HeldAs, LowRank, Remake, composed};

/// Runs `$fused` for the element type of `$tensor`, or `$composed` where there is no kernel for it.
macro_rules! by_type {
    ($tensor:expr, $real:ident => $fused:expr, $composed:expr) => {
        match $tensor.dtype() {
            DType::F32 => {
                type $real = f32;
                $fused
            }
            DType::F64 => {
                type $real = f64;
                $fused
            }
            _ => $composed,
        }
    };
}

impl DecoderOps for Flex {
    fn whole_weight(
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        dtype: FloatDType,
    ) -> FloatTensor<Self> {
        match dtype {
            FloatDType::F32 => held_weight::whole::<f32>(weight, codes, held_as),
            FloatDType::F64 => held_weight::whole::<f64>(weight, codes, held_as),
            _ => composed::whole_weight::<Self>(weight, codes, held_as, dtype),
        }
    }

    fn projection(
        x: FloatTensor<Self>,
        _of: FloatTensor<Self>,
        _with: FloatTensor<Self>,
        _remake: Remake,
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let weight = Self::whole_weight(weight, codes, held_as, x.dtype().into());
        by_type!(x, R => projection::projection::<R>(x, weight, precision),
            composed::projection::<Self>(x, weight, precision))
    }

    fn projection_input_grad(
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        precision: Precision,
    ) -> FloatTensor<Self> {
        by_type!(grad, R => projection::input_grad::<R>(weight, grad, precision),
            composed::projection_input_grad::<Self>(weight, grad, precision))
    }

    fn projection_weight_grad(
        x: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        precision: Precision,
    ) -> FloatTensor<Self> {
        by_type!(grad, R => projection::weight_grad::<R>(x, grad, precision),
            composed::projection_weight_grad::<Self>(x, grad, precision))
    }

    fn adapted_projection_forward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low_rank: LowRank,
        precision: Precision,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(x, R => projection::adapted_forward::<R>(x, weight, a, b, low_rank, precision),
            composed::adapted_projection_forward::<Self>(x, weight, a, b, low_rank, precision))
    }

    fn adapted_projection_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        low_rank: LowRank,
        precision: Precision,
        input_grad: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(x,
        R => projection::adapted_backward::<R>(
            x, weight, a, b, low, grad, low_rank, precision, input_grad,
        ),
        composed::adapted_projection_backward::<Self>(
            x, weight, a, b, low, grad, low_rank, precision, input_grad,
        ))
    }

    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        by_type!(x, R => rms_norm::forward::<R>(x, weight, epsilon),
            composed::rms_norm::<Self>(x, weight, epsilon))
    }

    fn rms_norm_backward(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        epsilon: f64,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(x, R => rms_norm::backward::<R>(x, weight, grad, epsilon),
            composed::rms_norm_backward::<Self>(x, weight, grad, epsilon))
    }

    fn gate(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        by_type!(gate, R => elementwise::gate::<R>(gate, up, activation),
            composed::gate::<Self>(gate, up, activation))
    }

    fn gate_backward(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        activation: Activation,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(gate, R => elementwise::gate_backward::<R>(gate, up, grad, activation),
            composed::gate_backward::<Self>(gate, up, grad, activation))
    }

    fn rotary(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        head_dim: usize,
        inverse: bool,
    ) -> FloatTensor<Self> {
        by_type!(x, R => elementwise::rotary::<R>(x, cos, sin, head_dim, inverse),
            composed::rotary::<Self>(x, cos, sin, head_dim, inverse))
    }

    fn tree_attention_forward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(query, R => attention::forward::<R>(query, key, value, subtree_end, positions, shape),
            composed::tree_attention_forward::<Self>(query, key, value, subtree_end, positions, shape))
    }

    fn tree_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        output: FloatTensor<Self>,
        log_sum_exp: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(query,
        R => attention_backward::backward::<R>(
            query, key, value, subtree_end, positions, output, log_sum_exp, grad, shape,
        ),
        composed::tree_attention_backward::<Self>(
            query, key, value, subtree_end, positions, output, log_sum_exp, grad, shape,
        ))
    }

    fn trunk_attention_forward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        trunk_end: IntTensor<Self>,
        reach: IntTensor<Self>,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(query,
        R => trunk_attention::forward::<R>(query, key, value, trunk_end, reach, shape),
        composed::trunk_attention_forward::<Self>(query, key, value, trunk_end, reach, shape))
    }

    fn trunk_attention_backward(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        trunk_end: IntTensor<Self>,
        reach: IntTensor<Self>,
        output: FloatTensor<Self>,
        log_sum_exp: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        by_type!(query,
        R => trunk_attention::backward::<R>(
            query, key, value, trunk_end, reach, output, log_sum_exp, grad, shape,
        ),
        composed::trunk_attention_backward::<Self>(
            query, key, value, trunk_end, reach, output, log_sum_exp, grad, shape,
        ))
    }

    fn cached_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        keys: FloatTensor<Self>,
        values: FloatTensor<Self>,
        runs: CacheRuns,
        shape: AttentionShape,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(query,
        R => cached_attention::forward::<R>(query, key, value, keys, values, &runs, shape),
        composed::cached_attention::<Self>(query, key, value, keys, values, &runs, shape))
    }

    fn linear_cross_entropy_forward(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        rows: IntTensor<Self>,
        tokens: IntTensor<Self>,
        weights: FloatTensor<Self>,
        hidden_grad: bool,
        head_grad: bool,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(hidden,
        R => cross_entropy::forward::<R>(
            hidden, head, rows, tokens, weights, hidden_grad, head_grad,
        ),
        composed::linear_cross_entropy_forward::<Self>(
            hidden, head, rows, tokens, weights, hidden_grad, head_grad,
        ))
    }

    fn adamw(
        parameter: FloatTensor<Self>,
        grad: FloatTensor<Self>,
        first: FloatTensor<Self>,
        second: FloatTensor<Self>,
        settings: AdamW,
    ) -> (FloatTensor<Self>, FloatTensor<Self>, FloatTensor<Self>) {
        by_type!(parameter, R => adamw::adamw::<R>(parameter, grad, first, second, settings),
            composed::adamw::<Self>(parameter, grad, first, second, settings))
    }

    fn sum_of_squares(x: FloatTensor<Self>) -> FloatTensor<Self> {
        by_type!(x, R => elementwise::sum_of_squares::<R>(x),
            Self::float_sum(Self::float_mul(x.clone(), x)))
    }
}
