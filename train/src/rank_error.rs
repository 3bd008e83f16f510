//! Why ranks cannot go on together.

/// Ranks that cannot go on together.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RankError {
    /// A rank ended before the others.
    #[error("rank {rank} ended while {what} was to be exchanged: {reason}")]
    Gone {
        /// The rank.
        rank: usize,
        /// What was to be exchanged.
        what: String,
        /// Why it ended, where it is known.
        reason: String,
    },
    /// Ranks do not do the same.
    #[error(
        "rank {rank} exchanges {theirs} where this one exchanges {ours}: start all ranks with the same command, recipe and \
         version"
    )]
    OutOfStep {
        /// The other rank.
        rank: usize,
        /// What it exchanges.
        theirs: String,
        /// What this rank exchanges.
        ours: String,
    },
    /// What ranks read is not the same.
    #[error(
        "{name} is {theirs} on rank {rank} and {ours} on rank 0; all ranks need the same program, and a run's directory, models \
         and data that they share"
    )]
    Differs {
        /// The other rank.
        rank: usize,
        /// What differs.
        name: String,
        /// What it has.
        theirs: String,
        /// What rank 0 has.
        ours: String,
    },
    /// The transport failed.
    #[error("the ranks cannot exchange {what}: {reason}")]
    Transport {
        /// What was to be exchanged.
        what: String,
        /// Why not.
        reason: String,
    },
}
