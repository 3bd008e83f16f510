//! Which machine and which process: whether the holder of a lease is alive, where this process can know that.

use std::fs;
use std::sync::OnceLock;

use serde::{Deserialize, Serialize};

/// A machine, from when it started to when it stops; of containers on it, one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Machine {
    /// Its name, for people.
    pub host: String,
    /// Which start of it; empty where the system does not say.
    pub boot: String,
    /// Which numbers its processes have: containers count their own.
    pub namespace: String,
}

impl Machine {
    /// The one that this process runs on.
    pub fn this() -> Self {
        static THIS: OnceLock<Machine> = OnceLock::new();
        THIS.get_or_init(|| Self {
            host: host(),
            boot: read("/proc/sys/kernel/random/boot_id"),
            namespace: fs::read_link("/proc/self/ns/pid")
                .map(|link| link.to_string_lossy().into_owned())
                .unwrap_or_default(),
        })
        .clone()
    }
}

/// A process of a machine.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Process {
    pub id: u32,
    /// When it started, as the system counts that: numbers are used again. Empty where the system does not say.
    pub started: String,
}

impl Process {
    /// This one.
    pub fn this() -> Self {
        let id = std::process::id();
        Self {
            id,
            started: started(id).unwrap_or_default(),
        }
    }

    /// Whether a process of `machine` is alive; none where that cannot be told from here.
    pub fn is_alive(&self, machine: &Machine) -> Option<bool> {
        let here = Machine::this();
        if *machine != here {
            return None;
        }
        if here.host.is_empty() {
            return None;
        }
        if cfg!(target_os = "linux") {
            // Where nothing is known of this process, nothing is known of others.
            started(std::process::id())?;
            let known = !here.boot.is_empty() && !here.namespace.is_empty();
            // Where the first process cannot be seen, those of other users are hidden.
            let sees_others = fs::symlink_metadata("/proc/1").is_ok();
            return (known && sees_others)
                .then(|| started(self.id).is_some_and(|one| one == self.started));
        }
        // Elsewhere a process may have got a dead one's number, and machines may have one name: the lease's length decides.
        None
    }
}

/// When a process started, in the kernel's ticks; none where it is dead, waited for or not.
fn started(id: u32) -> Option<String> {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).ok()?;
    // Its name, in brackets, may hold anything.
    let mut fields = stat.rsplit_once(") ")?.1.split(' ');
    let state = fields.next()?;
    let started = fields.nth(18)?;
    (!matches!(state, "Z" | "X")).then(|| started.to_owned())
}

fn read(path: &str) -> String {
    let text = fs::read_to_string(path).unwrap_or_default();
    text.trim().to_owned()
}

/// The machine's name.
#[cfg(not(all(unix, not(target_os = "linux"))))]
fn host() -> String {
    match cfg!(target_os = "linux") {
        true => read("/proc/sys/kernel/hostname"),
        false => std::env::var("COMPUTERNAME").unwrap_or_default(),
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
fn host() -> String {
    let mut name = [0_u8; 256];
    // SAFETY: the system writes at most so many bytes.
    let got = unsafe { libc::gethostname(name.as_mut_ptr().cast(), name.len()) } == 0;
    let end = name.iter().position(|&byte| byte == 0).filter(|_| got);
    String::from_utf8_lossy(&name[..end.unwrap_or(0)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_another_machine_nothing_is_known() {
        let (this, here) = (Process::this(), Machine::this());
        if cfg!(target_os = "linux") {
            assert_eq!(this.is_alive(&here), Some(true));
            let before = Process {
                started: "1".to_owned(),
                ..this.clone()
            };
            assert_eq!(before.is_alive(&here), Some(false));
        }
        let restarted = Machine {
            boot: "another".to_owned(),
            ..here
        };
        assert_eq!(this.is_alive(&restarted), None);
    }
}
