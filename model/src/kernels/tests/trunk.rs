//! Attention of branches to a trunk: the kernel against composed operations, and the two parts joined against one attention.

use glpft_recipes::Precision;

use super::*;

const SHAPE: AttentionShape = AttentionShape {
    heads: 4,
    kv_heads: 2,
    head_dim: 8,
    scale: 0.35,
    window: None,
    precision: Precision::F32,
};

#[test]
fn trunk_attention() {
    // Below and across the kernel's tiles; a chain, bushes, and branches of which some grow from nothing.
    for (case, (trunk, branching, tokens)) in [
        (1, 2, 5),
        (130, 1_000_000, 97),
        (300, 9, 200),
        (517, 60, 310),
    ]
    .into_iter()
    .enumerate()
    {
        let case = case as u64;
        let [trunk_end, _] = forest(case, trunk, branching);
        let random = Random::new(13, None, 0, Purpose::Synthetic).stream(case);
        let mut reach: Vec<i64> = (0..tokens as u64)
            .map(|index| random.below(trunk as u64 + 1, index / 20) as i64)
            .collect();
        reach[0] = 0;
        let [own_end, depths] = forest(40 + case, tokens, 30);
        let [trunk_end, reach, own_end, depths] = [trunk_end, reach, own_end, depths].map(integers);
        let [query, grad] = [case, 30 + case].map(|stream| normal(stream, &[tokens, 32]));
        let [key, value] = [10 + case, 20 + case].map(|stream| normal(stream, &[tokens, 16]));
        let [trunk_key, trunk_value] =
            [50 + case, 60 + case].map(|stream| normal(stream, &[trunk, 16]));
        let what = format!("{tokens} tokens on {trunk}");

        let own = Flex::tree_attention_forward(query.clone(), key, value, own_end, depths, SHAPE);
        let inputs = || {
            (
                query.clone(),
                trunk_key.clone(),
                trunk_value.clone(),
                trunk_end.clone(),
                reach.clone(),
            )
        };
        let (q, k, v, e, r) = inputs();
        let fused = Flex::trunk_attention_forward(q, k, v, e, r, SHAPE);
        let (q, k, v, e, r) = inputs();
        let expected = composed::trunk_attention_forward::<Flex>(q, k, v, e, r, SHAPE);
        let (output, log_sum_exp) = composed::joined::<Flex>(own.clone(), fused);
        let expected = composed::joined::<Flex>(own, expected);
        close(output.clone(), expected.0, &format!("output, {what}"));
        close(
            log_sum_exp.clone(),
            expected.1,
            &format!("log-sum-exp, {what}"),
        );

        let rest = || (output.clone(), log_sum_exp.clone(), grad.clone());
        let ((q, k, v, e, r), (o, l, g)) = (inputs(), rest());
        let fused = Flex::trunk_attention_backward(q, k, v, e, r, o, l, g, SHAPE);
        let ((q, k, v, e, r), (o, l, g)) = (inputs(), rest());
        let expected = composed::trunk_attention_backward::<Flex>(q, k, v, e, r, o, l, g, SHAPE);
        close(fused, expected, &format!("gradient, {what}"));
    }
}
