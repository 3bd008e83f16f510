//! Backward passes of the decoder's operations under burn's autodiff.

use burn::backend::Backend;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::ops::FloatTensorOps;
use burn::backend::tensor::{FloatTensor, IntTensor};
use burn::backend::{Autodiff, TensorMetadata};
use glpft_checkpoints::Activation;
use glpft_recipes::Precision;

use super::projection_input::Remade;
use super::{AttentionShape, DecoderOps, HeldAs, LowRank, Remake};

/// Registers a gradient for each input that wants one.
fn register<B: Backend, S, const N: usize>(
    ops: &Ops<S, N>,
    gradients: [FloatTensor<B>; N],
    grads: &mut Gradients,
) {
    for (parent, gradient) in ops.parents.iter().zip(gradients) {
        if let Some(node) = parent {
            grads.register::<B>(node.id, gradient);
        }
    }
}

/// A weight as it is held, so that no copy in full is kept for the backward pass.
#[derive(Clone, Debug)]
struct Kept<B: Backend> {
    weight: FloatTensor<B>,
    codes: IntTensor<B>,
    held_as: HeldAs,
}

impl<B: DecoderOps> Kept<B> {
    /// The weight in full, in the type of `like`.
    fn whole(self, like: &FloatTensor<B>) -> FloatTensor<B> {
        B::whole_weight(self.weight, self.codes, self.held_as, like.dtype().into())
    }
}

#[derive(Debug)]
struct Projection;

impl<B: DecoderOps> Backward<B, 2> for Projection {
    /// The input where the weight's gradient is wanted, the weight where the input's is.
    type State = (Option<Remade<B>>, Option<Kept<B>>, Precision);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (input, weight, precision) = ops.state.clone();
        if let (Some(node), Some(weight)) = (&ops.parents[0], weight) {
            let weight = weight.whole(&grad);
            let dx = B::projection_input_grad(weight, grad.clone(), precision);
            grads.register::<B>(node.id, dx);
        }
        if let (Some(node), Some(input)) = (&ops.parents[1], input) {
            let dweight = B::projection_weight_grad(input.make(), grad, precision);
            grads.register::<B>(node.id, dweight);
        }
    }
}

#[derive(Clone, Debug)]
struct AdaptedState<B: Backend> {
    input: Remade<B>,
    weight: Kept<B>,
    a: FloatTensor<B>,
    b: FloatTensor<B>,
    low: FloatTensor<B>,
    low_rank: LowRank,
    precision: Precision,
}

#[derive(Debug)]
struct AdaptedProjection;

impl<B: DecoderOps> Backward<B, 3> for AdaptedProjection {
    type State = AdaptedState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let state = ops.state.clone();
        let weight = state.weight.whole(&grad);
        let (dx, da, db) = B::adapted_projection_backward(
            state.input.make(),
            weight,
            state.a,
            state.b,
            state.low,
            grad,
            state.low_rank,
            state.precision,
            ops.parents[0].is_some(),
        );
        register::<B, _, 3>(&ops, [dx, da, db], grads);
    }
}

#[derive(Debug)]
struct RmsNorm;

impl<B: DecoderOps> Backward<B, 2> for RmsNorm {
    type State = (FloatTensor<B>, FloatTensor<B>, f64);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (x, weight, epsilon) = ops.state.clone();
        let (dx, dweight) = B::rms_norm_backward(x, weight, grad, epsilon);
        register::<B, _, 2>(&ops, [dx, dweight], grads);
    }
}

#[derive(Debug)]
struct Gate;

impl<B: DecoderOps> Backward<B, 2> for Gate {
    type State = (FloatTensor<B>, FloatTensor<B>, Activation);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (gate, up, activation) = ops.state.clone();
        let (dgate, dup) = B::gate_backward(gate, up, grad, activation);
        register::<B, _, 2>(&ops, [dgate, dup], grads);
    }
}

