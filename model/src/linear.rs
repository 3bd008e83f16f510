//! A linear map with an optional bias and an optional adapter.

use burn::tensor::Tensor;
use glpft_checkpoints::Projection;
use glpft_recipes::Precision;

use crate::adapter::{Adapter, Dropout};
use crate::error::ModelError;
use crate::kernels::{ProjectionInput, adapted_projection, projection};
use crate::parameter::{Builder, Parameter, ParameterVisitor, Parameters};
use crate::weight::Weight;

/// `x · Wᵀ (+ bias) (+ adapter(x))`. The weight lies as Hugging Face files hold it, `[out, in]`.
#[derive(Clone, Debug)]
pub struct Linear {
    /// `[out, in]`.
    pub weight: Weight,
    /// `[out]`.
    pub bias: Option<Parameter<1>>,
    /// The adapter, where there is one.
    pub adapter: Option<Adapter>,
    /// Of the product with the weight.
    pub precision: Precision,
}

impl Linear {
    pub(crate) fn load<E: From<ModelError>>(
        projection: &Projection,
        builder: &mut Builder<'_, E>,
    ) -> Result<Self, E> {
        let Projection {
            path,
            inputs,
            outputs,
            bias,
            ..
        } = projection;
        Ok(Self {
            weight: builder.weight(format!("{path}.weight"), [*outputs, *inputs])?,
            bias: match bias {
                true => Some(builder.parameter(format!("{path}.bias"), [*outputs])?),
                false => None,
            },
            adapter: None,
            precision: Precision::F32,
        })
    }

    /// `[tokens, in]` → `[tokens, out]`. Dropout is for training only.
    pub fn forward(&self, input: ProjectionInput, dropout: Option<Dropout>) -> Tensor<2> {
        let weight = self.weight.held();
        let output = match &self.adapter {
            None => projection(input, weight, self.precision),
            Some(adapter) => {
                let (a, b) = (adapter.a.value(), adapter.b.value());
                let low_rank = adapter.low_rank(dropout);
                adapted_projection(input, weight, a, b, low_rank, self.precision)
            }
        };
        match &self.bias {
            Some(bias) => output + bias.value().unsqueeze(),
            None => output,
        }
    }

    /// Adds the adapter, if any, into the weight and removes it. A frozen weight that is held in fewer bits stays as it is, and
    /// so does its adapter.
    pub fn merge(&mut self) {
        if let Weight::Own(weight) = &mut self.weight
            && let Some(adapter) = self.adapter.take()
        {
            weight.set(weight.value() + adapter.delta());
        }
    }
}

impl Parameters for Linear {
    fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        if let Weight::Own(weight) = &mut self.weight {
            visitor.visit(&format!("{path}.weight"), weight);
        }
        if let Some(bias) = &mut self.bias {
            visitor.visit(&format!("{path}.bias"), bias);
        }
        if let Some(adapter) = &mut self.adapter {
            adapter.visit(path, visitor);
        }
    }
}

/// A linear map and its path in the layer.
#[derive(Clone, Debug)]
pub(crate) struct Named {
    path: &'static str,
    pub linear: Linear,
}

impl Named {
    /// Those of a part of a layer.
    pub fn load_all<E: From<ModelError>>(
        paths: &[&'static str],
        projections: &[Projection],
        builder: &mut Builder<'_, E>,
    ) -> Result<Vec<Self>, E> {
        let load = |(&path, projection)| {
            let linear = Linear::load(projection, builder)?;
            Ok(Self { path, linear })
        };
        paths.iter().zip(projections).map(load).collect()
    }

    /// Visits the parameters; `path` is the layer's.
    pub fn visit(&mut self, path: &str, visitor: &mut impl ParameterVisitor) {
        self.linear.visit(&format!("{path}.{}", self.path), visitor);
    }
}
