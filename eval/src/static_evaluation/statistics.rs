//! Who was asked how often, and what it took.

use glpft_agent::{NOTHING, clean_output};
use serde::{Deserialize, Serialize};

use super::record::{Ending, Output};

/// What one role was asked and said.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoleStatistics {
    /// `planner`, `caller`, `summarizer`, `backbone` or `agent`.
    pub role: String,
    /// How often it was asked.
    pub requests: u64,
    /// Tokens of its prompts.
    pub prompt_tokens: u64,
    /// Those of them that did not have to be computed, since an earlier prompt began with them.
    pub cached_tokens: u64,
    /// Tokens that it generated.
    pub new_tokens: u64,
    /// The longest prompt.
    #[serde(default)]
    pub longest_prompt: u64,
    /// Prompts that did not fit: the models were not shown what they begin with.
    #[serde(default)]
    pub prompts_cut: u64,
    /// Prompts of which not even the least fitted: nobody answered, and the step counts as a give-up.
    #[serde(default, skip_serializing_if = "is_none")]
    pub prompts_refused: u64,
    /// What earlier versions counted instead: prompts as long as a prompt may be, cut or not. Nothing of this version has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompts_at_limit: Option<u64>,
    /// Answers that say nothing (empty, a full stop, a comma); `none` stands instead.
    pub empty: u64,
    /// Why its answers ended.
    pub endings: Endings,
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "the form that serde asks for"
)]
fn is_none(count: &u64) -> bool {
    *count == 0
}

/// Answers by why they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endings {
    /// The model ended them.
    pub end_of_sequence: u64,
    /// The text of a separator came up.
    pub stop_text: u64,
    /// They were as long as an answer may be.
    pub length: u64,
    /// They repeated themselves (`--stop-repeats`).
    #[serde(default)]
    pub repeats: u64,
}

impl RoleStatistics {
    /// Of nothing yet.
    pub(crate) fn new(role: &str) -> Self {
        Self {
            role: role.to_owned(),
            ..Self::default()
        }
    }

    /// Takes an answer of this role in.
    pub(crate) fn add(&mut self, output: &Output) {
        self.requests += 1;
        self.prompt_tokens += output.prompt_tokens as u64;
        self.longest_prompt = self.longest_prompt.max(output.prompt_tokens as u64);
        self.cached_tokens += output.cached_tokens as u64;
        self.new_tokens += output.new_tokens as u64;
        self.prompts_cut += u64::from(output.cut_tokens > 0 || output.left_out_turns > 0);
        self.prompts_refused += u64::from(output.refused);
        self.empty += u64::from(clean_output(&output.text) == NOTHING);
        *match output.ending {
            Ending::EndOfSequence => &mut self.endings.end_of_sequence,
            Ending::StopText => &mut self.endings.stop_text,
            Ending::Length => &mut self.endings.length,
            Ending::Repeats => &mut self.endings.repeats,
        } += 1;
    }
}
