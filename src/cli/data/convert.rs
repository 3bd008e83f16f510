//! `glpft data convert`.

use std::io::Write;

use glpft::Error;
use glpft::prepare::PrepareProgress;
use glpft_checkpoints::{AtomicFile, FileError};
use glpft_data::{Converted, Source, converted};
use serde_json::{Value, json};

use super::check::OPTIONS;
use crate::cli::output::{print, print_json};
use crate::cli::{DataConvertArgs, PrepareBar};

/// How many records that are left out are named.
const NAMED: usize = 10;

/// Writes a source's trajectories in another form. The file appears whole or not at all.
pub(crate) fn convert(args: &DataConvertArgs) -> Result<(), Error> {
    let source = Source::open(&args.path, None)?;
    if source.is_at(&args.to) {
        return Err(Error::Argument {
            argument: "--to",
            problem: format!("{} is what is read; choose another file", args.to.display()),
        });
    }
    let lines = args.to.extension().is_some_and(|name| name == "jsonl");
    let mut out = Records {
        file: AtomicFile::create(&args.to)?,
        lines,
        written: 0,
    };
    let mut left_out = Vec::new();
    let mut changed = Changed::default();
    let mut at = 0_usize;
    let mut bar = PrepareBar::new(&args.output);
    let told = source.read::<Error>(
        &OPTIONS,
        &mut |done, total| bar.show(PrepareProgress::Reading { done, total }),
        &mut |record| {
            let index = at;
            at += 1;
            match converted(&record.conversation, args.form.into(), OPTIONS.schemas) {
                Ok(converted) => {
                    changed.add(&converted);
                    out.write(&converted.record)
                        .map_err(|source| FileError::new("write", &args.to, source).into())
                }
                Err(reason) => {
                    left_out.push(format!("usable record {index}: {reason}"));
                    Ok(())
                }
            }
        },
    )?;
    drop(bar);
    let written = out.written;
    out.finish()
        .map_err(|source| FileError::new("write", &args.to, source))?
        .commit()?;
    if args.output.json {
        return print_json(&json!({
            "file": args.to.display().to_string(),
            "written": written,
            "left_out": left_out,
            "respelled": changed.respelled,
            "tools_changed": changed.tools,
            "replies_changed": changed.replies,
            "learned_again": changed.learned_again,
            "instructions_lost": changed.instructions_lost,
            "source": told,
        }));
    }
    if args.output.quiet {
        return Ok(());
    }
    let mut text = format!("{told}\n{written} written to {}\n", args.to.display());
    for (count, what) in [
        (left_out.len(), "left out, since no chat has such turns"),
        (
            changed.respelled,
            "with planners' turns in the usual spelling",
        ),
        (
            changed.tools,
            "tools whose texts are not read back as they were",
        ),
        (
            changed.replies,
            "replies of tools that are not read back as they were: chats' are cut, and ToolBench's objects are opened",
        ),
        (
            changed.learned_again,
            "turns that were not to be learned and are learned of this form, which cannot say so",
        ),
        (
            changed.instructions_lost,
            "later instructions that this form has as part of the first",
        ),
    ] {
        if count > 0 {
            text += &format!("{count} {what}\n");
        }
    }
    for line in left_out.iter().take(NAMED) {
        text += &format!("   left out: {line}\n");
    }
    print(&text)
}

/// What is not read back as it was.
#[derive(Default)]
struct Changed {
    respelled: usize,
    tools: usize,
    replies: usize,
    learned_again: usize,
    instructions_lost: usize,
}

impl Changed {
    fn add(&mut self, one: &Converted) {
        self.respelled += usize::from(one.respelled);
        self.tools += one.tools_changed;
        self.replies += one.replies_changed;
        self.learned_again += one.learned_again;
        self.instructions_lost += one.instructions_lost;
    }
}

/// A file of records: lines, or one array.
struct Records {
    file: AtomicFile,
    lines: bool,
    written: usize,
}

impl Records {
    fn write(&mut self, record: &Value) -> std::io::Result<()> {
        let before = match (self.lines, self.written) {
            (true, _) => "",
            (false, 0) => "[\n",
            (false, _) => ",\n",
        };
        self.file.write_all(before.as_bytes())?;
        serde_json::to_writer(&mut self.file, record)?;
        if self.lines {
            self.file.write_all(b"\n")?;
        }
        self.written += 1;
        Ok(())
    }

    fn finish(mut self) -> std::io::Result<AtomicFile> {
        match (self.lines, self.written) {
            (true, _) => {}
            (false, 0) => self.file.write_all(b"[]\n")?,
            (false, _) => self.file.write_all(b"\n]\n")?,
        }
        Ok(self.file)
    }
}
