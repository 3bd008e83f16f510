//! Telling one model's weights from another's.

use crate::{ModelConfig, ModelFiles, RopeScaling, WeightsError};

/// A hash over what decides a model's output: the configuration's arithmetic, and name,
/// type, shape and bytes of every parameter.
///
/// It does not depend on where the model lies, how it is sharded, the order of its tensors,
/// or on keys of `config.json` that compute nothing. Storing the weights in another type
/// changes it. Reads the weights once, a part at a time.
pub fn fingerprint(config: &ModelConfig, files: &ModelFiles) -> Result<String, WeightsError> {
    let mut hash = blake3::Hasher::new();
    let facts = format!(
        "glpft model 1\n{} {} {} {} {:?} {:?} {}\n",
        config.architecture.model_type(),
        config.heads,
        config.kv_heads,
        config.head_dim,
        config.rms_norm_eps,
        config.rope.theta,
        scaling(&config.rope.scaling),
    );
    hash.update(facts.as_bytes());
    let mut tensors = config.tensors();
    tensors.sort_by(|one, other| one.name.cmp(&other.name));
    for tensor in &tensors {
        let dtype = files.stored(&tensor.name)?;
        let entry = format!("{} {dtype} {:?}\n", tensor.name, tensor.shape);
        hash.update(entry.as_bytes());
        files.chunks(&tensor.name, |bytes| {
            hash.update(bytes);
        })?;
    }
    Ok(format!("blake3:{}", hash.finalize().to_hex()))
}

/// Spelled out, because the Debug form would change with the names of the fields.
fn scaling(scaling: &RopeScaling) -> String {
    match scaling {
        RopeScaling::None => "none".to_owned(),
        RopeScaling::Dynamic { factor, .. } => format!("dynamic {factor:?}"),
        RopeScaling::Yarn {
            factor,
            original_max_positions,
            beta_fast,
            beta_slow,
            truncate,
            ..
        } => format!(
            "yarn {factor:?} {original_max_positions} {beta_fast:?} {beta_slow:?} {truncate} {:?}",
            scaling.attention_factor()
        ),
        RopeScaling::Long {
            short,
            long,
            original_max_positions,
            ..
        } => format!(
            "long {short:?} {long:?} {original_max_positions} {:?}",
            scaling.attention_factor()
        ),
        RopeScaling::Linear { factor } => format!("linear {factor:?}"),
        RopeScaling::Llama3 {
            factor,
            low_frequency_factor: low,
            high_frequency_factor: high,
            original_max_positions,
        } => format!("llama3 {factor:?} {low:?} {high:?} {original_max_positions}"),
    }
}
