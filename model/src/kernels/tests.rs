//! Fused kernels against composed operations, and composed backward passes against burn's autodiff.

use burn::backend::AutodiffBackend;
use burn::backend::TensorMetadata;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::ops::{FloatTensorOps, IntTensorOps};
use burn::backend::{Autodiff, Flex};
use burn::tensor::{FloatDType, TensorData};
use burn_flex::{FlexDevice, FlexTensor};
use glpft_data::{Purpose, Random};

use glpft_checkpoints::Activation;
use glpft_recipes::Precision;

use super::{
    AdamW, AttentionShape, CacheRun, CacheRuns, DecoderOps, DropoutMask, HeldAs, LowRank, Remake,
    composed,
};

mod held_weight;
mod projections;
mod trunk;

type Graph = Autodiff<Flex, NoCheckpointing>;

/// Normal numbers in f64.
fn normal(stream: u64, shape: &[usize]) -> FlexTensor {
    let random = Random::new(7, None, 0, Purpose::Synthetic).stream(stream);
    let size: usize = shape.iter().product();
    let values: Vec<f64> = (0..size as u64).map(|index| random.normal(index)).collect();
    Flex::float_from_data(TensorData::new(values, shape.to_vec()), &FlexDevice)
}

fn integers(values: Vec<i64>) -> FlexTensor {
    let shape = [values.len()];
    Flex::int_from_data(TensorData::new(values, shape), &FlexDevice)
}

/// The codes of a weight that is a matrix.
fn no_codes() -> FlexTensor {
    integers(Vec::new())
}

fn values(tensor: FlexTensor) -> Vec<f64> {
    tensor.into_data().try_to_vec::<f64>().expect("f64 values")
}

/// ‖found − expected‖ / ‖expected‖.
fn distance(found: FlexTensor, expected: FlexTensor) -> f64 {
    let (found, expected) = (values(found), values(expected));
    assert_eq!(found.len(), expected.len());
    let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let difference: Vec<f64> = found.iter().zip(&expected).map(|(a, b)| a - b).collect();
    // What is zero but for rounding, as the gradient of a query that sees one key, is not held to itself.
    norm(&difference) / norm(&expected).max(1e-2)
}

fn close(found: FlexTensor, expected: FlexTensor, what: &str) {
    let distance = distance(found, expected);
    assert!(distance <= 1e-10, "{what}: {distance:e}");
}

fn leaf(tensor: &FlexTensor) -> <Graph as burn::backend::BackendTypes>::FloatTensorPrimitive {
    Graph::float_set_require_grad(Graph::from_inner(tensor.clone()), true)
}

/// The gradients of `Σ output · grad` that burn's own autodiff gives.
fn differentiated<const N: usize>(
    inputs: [&FlexTensor; N],
    grad: &FlexTensor,
    forward: impl FnOnce(
        [<Graph as burn::backend::BackendTypes>::FloatTensorPrimitive; N],
    ) -> <Graph as burn::backend::BackendTypes>::FloatTensorPrimitive,
) -> [FlexTensor; N] {
    let leaves = inputs.map(leaf);
    let output = forward(leaves.clone());
    let product = Graph::float_mul(output, Graph::from_inner(grad.clone()));
    let gradients = Graph::backward(Graph::float_sum(product));
    leaves.map(|leaf| Graph::grad(&leaf, &gradients).expect("a gradient"))
}

/// A random forest in preorder: each node's parent is an earlier node on the open path, or none. The ends of subtrees, and the
/// nodes' depths.
fn forest(stream: u64, tokens: usize, branching: u64) -> [Vec<i64>; 2] {
    let random = Random::new(11, None, 0, Purpose::Synthetic).stream(stream);
    let mut path: Vec<usize> = Vec::new();
    let (mut end, mut depths) = (vec![tokens as i64; tokens], Vec::new());
    for node in 0..tokens {
        if random.below(branching, 2 * node as u64) == 0 {
            let keep = random.below(path.len() as u64 + 1, 2 * node as u64 + 1) as usize;
            for closed in path.drain(keep..) {
                end[closed] = node as i64;
            }
        }
        depths.push(path.len() as i64);
        path.push(node);
    }
    [end, depths]
}

