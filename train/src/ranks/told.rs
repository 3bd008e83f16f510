//! What ranks tell each other of a step.

use std::collections::BTreeMap;

use super::Transport;
use crate::rank_error::RankError;

/// What a rank did in a step, before its gradients are exchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// The label tokens' losses summed, in nats.
    pub loss: f64,
    /// Whether it had anything to learn from.
    pub learned: bool,
    /// Tokens of its examples.
    pub tokens: usize,
    /// Tokens that the model was run on.
    pub computed_tokens: usize,
    /// Those computed again because a tree was cut.
    pub recomputed_tokens: usize,
    /// Its micro-batches.
    pub micro_batches: usize,
    /// How long it computed.
    pub seconds: f64,
    /// What was not finite.
    pub not_finite: Option<String>,
}

impl Told {
    /// Numbers as their bits, then the text: nothing is rounded on the way.
    fn to_bytes(&self) -> Vec<u8> {
        let numbers = [
            self.loss.to_bits(),
            u64::from(self.learned),
            self.tokens as u64,
            self.computed_tokens as u64,
            self.recomputed_tokens as u64,
            self.micro_batches as u64,
            self.seconds.to_bits(),
            u64::from(self.not_finite.is_some()),
        ];
        let mut bytes: Vec<u8> = numbers.into_iter().flat_map(u64::to_le_bytes).collect();
        bytes.extend(self.not_finite.as_deref().unwrap_or_default().bytes());
        bytes
    }

    fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (numbers, text) = bytes.split_at_checked(64)?;
        let mut numbers = numbers
            .chunks_exact(8)
            .filter_map(|bytes| Some(u64::from_le_bytes(bytes.try_into().ok()?)));
        let mut next = || numbers.next();
        Some(Self {
            loss: f64::from_bits(next()?),
            learned: next()? != 0,
            tokens: next()? as usize,
            computed_tokens: next()? as usize,
            recomputed_tokens: next()? as usize,
            micro_batches: next()? as usize,
            seconds: f64::from_bits(next()?),
            not_finite: (next()? != 0).then(|| String::from_utf8_lossy(text).into_owned()),
        })
    }

    /// What each rank did, in their order.
    pub fn exchange(&self, ranks: &dyn Transport) -> Result<Vec<Self>, RankError> {
        if ranks.is_alone() {
            return Ok(vec![self.clone()]);
        }
        const WHAT: &str = "what a step came to";
        let all = ranks.all_gather_bytes(WHAT, &self.to_bytes())?;
        let read = all.iter().enumerate().map(|(rank, bytes)| {
            Self::from_bytes(bytes).ok_or_else(|| RankError::OutOfStep {
                rank,
                theirs: "something else".to_owned(),
                ours: WHAT.to_owned(),
            })
        });
        read.collect()
    }
}

/// Whether any rank says so.
pub(crate) fn any(ranks: &dyn Transport, what: &str, own: bool) -> Result<bool, RankError> {
    if ranks.is_alone() {
        return Ok(own);
    }
    let all = ranks.all_gather_bytes(what, &[u8::from(own)])?;
    Ok(all.iter().any(|one| one.first() == Some(&1)))
}

/// Checks that all ranks have the same as the first: things under their names.
pub(crate) fn agree(
    ranks: &dyn Transport,
    own: &BTreeMap<String, String>,
) -> Result<(), RankError> {
    if ranks.is_alone() {
        return Ok(());
    }
    let bytes = serde_json::to_vec(own).unwrap_or_default();
    let all = ranks.all_gather_bytes("what a stage starts from", &bytes)?;
    let all: Vec<BTreeMap<String, String>> = all
        .iter()
        .map(|bytes| serde_json::from_slice(bytes).unwrap_or_default())
        .collect();
    let first = &all[0];
    for (rank, theirs) in all.iter().enumerate() {
        let names = first.keys().chain(theirs.keys());
        for name in names {
            let (ours, theirs) = (first.get(name), theirs.get(name));
            if ours != theirs {
                let value = |value: Option<&String>| match value {
                    Some(value) => value.clone(),
                    None => "nothing".to_owned(),
                };
                return Err(RankError::Differs {
                    rank,
                    name: name.clone(),
                    theirs: value(theirs),
                    ours: value(ours),
                });
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_arrives_as_it_was() {
        let told = Told {
            loss: 0.1 + 0.2,
            learned: true,
            tokens: 7,
            computed_tokens: 5,
            recomputed_tokens: 1,
            micro_batches: 2,
            seconds: 0.25,
            not_finite: Some("the gradient of a.b".to_owned()),
        };
        assert_eq!(Told::from_bytes(&told.to_bytes()), Some(told));
        let nothing = Told::default();
        assert_eq!(Told::from_bytes(&nothing.to_bytes()), Some(nothing));
        assert_eq!(Told::from_bytes(&[0; 63]), None);
    }

    #[test]
    fn ranks_that_start_from_other_things_are_told_apart() {
        let ranks = crate::ranks::thread_ranks(2);
        let outcomes: Vec<_> = std::thread::scope(|scope| {
            let agree = |rank: crate::ranks::ThreadRank| {
                let base = ["one", "other"][rank.rank()].to_owned();
                let own = [
                    ("base model".to_owned(), base),
                    ("step".to_owned(), "3".to_owned()),
                ];
                agree(&rank, &own.into())
            };
            let threads: Vec<_> = ranks
                .into_iter()
                .map(|rank| scope.spawn(move || agree(rank)))
                .collect();
            let done = threads.into_iter().map(|thread| thread.join());
            done.map(|done| done.expect("no panic")).collect()
        });
        for outcome in outcomes {
            let error = outcome.expect_err("they differ").to_string();
            assert!(
                error.starts_with("base model is other on rank 1 and one on rank 0"),
                "{error}"
            );
        }
    }
}