#[derive(Debug)]
struct Rotary;

impl<B: DecoderOps> Backward<B, 1> for Rotary {
    type State = (FloatTensor<B>, FloatTensor<B>, usize, bool);

    fn backward(
        self,
        ops: Ops<Self::State, 1>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let (cos, sin, head_dim, inverse) = ops.state.clone();
        // A rotation's transpose is the rotation back.
        let dx = B::rotary(grad, cos, sin, head_dim, !inverse);
        register::<B, _, 1>(&ops, [dx], grads);
    }
}

#[derive(Clone, Debug)]
struct AttentionState<B: Backend> {
    query: FloatTensor<B>,
    key: FloatTensor<B>,
    value: FloatTensor<B>,
    subtree_end: IntTensor<B>,
    positions: IntTensor<B>,
    output: FloatTensor<B>,
    log_sum_exp: FloatTensor<B>,
    shape: AttentionShape,
}

#[derive(Debug)]
struct TreeAttention;

impl<B: DecoderOps> Backward<B, 3> for TreeAttention {
    type State = AttentionState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let state = ops.state.clone();
        let (dquery, dkey, dvalue) = B::tree_attention_backward(
            state.query,
            state.key,
            state.value,
            state.subtree_end,
            state.positions,
            state.output,
            state.log_sum_exp,
            grad,
            state.shape,
        );
        register::<B, _, 3>(&ops, [dquery, dkey, dvalue], grads);
    }
}

#[derive(Clone, Debug)]
struct BranchState<B: Backend> {
    own: AttentionState<B>,
    trunk_key: FloatTensor<B>,
    trunk_value: FloatTensor<B>,
    trunk_end: IntTensor<B>,
    reach: IntTensor<B>,
}

#[derive(Debug)]
struct BranchAttention;

impl<B: DecoderOps> Backward<B, 3> for BranchAttention {
    type State = BranchState<B>;

    fn backward(
        self,
        ops: Ops<Self::State, 3>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        let state = ops.state.clone();
        let own = state.own;
        // With output and log-sum-exp of all keys, each part's gradients are what they are in the whole.
        let of_trunk = B::trunk_attention_backward(
            own.query.clone(),
            state.trunk_key,
            state.trunk_value,
            state.trunk_end,
            state.reach,
            own.output.clone(),
            own.log_sum_exp.clone(),
            grad.clone(),
            own.shape,
        );
        let (dquery, dkey, dvalue) = B::tree_attention_backward(
            own.query,
            own.key,
            own.value,
            own.subtree_end,
            own.positions,
            own.output,
            own.log_sum_exp,
            grad,
            own.shape,
        );
        let dquery = B::float_add(dquery, of_trunk);
        register::<B, _, 3>(&ops, [dquery, dkey, dvalue], grads);
    }
}

#[derive(Debug)]
struct LinearCrossEntropy;

impl<B: DecoderOps> Backward<B, 2> for LinearCrossEntropy {
    /// The gradients of `hidden` and `head` for a loss gradient of one.
    type State = (FloatTensor<B>, FloatTensor<B>);

    fn backward(
        self,
        ops: Ops<Self::State, 2>,
        grads: &mut Gradients,
        _checkpointer: &mut Checkpointer,
    ) {
        let grad = grads.consume::<B>(&ops.node);
        // Taken out of the state, so that they are scaled in place: the head's is as large as the head.
        let (dhidden, dhead) = ops.state;
        for (parent, gradient) in ops.parents.iter().zip([dhidden, dhead]) {
            if let Some(node) = parent {
                let scale = B::float_reshape(grad.clone(), [1, 1].into());
                grads.register::<B>(node.id, B::float_mul(gradient, scale));
            }
        }
    }
}

