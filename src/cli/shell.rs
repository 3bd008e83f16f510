//! The command line as others read it: completions for shells, manual pages, the reference of commands.

use std::io::Write;

use clap::CommandFactory;
use clap_complete::generate;
use glpft::Error;
use glpft_checkpoints::{FileError, write_atomically};

use super::output::print_json;
use super::{Cli, CompletionsArgs, ManArgs, print};

/// `glpft completions`.
pub(crate) fn completions(args: &CompletionsArgs) -> Result<(), Error> {
    let mut text = Vec::new();
    generate(args.shell, &mut Cli::command(), "glpft", &mut text);
    print(&String::from_utf8_lossy(&text))
}

/// `glpft man`.
pub(crate) fn man(args: &ManArgs) -> Result<(), Error> {
    std::fs::create_dir_all(&args.to)
        .map_err(|source| FileError::new("create the folder", &args.to, source))?;
    let mut written = Vec::new();
    let mut commands = vec![Cli::command().disable_help_subcommand(true)];
    commands[0].build();
    while let Some(command) = commands.pop() {
        commands.extend(command.get_subcommands().cloned());
        let page = clap_mangen::Man::new(command);
        let path = args.to.join(page.get_filename());
        let mut text = Vec::new();
        page.render(&mut text)
            .map_err(|source| FileError::new("write", &path, source))?;
        write_atomically(&path, |file| file.write_all(&text))?;
        written.push(path);
    }
    written.sort();
    match args.json {
        true => print_json(&serde_json::json!({ "written": written })),
        false => print(&format!(
            "{} pages in {}; try: man -l {}/glpft.1\n",
            written.len(),
            args.to.display(),
            args.to.display()
        )),
    }
}

/// `glpft reference`: Markdown of every command.
pub(crate) fn reference() -> Result<(), Error> {
    let options = clap_markdown::MarkdownOptions::new()
        .title("Commands".to_owned())
        .show_footer(false)
        .show_table_of_contents(false);
    print(&clap_markdown::help_markdown_custom::<Cli>(&options))
}