#[test]
fn rms_norm() {
    let (x, weight, grad) = (
        normal(0, &[300, 48]),
        normal(1, &[48]),
        normal(2, &[300, 48]),
    );
    close(
        Flex::rms_norm(x.clone(), weight.clone(), 1e-5),
        composed::rms_norm::<Flex>(x.clone(), weight.clone(), 1e-5),
        "output",
    );
    let expected = differentiated([&x, &weight], &grad, |[x, weight]| {
        composed::rms_norm::<Graph>(x, weight, 1e-5)
    });
    let fused = Flex::rms_norm_backward(x.clone(), weight.clone(), grad.clone(), 1e-5);
    let composed = composed::rms_norm_backward::<Flex>(x, weight, grad, 1e-5);
    for (dx, dweight) in [fused, composed] {
        close(dx, expected[0].clone(), "dx");
        close(dweight, expected[1].clone(), "dweight");
    }
}

#[test]
fn gate() {
    for activation in [Activation::Silu, Activation::GeluTanh] {
        let [gate, up, grad] = [0, 1, 2].map(|stream| normal(stream, &[300, 70]));
        close(
            Flex::gate(gate.clone(), up.clone(), activation),
            composed::gate::<Flex>(gate.clone(), up.clone(), activation),
            "output",
        );
        let expected = differentiated([&gate, &up], &grad, |[gate, up]| {
            composed::gate::<Graph>(gate, up, activation)
        });
        let fused = Flex::gate_backward(gate.clone(), up.clone(), grad.clone(), activation);
        let composed = composed::gate_backward::<Flex>(gate, up, grad, activation);
        for (dgate, dup) in [fused, composed] {
            close(dgate, expected[0].clone(), "dgate");
            close(dup, expected[1].clone(), "dup");
        }
    }
}

#[test]
fn rotary() {
    // Whole heads, and the first part of wider ones.
    for head_dim in [16, 24] {
        let (x, cos, sin) = (
            normal(0, &[300, 48]),
            normal(1, &[300, 8]),
            normal(2, &[300, 8]),
        );
        for inverse in [false, true] {
            close(
                Flex::rotary(x.clone(), cos.clone(), sin.clone(), head_dim, inverse),
                composed::rotary::<Flex>(x.clone(), cos.clone(), sin.clone(), head_dim, inverse),
                "output",
            );
        }
        let grad = normal(3, &[300, 48]);
        let [expected] = differentiated([&x], &grad, |[x]| {
            let (cos, sin) = (
                Graph::from_inner(cos.clone()),
                Graph::from_inner(sin.clone()),
            );
            composed::rotary::<Graph>(x, cos, sin, head_dim, false)
        });
        close(Flex::rotary(grad, cos, sin, head_dim, true), expected, "dx");
    }
}

/// Minus infinity where the definition says that a query (row) does not attend to a key (column), else 0.
fn hidden(end: &[i64], depths: &[i64], window: Option<usize>) -> FlexTensor {
    let tokens = end.len();
    let window = window.map_or(i64::MAX, |window| window as i64);
    let sees = |query: usize, key: usize| {
        key <= query && (query as i64) < end[key] && depths[query] - depths[key] < window
    };
    let values: Vec<f64> = (0..tokens * tokens)
        .map(|at| match sees(at / tokens, at % tokens) {
            true => 0.0,
            false => f64::NEG_INFINITY,
        })
        .collect();
    Flex::float_from_data(
        TensorData::new(values, vec![1, tokens, tokens]),
        &FlexDevice,
    )
}

type Tracked = <Graph as burn::backend::BackendTypes>::FloatTensorPrimitive;

/// Attention with a whole matrix of what is hidden, head by head.
fn plain_attention(
    query: Tracked,
    key: Tracked,
    value: Tracked,
    hidden: &FlexTensor,
    shape: AttentionShape,
) -> Tracked {
    let tokens = query.shape()[0];
    let mut heads = Vec::new();
    for head in 0..shape.heads {
        let columns = |x: &Tracked, head: usize| {
            let columns = head * shape.head_dim..(head + 1) * shape.head_dim;
            Graph::float_slice(x.clone(), &[(0..tokens).into(), columns.into()])
        };
        let of_kv = head / (shape.heads / shape.kv_heads);
        let scores = Graph::float_matmul(
            columns(&query, head),
            Graph::float_transpose(columns(&key, of_kv)),
        );
        let scores = Graph::float_mul_scalar(scores, shape.scale.into());
        let hidden = Flex::float_reshape(hidden.clone(), [tokens, tokens].into());
        let weights = Graph::float_exp(Graph::float_add(scores, Graph::from_inner(hidden)));
        let weights = Graph::float_div(weights.clone(), Graph::float_sum_dim(weights, 1));
        heads.push(Graph::float_matmul(weights, columns(&value, of_kv)));
    }
    Graph::float_cat(heads, 1)
}

