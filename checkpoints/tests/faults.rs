//! Whatever fails in the middle of a save: what was there before opens.

mod support;

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use glpft_checkpoints::{
    AtomicFile, FileError, FloatType, StateError, TensorShape, TrainerState,
    create_directory_atomically, faults, latest_checkpoint, open_optimizer, prune_checkpoints,
    write_atomically, write_checkpoint, write_optimizer, write_safetensors,
};
use support::values;

/// Does `work` with its first, second, … operation on the disk failing, until it is done before one fails. Each trial
/// begins with `prepare`, and `left` looks at what it leaves. Gives the number of failures.
fn at_every_operation<E: std::fmt::Display>(
    lasting: bool,
    prepare: impl Fn(),
    work: impl Fn() -> Result<(), E>,
    left: impl Fn(u64),
) -> u64 {
    for operation in 0.. {
        prepare();
        faults::fail_after(operation, io::ErrorKind::StorageFull, lasting);
        let outcome = work();
        if !faults::end() {
            assert!(outcome.is_ok(), "nothing failed");
            return operation;
        }
        // A removal of what is replaced may fail without a word: the new content is in its place.
        if let Err(error) = outcome {
            let error = error.to_string();
            assert!(error.contains("the disk is full"), "{operation}: {error}");
        }
        left(operation);
    }
    unreachable!("the operations end")
}

#[test]
fn a_file_is_the_old_one_or_the_new_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("file");
    let large = vec![7; 5 << 20];
    for lasting in [false, true] {
        let tried = at_every_operation(
            lasting,
            || fs::write(&path, "before").expect("writable"),
            || {
                write_atomically(&path, |writer| writer.write_all(&large))?;
                let mut file = AtomicFile::create(&path)?;
                let failed = |source| FileError::new("write", &path, source);
                file.write_all(&large).map_err(failed)?;
                file.commit()
            },
            |operation| {
                let content = fs::read(&path).expect("it is there");
                assert!(content == b"before" || content == large, "{operation}");
            },
        );
        // Created, written in parts, synced, renamed, the folder synced; twice.
        assert!(tried >= 10, "{tried}");
    }
}

#[test]
fn a_directory_is_the_old_one_or_the_new_one() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("model");
    let make = |text: &'static str| {
        create_directory_atomically(&path, |inside| {
            for name in ["one", "two"] {
                write_atomically(&inside.join(name), |writer| {
                    writer.write_all(text.as_bytes())
                })?;
            }
            Ok::<_, FileError>(())
        })
    };
    for lasting in [false, true] {
        at_every_operation(
            lasting,
            || make("before").expect("writable"),
            || make("after"),
            |operation| {
                let read = |name: &str| fs::read_to_string(path.join(name)).expect("it is there");
                let (one, two) = (read("one"), read("two"));
                assert!(
                    one == two && ["before", "after"].contains(&one.as_str()),
                    "{operation}: {one}, {two}"
                );
            },
        );
    }
}

fn save(stage: &Path, step: u64) -> Result<(), StateError> {
    let parameters = [TensorShape::new("x", [2, 3])];
    let state = TrainerState {
        step,
        ..TrainerState::default()
    };
    write_checkpoint(stage, &state, |folder| {
        let path = folder.join("model.safetensors");
        write_safetensors(&path, &parameters, FloatType::F32, &mut |name: &str| {
            Ok::<_, String>(values(name, 6))
        })?;
        write_optimizer(folder, &parameters, &mut |name: &str| {
            Ok::<_, String>(values(name, 6))
        })
    })?;
    prune_checkpoints(stage, 1, None)?;
    Ok(())
}

#[test]
fn the_previous_checkpoint_opens_whichever_write_of_a_save_fails() {
    for lasting in [false, true] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let stage = folder.path();
        let tried = at_every_operation(
            lasting,
            || {
                let _ = fs::remove_dir_all(stage.join("checkpoint-2"));
                save(stage, 1).expect("writable");
            },
            || save(stage, 2),
            |operation| {
                let last = latest_checkpoint(stage)
                    .expect("readable")
                    .expect("one is whole");
                assert!([1, 2].contains(&last.step), "{operation}");
                assert_eq!(last.state().expect("it is whole").step, last.step);
                open_optimizer(&last.path, &[TensorShape::new("x", [2, 3])]).expect("it is whole");
            },
        );
        assert!(tried >= 20, "{tried}");
    }
}
