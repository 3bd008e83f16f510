//! Comparing the tensors that are there with those that should be.

use std::collections::HashMap;
use std::fmt;

use crate::TensorShape;

/// How many names a message lists.
const SHOWN: usize = 3;

/// Tensors that do not fit the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mismatch {
    /// What should be there and is not.
    pub missing: Vec<String>,
    /// What is there and should not be.
    pub unexpected: Vec<String>,
    /// What has another shape: name, shape found, shape expected.
    pub reshaped: Vec<(String, Vec<usize>, Vec<usize>)>,
}

/// What names of the tensors of quantized weights end in.
const QUANTIZED: [&str; 12] = [
    ".qweight",
    ".qzeros",
    ".scales",
    ".g_idx",
    ".absmax",
    ".quant_map",
    ".weight_scale",
    ".weight_scale_inv",
    ".weight_packed",
    ".weight_scales",
    ".SCB",
    ".biases",
];

/// Compares by name and shape; `None` if all fits.
pub(super) fn compare<'a>(
    found: impl Iterator<Item = (&'a str, Option<&'a [usize]>)>,
    expected: &[TensorShape],
) -> Option<Mismatch> {
    let mut mismatch = Mismatch::default();
    let mut found: HashMap<&str, Option<&[usize]>> = found.collect();
    for tensor in expected {
        match found.remove(tensor.name.as_str()).flatten() {
            None => mismatch.missing.push(tensor.name.clone()),
            Some(shape) if shape == tensor.shape => {}
            Some(shape) => {
                let reshaped = (tensor.name.clone(), shape.to_vec(), tensor.shape.clone());
                mismatch.reshaped.push(reshaped);
            }
        }
    }
    mismatch.unexpected = found.into_keys().map(str::to_owned).collect();
    mismatch.unexpected.sort();
    (mismatch != Mismatch::default()).then_some(mismatch)
}

impl fmt::Display for Mismatch {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        let reshaped: Vec<_> = self.reshaped.iter().map(reshaped).collect();
        let parts = [
            ("missing", &self.missing),
            ("unexpected", &self.unexpected),
            ("of another shape", &reshaped),
        ];
        let mut separator = "";
        for (what, names) in parts {
            let Some(more) = names.len().checked_sub(SHOWN) else {
                if !names.is_empty() {
                    write!(formatter, "{separator}{what}: {}", names.join(", "))?;
                    separator = "; ";
                }
                continue;
            };
            write!(
                formatter,
                "{separator}{what}: {}",
                names[..SHOWN].join(", ")
            )?;
            if more > 0 {
                write!(formatter, " and {more} more")?;
            }
            separator = "; ";
        }
        let quantized = |name: &String| QUANTIZED.iter().any(|end| name.ends_with(end));
        if self.unexpected.iter().any(quantized) {
            formatter
                .write_str("; these are quantized weights: take the model that is not quantized")?;
        }
        Ok(())
    }
}

fn reshaped((name, found, expected): &(String, Vec<usize>, Vec<usize>)) -> String {
    format!("{name} ({found:?}, expected {expected:?})")
}
