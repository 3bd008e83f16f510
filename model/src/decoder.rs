//! The whole model.

use burn::tensor::{DType, Device, FloatDType, Int, Tensor};
use glpft_checkpoints::{AdaptedKind, AdaptedModule, ModelConfig};
use glpft_recipes::{FrozenWeights, LoraRecipe, Precision};

use crate::adapter::{Adapter, Dropout, adapter_config};
use crate::error::ModelError;
use crate::inputs::{Inputs, Targets};
use crate::kernels::linear_cross_entropy;
use crate::layer::Layer;
use crate::norm::Norm;
use crate::parameter::{Builder, Parameter, ParameterVisitor, WeightSource};
use crate::weight::Weight;

/// A decoder-only transformer with its output head.
#[derive(Clone, Debug)]
pub struct Decoder {
    pub(crate) config: ModelConfig,
    device: Device,
    dtype: FloatDType,
    pub(crate) embed_tokens: Parameter<2>,
    pub(crate) layers: Vec<Layer>,
    pub(crate) norm: Norm,
    /// None where the head is the embedding.
    pub(crate) lm_head: Option<Parameter<2>>,
}

/// Which parameters are trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trained {
    /// All but adapters' frozen bases: every parameter of a model without adapters.
    All,
    /// The adapters alone.
    Adapters,
    /// Nothing.
    None,
}

