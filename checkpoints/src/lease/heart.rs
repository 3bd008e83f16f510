//! The thread that renews this process's leases, and what stops its writing when one is lost.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use super::content::Content;
use super::file::{self, Seen};

/// A lease is renewed so often in its length.
const BEATS: u32 = 6;
/// Time between two looks at which leases are to be renewed.
const TICK: Duration = Duration::from_millis(50);

/// A lease of this process.
#[derive(Debug)]
pub(super) struct Held {
    leases: PathBuf,
    name: String,
    number: u64,
    length: Duration,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    content: Content,
    /// When it was known to be this process's, by two clocks: one stands while a machine sleeps.
    known: (Instant, SystemTime),
    /// To whom it was lost.
    lost: Option<String>,
}

impl Held {
    pub fn new(leases: PathBuf, name: &str, number: u64, content: Content) -> Self {
        Self {
            leases,
            name: name.to_owned(),
            number,
            length: content.length(),
            state: Mutex::new(State {
                content,
                known: (Instant::now(), SystemTime::now()),
                lost: None,
            }),
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How long ago it was known to be this process's.
    fn age(&self) -> Duration {
        let (instant, time) = self.state().known;
        let by_clock = time.elapsed().unwrap_or(Duration::MAX);
        instant.elapsed().max(by_clock)
    }

    /// Renews it, or finds it lost. Where the file system does not answer, it is tried again later.
    pub fn renew(&self) {
        let mut state = self.state();
        if state.lost.is_some() || state.content.free {
            return;
        }
        let path = file::path(&self.leases, &self.name, self.number);
        let (Ok(seen), Ok(last)) = (Seen::read(&path), file::last(&self.leases, &self.name)) else {
            return;
        };
        let ours = seen.is_some_and(|seen| seen.is_of(&state.content.token));
        if !ours || last != Some(self.number) {
            state.lost = Some(self.next_holder(last));
            return;
        }
        state.content.beat += 1;
        if file::rewrite(&path, &state.content).is_err() {
            return;
        }
        // Another process may have taken the next number while this one wrote.
        match file::last(&self.leases, &self.name) {
            Ok(last) if last == Some(self.number) => {
                state.known = (Instant::now(), SystemTime::now());
            }
            Ok(last) => state.lost = Some(self.next_holder(last)),
            Err(_) => {}
        }
    }

    fn next_holder(&self, last: Option<u64>) -> String {
        let next = last.map(|number| Seen::read(&file::path(&self.leases, &self.name, number)));
        match next {
            Some(Ok(Some(seen))) => seen.holder(false).to_string(),
            _ => "another process".to_owned(),
        }
    }

    /// Fails where it is lost, as far as is known, or where it could not be renewed for its whole length.
    pub fn check(&self) -> io::Result<()> {
        let age = self.age();
        let state = self.state();
        match &state.lost {
            None if age >= self.length && !state.content.free => Err(io::Error::other(format!(
                "this process's lease ({}) could not be renewed for {} seconds, so that another process may have taken it: \
                 this process writes nothing more; once the disk answers again, the same command resumes",
                file::path(&self.leases, &self.name, self.number).display(),
                age.as_secs()
            ))),
            None => Ok(()),
            Some(next) => Err(io::Error::other(format!(
                "this process's lease ({}) ended while it did not answer, and {next} took it: this process writes \
                 nothing more; the other one goes on from the last checkpoint",
                file::path(&self.leases, &self.name, self.number).display()
            ))),
        }
    }

    fn let_go(&self) {
        let mut state = self.state();
        state.content.free = true;
        let path = file::path(&self.leases, &self.name, self.number);
        let ours = Seen::read(&path).is_ok_and(|seen| {
            let token = &state.content.token;
            seen.is_some_and(|seen| seen.is_of(token))
        });
        if ours && state.lost.is_none() {
            // Where it cannot be written it ends by itself.
            let _ = file::rewrite(&path, &state.content);
        }
    }
}

fn all() -> MutexGuard<'static, Vec<Arc<Held>>> {
    static ALL: Mutex<Vec<Arc<Held>>> = Mutex::new(Vec::new());
    ALL.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Has a lease renewed from here on.
pub(super) fn keep(held: Held) -> io::Result<Arc<Held>> {
    static HEART: OnceLock<()> = OnceLock::new();
    if HEART.get().is_none() {
        let thread = thread::Builder::new().name("leases".to_owned());
        thread.spawn(|| {
            loop {
                thread::sleep(TICK);
                let held: Vec<_> = all().iter().cloned().collect();
                held.iter()
                    .filter(|held| held.age() >= held.length / BEATS)
                    .for_each(|held| held.renew());
            }
        })?;
        // Two threads that come here at once start two hearts, which does no harm.
        let _ = HEART.set(());
    }
    let held = Arc::new(held);
    all().push(Arc::clone(&held));
    Ok(held)
}

/// Ends a lease.
pub(super) fn let_go(held: &Arc<Held>) {
    all().retain(|other| !Arc::ptr_eq(other, held));
    held.let_go();
}

/// Whether this process holds a lease.
pub(super) fn holds(leases: &std::path::Path, name: &str) -> bool {
    let all = all();
    all.iter()
        .any(|held| held.leases == leases && held.name == name)
}

/// Fails where a lease of this process was lost; everything that writes asks this first. A lease that was not renewed for
/// long is looked at before: a process may have been stopped meanwhile.
///
/// # Errors
/// A lease was lost.
pub fn check_leases() -> io::Result<()> {
    let held: Vec<_> = all().iter().cloned().collect();
    for held in held {
        if held.age() > held.length / 2 {
            held.renew();
        }
        held.check()?;
    }
    Ok(())
}
