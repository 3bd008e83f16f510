//! A step cut into micro-batches by a token budget.

use crate::batch::{common_prefix, tree_tokens};
use crate::encode::TokenExample;
use glpft_recipes::Packing;
use std::collections::HashMap;
use std::ops::Range;

/// Cuts a step (indices into `examples`) into micro-batches of at most `budget` computed tokens; what is longer by
/// itself goes alone. Every example of the step is in exactly one of them. A pure function of its arguments.
///
/// - [`Packing::None`]: one example each.
/// - [`Packing::Rows`]: each example goes into the first micro-batch that has room for all its tokens.
/// - [`Packing::Tree`]: the examples of a trajectory are one group, counted as the nodes of their prefix tree. A group
///   over the budget is cut, in the order of its examples' tokens, between the neighbours that share least, until
///   every part fits or is one example (what neighbours shared there is computed twice). Then each part goes into the
///   first micro-batch whose joint tree has room for it.
pub fn micro_batches(
    examples: &[TokenExample],
    step: &[u32],
    packing: Packing,
    budget: usize,
) -> Vec<Vec<u32>> {
    match packing {
        Packing::None => step.iter().map(|&example| vec![example]).collect(),
        Packing::Rows => rows(examples, step, budget),
        Packing::Tree => trees(examples, step, budget),
    }
}

fn rows(examples: &[TokenExample], step: &[u32], budget: usize) -> Vec<Vec<u32>> {
    let mut batches: Vec<(usize, Vec<u32>)> = Vec::new();
    for &index in step {
        let length = examples[index as usize].tokens.len();
        match batches
            .iter_mut()
            .find(|(tokens, _)| tokens + length <= budget)
        {
            Some((tokens, batch)) => {
                *tokens += length;
                batch.push(index);
            }
            None => batches.push((length, vec![index])),
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

fn trees(examples: &[TokenExample], step: &[u32], budget: usize) -> Vec<Vec<u32>> {
    let mut batches: Vec<(usize, Vec<u32>)> = Vec::new();
    for part in parts(examples, step, budget) {
        let alone = nodes(examples, &part);
        let room = batches.iter_mut().find_map(|(tokens, batch)| {
            // Together they have at least the nodes of either.
            if alone.max(*tokens) > budget {
                return None;
            }
            let joint = [batch.as_slice(), part.as_slice()].concat();
            let joint_tokens = nodes(examples, &joint);
            (joint_tokens <= budget).then(|| {
                *tokens = joint_tokens;
                *batch = joint;
            })
        });
        if room.is_none() {
            batches.push((alone, part));
        }
    }
    batches.into_iter().map(|(_, batch)| batch).collect()
}

/// The nodes of the prefix trees of some examples.
pub(super) fn nodes(examples: &[TokenExample], indices: &[u32]) -> usize {
    let chosen: Vec<&TokenExample> = indices
        .iter()
        .map(|&index| &examples[index as usize])
        .collect();
    tree_tokens(&chosen)
}

/// The step's trajectories, in the order they first appear, cut where they exceed the budget.
pub(super) fn parts(examples: &[TokenExample], step: &[u32], budget: usize) -> Vec<Vec<u32>> {
    let mut groups: Vec<Vec<u32>> = Vec::new();
    let mut group_of: HashMap<u32, usize> = HashMap::new();
    for &index in step {
        let group = *group_of
            .entry(examples[index as usize].trajectory)
            .or_insert_with(|| {
                groups.push(Vec::new());
                groups.len() - 1
            });
        groups[group].push(index);
    }
    let mut parts = Vec::new();
    for mut group in groups {
        group.sort_by(|&a, &b| {
            examples[a as usize]
                .tokens
                .cmp(&examples[b as usize].tokens)
                .then(a.cmp(&b))
        });
        for range in cut(examples, &group, budget) {
            parts.push(group[range].to_vec());
        }
    }
    parts
}

/// Cuts a group, sorted by tokens, between the neighbours that share least until each part fits.
fn cut(examples: &[TokenExample], group: &[u32], budget: usize) -> Vec<Range<usize>> {
    let tokens = |at: usize| examples[group[at] as usize].tokens.as_slice();
    let shared: Vec<usize> = (0..group.len())
        .map(|at| {
            if at == 0 {
                0
            } else {
                common_prefix(tokens(at - 1), tokens(at))
            }
        })
        .collect();
    let mut fitting = Vec::new();
    let mut open = Vec::new();
    open.push(0..group.len());
    while let Some(range) = open.pop() {
        let nodes: usize = range
            .clone()
            .map(|at| tokens(at).len() - if at == range.start { 0 } else { shared[at] })
            .sum();
        // Of equal places the one nearest the middle, so that parts do not come out lopsided.
        let middle = range.start + range.len() / 2;
        match (range.start + 1..range.end).min_by_key(|&at| (shared[at], at.abs_diff(middle))) {
            Some(at) if nodes > budget => {
                open.push(at..range.end);
                open.push(range.start..at);
            }
            _ => fitting.push(range),
        }
    }
    fitting
}
