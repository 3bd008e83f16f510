//! The parameters that a stage trains: their paths, and their names in files.

use glpft_checkpoints::TensorShape;
use glpft_model::{Decoder, Parameter, ParameterVisitor, is_adapter};

/// What PEFT puts before the path of an adapter's tensor.
pub(crate) const ADAPTER_PREFIX: &str = "base_model.model.";

/// The trained parameters' paths and shapes, in the model's order.
pub(crate) fn trained(model: &mut Decoder) -> Vec<TensorShape> {
    struct Shapes(Vec<TensorShape>);
    impl ParameterVisitor for Shapes {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if parameter.is_trained() {
                let shape = parameter.value().shape().to_vec();
                self.0.push(TensorShape::new(path, shape));
            }
        }
    }
    let mut shapes = Shapes(Vec::new());
    model.visit_all(&mut shapes);
    shapes.0
}

/// The file of a whole model's weights.
pub(crate) const FULL: &str = "model.safetensors";

/// The file of the trained weights, and their names in it.
pub(crate) fn named(parameters: &[TensorShape]) -> (&'static str, Vec<TensorShape>) {
    match parameters
        .iter()
        .any(|parameter| is_adapter(&parameter.name))
    {
        true => {
            let renamed = parameters.iter().map(|parameter| {
                TensorShape::new(
                    format!("{ADAPTER_PREFIX}{}", parameter.name),
                    parameter.shape.clone(),
                )
            });
            ("adapter_model.safetensors", renamed.collect())
        }
        false => (FULL, parameters.to_vec()),
    }
}