impl<B: DecoderOps, C: CheckpointStrategy> DecoderOps for Autodiff<B, C> {
    fn projection(
        x: FloatTensor<Self>,
        of: FloatTensor<Self>,
        with: FloatTensor<Self>,
        remake: Remake,
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (keep_weight, keep_input) = (x.is_tracked(), weight.is_tracked());
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let (of, with) = (of.into_primitive(), with.into_primitive());
        let output = |of, with, weight, codes| {
            B::projection(x, of, with, remake, weight, codes, held_as, precision)
        };
        match Backward::<B, 2>::prepare::<C>(Projection, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let input = keep_input.then(|| Remade {
                    of: of.clone(),
                    with: with.clone(),
                    remake,
                });
                let kept = keep_weight.then(|| Kept {
                    weight: weight.clone(),
                    codes: codes.clone(),
                    held_as,
                });
                prep.finish((input, kept, precision), output(of, with, weight, codes))
            }
            OpsKind::UnTracked(prep) => prep.finish(output(of, with, weight, codes)),
        }
    }

    fn adapted_projection(
        x: FloatTensor<Self>,
        of: FloatTensor<Self>,
        with: FloatTensor<Self>,
        remake: Remake,
        weight: FloatTensor<Self>,
        codes: IntTensor<Self>,
        held_as: HeldAs,
        a: FloatTensor<Self>,
        b: FloatTensor<Self>,
        low_rank: LowRank,
        precision: Precision,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), a.node(), b.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        let (a, b) = (a.into_primitive(), b.into_primitive());
        let (of, with) = (of.into_primitive(), with.into_primitive());
        match Backward::<B, 3>::prepare::<C>(AdaptedProjection, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let weight = Kept {
                    weight,
                    codes,
                    held_as,
                };
                let (output, low) = B::adapted_projection_forward(
                    x.clone(),
                    weight.clone().whole(&x),
                    a.clone(),
                    b.clone(),
                    low_rank,
                    precision,
                );
                let state = AdaptedState::<B> {
                    input: Remade { of, with, remake },
                    weight,
                    a,
                    b,
                    low,
                    low_rank,
                    precision,
                };
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::adapted_projection(
                x, of, with, remake, weight, codes, held_as, a, b, low_rank, precision,
            )),
        }
    }

    fn rms_norm(
        x: FloatTensor<Self>,
        weight: FloatTensor<Self>,
        epsilon: f64,
    ) -> FloatTensor<Self> {
        let nodes = [x.node(), weight.node()];
        let (x, weight) = (x.into_primitive(), weight.into_primitive());
        match Backward::<B, 2>::prepare::<C>(RmsNorm, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let output = B::rms_norm(x.clone(), weight.clone(), epsilon);
                prep.finish((x, weight, epsilon), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::rms_norm(x, weight, epsilon)),
        }
    }

    fn gate(
        gate: FloatTensor<Self>,
        up: FloatTensor<Self>,
        activation: Activation,
    ) -> FloatTensor<Self> {
        let nodes = [gate.node(), up.node()];
        let (gate, up) = (gate.into_primitive(), up.into_primitive());
        match Backward::<B, 2>::prepare::<C>(Gate, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let output = B::gate(gate.clone(), up.clone(), activation);
                prep.finish((gate, up, activation), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::gate(gate, up, activation)),
        }
    }

    fn rotary(
        x: FloatTensor<Self>,
        cos: FloatTensor<Self>,
        sin: FloatTensor<Self>,
        head_dim: usize,
        inverse: bool,
    ) -> FloatTensor<Self> {
        let nodes = [x.node()];
        let (x, cos, sin) = (
            x.into_primitive(),
            cos.into_primitive(),
            sin.into_primitive(),
        );
        match Backward::<B, 1>::prepare::<C>(Rotary, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let output = B::rotary(x, cos.clone(), sin.clone(), head_dim, inverse);
                prep.finish((cos, sin, head_dim, inverse), output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::rotary(x, cos, sin, head_dim, inverse)),
        }
    }

    fn tree_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        let nodes = [query.node(), key.node(), value.node()];
        let (query, key, value) = (
            query.into_primitive(),
            key.into_primitive(),
            value.into_primitive(),
        );
        match Backward::<B, 3>::prepare::<C>(TreeAttention, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (output, log_sum_exp) = B::tree_attention_forward(
                    query.clone(),
                    key.clone(),
                    value.clone(),
                    subtree_end.clone(),
                    positions.clone(),
                    shape,
                );
                let state = AttentionState::<B> {
                    query,
                    key,
                    value,
                    subtree_end,
                    positions,
                    output: output.clone(),
                    log_sum_exp,
                    shape,
                };
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::tree_attention(
                query,
                key,
                value,
                subtree_end,
                positions,
                shape,
            )),
        }
    }

    fn branch_attention(
        query: FloatTensor<Self>,
        key: FloatTensor<Self>,
        value: FloatTensor<Self>,
        subtree_end: IntTensor<Self>,
        positions: IntTensor<Self>,
        trunk_key: FloatTensor<Self>,
        trunk_value: FloatTensor<Self>,
        trunk_end: IntTensor<Self>,
        reach: IntTensor<Self>,
        shape: AttentionShape,
    ) -> FloatTensor<Self> {
        let nodes = [query.node(), key.node(), value.node()];
        let [query, key, value, trunk_key, trunk_value] =
            [query, key, value, trunk_key, trunk_value].map(|tensor| tensor.into_primitive());
        match Backward::<B, 3>::prepare::<C>(BranchAttention, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let own = B::tree_attention_forward(
                    query.clone(),
                    key.clone(),
                    value.clone(),
                    subtree_end.clone(),
                    positions.clone(),
                    shape,
                );
                let of_trunk = B::trunk_attention_forward(
                    query.clone(),
                    trunk_key.clone(),
                    trunk_value.clone(),
                    trunk_end.clone(),
                    reach.clone(),
                    shape,
                );
                let (output, log_sum_exp) = super::composed::joined::<B>(own, of_trunk);
                let own = AttentionState::<B> {
                    query,
                    key,
                    value,
                    subtree_end,
                    positions,
                    output: output.clone(),
                    log_sum_exp,
                    shape,
                };
                let state = BranchState::<B> {
                    own,
                    trunk_key,
                    trunk_value,
                    trunk_end,
                    reach,
                };
                prep.finish(state, output)
            }
            OpsKind::UnTracked(prep) => prep.finish(B::branch_attention(
                query,
                key,
                value,
                subtree_end,
                positions,
                trunk_key,
                trunk_value,
                trunk_end,
                reach,
                shape,
            )),
        }
    }

    fn linear_cross_entropy(
        hidden: FloatTensor<Self>,
        head: FloatTensor<Self>,
        rows: IntTensor<Self>,
        tokens: IntTensor<Self>,
        weights: FloatTensor<Self>,
    ) -> FloatTensor<Self> {
        // A frozen head is a leaf without a gradient; the hidden states are no leaf.
        let head_grad = <Self as FloatTensorOps<Self>>::float_is_require_grad(&head);
        let nodes = [hidden.node(), head.node()];
        let (hidden, head) = (hidden.into_primitive(), head.into_primitive());
        let weights = weights.into_primitive();
        match Backward::<B, 2>::prepare::<C>(LinearCrossEntropy, nodes)
            .compute_bound()
            .stateful()
        {
            OpsKind::Tracked(prep) => {
                let (loss, dhidden, dhead) = B::linear_cross_entropy_forward(
                    hidden, head, rows, tokens, weights, true, head_grad,
                );
                debug_assert_eq!(loss.shape().num_elements(), 1);
                prep.finish((dhidden, dhead), loss)
            }
            OpsKind::UnTracked(prep) => {
                prep.finish(B::linear_cross_entropy(hidden, head, rows, tokens, weights))
            }
        }
    }
}
