//! Interrupted, refused and begun anew: an evaluation goes on as if it had not been interrupted.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};

use glpft_agent::Strategy;
use glpft_eval::judge::JUDGMENTS_FILE;
use glpft_eval::live_evaluation::{
    ANSWERS_FOLDER, LIVE_FILE, LiveError, ROLLOUTS_FILE, read_rollouts,
};
use glpft_eval::static_evaluation::MANIFEST_FILE;

use crate::support::{Agent, Run, Start, Strict, contents};

#[test]
fn wherever_the_file_was_cut_the_result_is_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let whole = folder.path().join("whole");
    let judge = Strict::default();
    for strategy in [Strategy::REACT, Strategy::DFSDT] {
        let run = Run {
            strategy,
            ..Run::new(&whole, &judge)
        };
        run.run(Agent::default()).unwrap();
        let expected = contents(&whole);
        let bytes = &expected[ROLLOUTS_FILE];
        let ends: Vec<usize> = (1..=bytes.len())
            .filter(|&at| bytes[at - 1] == b'\n')
            .collect();
        assert_eq!(ends.len(), 7);
        let out = folder.path().join("cut");
        for cut in (0..bytes.len()).step_by(501).chain(ends.clone()) {
            fs::create_dir_all(&out).unwrap();
            fs::copy(whole.join(MANIFEST_FILE), out.join(MANIFEST_FILE)).unwrap();
            fs::write(out.join(ROLLOUTS_FILE), &bytes[..cut]).unwrap();
            let log = &expected[JUDGMENTS_FILE];
            fs::write(
                out.join(JUDGMENTS_FILE),
                &log[..log.len() * cut / bytes.len()],
            )
            .unwrap();
            let asked = AtomicUsize::new(0);
            let agent = Agent {
                asked: Some(&asked),
                ..Agent::default()
            };
            let mut start = Start::default();
            let again = Run {
                out: &out,
                ..run.clone()
            };
            again.observed(agent, &mut start).unwrap();
            let mut found = contents(&out);
            // Whole batches' answer files are there already when an evaluation goes on; here they were not copied.
            for (name, content) in &expected {
                if name.starts_with(ANSWERS_FOLDER) {
                    found.entry(name.clone()).or_insert_with(|| content.clone());
                }
            }
            assert_eq!(found, expected, "{cut}");
            // Two tasks a batch, the last has one: only whole batches count.
            let there = ends.iter().filter(|&&end| end <= cut).count();
            let done = if there == 7 { 7 } else { there / 2 * 2 };
            assert_eq!(
                (start.done, start.loads),
                (done, usize::from(done < 7)),
                "{cut}"
            );
            assert_eq!(asked.load(Ordering::Relaxed) == 0, done == 7);
            fs::remove_dir_all(&out).unwrap();
        }
        fs::remove_dir_all(&whole).unwrap();
    }
}

#[test]
fn what_was_done_before_a_failure_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, out) = (folder.path().join("whole"), folder.path().join("out"));
    let good = Strict::default();
    Run::new(&whole, &good).run(Agent::default()).unwrap();
    let all_judgments = good.asked.load(Ordering::Relaxed);
    // The policy fails in the second batch.
    let failing = Agent {
        fails_at: Some(3),
        ..Agent::default()
    };
    let error = Run::new(&out, &good).run(failing).unwrap_err().to_string();
    assert!(error.contains("tasks 2 to 3"), "{error}");
    let left = "2 of 7 tasks are done";
    assert!(
        error.contains(left) && error.contains("resumes from there"),
        "{error}"
    );
    assert_eq!(read_rollouts(&out).unwrap().len(), 2);
    // It is told to stop.
    let stopped = Run {
        stop: true,
        ..Run::new(&out, &good)
    };
    let error = stopped.run(Agent::default()).unwrap_err();
    assert!(error.to_string().contains("2 of 7 tasks"), "{error}");
    // The judge fails half way.
    let bad = Strict {
        fails_at: 7,
        ..Strict::default()
    };
    let error = Run::new(&out, &bad).run(Agent::default()).unwrap_err();
    assert!(matches!(error, LiveError::Judge(_)), "{error}");
    assert!(!out.join(LIVE_FILE).exists());
    let rest = Strict::default();
    let asked = AtomicUsize::new(0);
    let agent = Agent {
        asked: Some(&asked),
        ..Agent::default()
    };
    Run::new(&out, &rest).run(agent).unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    assert_eq!(rest.asked.load(Ordering::Relaxed), all_judgments - 7);
    assert_eq!(contents(&out), contents(&whole));
    // Nothing is left to do or to ask.
    let nothing = Strict {
        fails_at: 0,
        ..Strict::default()
    };
    Run::new(&out, &nothing).run(Agent::default()).unwrap();
    assert_eq!(contents(&out), contents(&whole));
}

#[test]
fn another_evaluation_is_refused_and_overwritten_only_when_told() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let judge = Strict::default();
    Run::new(&out, &judge).run(Agent::default()).unwrap();
    let before = contents(&out);
    let other = Run {
        strategy: Strategy::DFSDT,
        ..Run::new(&out, &judge)
    };
    let error = other.run(Agent::default()).unwrap_err().to_string();
    assert!(
        error.contains("strategy: CoT@1, now DFS_woFilter_w2"),
        "{error}"
    );
    let mut fewer = Run::new(&out, &judge);
    fewer.tasks.pop();
    assert!(fewer.run(Agent::default()).is_err());
    assert_eq!(contents(&out), before);
    let overwriting = Run {
        overwrite: true,
        ..other
    };
    overwriting.run(Agent::default()).unwrap();
    assert!(contents(&out).keys().all(|name| !name.contains("CoT")));
    // A folder of somebody else's is left alone.
    let strange = folder.path().join("strange");
    fs::create_dir_all(strange.join(ANSWERS_FOLDER)).unwrap();
    let error = Run::new(&strange, &judge)
        .run(Agent::default())
        .unwrap_err();
    assert!(error.to_string().contains("no evaluation.json"), "{error}");
}