#[test]
fn tree_attention() {
    // One token, few, about a tile, and more than any path has.
    for window in [None, Some(1), Some(7), Some(130), Some(1 << 40)] {
        tree_attention_with(window);
    }
}

fn tree_attention_with(window: Option<usize>) {
    let shape = AttentionShape {
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        scale: 8f64.powf(-0.5),
        window,
        precision: Precision::F32,
    };
    // Below, at and across the kernels' tile sizes; chains, bushes and many small rows.
    for (case, (tokens, branching)) in [
        (1, 2),
        (63, 4),
        (128, 1_000_000),
        (130, 2),
        (300, 9),
        (517, 60),
    ]
    .into_iter()
    .enumerate()
    {
        let case = case as u64;
        let [end, depths] = forest(case, tokens, branching);
        let hidden = hidden(&end, &depths, window);
        let [end, depths] = [end, depths].map(integers);
        let query = normal(case, &[tokens, 32]);
        let [key, value] = [10 + case, 20 + case].map(|stream| normal(stream, &[tokens, 16]));
        let grad = normal(30 + case, &[tokens, 32]);
        let what = format!("{tokens} tokens, branching {branching}, window {window:?}");

        let inputs = || {
            (
                query.clone(),
                key.clone(),
                value.clone(),
                end.clone(),
                depths.clone(),
            )
        };
        let (q, k, v, e, p) = inputs();
        let (output, log_sum_exp) = Flex::tree_attention_forward(q, k, v, e, p, shape);
        let (q, k, v, e, p) = inputs();
        let expected = composed::tree_attention_forward::<Flex>(q, k, v, e, p, shape);
        close(output.clone(), expected.0, &format!("output, {what}"));
        close(
            log_sum_exp.clone(),
            expected.1,
            &format!("log-sum-exp, {what}"),
        );

        let expected = differentiated([&query, &key, &value], &grad, |[q, k, v]| {
            plain_attention(q, k, v, &hidden, shape)
        });
        type Backward = fn(
            FlexTensor,
            FlexTensor,
            FlexTensor,
            FlexTensor,
            FlexTensor,
            FlexTensor,
            FlexTensor,
            FlexTensor,
            AttentionShape,
        ) -> (FlexTensor, FlexTensor, FlexTensor);
        let passes: [Backward; 2] = [
            Flex::tree_attention_backward,
            composed::tree_attention_backward::<Flex>,
        ];
        for backward in passes {
            let (q, k, v, e, p) = inputs();
            let found = backward(
                q,
                k,
                v,
                e,
                p,
                output.clone(),
                log_sum_exp.clone(),
                grad.clone(),
                shape,
            );
            for (found, expected) in [found.0, found.1, found.2]
                .into_iter()
                .zip(expected.clone())
            {
                if tokens > 1 {
                    close(found, expected, &format!("gradient, {what}"));
                }
            }
        }
    }
}

/// Products of rounded operands against exact ones: as far off as bf16 is (2⁻⁹ an operand), and no farther.
#[test]
fn bf16_products_are_off_by_what_bf16_is() {
    let (tokens, width) = (300, 128);
    let shape = AttentionShape {
        heads: 2,
        kv_heads: 1,
        head_dim: 64,
        scale: 0.125,
        window: None,
        precision: Precision::Bf16,
    };
    let [end, depths] = forest(3, tokens, 9).map(integers);
    let exact = [0, 1, 2, 3].map(|stream| {
        let columns = if stream % 3 == 0 { width } else { 64 };
        normal(stream, &[tokens, columns])
    });
    let single = |tensor: &FlexTensor| Flex::float_cast(tensor.clone(), FloatDType::F32);
    let double = |tensor: FlexTensor| Flex::float_cast(tensor, FloatDType::F64);
    let attend = |[q, k, v, grad]: [FlexTensor; 4]| {
        let inputs = || (q.clone(), k.clone(), v.clone(), end.clone());
        let (query, key, value, ends) = inputs();
        let (output, sums) =
            Flex::tree_attention_forward(query, key, value, ends, depths.clone(), shape);
        let (query, key, value, ends) = inputs();
        let (dq, dk, dv) = Flex::tree_attention_backward(
            query,
            key,
            value,
            ends,
            depths.clone(),
            output.clone(),
            sums,
            grad,
            shape,
        );
        [output, dq, dk, dv]
    };
    let weight = normal(5, &[width, 96]);
    let project = |[x, _, _, grad]: [FlexTensor; 4], weight: FlexTensor| {
        let x = Flex::float_slice(x, &[(0..tokens).into(), (0..96).into()]);
        let output = Flex::projection(
            x.clone(),
            x.clone(),
            x.clone(),
            Remake::Kept,
            weight.clone(),
            no_codes(),
            HeldAs::Matrix,
            Precision::Bf16,
        );
        let dx = Flex::projection_input_grad(weight, grad.clone(), Precision::Bf16);
        let dweight = Flex::projection_weight_grad(x, grad, Precision::Bf16);
        [output, dx, dweight]
    };
    // f64 is never rounded.
    let expected = attend(exact.clone())
        .into_iter()
        .chain(project(exact.clone(), weight.clone()));
    let rounded = exact.each_ref().map(single);
    let found = attend(rounded.clone())
        .into_iter()
        .chain(project(rounded, single(&weight)));
    for (number, (found, expected)) in found.zip(expected).enumerate() {
        let distance = distance(double(found), expected);
        assert!(
            (1e-4..1e-2).contains(&distance),
            "result {number}: {distance:e}"
        );
    }
}

