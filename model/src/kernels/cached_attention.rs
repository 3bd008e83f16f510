//! Attention of new tokens on keys and values that are kept.

use std::ops::Range;
use std::sync::Arc;

use burn::backend::Dispatch;
use burn::tensor::Tensor;

use super::{AttentionShape, DecoderOps};

/// Tokens that follow one another in a sequence, and where in the cache they and those before them lie.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRun {
    /// Their rows among the new tokens.
    pub rows: Range<usize>,
    /// The cache's row that the first of them takes; the others take those after it.
    pub slot: usize,
    /// The cache's rows of all tokens before the first one, by their positions.
    pub context: Vec<Range<usize>>,
}

impl CacheRun {
    /// The cache's rows that the run's own tokens take.
    pub fn slots(&self) -> Range<usize> {
        self.slot..self.slot + self.rows.len()
    }

    /// The number of tokens before the first one.
    pub fn before(&self) -> usize {
        self.context.iter().map(Range::len).sum()
    }
}

/// The runs of a pass, which every layer reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CacheRuns(Arc<[CacheRun]>);

impl CacheRuns {
    /// Runs that cover the rows of a pass in their order, each row once, and take no slot twice.
    pub fn new(runs: Vec<CacheRun>) -> Self {
        Self(runs.into())
    }
}

impl std::ops::Deref for CacheRuns {
    type Target = [CacheRun];

    fn deref(&self) -> &[CacheRun] {
        &self.0
    }
}

/// Attention of new tokens of any number of sequences. First `key` and `value` are written to their rows of the caches
/// `keys` and `values`, in place where nobody else holds these; then each token attends to its run's context, to the
/// tokens before it in its run, and to itself; with a window, to the last of all these. A run's context may be what another run of the same pass writes.
///
/// `query` is `[tokens, heads * head_dim]`, `key` and `value` are `[tokens, kv_heads * head_dim]`, the caches
/// `[slots, kv_heads * head_dim]`. Gives the output, `[tokens, heads * head_dim]`, and the caches.
pub fn cached_attention(
    query: Tensor<2>,
    key: Tensor<2>,
    value: Tensor<2>,
    keys: Tensor<2>,
    values: Tensor<2>,
    runs: &CacheRuns,
    shape: AttentionShape,
) -> (Tensor<2>, Tensor<2>, Tensor<2>) {
    let (output, keys, values) = <Dispatch as DecoderOps>::cached_attention(
        query.into_dispatch(),
        key.into_dispatch(),
        value.into_dispatch(),
        keys.into_dispatch(),
        values.into_dispatch(),
        runs.clone(),
        shape,
    );
    (
        Tensor::from_dispatch(output),
        Tensor::from_dispatch(keys),
        Tensor::from_dispatch(values),
    )
}
