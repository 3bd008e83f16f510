//! Leases: one holder at a time, whatever happens to it.

use std::fs;
use std::path::Path;
use std::sync::{Barrier, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use glpft_checkpoints::{
    Claim, Claimed, LEASES_FOLDER, Lease, Watch, check_leases, holds_lease, lease_holder,
    write_atomically,
};

const LENGTH: Duration = Duration::from_millis(600);

/// A lease that is lost ends all writing of a process, and so of every test in this one.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn claim(folder: &Path) -> Claim<'_> {
    Claim {
        folder,
        name: "caller",
        work: "trains the caller",
        threads: 2,
        length: LENGTH,
    }
}

fn take(folder: &Path) -> Option<Lease> {
    match claim(folder).take_now().expect("a folder to write to") {
        Claimed::Ours(lease) => Some(lease),
        Claimed::Held(_) => None,
    }
}

/// Has the lease's file say something else.
fn forge(folder: &Path, number: u64, change: impl Fn(&mut serde_json::Value)) {
    let path = folder.join(LEASES_FOLDER).join(format!("caller.{number}"));
    let text = fs::read_to_string(&path).expect("a lease");
    let mut value = serde_json::from_str(&text).expect("JSON");
    change(&mut value);
    // In place: the file stays the same one.
    fs::write(&path, format!("{value:<1023}\n")).expect("writable");
}

fn of_another_machine(value: &mut serde_json::Value) {
    value["machine"]["host"] = "node2".into();
    value["machine"]["boot"] = "another".into();
    value["token"] = "another".into();
}

#[test]
fn one_of_many_has_it_and_the_next_when_it_is_let_go() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    for _ in 0..20 {
        let barrier = Barrier::new(8);
        let race = || {
            barrier.wait();
            take(folder.path())
        };
        let won: Vec<Lease> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8).map(|_| scope.spawn(race)).collect();
            let joined = threads.into_iter().map(|thread| thread.join());
            joined.filter_map(|one| one.expect("no panic")).collect()
        });
        assert_eq!(won.len(), 1);
        assert!(holds_lease(folder.path(), "caller"));
        assert!(!holds_lease(folder.path(), "planner"));
        let holder = lease_holder(folder.path(), "caller").expect("a holder");
        assert_eq!(holder.process, std::process::id());
        assert_eq!(holder.work, "trains the caller");
        assert_eq!(holder.threads, 2);
    }
    assert_eq!(lease_holder(folder.path(), "caller"), None);
    // One file stays, whatever the number of takers.
    let left = fs::read_dir(folder.path().join(LEASES_FOLDER)).expect("a folder");
    assert_eq!(left.count(), 1);
}

#[test]
fn it_is_renewed_for_as_long_as_it_is_held() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let lease = take(folder.path()).expect("free");
    // As another machine sees it: nothing is known of the process.
    let mut watch = Watch::default();
    let begun = Instant::now();
    while begun.elapsed() < LENGTH * 2 {
        assert!(lease.check().is_ok());
        let claimed = claim(folder.path()).take(&mut watch).expect("readable");
        assert!(matches!(claimed, Claimed::Held(_)));
        thread::sleep(LENGTH / 10);
    }
    check_leases().expect("held");
}

#[test]
fn a_lost_machines_lease_is_taken_after_its_time_and_by_one() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    // A holder that renews no more.
    drop(take(folder.path()).expect("free"));
    forge(folder.path(), 1, |value| {
        of_another_machine(value);
        value["free"] = false.into();
    });
    let Ok(Claimed::Held(holder)) = claim(folder.path()).take_now() else {
        panic!("it may be alive");
    };
    assert_eq!(holder.machine.as_deref(), Some("node2"));
    let begun = Instant::now();
    let taken = Mutex::new(Vec::new());
    let wait = || {
        let mut watch = Watch::default();
        while begun.elapsed() < LENGTH * 10 {
            match claim(folder.path()).take(&mut watch).expect("readable") {
                Claimed::Ours(lease) => {
                    let mut taken = taken.lock().expect("no panic");
                    return taken.push((begun.elapsed(), lease));
                }
                // By another of these threads.
                Claimed::Held(holder) if holder.machine.is_none() => return,
                Claimed::Held(_) => thread::sleep(LENGTH / 20),
            }
        }
    };
    thread::scope(|scope| (0..4).for_each(|_| drop(scope.spawn(wait))));
    let taken = taken.into_inner().expect("no panic");
    assert_eq!(taken.len(), 1);
    let (after, lease) = &taken[0];
    assert!(*after >= LENGTH * 3 / 4, "{after:?}");
    assert!(lease.check().is_ok());
}

#[test]
fn whoever_loses_it_writes_nothing_more() {
    let _alone = alone();
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("file");
    let write =
        |text: &'static [u8]| write_atomically(&file, |file| std::io::Write::write_all(file, text));
    let lease = take(folder.path()).expect("free");
    write(b"mine").expect("held");
    // Another machine took it, as it does where this process does not answer.
    let leases = folder.path().join(LEASES_FOLDER);
    fs::copy(leases.join("caller.1"), leases.join("caller.2")).expect("writable");
    forge(folder.path(), 2, of_another_machine);
    fs::remove_file(leases.join("caller.1")).expect("removable");
    assert!(lease.check().is_err());
    let error = write(b"not mine").expect_err("lost").to_string();
    for part in ["lease", "on node2", "writes nothing more"] {
        assert!(error.contains(part), "{error}");
    }
    assert_eq!(fs::read(&file).expect("a file"), b"mine");
    drop(lease);
    // The other one's stays.
    assert!(leases.join("caller.2").exists());
    write(b"again").expect("no lease is lost any more");
}

#[test]
fn a_copied_folder_has_no_leases_and_a_broken_one_is_waited_for() {
    let _alone = alone();
    let (folder, copy) = (tempfile::tempdir(), tempfile::tempdir());
    let (folder, copy) = (folder.expect("a folder"), copy.expect("a folder"));
    let _lease = take(folder.path()).expect("free");
    let to = copy.path().join(LEASES_FOLDER);
    fs::create_dir(&to).expect("writable");
    fs::copy(
        folder.path().join(LEASES_FOLDER).join("caller.1"),
        to.join("caller.1"),
    )
    .expect("writable");
    assert!(take(copy.path()).is_some() || cfg!(not(unix)));
    // Half written, as after a crash: by whom cannot be told.
    fs::write(to.join("caller.9"), "{").expect("writable");
    let Ok(Claimed::Held(holder)) = claim(copy.path()).take_now() else {
        panic!("it may be alive");
    };
    assert_eq!(holder.to_string(), "another process");
}
