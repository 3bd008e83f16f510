//! From the words of the command line to arguments.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};
use clap::{ColorChoice, Command, CommandFactory, FromArgMatches, ValueEnum};
use glpft::home::expand_home;

use super::Cli;

/// The arguments of this process; ends it where they cannot be used, or only help is wanted.
pub(super) fn parse() -> Cli {
    let words: Vec<OsString> = std::env::args_os().collect();
    // Help and complaints about arguments have colours, too.
    let command = with_home(Cli::command()).color(colour(&words));
    let mut matches = command.get_matches_from(words);
    let parsed = Cli::from_arg_matches_mut(&mut matches);
    parsed.unwrap_or_else(|error| error.format(&mut with_home(Cli::command())).exit())
}

/// Has every argument that is a path take `~/…`, which shells leave alone in `--out=~/runs`.
fn with_home(command: Command) -> Command {
    let path = || PathBufValueParser::new().map(|path: PathBuf| expand_home(&path));
    command
        .mut_args(|arg| match *arg.get_value_parser() {
            ref parser if parser.type_id() == TypeId::of::<PathBuf>() => arg.value_parser(path()),
            _ => arg,
        })
        .mut_subcommands(with_home)
}

/// What `--color` says, before the arguments are known to be right.
fn colour(words: &[OsString]) -> ColorChoice {
    let mut found = ColorChoice::Auto;
    let mut words = words.iter().map(|word| word.to_string_lossy());
    while let Some(word) = words.next() {
        let value = match word.split_once('=') {
            Some(("--color", value)) => value.to_owned(),
            None if word == "--color" => words.next().unwrap_or_default().into_owned(),
            None if word == "--" => break,
            _ => continue,
        };
        found = ColorChoice::from_str(&value, false).unwrap_or(found);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_well_formed() {
        with_home(Cli::command()).debug_assert();
    }

    #[test]
    fn the_last_color_counts_and_text_after_the_options_does_not() {
        let words = |text: &str| -> Vec<OsString> { text.split(' ').map(OsString::from).collect() };
        for (text, is) in [
            ("glpft run sample", ColorChoice::Auto),
            ("glpft --color=never run", ColorChoice::Never),
            ("glpft run --color always -q", ColorChoice::Always),
            (
                "glpft run --color=never --color=always",
                ColorChoice::Always,
            ),
            ("glpft run --color", ColorChoice::Auto),
            ("glpft run -- --color=never", ColorChoice::Auto),
        ] {
            assert_eq!(colour(&words(text)), is, "{text}");
        }
    }
}