#[test]
fn linear_cross_entropy() {
    let (hidden, head) = (normal(0, &[150, 24]), normal(1, &[77, 24]));
    // Several targets on one row, rows without a target, weights that are no ones.
    let rows: Vec<i64> = (0..150)
        .filter(|row| row % 7 != 3)
        .flat_map(|row| vec![row; 1 + row as usize % 2])
        .collect();
    let random = Random::new(5, None, 0, Purpose::Synthetic);
    let tokens = (0..rows.len() as u64)
        .map(|index| random.below(77, index) as i64)
        .collect();
    let weights: Vec<f64> = (0..rows.len())
        .map(|index| 1.0 + (index % 3) as f64)
        .collect();
    let shape = [weights.len()];
    let weights = Flex::float_from_data(TensorData::new(weights, shape), &FlexDevice);
    let (rows, tokens) = (integers(rows), integers(tokens));

    let one = Flex::float_from_data(TensorData::new(vec![1f64], [1]), &FlexDevice);
    let expected = differentiated([&hidden, &head], &one, |[hidden, head]| {
        let weights = Graph::from_inner(weights.clone());
        composed::linear_cross_entropy_forward::<Graph>(
            hidden,
            head,
            rows.clone(),
            tokens.clone(),
            weights,
            false,
            false,
        )
        .0
    });
    let inputs = || {
        (
            hidden.clone(),
            head.clone(),
            rows.clone(),
            tokens.clone(),
            weights.clone(),
        )
    };
    let (h, w, r, t, s) = inputs();
    let fused = Flex::linear_cross_entropy_forward(h, w, r, t, s, true, true);
    let (h, w, r, t, s) = inputs();
    let composed = composed::linear_cross_entropy_forward::<Flex>(h, w, r, t, s, true, true);
    close(fused.0.clone(), composed.0.clone(), "loss");
    for (_, dhidden, dhead) in [fused, composed] {
        close(dhidden, expected[0].clone(), "dhidden");
        close(dhead, expected[1].clone(), "dhead");
    }
}

#[test]
fn adamw() {
    let settings = AdamW {
        lr: 0.01,
        beta1: 0.9,
        beta2: 0.99,
        epsilon: 1e-8,
        weight_decay: 0.1,
        grad_scale: 0.5,
        step: 3,
    };
    let [parameter, grad, first] = [0, 1, 2].map(|stream| normal(stream, &[40, 30]));
    let second = Flex::float_mul(first.clone(), first.clone());
    let inputs = || {
        (
            parameter.clone(),
            grad.clone(),
            first.clone(),
            second.clone(),
        )
    };
    let (p, g, m, v) = inputs();
    let fused = Flex::adamw(p, g, m, v, settings);
    let (p, g, m, v) = inputs();
    let expected = composed::adamw::<Flex>(p, g, m, v, settings);
    close(fused.0, expected.0, "parameter");
    close(fused.1, expected.1, "first moment");
    close(fused.2, expected.2, "second moment");
}

#[test]
fn the_fast_exponential_is_within_two_units_in_the_last_place() {
    use super::flex::Real;
    let mut worst = 0f64;
    for step in -87_300..88_000 {
        let x = step as f32 / 1000.0;
        let exact = f64::from(x).exp();
        worst = worst.max(((f64::from(x.exponential()) - exact) / exact).abs());
    }
    assert!(worst <= 2.0 * f64::from(f32::EPSILON), "{worst:e}");
    assert_eq!(f32::NEG_INFINITY.exponential(), 0.0);
    assert!(f32::NAN.exponential().is_nan());
}

