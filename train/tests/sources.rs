//! What is told of several sources.

mod support;

use glpft_data::{Origins, PartReport, SourceReport};
use glpft_train::{LogRecord, Outcome, read_log};
use support::stages::{Short, fresh};
use support::{examples, recipe};

fn part(name: &str, kept: usize) -> PartReport {
    PartReport {
        name: name.to_owned(),
        path: name.to_owned(),
        form: "OpenAI chat".to_owned(),
        weight: 1.0,
        report: SourceReport {
            kept,
            ..SourceReport::default()
        },
    }
}

#[test]
fn tokens_and_held_out_losses_are_told_by_source() {
    let all = examples(14, 40);
    // One source ends between the two examples that are held out.
    let last = all[all.len() - 1].trajectory;
    let mut examples = all.clone();
    let held_out = examples.len() - 2;
    examples[held_out].trajectory = last - 1;
    let origins = Origins::new(&SourceReport {
        parts: vec![part("one", last as usize), part("other", 1)],
        ..SourceReport::default()
    });
    assert_eq!((origins.of(last - 1), origins.of(last)), (0, 1));
    let folder = tempfile::tempdir().expect("a folder");
    let recipe = recipe();
    let train = |name: &str, origins| {
        let directory = folder.path().join(name);
        let short = Short {
            origins,
            ..Short::new(&recipe, &examples, &directory)
        };
        let Ok(Outcome::Finished(report)) = short.train(&mut fresh(false)) else {
            panic!("does not finish");
        };
        (report, read_log(&directory).expect("a log"))
    };
    let (one, plain) = train("one", None);
    let (several, log) = train("several", Some(&origins));
    assert!(one.sources.is_empty());
    assert_eq!(one.last_loss, several.last_loss);
    assert_eq!(plain.len(), log.len());
    let mut trained = 0;
    for (plain, record) in plain.iter().zip(&log) {
        match (plain, record) {
            (LogRecord::Step(plain), LogRecord::Step(record)) => {
                assert!(plain.source_label_tokens.is_empty());
                let sum: usize = record.source_label_tokens.values().sum();
                assert_eq!(sum, record.label_tokens);
                trained += sum;
            }
            (LogRecord::Validation(plain), LogRecord::Validation(record)) => {
                assert!(plain.source_validation.is_empty());
                let sources: Vec<_> = record.source_validation.values().collect();
                assert_eq!(sources.len(), 2);
                let tokens: usize = sources.iter().map(|one| one.label_tokens).sum();
                let loss: f64 = sources
                    .iter()
                    .map(|one| one.loss * one.label_tokens as f64)
                    .sum();
                assert_eq!(tokens, plain.validation_label_tokens);
                let loss = loss / tokens as f64;
                assert!((loss - plain.validation_loss).abs() < 1e-5);
                assert!((loss - record.validation_loss).abs() < 1e-12);
            }
            (plain, record) => panic!("{plain:?} {record:?}"),
        }
    }
    let told: u64 = several
        .sources
        .values()
        .map(|source| source.label_tokens)
        .sum();
    assert_eq!(told, trained as u64);
    let one = several.sources["one"];
    assert!(
        one.last_validation_loss < one.first_validation_loss,
        "{one:?}"
    );
}
