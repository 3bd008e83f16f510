//! Files and directories appear whole or not at all.

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use glpft_checkpoints::{
    FileError, create_directory_atomically, read_json, remove_abandoned,
    remove_directory_atomically, remove_leftovers, write_atomically, write_json,
};

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).expect("the folder is readable");
    let name = |entry: io::Result<fs::DirEntry>| entry.expect("readable").file_name();
    let mut names: Vec<_> = entries
        .map(|entry| name(entry).into_string().expect("unicode"))
        .collect();
    names.sort();
    names
}

fn fill(text: &'static str) -> impl FnOnce(&Path) -> Result<(), FileError> {
    move |folder| {
        fs::create_dir(folder.join("inner")).expect("writable");
        write_atomically(&folder.join("inner/file"), |writer| {
            writer.write_all(text.as_bytes())
        })
    }
}

#[test]
fn a_file_is_replaced_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    for text in ["one", "a longer second one", ""] {
        write_atomically(&path, |writer| writer.write_all(text.as_bytes())).expect("writable");
        assert_eq!(fs::read_to_string(&path).expect("it is written"), text);
    }
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_failed_write_leaves_the_previous_file_and_no_temporary() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    fs::write(&path, "before").expect("writable");
    for (kind, advice) in [
        (io::ErrorKind::StorageFull, "free some space"),
        (io::ErrorKind::QuotaExceeded, "quota"),
        (io::ErrorKind::ReadOnlyFilesystem, "read-only"),
        (io::ErrorKind::PermissionDenied, "permission"),
    ] {
        let error = write_atomically(&path, |writer| {
            writer.write_all(&[7; 5_000_000])?;
            Err(kind.into())
        });
        let message = error.expect_err("the write fails").to_string();
        let shown = path.display().to_string();
        assert!(
            message.contains(advice) && message.contains(&shown),
            "{message}"
        );
        assert_eq!(fs::read_to_string(&path).expect("it is there"), "before");
        assert_eq!(names(folder.path()), ["file"]);
    }
}

#[test]
fn a_path_that_cannot_be_written_is_named() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("file");
    fs::write(&file, "").expect("writable");
    let under = write_atomically(&file.join("below"), |_| Ok(())).expect_err("a file's child");
    assert!(
        under.to_string().contains("is a file, not a folder"),
        "{under}"
    );
    let absent = folder.path().join("absent/file");
    let absent = write_atomically(&absent, |_| Ok(())).expect_err("there is no such folder");
    assert!(
        absent.to_string().contains("its folder must exist"),
        "{absent}"
    );
    assert!(write_atomically(Path::new("/"), |_| Ok(())).is_err());
    assert!(create_directory_atomically(&file.join("below"), fill("x")).is_err());
    let taken = create_directory_atomically(&file, fill("x")).expect_err("a file is there");
    assert!(
        taken.to_string().contains("a file with this name exists"),
        "{taken}"
    );
    assert_eq!(names(folder.path()), ["file"]);
}

#[test]
fn a_directory_is_replaced_whole() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model");
    for text in ["one", "two"] {
        create_directory_atomically(&path, fill(text)).expect("writable");
        assert_eq!(
            fs::read_to_string(path.join("inner/file")).expect("written"),
            text
        );
        assert_eq!(names(folder.path()), ["model"]);
    }
    let error = create_directory_atomically(&path, |inside| {
        fs::write(inside.join("half"), "x").expect("writable");
        Err(FileError::new(
            "write",
            inside,
            io::ErrorKind::StorageFull.into(),
        ))
    });
    assert!(error.is_err());
    assert_eq!(
        fs::read_to_string(path.join("inner/file")).expect("it is there"),
        "two"
    );
    assert_eq!(names(folder.path()), ["model"]);
    remove_directory_atomically(&path).expect("it is there");
    assert!(names(folder.path()).is_empty());
}

#[test]
fn leftovers_of_dead_processes_go_and_a_directory_moved_aside_comes_back() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".file.123-abc-0.glpft-tmp"), "half").expect("writable");
    fs::create_dir(at(".model.123-abc-1.glpft-tmp")).expect("writable");
    fs::write(at(".model.123-abc-1.glpft-tmp/weights"), "half").expect("writable");
    // Killed between moving the old one aside and putting the new one in its place.
    fs::create_dir(at(".model.123-abc-2.glpft-old")).expect("writable");
    fs::write(at(".model.123-abc-2.glpft-old/weights"), "whole").expect("writable");
    // Killed after that.
    fs::create_dir(at("done")).expect("writable");
    fs::create_dir(at(".done.123-abc-3.glpft-old")).expect("writable");
    fs::write(at(".hidden"), "the user's").expect("writable");
    fs::write(at("x.glpft-tmp"), "the user's").expect("writable");
    let mut removed = remove_leftovers(folder.path()).expect("readable");
    removed.sort();
    assert_eq!(
        removed,
        [
            ".done.123-abc-3.glpft-old",
            ".file.123-abc-0.glpft-tmp",
            ".model.123-abc-1.glpft-tmp"
        ]
    );
    assert_eq!(
        names(folder.path()),
        [".hidden", "done", "model", "x.glpft-tmp"]
    );
    assert_eq!(
        fs::read_to_string(at("model/weights")).expect("it is back"),
        "whole"
    );
    // What is under way in this process stays.
    write_atomically(&at("file"), |_| {
        assert!(
            remove_leftovers(folder.path())
                .expect("readable")
                .is_empty()
        );
        Ok(())
    })
    .expect("the temporary is still there");
}

