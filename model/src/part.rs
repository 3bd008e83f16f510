//! The model's parts one by one, for a forward pass in pieces.

use burn::tensor::Tensor;

use crate::adapter::Dropout;
use crate::decoder::Decoder;
use crate::inputs::Inputs;
use crate::parameter::{Parameter, ParameterVisitor, Parameters};

/// The path of the embedding, which may be the head as well.
pub const EMBEDDING: &str = "model.embed_tokens.weight";

/// A part of the model; in the order of the forward pass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The embedding of tokens.
    Embedding,
    /// The layer of that number, from 0.
    Layer(usize),
    /// The final norm, and the output head where it is not the embedding.
    Head,
}

impl Decoder {
    /// Its parts, in the order of the forward pass.
    pub fn parts(&self) -> impl Iterator<Item = Part> + use<> {
        let layers = (0..self.layers.len()).map(Part::Layer);
        [Part::Embedding]
            .into_iter()
            .chain(layers)
            .chain([Part::Head])
    }

    /// Visits the parameters of a part by their Hugging Face names.
    pub fn visit_part(&mut self, part: Part, visitor: &mut impl ParameterVisitor) {
        match part {
            Part::Embedding => visitor.visit(EMBEDDING, &mut self.embed_tokens),
            Part::Layer(index) => {
                self.layers[index].visit(&format!("model.layers.{index}"), visitor);
            }
            Part::Head => {
                self.norm.visit("model.norm", visitor);
                if let Some(head) = &mut self.lm_head {
                    visitor.visit("lm_head.weight", head);
                }
            }
        }
    }

    /// The first part that anything is trained of: what comes before needs no gradients.
    pub fn first_trained(&mut self) -> Option<Part> {
        struct Any(bool);
        impl ParameterVisitor for Any {
            fn visit<const D: usize>(&mut self, _path: &str, parameter: &mut Parameter<D>) {
                self.0 |= parameter.is_trained();
            }
        }
        self.parts().find(|&part| {
            let mut any = Any(false);
            self.visit_part(part, &mut any);
            any.0
        })
    }

    /// The batch's embedded tokens, outside any graph: `[tokens, hidden]`.
    pub fn embedded(&self, inputs: &Inputs) -> Tensor<2> {
        self.embed(&self.embed_tokens.value().inner(), inputs.tokens.clone())
    }

    /// What a layer makes of its input, both `[tokens, hidden]`. Dropout is for training only.
    pub fn layer(
        &self,
        index: usize,
        x: Tensor<2>,
        inputs: &Inputs,
        dropout: Option<Dropout>,
    ) -> Tensor<2> {
        self.layers[index].forward(x, &inputs.at_layer(index), dropout)
    }
}
