//! Parameters whose elements are not finite.

use burn::tensor::Tensor;
use glpft_model::kernels::sum_of_squares;
use glpft_model::{Decoder, ModelError, Parameter, ParameterVisitor};

use crate::values::numbers;

/// Which parameters are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Which {
    All,
    Trained,
}

/// The first parameter, in the model's order, with an element that is infinite, not a number, or so large that its
/// square is infinite.
///
/// # Errors
/// The device cannot be read.
pub(crate) fn first_broken(
    model: &mut Decoder,
    which: Which,
) -> Result<Option<String>, ModelError> {
    struct Sums(Vec<(String, Tensor<1>)>, Which);
    impl ParameterVisitor for Sums {
        fn visit<const D: usize>(&mut self, path: &str, parameter: &mut Parameter<D>) {
            if self.1 == Which::All || parameter.is_trained() {
                let sum = sum_of_squares(parameter.value().inner());
                self.0.push((path.to_owned(), sum));
            }
        }
    }
    let mut sums = Sums(Vec::new(), which);
    model.visit_all(&mut sums);
    for (path, sum) in sums.0 {
        if numbers(sum)?.iter().any(|sum| !sum.is_finite()) {
            return Ok(Some(path));
        }
    }
    Ok(None)
}
