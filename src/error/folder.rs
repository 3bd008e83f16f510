//! What a directory holds instead of what a command would write there.

use std::path::PathBuf;

use glpft_checkpoints::Holder;

/// What a directory holds instead of what a command would write there.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// The run directory holds another recipe's run.
    #[error(
        "{} holds a run of another recipe ({differences}); {remedy}", path.display()
    )]
    OtherRecipe {
        /// The run directory.
        path: PathBuf,
        /// The keys that differ, with both values.
        differences: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The run directory holds models of other data.
    #[error(
        "{} was trained on other data: {changed} has changed since; {remedy}", path.display()
    )]
    OtherData {
        /// The run directory.
        path: PathBuf,
        /// The source, templates or tokenizer whose content has changed.
        changed: String,
        /// What to do.
        remedy: &'static str,
    },
    /// The directory belongs to something else.
    #[error(
        "{} holds {what}, but no recipe.toml: it is not a run's directory; choose another --out", path.display()
    )]
    NotARun {
        /// The directory.
        path: PathBuf,
        /// What in it has a name that a run would use.
        what: String,
    },
    /// The directory holds another study.
    #[error(
        "{} holds another study ({differences}); choose another --out", path.display()
    )]
    OtherStudy {
        /// The study's directory.
        path: PathBuf,
        /// What differs.
        differences: String,
    },
    /// The directory belongs to something else than a study.
    #[error(
        "{} holds {what}, but no study.json: it is not a study's directory; choose another --out", path.display()
    )]
    NotAStudy {
        /// The directory.
        path: PathBuf,
        /// What is in it.
        what: String,
    },
    /// The run's rounds are by other settings.
    #[error(
        "{} holds rounds by other settings ({differences}); give the same again, or --overwrite to remove them", path.display()
    )]
    OtherRounds {
        /// The rounds' folder.
        path: PathBuf,
        /// What differs, with both values.
        differences: String,
    },
    /// Another process writes there.
    #[error(
        "cannot write to {}: {holder} is at work in it{}; wait for it, or choose another --out",
        path.display(),
        if holder.work.is_empty() { String::new() } else { format!(" and {}", holder.work) }
    )]
    AtWork {
        /// The directory.
        path: PathBuf,
        /// Who is at work.
        holder: Holder,
    },
    /// The stage is done, and nobody asked to do it again.
    #[error(
        "stage {stage} is finished: {}; --overwrite removes that model and trains the stage again", path.display()
    )]
    Finished {
        /// The stage.
        stage: &'static str,
        /// The model that it left.
        path: PathBuf,
    },
}
