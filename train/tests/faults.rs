//! Whichever write of a stage fails: its last checkpoint opens, and the stage goes on from it to the same end.

mod support;

use std::io::ErrorKind;

use glpft_checkpoints::{faults, latest_checkpoint};
use glpft_recipes::StageRecipe;
use support::stages::{Short, bits, fresh, log};
use support::{examples, recipe};

#[test]
fn at_every_write_of_a_stage_the_last_checkpoint_is_whole_and_is_gone_on_from() {
    let examples = examples(6, 40);
    let recipe = StageRecipe {
        max_steps: Some(4),
        checkpoint_every: 2,
        keep_checkpoints: 1,
        eval_every: 0,
        ..recipe()
    };
    let folder = tempfile::tempdir().expect("a folder");
    let whole = folder.path().join("whole");
    let mut expected = fresh(false);
    Short::new(&recipe, &examples, &whole)
        .train(&mut expected)
        .expect("trains");
    let (expected, expected_log) = (bits(&mut expected), log(&whole));

    let mut failures = 0;
    for operation in 0.. {
        let directory = folder.path().join(operation.to_string());
        let stage = Short::new(&recipe, &examples, &directory);
        // A disk that is full stays full; a single failure is the rarer case.
        let lasting = operation % 4 != 0;
        faults::fail_after(operation, ErrorKind::StorageFull, lasting);
        let outcome = stage.train(&mut fresh(false));
        if !faults::end() {
            outcome.expect("nothing failed");
            break;
        }
        failures += 1;
        let saved = latest_checkpoint(&directory).expect("readable");
        if let Err(error) = outcome {
            let told = error.to_string();
            assert!(told.contains("the disk is full"), "{operation}: {told}");
            if told.contains("cannot save step 4") {
                let step = saved.as_ref().map(|saved| saved.step);
                assert!(step == Some(2) || step == Some(4), "{operation}: {step:?}");
                assert!(
                    told.contains("is whole: once that is mended, the same command resumes it")
                );
            }
        }
        if let Some(saved) = saved {
            assert_eq!(saved.state().expect("it is whole").step, saved.step);
        }
        let mut resumed = fresh(false);
        stage.train(&mut resumed).expect("goes on");
        assert!(bits(&mut resumed) == expected, "{operation}");
        assert_eq!(log(&directory), expected_log, "{operation}");
    }
    // Two saves of four files, each made, written, synced and renamed; and the log.
    assert!(failures > 40, "{failures}");
}
