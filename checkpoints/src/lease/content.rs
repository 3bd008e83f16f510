//! What a lease's file says.

use std::fmt;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::machine::{Machine, Process};

/// Every file of a lease is as long as this, so that it is renewed in place.
pub(super) const FILE_BYTES: usize = 1024;
/// What a holder does is told in so many characters at most.
const SHOWN: usize = 60;
/// The bounds of a length, in milliseconds, whatever a file says.
const LENGTHS: (u64, u64) = (100, 3_600_000);

/// A lease's file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Content {
    /// What tells this lease from every other.
    pub token: String,
    /// What the holder does.
    pub work: String,
    /// How many threads it does that with; 0 where it is not said.
    #[serde(default)]
    pub threads: usize,
    pub machine: Machine,
    pub process: Process,
    /// Milliseconds that it holds without being renewed.
    pub length: u64,
    /// How often it was renewed.
    pub beat: u64,
    /// Whether the holder let it go.
    pub free: bool,
    /// The file's number in its file system: a copy of a folder has no leases.
    pub inode: u64,
}

impl Content {
    pub fn new(work: &str, threads: usize, length: Duration) -> Self {
        let process = Process::this();
        Self {
            token: unique(&process),
            work: shown(work),
            threads,
            machine: Machine::this(),
            process,
            length: (length.as_millis() as u64).clamp(LENGTHS.0, LENGTHS.1),
            beat: 0,
            free: false,
            inode: 0,
        }
    }

    pub fn length(&self) -> Duration {
        Duration::from_millis(self.length.clamp(LENGTHS.0, LENGTHS.1))
    }

    /// Its file's bytes.
    pub fn bytes(&self) -> io::Result<Vec<u8>> {
        let mut bytes = serde_json::to_vec(self).map_err(io::Error::other)?;
        bytes.resize(FILE_BYTES.max(bytes.len() + 1), b' ');
        if let Some(last) = bytes.last_mut() {
            *last = b'\n';
        }
        Ok(bytes)
    }

    /// Reads a file's bytes; none where they are no lease's, or only half written.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A name that nobody else uses, of any machine.
pub(super) fn unique(process: &Process) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let parts = (
        process.id,
        since.map_or(0, |since| since.as_nanos()),
        COUNT.fetch_add(1, Ordering::Relaxed),
        Machine::this(),
    );
    let hash = blake3::hash(format!("{parts:?}").as_bytes());
    hash.to_hex().chars().take(16).collect()
}

fn shown(text: &str) -> String {
    let plain = text.chars().filter(|c| !c.is_control());
    plain.take(SHOWN).collect()
}

/// Who holds a lease, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// The process's number on its machine; 0 where it is not known.
    pub process: u32,
    /// Its machine, unless it is this one.
    pub machine: Option<String>,
    /// What it does, unless that is not known.
    pub work: String,
    /// How many threads it does that with; 0 where that is not known.
    pub threads: usize,
    /// Whether the lease was not renewed in time.
    pub seems_lost: bool,
}

impl Holder {
    pub(super) fn of(content: Option<&Content>, seems_lost: bool) -> Self {
        let is_here = |content: &&Content| content.machine.host == Machine::this().host;
        let elsewhere = content.filter(|content| !is_here(content));
        Self {
            process: content.map_or(0, |content| content.process.id),
            machine: elsewhere.map(|content| shown(&content.machine.host)),
            work: content.map_or_else(String::new, |content| shown(&content.work)),
            threads: content.map_or(0, |content| content.threads),
            seems_lost,
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.process, &self.machine) {
            (0, _) => f.write_str("another process"),
            (process, None) => write!(f, "another process ({process})"),
            (process, Some(machine)) => write!(f, "another process ({process} on {machine})"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_all_else_is_nothing() {
        let content = Content::new("trains the\ncaller", 2, Duration::from_secs(2));
        let bytes = content.bytes().expect("plain values");
        assert_eq!(bytes.len(), FILE_BYTES);
        assert_eq!(content.work, "trains thecaller");
        assert_eq!(Content::parse(&bytes).as_ref(), Some(&content));
        for end in 0..bytes.iter().rposition(|&byte| byte == b'}').unwrap_or(0) {
            assert_eq!(Content::parse(&bytes[..end]), None);
        }
        assert_ne!(
            content.token,
            Content::new("", 0, Duration::from_secs(2)).token
        );
    }

    #[test]
    fn holders_are_told_without_what_could_confuse_a_terminal() {
        let mut content = Content::new("", 0, Duration::from_secs(2));
        content.process.id = 77;
        assert_eq!(
            Holder::of(Some(&content), false).to_string(),
            "another process (77)"
        );
        content.machine.host = "node\u{1b}[2J".to_owned();
        assert_eq!(
            Holder::of(Some(&content), false).to_string(),
            "another process (77 on node[2J)"
        );
        assert_eq!(Holder::of(None, false).to_string(), "another process");
    }
}
