//! What can be wrong with a recipe.

use std::io;

use crate::Place;

/// Why a recipe was refused: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// Neither a built-in's name nor a file.
    #[error(
        "no recipe `{name}`{hint} Built-in recipes: {known}. A recipe of your own is given as the path of its TOML file"
    )]
    UnknownRecipe {
        /// What was asked for.
        name: String,
        /// The nearest built-in, as the end of the sentence.
        hint: String,
        /// All built-ins.
        known: String,
    },
    /// The file cannot be read.
    #[error("cannot read recipe {path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The operating system's reason.
        source: io::Error,
    },
    /// A directory where a file was expected.
    #[error("{path} is a directory; give a recipe's TOML file or a built-in's name")]
    Directory {
        /// The directory.
        path: String,
    },
    /// Far longer than any recipe.
    #[error(
        "{path} is larger than {limit} bytes, so it is not a recipe; give a recipe's TOML file"
    )]
    TooLarge {
        /// The file.
        path: String,
        /// The bound.
        limit: u64,
    },
    /// Not text.
    #[error("{path}:{line}: not valid UTF-8; save the recipe as UTF-8 text")]
    NotUtf8 {
        /// The file.
        path: String,
        /// The line of the first bad byte, from 1.
        line: usize,
    },
    /// Not TOML.
    #[error("{place}: not valid TOML: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// The parser's reason.
        message: String,
    },
    /// A key that no recipe has.
    #[error("{place}: unknown key `{key}` in {table}; {hint}")]
    UnknownKey {
        /// Where.
        place: Place,
        /// The key.
        key: String,
        /// The table it stands in.
        table: String,
        /// The nearest valid key, or the valid keys.
        hint: String,
    },
    /// A value of another type.
    #[error("{place}: `{key}` must be {expected}, found {found}")]
    WrongType {
        /// Where.
        place: Place,
        /// The key, from the top.
        key: String,
        /// What belongs there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A number outside its range.
    #[error("{place}: `{key}` is {value}; allowed: {allowed}")]
    OutOfRange {
        /// Where.
        place: Place,
        /// The key, from the top.
        key: String,
        /// The number.
        value: String,
        /// The range.
        allowed: String,
    },
    /// A name that is none of the choices.
    #[error("{place}: `{key}` is {value:?}; allowed: {allowed}")]
    UnknownChoice {
        /// Where.
        place: Place,
        /// The key, from the top.
        key: String,
        /// The name given.
        value: String,
        /// The choices and the nearest of them.
        allowed: String,
    },
    /// Values that do not go together.
    #[error("{place}: {message}")]
    Conflict {
        /// Where the deciding value stands.
        place: Place,
        /// What does not go together, and what to do.
        message: String,
    },
    /// Required values that nobody set.
    #[error("{recipe} leaves {keys} to you; set {what}: {example}")]
    Missing {
        /// The recipe.
        recipe: String,
        /// The keys.
        keys: String,
        /// What each is.
        what: String,
        /// `--set` arguments.
        example: String,
    },
    /// An override that is not `key.path=value`.
    #[error(
        "--set {text}: {message}; write --set key.path=value, for example --set stage.global.lr=1e-4"
    )]
    Override {
        /// The override.
        text: String,
        /// What is wrong with it.
        message: String,
    },
}
