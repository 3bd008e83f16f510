//! The fast layouts give the loss and the gradients of the plain one.

mod support;

use burn::tensor::FloatDType;
use glpft_data::{Batch, TokenExample};
use glpft_model::{Decoder, Inputs, Parameter, ParameterVisitor, Trained};
use glpft_train::Gradients;
use support::{attach, examples, model};

/// The summed loss and the gradients of batches, in order.
fn gradients(model: &mut Decoder, batches: &[Batch]) -> (f64, Vec<(String, Vec<f64>)>) {
    let mut sums = Gradients::default();
    let mut loss_sum = 0.0;
    for batch in batches {
        let inputs = Inputs::new(batch, model.config(), model.device(), model.dtype())
            .expect("valid tokens");
        let loss = model.loss(&inputs, None).expect("targets");
        loss_sum += loss.clone().into_data().iter::<f64>().sum::<f64>();
        sums.add(model, loss.backward());
    }
    struct Take<'a>(&'a mut Gradients, Vec<(String, Vec<f64>)>);
    impl ParameterVisitor for Take<'_> {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            match self.0.take(path) {
                Some(gradient) => {
                    self.1.push((
                        path.to_owned(),
                        gradient.into_data().iter::<f64>().collect(),
                    ));
                }
                None => assert!(!parameter.is_trained(), "{path} has no gradient"),
            }
        }
    }
    let mut take = Take(&mut sums, Vec::new());
    model.visit_all(&mut take);
    (loss_sum, take.1)
}

/// The largest of the losses' relative difference and each parameter's ‖Δg‖ / ‖g‖ (against the global norm's millionth at
/// least), with what it is of.
fn difference(
    found: &(f64, Vec<(String, Vec<f64>)>),
    expected: &(f64, Vec<(String, Vec<f64>)>),
) -> (f64, String) {
    let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let all: Vec<f64> = expected
        .1
        .iter()
        .flat_map(|(_, values)| values.iter().copied())
        .collect();
    let floor = 1e-6 * norm(&all);
    let mut worst = (
        (found.0 - expected.0).abs() / expected.0.abs(),
        "the loss".to_owned(),
    );
    assert_eq!(found.1.len(), expected.1.len());
    for ((path, found), (_, expected)) in found.1.iter().zip(&expected.1) {
        let difference: Vec<f64> = found.iter().zip(expected).map(|(a, b)| a - b).collect();
        let distance = norm(&difference) / norm(expected).max(floor);
        if distance > worst.0 {
            worst = (distance, path.clone());
        }
    }
    worst
}

/// What counts as the same in double precision.
const TOLERANCE: f64 = 1e-10;

fn assert_same(found: (f64, Vec<(String, Vec<f64>)>), expected: &(f64, Vec<(String, Vec<f64>)>)) {
    let (distance, of) = difference(&found, expected);
    assert!(distance <= TOLERANCE, "{of}: {distance:e}");
}

const FAMILIES: [&str; 11] = [
    "llama",
    "llama-rope-llama3",
    "llama-yarn",
    "qwen2",
    "qwen3",
    "smollm3",
    "granite",
    "phi3",
    "gemma3",
    "mistral-window",
    "qwen2-window",
];

#[test]
fn a_tree_has_the_gradients_of_its_rows() {
    let examples = examples(6, 40);
    let all: Vec<&TokenExample> = examples.iter().collect();
    let tree = Batch::tree(&all);
    assert!(
        tree.sharing() > 1.3,
        "nothing to test: sharing {}",
        tree.sharing()
    );
    let plain: Vec<Batch> = examples
        .iter()
        .map(|example| Batch::rows(&[example]))
        .collect();
    for family in FAMILIES {
        for lora in [false, true] {
            let mut model = model(family, FloatDType::F64);
            if lora {
                attach(&mut model, 0.0);
            }
            model.train(if lora {
                Trained::Adapters
            } else {
                Trained::All
            });
            let expected = gradients(&mut model, &plain);
            let rows = gradients(&mut model, &[Batch::rows(&all)]);
            assert_same(rows, &expected);
            let whole = gradients(&mut model, std::slice::from_ref(&tree));
            assert_same(whole, &expected);
        }
    }
}

#[test]
fn one_wrong_interval_position_or_weight_is_noticed() {
    let examples = examples(6, 40);
    let all: Vec<&TokenExample> = examples.iter().collect();
    let mut model = model("llama", FloatDType::F64);
    model.train(Trained::All);
    let tree = Batch::tree(&all);
    let expected = gradients(&mut model, std::slice::from_ref(&tree));
    let inner = |node: &usize| (tree.subtree_end[*node] as usize) < tree.len();
    let node = (0..tree.len()).find(inner).expect("an inner end");
    let mutations: [fn(&mut Batch, usize); 3] = [
        |batch, node| batch.subtree_end[node] += 1,
        |batch, node| batch.positions[node] += 1,
        |batch, _| batch.targets[0].weight += 1.0,
    ];
    for (number, mutate) in mutations.into_iter().enumerate() {
        let mut wrong = tree.clone();
        mutate(&mut wrong, node);
        let found = gradients(&mut model, &[wrong]);
        let (distance, _) = difference(&found, &expected);
        assert!(
            distance > 1e4 * TOLERANCE,
            "mutation {number}: {distance:e}"
        );
    }
}

#[test]
fn merged_adapters_have_the_loss_of_adapters_on_the_activations() {
    let examples = examples(3, 40);
    let batch = Batch::tree(&examples.iter().collect::<Vec<_>>());
    let mut adapted = model("llama", FloatDType::F64);
    attach(&mut adapted, 0.0);
    let inputs = Inputs::new(&batch, adapted.config(), adapted.device(), adapted.dtype())
        .expect("valid tokens");
    let loss = |model: &Decoder| {
        let loss = model.loss(&inputs, None).expect("targets");
        loss.into_data().iter::<f64>().sum::<f64>()
    };
    let expected = loss(&adapted);
    let plain = loss(&model("llama", FloatDType::F64));
    adapted.merge();
    let merged = loss(&adapted);
    assert!(
        (merged - expected).abs() <= 1e-10 * expected,
        "{merged} {expected}"
    );
    assert!(
        (plain - expected).abs() > 1e-3 * expected,
        "the adapters do nothing"
    );
}
