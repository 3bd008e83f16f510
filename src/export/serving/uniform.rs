//! Adapters whose ranks or scales differ from module to module, as engines take them: one rank and one scale for all.

use std::collections::HashMap;
use std::path::Path;

use glpft_checkpoints::{
    Adapter, AdapterConfig, AdapterDirectory, FloatType, ModelCard, ModelFiles, ModelLocation,
};

use super::super::{Export, base_fingerprint, card, card_of};
use crate::base::Base;
use crate::error::{Error, StartError};

/// Writes the adapter in `directory`, whose base is at `base` and will be called `name`, and returns its rank. With one
/// rank and one scale it stays as it is. Otherwise A and B are filled with zeros up to the largest rank, and B takes up the
/// scale, which changes no sum.
pub(super) fn write(
    directory: &Path,
    base: &Path,
    name: &str,
    dtype: Option<FloatType>,
    to: &Path,
) -> Result<usize, Error> {
    let adapter = Adapter::open(directory)?;
    let config = adapter.config();
    if config.rank_pattern.is_empty() && config.alpha_pattern.is_empty() {
        let export = Export {
            dtype,
            base_name: Some(name.to_owned()),
            ..Export::default()
        };
        let location = ModelLocation::Adapter {
            directory: directory.to_owned(),
            base: base.to_owned(),
        };
        export.write(&location, to)?;
        return Ok(config.rank);
    }
    let base = Base::open(base)?.with_tokenizer_in(directory)?;
    let files = base.open_weights()?;
    let files: &ModelFiles = files.as_ref().ok_or_else(|| {
        Error::Start(StartError::AdapterAsBase {
            path: directory.to_owned(),
        })
    })?;
    adapter.check(&base.config, files)?;
    let modules = config.modules(&base.config)?;
    let ranks = modules.iter().map(|module| module.rank);
    let rank = ranks.max().unwrap_or(config.rank);
    let uniform = AdapterConfig {
        rank,
        alpha: rank as f64,
        rslora: false,
        rank_pattern: Vec::new(),
        alpha_pattern: Vec::new(),
        base: name.to_owned(),
        ..config.clone()
    };
    let mut tensors = HashMap::new();
    for module in &modules {
        let [a, b] = module.tensors();
        tensors.insert(a.name.clone(), (a, None));
        tensors.insert(b.name.clone(), (b, Some(module.scale as f32)));
    }
    let fingerprint = base_fingerprint(&adapter, &base.config, files)?;
    let card = ModelCard {
        adapter: true,
        copied: card_of(directory),
        ..card(directory, Path::new(name))
    };
    AdapterDirectory {
        config: &uniform,
        model: &base.config,
        base_fingerprint: &fingerprint,
        base_beside: None,
        beside: &[],
        // Products with scales are kept.
        dtype: dtype.unwrap_or(FloatType::F32),
        tokenizer: Some(base.tokenizer_files.source()),
        card: Some(&card),
    }
    .write(to, &mut |name| {
        let (shape, scale) = match tensors.get(name) {
            Some((tensor, scale)) => (tensor.shape.as_slice(), *scale),
            None => (&[][..], None),
        };
        let values = adapter.read_f32(name, shape)?;
        Ok::<_, Error>(match scale {
            // Rows of A are behind each other.
            None => {
                let mut values = values;
                let width = shape.last().copied().unwrap_or(0);
                values.resize(rank * width, 0.0);
                values
            }
            Some(scale) => widened(&values, shape.last().copied().unwrap_or(0), rank, scale),
        })
    })?;
    Ok(rank)
}

/// Rows of `width` values, scaled, with zeros up to `rank`.
fn widened(values: &[f32], width: usize, rank: usize, scale: f32) -> Vec<f32> {
    let mut wide = Vec::with_capacity(values.len() / width.max(1) * rank);
    for row in values.chunks_exact(width.max(1)) {
        wide.extend(row.iter().map(|value| value * scale));
        wide.resize(wide.len() + rank - row.len(), 0.0);
    }
    wide
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_scaled_and_filled() {
        let wide = widened(&[1.0, 2.0, 3.0, 4.0], 2, 3, 0.5);
        assert_eq!(wide, [0.5, 1.0, 0.0, 1.5, 2.0, 0.0]);
    }
}
