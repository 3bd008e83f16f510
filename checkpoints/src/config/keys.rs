//! The keys of a `config.json`, as families read them.

use std::ops::Deref;

use super::Architecture;
use super::fields::Fields;

/// The keys of a file, with what is known of the model already.
pub(crate) struct Keys<'a> {
    pub(super) fields: Fields<'a>,
    pub architecture: Architecture,
    /// Those that the family reads, of the keys that change what is computed.
    pub reads: &'static [&'static str],
    pub defaults: &'static Defaults,
    pub layers: usize,
    pub hidden_size: usize,
    pub head_dim: usize,
    pub max_positions: usize,
}

impl<'a> Deref for Keys<'a> {
    type Target = Fields<'a>;

    fn deref(&self) -> &Fields<'a> {
        &self.fields
    }
}

/// What transformers takes where a key is absent.
pub(crate) struct Defaults {
    pub max_positions: usize,
    /// The positions before a rotary scaling; none: the model's.
    pub original_positions: Option<usize>,
    /// None: one for each query head.
    pub kv_heads: Option<usize>,
    /// None: the hidden width by the heads.
    pub head_dim: Option<usize>,
    pub theta: f64,
    pub epsilon: f64,
    pub tied: bool,
    /// The key of the feed-forward layer's width.
    pub inner: &'static str,
}

impl Defaults {
    /// Llama's.
    pub const LLAMA: Self = Self {
        max_positions: 2048,
        original_positions: None,
        kv_heads: None,
        head_dim: None,
        theta: 10_000.0,
        epsilon: 1e-6,
        tied: false,
        inner: "intermediate_size",
    };
}
