//! What signals ask of a command: to stop, or to write a checkpoint.
//!
//! A signal that was ignored when the program started stays ignored, as shells expect of the programs that they start:
//! SIGHUP under `nohup`, SIGINT of a script's background jobs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use glpft::Error;

use super::{OnUsr1, complain};

/// Senders such as `timeout`, and a shell together with the system, send a signal twice at once: that is one demand.
const ONCE: Duration = Duration::from_secs(1);

/// A signal, as far as it matters which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signal {
    /// Ctrl-C.
    Interrupt,
    /// `kill`, `timeout`, service managers, batch systems at the end of a job's time.
    Terminate,
    /// The terminal was closed, or the time that the shell allows is used up (`ulimit -t`).
    Leave,
    /// SIGUSR1 or SIGUSR2, which batch systems announce the end of a job's time with.
    Warning,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Demand {
    /// To stop where the command can go on from.
    Stop,
    /// To stop at once: the same signal came before.
    StopNow,
    /// To write a checkpoint and go on.
    Save,
    /// Nothing more than before.
    Nothing,
}

/// What was asked so far.
struct Asked {
    on_warning: OnUsr1,
    /// The first of each signal that another one may follow.
    first: [Option<Instant>; 2],
}

impl Asked {
    fn new(on_warning: OnUsr1) -> Self {
        Self {
            on_warning,
            first: [None; 2],
        }
    }

    /// What a signal that comes `now` asks for. Ctrl-C or SIGTERM again means at once; a terminal is closed only once.
    fn demand(&mut self, signal: Signal, now: Instant) -> Demand {
        let first = match signal {
            Signal::Interrupt => &mut self.first[0],
            Signal::Terminate => &mut self.first[1],
            Signal::Leave => return Demand::Stop,
            Signal::Warning => {
                return match self.on_warning {
                    OnUsr1::Checkpoint => Demand::Save,
                    OnUsr1::Stop => Demand::Stop,
                };
            }
        };
        match *first {
            None => {
                *first = Some(now);
                Demand::Stop
            }
            Some(first) if now.duration_since(first) >= ONCE => Demand::StopNow,
            Some(_) => Demand::Nothing,
        }
    }
}

/// How it is stopped at once, after a signal that asked to stop.
fn again(signal: Signal) -> &'static str {
    match signal {
        Signal::Interrupt => "; Ctrl-C once more stops at once",
        Signal::Terminate => "; a second SIGTERM stops at once",
        Signal::Leave | Signal::Warning => "",
    }
}

/// Flags that signals set from here on.
pub(crate) struct Flags {
    /// The command is to stop where it can go on from.
    pub stop: Arc<AtomicBool>,
    /// A checkpoint is to be written.
    pub save: Arc<AtomicBool>,
    /// Whether the command looks at `stop`.
    looks: Arc<AtomicBool>,
}

impl Flags {
    /// Hears signals until the process ends. Until [`look`](Self::look) a demand to stop ends the process at once, as if it
    /// were not heard: what is done until then leaves nothing half done, and is done again.
    pub(crate) fn hear(on_warning: OnUsr1) -> Result<Self, Error> {
        let flags = Self {
            stop: Arc::default(),
            save: Arc::default(),
            looks: Arc::default(),
        };
        let (stop, save) = (Arc::clone(&flags.stop), Arc::clone(&flags.save));
        let looks = Arc::clone(&flags.looks);
        let mut asked = Asked::new(on_warning);
        system::hear(move |signal| {
            match asked.demand(signal, Instant::now()) {
                Demand::Stop if !looks.load(Ordering::Relaxed) => return system::Then::End,
                Demand::StopNow => return system::Then::End,
                Demand::Stop if !stop.swap(true, Ordering::Relaxed) => {
                    complain(&format!(
                        "stopping as soon as it can be resumed{}",
                        again(signal)
                    ));
                }
                Demand::Save if !save.swap(true, Ordering::Relaxed) => {
                    complain("time is short: saves a checkpoint and continues");
                }
                Demand::Stop | Demand::Save | Demand::Nothing => {}
            }
            system::Then::GoOn
        })?;
        Ok(flags)
    }

    /// [`hear`](Self::hear) for a command that looks at `stop` from its beginning.
    pub(crate) fn looked_at(on_warning: OnUsr1) -> Result<Self, Error> {
        let mut flags = Self::hear(on_warning)?;
        flags.look();
        Ok(flags)
    }

    /// Takes orders from the process that started this one, too: `stop` and `save` on the standard input, which ends where that
    /// process does, whatever ends it.
    pub(crate) fn steered(&self) -> Result<(), Error> {
        let (stop, save) = (Arc::clone(&self.stop), Arc::clone(&self.save));
        let looks = Arc::clone(&self.looks);
        let hear = move || {
            let demand_stop = |again: bool| {
                // At once, as at a signal.
                if !looks.load(Ordering::Relaxed) || stop.swap(true, Ordering::Relaxed) && again {
                    std::process::exit(1);
                }
            };
            for line in std::io::stdin().lines().map_while(Result::ok) {
                match line.trim() {
                    "stop" => demand_stop(false),
                    "save" => save.store(true, Ordering::Relaxed),
                    _ => {}
                }
            }
            demand_stop(true);
        };
        let thread = std::thread::Builder::new().name("orders".to_owned());
        let started = thread.spawn(hear);
        started
            .map(drop)
            .map_err(|source| Error::Signals { source })
    }

    /// From here on the command looks at `stop`.
    pub(crate) fn look(&mut self) {
        self.looks.store(true, Ordering::Relaxed);
    }
}

