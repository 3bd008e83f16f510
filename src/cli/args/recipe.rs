//! `glpft recipe`.

use std::path::PathBuf;

use clap::Subcommand;
use glpft_recipes::Override;

use super::{OutputArgs, QuietArgs, RecipeArgs};

/// `glpft recipe …`.
#[derive(Debug, Subcommand)]
pub(crate) enum RecipeCommand {
    /// Lists the built-in recipes; with --quiet only their names
    List {
        #[command(flatten)]
        output: OutputArgs,
    },
    /// Prints a recipe with every default written out, and comments for required keys that are not set
    Show {
        #[command(flatten)]
        recipe: RecipeArgs,
        #[command(flatten)]
        quiet: QuietArgs,
    },
    /// Writes a built-in recipe to a new file for editing
    Copy {
        /// The built-in recipe
        name: String,
        /// The file; must not exist
        file: PathBuf,
        #[command(flatten)]
        quiet: QuietArgs,
    },
    /// Checks recipes: every key, every value
    Validate {
        /// Recipe files, or built-ins' names
        #[arg(required = true, value_name = "FILE")]
        files: Vec<String>,
        /// Sets a value of each
        #[arg(long, value_name = "KEY.PATH=VALUE")]
        set: Vec<Override>,
        #[command(flatten)]
        quiet: QuietArgs,
    },
}
