//! Properties of batches, on random examples.

use super::*;
use crate::random::{Purpose, Random};
use std::collections::BTreeMap;

fn example(tokens: &[u32], label_start: usize) -> TokenExample {
    TokenExample {
        tokens: tokens.to_vec(),
        label_start,
        role_start: 0,
        trajectory: 0,
        turn: 0,
    }
}

/// Examples over a small alphabet, some continuing others, so that prefixes, branches and equal examples come up.
fn random_examples(seed: u64) -> Vec<TokenExample> {
    let random = Random::new(seed, None, 0, Purpose::Synthetic);
    let mut draws = 0;
    let mut below = |bound: usize| {
        draws += 1;
        random.below(bound as u64, draws) as usize
    };
    let mut examples: Vec<TokenExample> = Vec::new();
    for _ in 0..1 + below(12) {
        let mut tokens = match examples.len() {
            0 => Vec::new(),
            count => {
                let from: &TokenExample = &examples[below(count)];
                from.tokens[..below(from.tokens.len() + 1)].to_vec()
            }
        };
        let more = below(90);
        tokens.extend((0..more).map(|_| below(3) as u32));
        if tokens.is_empty() {
            tokens.push(0);
        }
        let label_start = below(tokens.len() + 1);
        examples.push(TokenExample {
            tokens,
            label_start,
            role_start: 0,
            trajectory: 0,
            turn: 0,
        });
    }
    examples
}

fn ancestors(batch: &Batch, node: usize) -> Vec<usize> {
    (0..=node).filter(|&key| batch.attends(node, key)).collect()
}

/// The predictions of a batch: the path read, the token predicted, and its weight.
fn predictions(batch: &Batch) -> BTreeMap<(Vec<u32>, u32), f32> {
    let mut predictions = BTreeMap::new();
    for target in &batch.targets {
        let path = ancestors(batch, target.hidden as usize)
            .iter()
            .map(|&node| batch.tokens[node])
            .collect();
        *predictions.entry((path, target.token)).or_insert(0.0) += target.weight;
    }
    predictions
}

#[test]
fn trees_and_rows_predict_the_same() {
    for seed in 0..300 {
        let examples = random_examples(seed);
        let examples: Vec<&TokenExample> = examples.iter().collect();
        let rows = Batch::rows(&examples);
        let tree = Batch::tree(&examples);
        let mut expected = BTreeMap::new();
        for example in &examples {
            for position in example.label_start.max(1)..example.tokens.len() {
                *expected
                    .entry((
                        example.tokens[..position].to_vec(),
                        example.tokens[position],
                    ))
                    .or_insert(0.0) += 1.0;
            }
        }
        assert_eq!(predictions(&rows), expected, "rows, seed {seed}");
        assert_eq!(predictions(&tree), expected, "tree, seed {seed}");
        for batch in [&rows, &tree] {
            let weight: f32 = batch.targets.iter().map(|target| target.weight).sum();
            assert_eq!(weight as usize, batch.label_tokens);
            assert_eq!(batch.examples, examples.len());
            assert_eq!(
                batch.real_tokens,
                examples
                    .iter()
                    .map(|example| example.tokens.len())
                    .sum::<usize>()
            );
            // One target per (path, token): weights are merged wherever paths are.
            if std::ptr::eq(batch, &raw const tree) {
                assert_eq!(batch.targets.len(), expected.len());
            }
        }
        assert_eq!(rows.len(), rows.real_tokens);
        assert_eq!(tree.len(), tree_tokens(&examples));
        let mut prefixes: Vec<&[u32]> = Vec::new();
        for example in &examples {
            prefixes.extend((1..=example.tokens.len()).map(|length| &example.tokens[..length]));
        }
        prefixes.sort_unstable();
        prefixes.dedup();
        assert_eq!(
            tree.len(),
            prefixes.len(),
            "a tree has one node a distinct prefix, seed {seed}"
        );
    }
}

#[test]
fn intervals_are_the_ancestor_relation() {
    for seed in 0..100 {
        let examples = random_examples(seed);
        let examples: Vec<&TokenExample> = examples.iter().collect();
        for batch in [Batch::rows(&examples), Batch::tree(&examples)] {
            // In preorder a node's parent is the nearest earlier node one level up.
            let mut parents: Vec<Option<usize>> = Vec::new();
            for node in 0..batch.len() {
                let depth = batch.positions[node];
                parents.push(
                    (0..node)
                        .rev()
                        .find(|&other| batch.positions[other] < depth),
                );
                if let Some(parent) = parents[node] {
                    assert_eq!(batch.positions[parent] + 1, depth);
                }
            }
            for node in 0..batch.len() {
                let mut path = vec![node];
                while let Some(parent) = parents[path[path.len() - 1]] {
                    path.push(parent);
                }
                path.reverse();
                assert_eq!(ancestors(&batch, node), path, "seed {seed}, node {node}");
                assert_eq!(batch.positions[node] as usize, path.len() - 1);
            }
        }
    }
}

#[test]
fn trees_do_not_depend_on_the_order() {
    for seed in 0..50 {
        let examples = random_examples(seed);
        let mut examples: Vec<&TokenExample> = examples.iter().collect();
        let tree = Batch::tree(&examples);
        Random::new(seed, None, 0, Purpose::Shuffle).shuffle(&mut examples);
        assert_eq!(Batch::tree(&examples), tree);
    }
}

#[test]
fn a_small_tree() {
    let batch = Batch::tree(&[
        &example(&[5, 6, 9], 2),
        &example(&[5, 6, 7, 8], 2),
        &example(&[5, 6, 7, 8], 3),
    ]);
    assert_eq!(batch.tokens, [5, 6, 7, 8, 9]);
    assert_eq!(batch.positions, [0, 1, 2, 3, 2]);
    assert_eq!(batch.subtree_end, [5, 5, 4, 4, 5]);
    let targets = [(1, 7, 1.0), (2, 8, 2.0), (1, 9, 1.0)];
    assert_eq!(
        batch.targets,
        targets.map(|(hidden, token, weight)| Target {
            hidden,
            token,
            weight
        })
    );
    assert_eq!(
        (batch.real_tokens, batch.label_tokens, batch.examples),
        (11, 4, 3)
    );
    assert_eq!(batch.sharing(), 11.0 / 5.0);
}

#[test]
fn nothing_and_next_to_nothing() {
    assert_eq!(Batch::rows(&[]), Batch::default());
    assert_eq!(Batch::tree(&[]), Batch::default());
    assert_eq!(Batch::default().sharing(), 1.0);
    // A label at position 0 has nothing that predicts it.
    let batch = Batch::rows(&[&example(&[3], 0), &example(&[4, 2], 0), &example(&[], 0)]);
    assert_eq!(
        batch.targets,
        [Target {
            hidden: 1,
            token: 2,
            weight: 1.0
        }]
    );
    assert_eq!(batch.label_tokens, 1);
    assert_eq!(batch.subtree_end, [1, 3, 3]);
}

#[test]
fn common_prefixes() {
    let long: Vec<u32> = (0..1000).collect();
    for at in [0, 1, 63, 64, 65, 128, 999] {
        let mut other = long.clone();
        other[at] = u32::MAX;
        assert_eq!(super::tree::common_prefix(&long, &other), at);
        assert_eq!(super::tree::common_prefix(&long, &long[..at]), at);
    }
    assert_eq!(super::tree::common_prefix(&long, &long), 1000);
}
