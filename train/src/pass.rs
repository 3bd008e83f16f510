//! The forward and the backward pass of one micro-batch, in segments that are kept or computed again.
//!
//! A *kept* segment is a graph over consecutive layers, whose activations stay until the backward pass reaches it. A
//! *recomputed* one is a layer of which the forward pass keeps the input alone; the backward pass runs it once more,
//! then with a graph. Dropout masks are functions of a counter, so that the second run is the first one. Layers before
//! the first trained parameter are part of no segment: nothing is kept of them.

use std::sync::Arc;

use burn::tensor::{Gradients as Graph, Tensor};
use glpft_data::Batch;
use glpft_model::{Decoder, Dropout, EMBEDDING, Inputs, Part, TrunkStates};

use crate::error::TrainError;
use crate::gradients::Gradients;
use crate::values::numbers;

/// Which layers are computed again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Recompute {
    /// Every nth, counted from the first; with 0 none.
    Every(usize),
}

impl Recompute {
    /// All of them.
    pub const ALL: Self = Self::Every(1);

    fn has(self, layer: usize) -> bool {
        let Self::Every(nth) = self;
        nth > 0 && (layer + 1).is_multiple_of(nth)
    }
}

/// A micro-batch between its forward and its backward pass.
#[derive(Clone)]
pub(crate) struct Pass {
    inputs: Inputs,
    dropout: Option<Dropout>,
    /// What the backward pass has yet to go through, its next segment last.
    segments: Vec<Segment>,
    /// The gradient of the output of the next segment; none at the loss.
    gradient: Option<Tensor<2>>,
    /// Where the backward pass ends.
    first_trained: Option<Part>,
}

#[derive(Clone)]
enum Segment {
    /// A graph that ends in the loss; `input` where its gradient is needed.
    Loss {
        input: Option<Tensor<2>>,
        loss: Tensor<1>,
    },
    /// A graph over layers.
    Kept {
        input: Option<Tensor<2>>,
        output: Tensor<2>,
    },
    /// A layer, and its input outside any graph.
    Recomputed { layer: usize, input: Tensor<2> },
}

impl Pass {
    /// The forward pass, and the loss (summed over the targets); none where the batch has no targets. `states` are those of
    /// the trunk that the batch grows from, where they are at hand.
    ///
    /// # Errors
    /// A token outside the vocabulary; the device cannot be read.
    pub fn forward(
        model: &mut Decoder,
        batch: &Batch,
        dropout: Option<Dropout>,
        recompute: Recompute,
        states: Option<&Arc<TrunkStates>>,
    ) -> Result<Option<(Self, f64)>, TrainError> {
        let inputs = model.inputs(batch, states)?;
        let Some(targets) = inputs.targets.clone() else {
            return Ok(None);
        };
        let first_trained = model.first_trained();
        let needs = |part| first_trained.is_some_and(|first| first <= part);
        let frozen = model.frozen();
        let mut segments = Vec::new();
        let mut x = model.embedded(&inputs);
        // Where the graph that `x` is part of began, if it is part of one.
        let mut graph: Option<Option<Tensor<2>>> = None;
        for part in model.parts() {
            let Part::Layer(layer) = part else { continue };
            if needs(part) && !recompute.has(layer) {
                graph.get_or_insert_with(|| enter(&mut x, first_trained, part));
                x = model.layer(layer, x, &inputs, dropout);
                continue;
            }
            if let Some(input) = graph.take() {
                let output = x;
                x = output.clone().inner();
                segments.push(Segment::Kept { input, output });
            }
            if needs(part) {
                let input = x.clone();
                segments.push(Segment::Recomputed { layer, input });
            }
            x = frozen.layer(layer, x, &inputs, dropout);
        }
        let input = graph.unwrap_or_else(|| enter(&mut x, first_trained, Part::Head));
        let loss = model.head_loss(x, &targets);
        let summed = numbers(loss.clone().inner())?.iter().sum();
        if first_trained.is_some() {
            segments.push(Segment::Loss { input, loss });
        }
        let pass = Self {
            inputs,
            dropout,
            segments,
            gradient: None,
            first_trained,
        };
        Ok(Some((pass, summed)))
    }

    /// Goes back through all that is left.
    pub fn backward(mut self, model: &mut Decoder, gradients: &mut Gradients) {
        while self.backward_segment(model, gradients) {}
        self.backward_embedding(model, gradients);
    }

    /// Goes back through one segment and adds the gradients of its parameters; false where none is left.
    pub fn backward_segment(&mut self, model: &mut Decoder, gradients: &mut Gradients) -> bool {
        let Some(segment) = self.segments.pop() else {
            return false;
        };
        let gradient = self.gradient.take();
        let gradient = || gradient.expect("the segment after this one passes its gradient on");
        let (input, mut graph) = match segment {
            Segment::Loss { input, loss } => (input, loss.backward()),
            Segment::Kept { input, output } => (input, vector_jacobian(output, gradient())),
            Segment::Recomputed { layer, input } => {
                let mut x = input;
                let input = enter(&mut x, self.first_trained, Part::Layer(layer));
                let output = model.layer(layer, x, &self.inputs, self.dropout);
                (input, vector_jacobian(output, gradient()))
            }
        };
        self.gradient = input.and_then(|input| input.grad_remove(&mut graph));
        gradients.add(model, graph);
        true
    }

    /// Adds the gradient that reaches the embedding through the tokens, where it is trained: the last of all.
    pub fn backward_embedding(self, model: &mut Decoder, gradients: &mut Gradients) {
        if let Some(gradient) = self.gradient {
            let config = model.config();
            let shape = [config.vocab_size, config.hidden_size];
            let gradient = match config.plan.embedding_scale {
                1.0 => gradient,
                scale => gradient * scale,
            };
            gradients.add_rows(EMBEDDING, shape, self.inputs.tokens, gradient);
        }
    }
}

/// Begins a graph at `x`, the input of `part`: gives the leaf that `x` becomes where anything before it is trained.
fn enter(x: &mut Tensor<2>, first_trained: Option<Part>, part: Part) -> Option<Tensor<2>> {
    first_trained.filter(|&first| first < part)?;
    *x = x.clone().autodiff().require_grad();
    Some(x.clone())
}

/// The gradients that `output` passes on where its own is `gradient`. A backward pass begins with ones, so it begins at
/// the sum of their product.
fn vector_jacobian(output: Tensor<2>, gradient: Tensor<2>) -> Graph {
    (output * gradient).sum().backward()
}