impl Decoder {
    /// Builds the model that `config` describes from the weights of `source`, all frozen.
    ///
    /// # Errors
    /// Those of `source`, and a tensor of the wrong size.
    pub fn load<'a, E: From<ModelError>>(
        config: ModelConfig,
        device: &Device,
        dtype: FloatDType,
        source: &'a mut WeightSource<'a, E>,
    ) -> Result<Self, E> {
        Self::load_frozen(config, device, dtype, FrozenWeights::default(), source)
    }

    /// The same, with the projections' weights held as `frozen` has it: all but `f32` are never trained, and no
    /// [`ParameterVisitor`] sees them.
    ///
    /// # Errors
    /// Those of `source`, a tensor of the wrong size, and a weight that cannot be held so.
    pub fn load_frozen<'a, E: From<ModelError>>(
        config: ModelConfig,
        device: &Device,
        dtype: FloatDType,
        frozen: FrozenWeights,
        source: &'a mut WeightSource<'a, E>,
    ) -> Result<Self, E> {
        let mut builder = Builder {
            device: device.clone(),
            dtype,
            frozen,
            source,
        };
        let (vocabulary, hidden) = (config.vocab_size, config.hidden_size);
        let embed_tokens =
            builder.parameter("model.embed_tokens.weight".to_owned(), [vocabulary, hidden])?;
        let layers = (0..config.layers)
            .map(|number| Layer::load(&config, number, &mut builder))
            .collect::<Result<_, _>>()?;
        let norm = Norm::load(&config, "model.norm", hidden, &mut builder)?;
        let lm_head = match config.tied {
            true => None,
            false => Some(builder.parameter("lm_head.weight".to_owned(), [vocabulary, hidden])?),
        };
        Ok(Self {
            config,
            device: device.clone(),
            dtype,
            embed_tokens,
            layers,
            norm,
            lm_head,
        })
    }

    /// The configuration that the model was built from.
    pub fn config(&self) -> &ModelConfig {
        &self.config
    }

    /// The device that holds the model.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The element type of parameters and activations.
    pub fn dtype(&self) -> FloatDType {
        self.dtype
    }

    /// Puts a fresh adapter on each projection that `lora` names: A from `source` (asked by the name and shape of
    /// `….lora_A.weight` and `….lora_B.weight`).
    ///
    /// # Errors
    /// A target module that matches nothing, a pattern that cannot be used, and those of `source`.
    pub fn attach<'a, E: From<ModelError>>(
        &mut self,
        lora: &LoraRecipe,
        source: &'a mut WeightSource<'a, E>,
    ) -> Result<(), E> {
        let names = self.config.projection_names();
        let targets = lora.target_modules.iter();
        if let Some(target) = targets
            .into_iter()
            .find(|target| !names.contains(&&***target))
        {
            return Err(E::from(ModelError::NoSuchTarget {
                target: target.clone(),
                known: names.join(", "),
            }));
        }
        let modules = adapter_config(lora).modules(&self.config);
        let modules = modules.map_err(ModelError::from)?;
        self.attach_projections(&modules, lora.dropout, source)
    }

    /// Puts an adapter on each of `modules` that is a projection.
    pub(crate) fn attach_projections<'a, E: From<ModelError>>(
        &mut self,
        modules: &[AdaptedModule],
        dropout: f64,
        source: &'a mut WeightSource<'a, E>,
    ) -> Result<(), E> {
        let mut builder = Builder {
            device: self.device.clone(),
            dtype: self.dtype,
            frozen: FrozenWeights::default(),
            source,
        };
        let linears = self.layers.iter_mut().flat_map(Layer::projections);
        let mut linears: Vec<_> = linears.collect();
        for module in modules {
            let AdaptedModule {
                path,
                rank,
                inputs,
                outputs,
                ..
            } = module;
            let AdaptedKind::Projection(number) = module.kind else {
                continue;
            };
            linears[number].adapter = Some(Adapter {
                a: builder.parameter(format!("{path}.lora_A.weight"), [*rank, *inputs])?,
                b: builder.parameter(format!("{path}.lora_B.weight"), [*outputs, *rank])?,
                scale: module.scale,
                dropout,
                number: number as u64,
            });
        }
        Ok(())
    }

    /// The names of the weights that are held in fewer bits, with their adapters.
    pub fn frozen_weights(&mut self) -> Vec<(String, Option<Adapter>)> {
        let mut found = Vec::new();
        for (number, layer) in self.layers.iter_mut().enumerate() {
            let projections = self.config.projections_of(number);
            for (projection, linear) in projections.iter().zip(layer.projections()) {
                if let Weight::Frozen(_) = linear.weight {
                    found.push((
                        format!("{}.weight", projection.path),
                        linear.adapter.clone(),
                    ));
                }
            }
        }
        found
    }

    /// Adds every adapter into its weight and removes it; where the weight is held in fewer bits, both stay.
    pub fn merge(&mut self) {
        for layer in &mut self.layers {
            for linear in layer.projections() {
                linear.merge();
            }
        }
    }

    /// Sets the precision of the projections' and attention's products (the head's stay single precision).
    ///
    /// # Errors
    /// The device has no such numbers.
    pub fn set_precision(&mut self, precision: Precision) -> Result<(), ModelError> {
        if precision == Precision::Bf16 && !self.device.supports_dtype(DType::BF16) {
            return Err(ModelError::NoPrecision { precision });
        }
        for layer in &mut self.layers {
            layer.self_attn.set_precision(precision);
            for linear in layer.projections() {
                linear.precision = precision;
            }
        }
        Ok(())
    }

    /// Says which parameters are trained; gradients are made for those alone.
    pub fn train(&mut self, trained: Trained) {
        struct Train(Trained);
        impl ParameterVisitor for Train {
            fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
                parameter.set_trained(match self.0 {
                    Trained::All => true,
                    Trained::Adapters => is_adapter(path),
                    Trained::None => false,
                });
            }
        }
        self.visit_all(&mut Train(trained));
    }

    /// The model with nothing trained, on the same weights: what it computes is part of no graph.
    pub fn frozen(&self) -> Self {
        let mut frozen = self.clone();
        frozen.train(Trained::None);
        frozen
    }

    /// Visits every parameter by its Hugging Face name.
    pub fn visit_all(&mut self, visitor: &mut impl ParameterVisitor) {
        for part in self.parts() {
            self.visit_part(part, visitor);
        }
    }

    /// The last layer's output, before the final norm: `[tokens, hidden]`. Dropout is for training only.
    pub fn hidden(&self, inputs: &Inputs, dropout: Option<Dropout>) -> Tensor<2> {
        let embedded = self.embed(&self.embed_tokens.value(), inputs.tokens.clone());
        (0..self.layers.len()).fold(embedded, |x, layer| self.layer(layer, x, inputs, dropout))
    }

    /// The summed cross-entropy of the batch's targets, `Σ weight · −log p(token)`, as a tensor of one element; none
    /// where the batch has no targets. The head sees labelled positions alone.
    pub fn loss(&self, inputs: &Inputs, dropout: Option<Dropout>) -> Option<Tensor<1>> {
        let targets = inputs.targets.as_ref()?;
        Some(self.head_loss(self.hidden(inputs, dropout), targets))
    }

    /// The same from the last layer's output, `[tokens, hidden]`.
    pub fn head_loss(&self, hidden: Tensor<2>, targets: &Targets) -> Tensor<1> {
        linear_cross_entropy(
            self.final_norm(hidden.select(0, targets.hidden.clone())),
            self.head(),
            targets.rows.clone(),
            targets.tokens.clone(),
            targets.weights.clone(),
        )
    }

    /// The logits of the positions in `at` (`[rows]`): `[rows, vocabulary]`.
    pub fn logits(&self, inputs: &Inputs, at: Tensor<1, Int>) -> Tensor<2> {
        let hidden = self.final_norm(self.hidden(inputs, None).select(0, at));
        hidden.matmul(self.head().transpose())
    }

    /// The tokens' rows of the embedding, scaled as the model has it: `[tokens, hidden]`.
    pub(crate) fn embed(&self, embedding: &Tensor<2>, tokens: Tensor<1, Int>) -> Tensor<2> {
        let rows = embedding.clone().select(0, tokens);
        match self.config.plan.embedding_scale {
            1.0 => rows,
            scale => rows * scale,
        }
    }

    /// What the head reads: the norm of `x`, divided as the logits are to be.
    pub(crate) fn final_norm(&self, x: Tensor<2>) -> Tensor<2> {
        let normed = self.norm.forward(x);
        match self.config.plan.logits_divisor {
            1.0 => normed,
            divisor => normed / divisor,
        }
    }

    pub(crate) fn head(&self) -> Tensor<2> {
        self.lm_head.as_ref().unwrap_or(&self.embed_tokens).value()
    }
}

/// Whether the parameter at `path` is part of an adapter.
pub fn is_adapter(path: &str) -> bool {
    path.contains(".lora_")
}
