//! Where the user, or a batch system, asked to stop.

use std::path::PathBuf;

/// Where the user, or a batch system, asked to stop.
#[derive(Debug, thiserror::Error)]
pub enum Interruption {
    /// The user asked to stop.
    #[error(
        "interrupted in stage {stage}; {} holds everything to go on: give the same command again", checkpoint.display()
    )]
    Stage {
        /// The stage.
        stage: &'static str,
        /// The checkpoint.
        checkpoint: PathBuf,
    },
    /// The user asked to stop while the roles trained.
    #[error("interrupted in {roles}; their checkpoints hold everything: the same command resumes")]
    Roles {
        /// The roles that are not finished.
        roles: String,
    },
    /// The user asked to stop while another process was waited for.
    #[error("interrupted while it waited for {what}; give the same command again to go on")]
    Wait {
        /// What was waited for.
        what: String,
    },
    /// The user asked to stop between two cells of a study.
    #[error("interrupted after {done} of {of} cells; give the same command again to go on")]
    Study {
        /// How many cells are done.
        done: usize,
        /// How many there are.
        of: usize,
    },
    /// The user asked to stop between two rounds of tasks.
    #[error("interrupted after {done} of {of} tasks; what was under way is lost")]
    Work {
        /// How many tasks are done.
        done: usize,
        /// How many there are.
        of: usize,
    },
}
