//! The process of a role.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::Sender;
use std::thread;

use glpft_recipes::counted;
use serde_json::Value;

use super::super::OnUsr1;

/// So much of a log's end is looked through for what went wrong.
const LOG_END: u64 = 64 << 10;

/// What a process is started with.
pub(super) struct WorkerArguments<'a> {
    pub stage: &'static str,
    pub recipe: &'a Path,
    pub root: &'a Path,
    pub threads: usize,
    pub resume_anyway: bool,
    pub on_usr1: OnUsr1,
    pub log: PathBuf,
}

/// What a process tells.
pub(super) enum Told {
    /// How it goes.
    Event(Value),
    /// It has closed its output: it has ended, or will at once.
    End,
}

/// What a process is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// To stop where it can go on from.
    Stop,
    /// To write a checkpoint.
    Save,
}

/// How a process ended.
pub(super) enum Ended {
    Finished,
    /// It was asked to stop, and did.
    Stopped,
    /// Why.
    Failed(String),
}

/// The process of a role.
pub(super) struct Worker {
    pub stage: &'static str,
    pub device: String,
    /// Whether it was told to stop.
    is_stopping: bool,
    /// Whether it said that it stopped where it can go on from.
    pub is_interrupted: bool,
    child: Child,
    /// Closed when this process ends, however it ends: the role's then stops.
    orders: Option<ChildStdin>,
    log: PathBuf,
    /// Where this start's part of the log begins.
    log_start: u64,
}

impl Worker {
    /// Starts it. What it tells goes to `heard`, and with its messages to its log.
    pub fn start(
        arguments: WorkerArguments<'_>,
        device: String,
        heard: Sender<(&'static str, Told)>,
    ) -> io::Result<Self> {
        let WorkerArguments { stage, log, .. } = arguments;
        let mut file = OpenOptions::new().append(true).create(true).open(&log)?;
        let log_start = file.metadata()?.len();
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg("train")
            .arg(arguments.recipe)
            .args(["--stage", stage, "--json", "--color=never", "--steered"])
            .arg("--out")
            .arg(arguments.root)
            .args(["--device", &device])
            .args(["--threads", &arguments.threads.to_string()])
            .args(["--on-usr1", arguments.on_usr1.name()]);
        if arguments.resume_anyway {
            command.arg("--resume-anyway");
        }
        apart(&mut command);
        let threads = counted(arguments.threads, "thread", "threads");
        writeln!(file, "# {stage} on {device}, {threads}")?;
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(file.try_clone()?)
            .spawn()?;
        let orders = child.stdin.take();
        if let Some(out) = child.stdout.take() {
            let read = move || {
                for line in BufReader::new(out).lines() {
                    let Ok(line) = line else { break };
                    // A log that cannot be written ends no training.
                    let _ = writeln!(file, "{line}");
                    if let Ok(event) = serde_json::from_str(&line) {
                        let _ = heard.send((stage, Told::Event(event)));
                    }
                }
                let _ = heard.send((stage, Told::End));
            };
            thread::Builder::new().name(stage.to_owned()).spawn(read)?;
        }
        Ok(Self {
            stage,
            device,
            is_stopping: false,
            is_interrupted: false,
            child,
            orders,
            log,
            log_start,
        })
    }

    /// Asks it for something.
    pub fn order(&mut self, order: Order) {
        let word = match order {
            Order::Stop => "stop\n",
            Order::Save => "save\n",
        };
        self.is_stopping |= order == Order::Stop;
        // One that has ended hears nothing.
        let _ = self.orders.as_mut().map(|orders| {
            orders
                .write_all(word.as_bytes())
                .and_then(|()| orders.flush())
        });
    }

    /// Waits for its end, and says what that is.
    pub fn end(&mut self) -> Ended {
        let status = match self.child.wait() {
            Ok(status) if status.success() => return Ended::Finished,
            Ok(status) => status,
            Err(error) => return Ended::Failed(error.to_string()),
        };
        match self.error() {
            _ if self.is_interrupted => Ended::Stopped,
            // Told to stop before it trained.
            None if self.is_stopping => Ended::Stopped,
            error => Ended::Failed(error.unwrap_or_else(|| told(status))),
        }
    }

    /// Its last error message.
    fn error(&self) -> Option<String> {
        let mut file = File::open(&self.log).ok()?;
        let length = file.metadata().ok()?.len();
        let start = self.log_start.max(length.saturating_sub(LOG_END));
        file.seek(SeekFrom::Start(start)).ok()?;
        let mut bytes = Vec::new();
        file.take(LOG_END).read_to_end(&mut bytes).ok()?;
        let text = String::from_utf8_lossy(&bytes);
        let error = text
            .lines()
            .rev()
            .find_map(|line| line.strip_prefix("error: "));
        error.map(str::to_owned)
    }
}

fn told(status: ExitStatus) -> String {
    #[cfg(unix)]
    if let Some(signal) = std::os::unix::process::ExitStatusExt::signal(&status) {
        return format!("its process was ended by signal {signal}");
    }
    format!("its process ended with {status}")
}

/// A terminal's Ctrl-C is for this process, which tells the others.
#[cfg(unix)]
fn apart(command: &mut Command) {
    std::os::unix::process::CommandExt::process_group(command, 0);
}

#[cfg(not(unix))]
fn apart(_command: &mut Command) {}
