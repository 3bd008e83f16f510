//! What reaches the terminal.

use std::io::{self, IsTerminal, Write};
use std::path::Path;

use clap::ColorChoice;
use glpft::Error;
use glpft_checkpoints::FileError;
use serde_json::Value;

/// How the beginnings of messages look, and how what follows does.
const STYLES: [(&str, &str); 2] = [("error:", "\x1b[1;31m"), ("warning:", "\x1b[1;33m")];
const PLAIN: &str = "\x1b[0m";

/// Whether messages have colours from here on; `Auto` asks the terminal and NO_COLOR, CLICOLOR, CLICOLOR_FORCE and TERM.
pub(crate) fn colour(choice: ColorChoice) {
    let choice = match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    };
    choice.write_global();
}

/// Whether stderr is a terminal that can draw a line anew.
pub(crate) fn draws() -> bool {
    io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
}

/// Writes to stdout. A reader that has seen enough (`| head`), or a terminal that was closed, is no error.
pub(crate) fn print(text: &str) -> Result<(), Error> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe && !is_hung_up(&error) => {
            Err(FileError::new("write to", Path::new("stdout"), error).into())
        }
        _ => Ok(()),
    }
}

/// Writes indented JSON to stdout.
pub(crate) fn print_json(value: &Value) -> Result<(), Error> {
    print(&format!("{value:#}\n"))
}

/// Whether stdout was a terminal that is gone by now.
#[cfg(unix)]
fn is_hung_up(error: &io::Error) -> bool {
    use std::os::fd::AsFd;
    use std::os::unix::fs::FileTypeExt;
    let device = || {
        let stdout = io::stdout().as_fd().try_clone_to_owned()?;
        let kind = std::fs::File::from(stdout).metadata()?.file_type();
        io::Result::Ok(kind.is_char_device())
    };
    error.raw_os_error() == Some(libc::EIO) && device().unwrap_or(false)
}

#[cfg(not(unix))]
fn is_hung_up(_: &io::Error) -> bool {
    false
}

/// Writes a line to stderr; where that fails there is nobody left to tell.
pub(crate) fn complain(line: &str) {
    let style = STYLES.iter().find(|(begin, _)| line.starts_with(begin));
    let line = match style {
        Some((begin, style)) => format!("{style}{begin}{PLAIN}{}\n", &line[begin.len()..]),
        None => format!("{line}\n"),
    };
    // Styles are left out where no colours are wanted. What comes from files must not bring its own.
    let mut stderr = anstream::stderr().lock();
    let _ = stderr.write_all(line.as_bytes());
}

/// Rows as text in columns: the first one's cells to the left, the others', which are numbers, to the right.
pub(crate) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            match column {
                0 => line.push_str(&format!("{cell:<width$}")),
                _ => line.push_str(&format!("  {cell:>width$}")),
            }
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}