/// Calls `stop` at each demand to stop, of which there may be several.
pub(crate) fn on_stop(mut stop: impl FnMut() + Send + 'static) -> Result<(), Error> {
    // Nothing is to be saved, and warnings end nothing.
    let mut asked = Asked::new(OnUsr1::Checkpoint);
    let mut before = false;
    system::hear(move |signal| {
        match asked.demand(signal, Instant::now()) {
            Demand::Stop if !before => {
                before = true;
                complain(&format!(
                    "stopping after the work under way{}",
                    again(signal)
                ));
                stop();
            }
            Demand::StopNow => stop(),
            Demand::Stop | Demand::Save | Demand::Nothing => {}
        }
        system::Then::GoOn
    })
}

/// Has a file that grows beyond the shell's limit (`ulimit -f`) be an error of the write, which is told, instead of the
/// process's end.
pub(super) fn outlive_large_files() {
    system::outlive_large_files();
}

#[cfg(unix)]
mod system {
    use std::mem::MaybeUninit;
    use std::ptr::null;
    use std::thread::Builder;

    use glpft::Error;
    use libc::c_int;
    use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
    use signal_hook::iterator::Signals;
    use signal_hook::low_level::emulate_default_handler;

    use super::Signal;

    /// What follows a signal.
    pub(super) enum Then {
        GoOn,
        /// The process ends as the signal ends those that do not hear it.
        End,
    }

    const HEARD: [(c_int, Signal); 6] = [
        (SIGINT, Signal::Interrupt),
        (SIGTERM, Signal::Terminate),
        (SIGHUP, Signal::Leave),
        (libc::SIGXCPU, Signal::Leave),
        (SIGUSR1, Signal::Warning),
        (SIGUSR2, Signal::Warning),
    ];

    /// Calls `heard` for each signal that was not ignored before, from a thread of its own.
    pub(super) fn hear(
        mut heard: impl FnMut(Signal) -> Then + Send + 'static,
    ) -> Result<(), Error> {
        let numbers = HEARD.map(|(number, _)| number);
        let wanted = numbers.into_iter().filter(|&number| !is_ignored(number));
        let mut signals = Signals::new(wanted).map_err(|source| Error::Signals { source })?;
        let listen = move || {
            for number in signals.forever() {
                let known = HEARD.iter().find(|(other, _)| *other == number);
                if let Some((_, signal)) = known
                    && let Then::End = heard(*signal)
                {
                    // For whoever waits: a shell's loop ends where its command was interrupted. Where it cannot, it aborts.
                    let _ = emulate_default_handler(number);
                }
            }
        };
        let thread = Builder::new().name("signals".to_owned()).spawn(listen);
        thread.map(drop).map_err(|source| Error::Signals { source })
    }

    fn is_ignored(number: c_int) -> bool {
        let mut action = MaybeUninit::<libc::sigaction>::zeroed();
        // SAFETY: without a new action, sigaction writes the present one and changes nothing.
        unsafe {
            libc::sigaction(number, null(), action.as_mut_ptr()) == 0
                && action.assume_init().sa_sigaction == libc::SIG_IGN
        }
    }

    pub(super) fn outlive_large_files() {
        // SAFETY: no handler runs for an ignored signal.
        unsafe {
            libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        }
    }
}

#[cfg(not(unix))]
mod system {
    use glpft::Error;

    use super::Signal;

    /// The exit code of a program that Ctrl-C ended, as shells have it.
    const INTERRUPTED: i32 = 130;

    /// What follows a signal.
    pub(super) enum Then {
        GoOn,
        /// The process ends.
        End,
    }

    /// Calls `heard` at Ctrl-C, from a thread of its own.
    pub(super) fn hear(
        mut heard: impl FnMut(Signal) -> Then + Send + 'static,
    ) -> Result<(), Error> {
        let handler = move || {
            if let Then::End = heard(Signal::Interrupt) {
                std::process::exit(INTERRUPTED);
            }
        };
        ctrlc::set_handler(handler).map_err(|error| Error::Signals {
            source: std::io::Error::other(error),
        })
    }

    pub(super) fn outlive_large_files() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(on_warning: OnUsr1, signals: &[(Signal, u64)]) -> Vec<Demand> {
        let (begun, mut asked) = (Instant::now(), Asked::new(on_warning));
        let demand = |&(signal, at)| asked.demand(signal, begun + Duration::from_millis(at));
        signals.iter().map(demand).collect()
    }

    #[test]
    fn a_signal_again_means_at_once_but_not_one_that_is_sent_twice() {
        use Demand::{Nothing, Stop, StopNow};
        let twice = |signal| {
            asked(
                OnUsr1::Checkpoint,
                &[(signal, 0), (signal, 5), (signal, 1500)],
            )
        };
        assert_eq!(twice(Signal::Interrupt), [Stop, Nothing, StopNow]);
        assert_eq!(twice(Signal::Terminate), [Stop, Nothing, StopNow]);
        assert_eq!(twice(Signal::Leave), [Stop; 3]);
        // Batch systems go from the gentle one to the strong one.
        let other = [(Signal::Interrupt, 0), (Signal::Terminate, 9000)];
        assert_eq!(asked(OnUsr1::Checkpoint, &other), [Stop; 2]);
    }

    #[test]
    fn a_warning_saves_or_stops() {
        let warnings = [(Signal::Warning, 0), (Signal::Warning, 5000)];
        assert_eq!(asked(OnUsr1::Checkpoint, &warnings), [Demand::Save; 2]);
        assert_eq!(asked(OnUsr1::Stop, &warnings), [Demand::Stop; 2]);
    }
}
