//! A request on its way to an answer.

use super::choose::Choice;
use super::prefixes::NodeId;
use super::slots::SlotList;

/// A request that is being answered.
#[derive(Debug)]
pub(crate) struct Sequence {
    /// The request's place among the requests.
    pub request: usize,
    /// The prompt, then the answer as far as it is chosen.
    pub tokens: Vec<u32>,
    /// How many of `tokens` are the prompt's.
    pub prompt: usize,
    /// How many of `tokens` have their keys and values in the cache.
    pub computed: usize,
    /// How many of the prompt's tokens were there already.
    pub cached: usize,
    /// The cache's rows of `tokens` and of those to come.
    pub slots: SlotList,
    /// From which token on the rows are its own, and not the tree's.
    pub own: usize,
    /// The node of the tree that it reads up to.
    pub node: Option<NodeId>,
    /// The most tokens of an answer.
    pub new_tokens: usize,
    /// Chooses its tokens.
    pub choice: Choice,
}

impl Sequence {
    /// The tokens of the answer so far.
    pub fn answer(&self) -> &[u32] {
        &self.tokens[self.prompt..]
    }
}