#[test]
fn what_a_living_process_has_under_way_stays_where_many_write() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let at = |name: &str| folder.path().join(name);
    fs::write(at(".dead.123-abc-0.glpft-tmp"), "half").expect("writable");
    fs::create_dir(at(".dead.123-abc-1.glpft-tmp")).expect("writable");
    fs::create_dir(at(".aside.123-abc-2.glpft-old")).expect("writable");
    fs::write(at("x.glpft-tmp"), "the user's").expect("writable");
    // As another process would hold them.
    let name = at(".file.124-abc-0.glpft-tmp");
    let file = fs::File::create(name).expect("writable");
    file.try_lock().expect("nobody else's");
    write_atomically(&at("mine"), |_| {
        remove_abandoned(folder.path()).expect("readable");
        Ok(())
    })
    .expect("the temporary is still there");
    let mut left = names(folder.path());
    left.sort();
    assert_eq!(
        left,
        [
            ".aside.123-abc-2.glpft-old",
            ".file.124-abc-0.glpft-tmp",
            "mine",
            "x.glpft-tmp"
        ]
    );
    drop(file);
    remove_abandoned(folder.path()).expect("readable");
    assert_eq!(names(folder.path()).len(), 3);
    remove_abandoned(&at("nowhere")).expect("nothing to do");
}

/// What is under way holds a lock as long as it has no name of its own, files and folders alike.
#[cfg(unix)]
#[test]
fn what_is_under_way_is_held() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let is_held = || {
        let mut entries = fs::read_dir(folder.path()).expect("readable");
        let temporary = entries.find_map(|entry| {
            let path = entry.expect("readable").path();
            path.to_str()?.ends_with(".glpft-tmp").then_some(path)
        });
        let other = fs::File::open(temporary.expect("under way")).expect("readable");
        other.try_lock().is_err()
    };
    write_atomically(&folder.path().join("file"), |_| {
        assert!(is_held());
        Ok(())
    })
    .expect("writable");
    create_directory_atomically::<FileError>(&folder.path().join("model"), |_| {
        assert!(is_held());
        Ok(())
    })
    .expect("writable");
}

/// A file system with a bound on its size, where the machine lets this test mount one.
#[cfg(target_os = "linux")]
#[test]
#[allow(clippy::print_stderr, reason = "a test that skips itself says so")]
fn a_full_disk_leaves_the_previous_checkpoint() {
    use std::process::{Command, Stdio};
    let folder = tempfile::tempdir().expect("a temporary folder");
    let run = |program: &str, arguments: &[&str]| {
        let status = Command::new(program)
            .args(arguments)
            .arg(folder.path())
            .stderr(Stdio::null())
            .status();
        status.is_ok_and(|status| status.success())
    };
    if !run("mount", &["-t", "tmpfs", "-o", "size=1m", "tmpfs"]) {
        eprintln!("skipped: no permission to mount a small file system");
        return;
    }
    let path = folder.path().join("model");
    let large = |size: usize| {
        create_directory_atomically(&path, |inside| {
            write_atomically(&inside.join("weights"), |writer| {
                writer.write_all(&vec![1; size])
            })
        })
    };
    let (first, second) = (large(400_000), large(900_000));
    let kept = fs::read(path.join("weights")).map(|content| content.len());
    let names = names(folder.path());
    assert!(run("umount", &[]));
    first.expect("there is room");
    let message = second.expect_err("the disk is full").to_string();
    assert!(message.contains("free some space"), "{message}");
    assert_eq!(kept.expect("it is there"), 400_000);
    assert_eq!(names, ["model"]);
}

#[test]
fn json_is_pretty_and_numbers_survive() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("summary.json");
    let numbers = vec![0.1 + 0.2, f64::MIN_POSITIVE, 1e308, 5e-324, 1.0 / 3.0];
    write_json(&path, &numbers).expect("writable");
    let found: Vec<f64> = read_json(&path).expect("it is written");
    assert!(
        numbers
            .iter()
            .zip(&found)
            .all(|(one, other)| one.to_bits() == other.to_bits())
    );
    let text = fs::read_to_string(&path).expect("it is written");
    assert!(text.starts_with("[\n  ") && text.ends_with("]\n"), "{text}");
    fs::write(&path, "[1, x]").expect("writable");
    let error = read_json::<Vec<f64>>(&path)
        .expect_err("it is broken")
        .to_string();
    assert!(
        error.contains("summary.json") && error.contains("line 1 column 5"),
        "{error}"
    );
    let sparse = fs::File::create(&path).expect("writable");
    sparse.set_len(1 << 40).expect("a sparse file");
    let error = read_json::<Vec<f64>>(&path)
        .expect_err("it is huge")
        .to_string();
    assert!(error.contains("larger than 64 MiB"), "{error}");
}
