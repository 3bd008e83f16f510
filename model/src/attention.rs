//! The attention layer.

use burn::tensor::Tensor;
use glpft_checkpoints::{ModelConfig, Projection, Rotary};
use glpft_recipes::Precision;

use crate::adapter::Dropout;
use crate::cache::{LayerCache, Pass};
use crate::error::ModelError;
use crate::inputs::Inputs;
use crate::kernels::{AttentionShape, ProjectionInput, branch_attention, rotary, tree_attention};
use crate::linear::{Linear, Named};
use crate::norm::Norm;
use crate::parameter::{Builder, ParameterVisitor, Parameters};
use crate::rotary::Angles;

/// Grouped-query attention (arXiv 2305.13245) over a prefix forest.
#[derive(Clone, Debug)]
pub struct Attention {
    /// Those of queries, keys and values, or one whose output is all three; then the output's.
    projections: Vec<Named>,
    /// Norms of each query and key head before rotation, `[head_dim]`.
    head_norms: Option<[Norm; 2]>,
    /// Which of the model's rotary embeddings turns queries and keys.
    rotary: Option<usize>,
    shape: AttentionShape,
}

impl Attention {
    /// The attention of the layer of that number.
    pub(crate) fn load<E: From<ModelError>>(
        config: &ModelConfig,
        number: usize,
        projections: &[Projection],
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        let plan = &config.layer(number).attention;
        let mut norm = |name: &str| {
            let path = format!("model.layers.{number}.self_attn.{name}");
            Norm::load(config, &path, config.head_dim, builder)
        };
        let head_norms = match plan.head_norms {
            true => Some([norm("q_norm")?, norm("k_norm")?]),
            false => None,
        };
        let width = config.head_dim as f64;
        Ok(Self {
            projections: Named::load_all(plan.projections.paths(), projections, builder)?,
            head_norms,
            rotary: match plan.rotary {
                Rotary::None => None,
                Rotary::Main => Some(0),
                Rotary::Local => Some(1),
            },
            shape: AttentionShape {
                heads: config.heads,
                kv_heads: config.kv_heads,
                head_dim: config.head_dim,
                scale: plan.scale.unwrap_or(width.powf(-0.5)),
                window: plan.window,
                precision: Precision::F32,
            },
        })
    }

    /// Sets the precision of the products of queries, keys and values.
    pub(crate) fn set_precision(&mut self, precision: Precision) {
        self.shape.precision = precision;
    }

    /// `[tokens, hidden]` → `[tokens, hidden]`.
    pub fn forward(
        &self,
        input: ProjectionInput,
        inputs: &Inputs,
        dropout: Option<Dropout>,
    ) -> Tensor<2> {
        let [query, key, value] = self.project(input, &inputs.angles, dropout);
        let (ends, positions) = (inputs.subtree_end.clone(), inputs.positions.clone());
        let mixed = match &inputs.trunk {
            None => tree_attention(query, key, value, ends, positions, self.shape),
            Some(trunk) => {
                branch_attention(query, key, value, ends, positions, trunk.keys(), self.shape)
            }
        };
        self.output(mixed, dropout)
    }

    /// The keys, rotated, and the values that tokens behind these attend to: `[tokens, kv_heads * head_dim]`.
    pub(crate) fn keys_and_values(
        &self,
        input: ProjectionInput,
        inputs: &Inputs,
    ) -> (Tensor<2>, Tensor<2>) {
        let [_, key, value] = self.project(input, &inputs.angles, None);
        (key, value)
    }

    /// [`forward`](Self::forward) of new tokens alone, those before them being in the cache.
    pub(crate) fn extend(
        &self,
        input: ProjectionInput,
        pass: &Pass,
        cache: &mut LayerCache,
    ) -> Tensor<2> {
        let [query, key, value] = self.project(input, &pass.angles, None);
        let mixed = cache.attend(query, key, value, &pass.runs, self.shape);
        self.output(mixed, None)
    }

    fn output(&self, mixed: Tensor<2>, dropout: Option<Dropout>) -> Tensor<2> {
        let last = &self.projections[self.projections.len() - 1].linear;
        last.forward(ProjectionInput::kept(mixed), dropout)
    }

    /// Queries, keys and values, the first two rotated.
    fn project(
        &self,
        input: ProjectionInput,
        angles: &[Angles],
        dropout: Option<Dropout>,
    ) -> [Tensor<2>; 3] {
        let of = |at: usize, input| self.projections[at].linear.forward(input, dropout);
        let [query, key, value] = match self.projections.len() {
            2 => self.parts(of(0, input)),
            _ => [of(0, input.clone()), of(1, input.clone()), of(2, input)],
        };
        let width = self.shape.head_dim;
        let (query, key) = match &self.head_norms {
            Some([of_query, of_key]) => (of_query.heads(query, width), of_key.heads(key, width)),
            None => (query, key),
        };
        let turn = |x: Tensor<2>| match self.rotary {
            Some(which) => {
                let Angles { cos, sin } = angles[which].clone();
                rotary(x, cos, sin, width)
            }
            None => x,
        };
        [turn(query), turn(key), value]
    }

    /// The queries, keys and values that one projection made.
    fn parts(&self, all: Tensor<2>) -> [Tensor<2>; 3] {
        let [tokens, width] = all.dims();
        let queries = self.shape.heads * self.shape.head_dim;
        let keys = queries + self.shape.kv_heads * self.shape.head_dim;
        [0..queries, queries..keys, keys..width]
            .map(|columns| all.clone().slice([0..tokens, columns]))
    }

    /// The projections, in the order of the plan.
    pub fn projections(&mut self) -> impl Iterator<Item = &mut Linear> {
        self.projections.iter_mut().map(|named| &mut named.linear)
    }
}

impl Parameters for Attention {
    /// `path` is the layer's.
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        for projection in &mut self.projections {
            projection.visit(path, visitor);
        }
        if let Some([of_query, of_key]) = &mut self.head_norms {
            of_query.visit(&format!("{path}.self_attn.q_norm"), visitor);
            of_key.visit(&format!("{path}.self_attn.k_norm"), visitor);
        }
    }
}
