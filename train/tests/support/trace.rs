//! What a short training did, to be compared with another's.

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;

use burn::tensor::Tensor;
use glpft_checkpoints::{ComputedBy, Provenance};
use glpft_data::{Origins, TokenExample};
use glpft_model::{Decoder, Parameter, ParameterVisitor};
use glpft_recipes::{Packing, Sampling, Stage, StageRecipe};
use glpft_train::{Gradients, LogRecord, Observer, StageRun, TrainError, read_log, train_stage};

/// Elements by parameter path.
pub type Tensors = BTreeMap<String, Vec<f64>>;

/// What a training did.
pub struct Trace {
    /// Each step's loss, as logged.
    pub losses: Vec<f64>,
    /// Each step's gradient norm, as logged.
    pub norms: Vec<f64>,
    /// Each step's averaged gradients.
    pub gradients: Vec<Tensors>,
    /// The trained parameters at the end.
    pub weights: Tensors,
}

struct Silent;
impl Observer for Silent {}

/// Trains `model` on `examples` as `recipe` says.
pub fn trace(
    model: &mut Decoder,
    recipe: &StageRecipe,
    packing: Packing,
    examples: &[TokenExample],
) -> Result<Trace, TrainError> {
    let folder = tempfile::tempdir().expect("a folder");
    let run = StageRun {
        stage: Stage::Global,
        recipe,
        seed: 1,
        sampling: Sampling::Trajectory,
        packing,
        train: &examples.to_vec(),
        validation: &Vec::new(),
        origins: &Origins::default(),
        directory: folder.path(),
        provenance: &Provenance::default(),
        resume_anyway: false,
        computed_by: &ComputedBy::default(),
        ranks: &glpft_train::Alone,
        stop: &AtomicBool::new(false),
        save: &AtomicBool::new(false),
    };
    let mut gradients: Vec<Tensors> = Vec::new();
    train_stage(
        model,
        &run,
        &mut Silent,
        &mut |model: &mut Decoder, step: u64, found: &Gradients, scale: f64| {
            gradients.resize_with(step as usize, Tensors::new);
            let of_step = &mut gradients[step as usize - 1];
            visit_trained(model, |path, _| {
                if let Some(gradient) = found.get(path) {
                    let earlier = of_step.insert(path.to_owned(), values(gradient.clone() * scale));
                    assert!(earlier.is_none(), "{path} is updated twice in a step");
                }
            });
            Ok(())
        },
    )?;
    let weights = weights(model);
    let (mut losses, mut norms) = (Vec::new(), Vec::new());
    for record in read_log(folder.path()).expect("a log") {
        if let LogRecord::Step(record) = record {
            losses.push(record.loss);
            norms.push(record.grad_norm);
        }
    }
    for of_step in &gradients {
        assert!(
            of_step.keys().eq(weights.keys()),
            "a trained parameter has no gradient"
        );
    }
    Ok(Trace {
        losses,
        norms,
        gradients,
        weights,
    })
}

/// The trained parameters.
pub fn weights(model: &mut Decoder) -> Tensors {
    let mut weights = Tensors::new();
    visit_trained(model, |path, value| {
        weights.insert(path.to_owned(), values(value));
    });
    weights
}

fn visit_trained(model: &mut Decoder, found: impl FnMut(&str, Tensor<1>)) {
    struct Visit<F>(F);
    impl<F: FnMut(&str, Tensor<1>)> ParameterVisitor for Visit<F> {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if parameter.is_trained() {
                let value = parameter.value().inner();
                let size = value.shape().num_elements();
                (self.0)(path, value.reshape([size]));
            }
        }
    }
    model.visit_all(&mut Visit(found));
}

fn values(tensor: Tensor<1>) -> Vec<f64> {
    tensor.into_data().iter::<f64>().collect()
}

/// The largest relative difference of two trainings, and what it is of.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub struct Difference(pub f64, pub String);

impl Trace {
    /// Of the losses and gradient norms.
    pub fn loss_difference(&self, expected: &Self) -> Difference {
        let mut worst = Difference(0.0, String::new());
        assert_eq!(self.losses.len(), expected.losses.len());
        for (what, found, expected) in [
            ("loss", &self.losses, &expected.losses),
            ("norm", &self.norms, &expected.norms),
        ] {
            for (step, (found, expected)) in found.iter().zip(expected).enumerate() {
                let distance = (found - expected).abs() / expected.abs();
                worst.take(distance, || format!("the {what} of step {step}"));
            }
        }
        worst
    }

    /// Of each parameter's gradient in each step: ‖Δg‖ / ‖g‖, where ‖g‖ is at least the global norm's millionth.
    pub fn gradient_difference(&self, expected: &Self) -> Difference {
        let mut worst = Difference(0.0, String::new());
        assert_eq!(self.gradients.len(), expected.gradients.len());
        let steps = self.gradients.iter().zip(&expected.gradients);
        for (step, (found, expected)) in steps.enumerate() {
            worst.take_all(&format!("gradient of step {step}"), found, expected, 1e-6);
        }
        worst
    }

    /// Of each trained parameter at the end.
    pub fn weight_difference(&self, expected: &Self) -> Difference {
        let mut worst = Difference(0.0, String::new());
        worst.take_all("weights", &self.weights, &expected.weights, 1e-6);
        worst
    }
}

impl Difference {
    fn take(&mut self, distance: f64, what: impl FnOnce() -> String) {
        // Not a number is the largest difference of all.
        if distance > self.0 || distance.is_nan() {
            *self = Self(distance, what());
        }
    }

    fn take_all(&mut self, what: &str, found: &Tensors, expected: &Tensors, floor: f64) {
        let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>();
        let all: f64 = expected.values().map(|values| norm(values)).sum();
        let floor = floor * all.sqrt();
        assert!(found.keys().eq(expected.keys()));
        for ((path, found), expected) in found.iter().zip(expected.values()) {
            let squares = found.iter().zip(expected).map(|(a, b)| (a - b) * (a - b));
            let distance = squares.sum::<f64>().sqrt() / norm(expected).sqrt().max(floor);
            self.take(distance, || format!("{path}: {what}"));
        }
    }
}