/// Runs of one and of many tokens, one of which reads what another of the same pass writes, on a cache in pieces of 1000
/// rows; 168 tokens.
#[allow(
    clippy::single_range_in_vec_init,
    reason = "a context of one range is a list of ranges"
)]
fn runs_of_every_kind() -> CacheRuns {
    let run = |rows: std::ops::Range<usize>, slot, context: &[std::ops::Range<usize>]| CacheRun {
        rows,
        slot,
        context: context.to_vec(),
    };
    CacheRuns::new(vec![
        run(0..1, 300, &[0..5, 40..41]),
        run(1..4, 20, &[]),
        run(4..154, 50, &[20..23, 0..7]),
        run(154..155, 200, &[20..23, 0..7, 50..200]),
        run(155..165, 301, &[0..5]),
        // A long part that two see, and one of them more of it.
        run(165..166, 330, &[0..5, 400..1000]),
        run(166..168, 340, &[0..5, 400..900]),
    ])
}

/// In f64, and in f32, which has kernels of its own.
#[test]
fn cached_attention_is_the_same_fused() {
    let runs = runs_of_every_kind();
    for (heads, kv_heads, head_dim, window) in [
        (6, 2, 20, None),
        (3, 3, 16, None),
        (4, 1, 6, None),
        (9, 3, 64, None),
        (8, 1, 32, None),
        (14, 2, 80, None),
        (6, 2, 20, Some(1)),
        (9, 3, 64, Some(4)),
        (4, 1, 6, Some(12)),
        (4, 1, 256, Some(100)),
        (8, 1, 32, Some(600)),
        (8, 1, 32, Some(5000)),
    ] {
        let shape = AttentionShape {
            heads,
            kv_heads,
            head_dim,
            scale: 0.3,
            window,
            precision: Precision::F32,
        };
        let (width, kv_width) = (heads * head_dim, kv_heads * head_dim);
        let new = [(0, width), (1, kv_width), (2, kv_width)];
        let new = new.map(|(stream, width)| normal(stream, &[168, width]));
        let kept = [3, 4].map(|stream| normal(stream, &[1000, kv_width]));
        let fused = |dtype| {
            let cast = |tensor: &FlexTensor| Flex::float_cast(tensor.clone(), dtype);
            let ([query, key, value], [keys, values]) =
                (new.each_ref().map(cast), kept.each_ref().map(cast));
            let (output, keys, values) =
                Flex::cached_attention(query, key, value, keys, values, runs.clone(), shape);
            [output, keys, values].map(|tensor| Flex::float_cast(tensor, FloatDType::F64))
        };
        let [query, key, value] = new.clone();
        let [keys, values] = kept.clone();
        let (output, keys, values) =
            composed::cached_attention::<Flex>(query, key, value, keys, values, &runs, shape);
        let expected = [output, keys, values];
        for (dtype, most) in [(FloatDType::F64, 1e-10), (FloatDType::F32, 2e-6)] {
            for (found, expected) in fused(dtype).into_iter().zip(expected.clone()) {
                let distance = distance(found, expected);
                assert!(distance <= most, "{dtype:?} {shape:?}: {distance:e}");
            }
        }
    }
}

/// One run of a whole sequence is what attention without a cache computes.
#[test]
fn cached_attention_of_a_whole_sequence_is_attention() {
    for window in [None, Some(1), Some(6), Some(32)] {
        whole_sequence(window);
    }
}

fn whole_sequence(window: Option<usize>) {
    let shape = AttentionShape {
        heads: 4,
        kv_heads: 2,
        head_dim: 8,
        scale: 0.3,
        window,
        precision: Precision::F32,
    };
    let query = normal(0, &[33, 32]);
    let [key, value] = [1, 2].map(|stream| normal(stream, &[33, 16]));
    let [keys, values] = [3, 4].map(|stream| normal(stream, &[40, 16]));
    let runs = CacheRuns::new(vec![CacheRun {
        rows: 0..33,
        slot: 5,
        context: Vec::new(),
    }]);
    let ends = integers(vec![33; 33]);
    let places = integers((0..33).collect());
    let expected = Flex::tree_attention(
        query.clone(),
        key.clone(),
        value.clone(),
        ends,
        places,
        shape,
    );
    let found = Flex::cached_attention(query, key, value, keys, values, runs, shape);
    close(found.0, expected, "output");
}
