//! Which steps of the data are asked about.

use glpft_agent::reference_text;
use glpft_data::{Conversation, Speaker};
use serde::{Deserialize, Serialize};

use super::settings::StaticSettings;

/// A step that is asked about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GoldStep {
    /// The turn that it begins with, an assistant's.
    pub turn: usize,
    /// What should be said ([`reference_text`]).
    pub reference: String,
}

/// The steps of one conversation.
#[derive(Clone, Debug)]
pub(crate) struct TrajectorySteps<'c> {
    /// Its index in the data.
    pub index: usize,
    pub conversation: &'c Conversation,
    pub steps: Vec<GoldStep>,
}

/// What of the data is asked about, and what is not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataCounts {
    /// Conversations read.
    pub trajectories: usize,
    /// Those with a step that is asked about.
    pub trajectories_asked: usize,
    /// Records of the data that could not be read, and are in nothing else here.
    pub bad_records: usize,
    /// Conversations beyond the settings' limits.
    pub trajectories_beyond_limit: usize,
    /// Conversations within them without a step to score.
    pub trajectories_without_steps: usize,
    /// Steps that are asked about.
    pub steps: usize,
    /// Steps beyond the settings' limit, of conversations within theirs.
    pub steps_beyond_limit: usize,
    /// Assistants' turns without a tag (`Next: …`): they stand in later histories and are not scored, as in the
    /// published evaluation.
    pub turns_without_tag: usize,
}

/// The steps that the settings ask about; conversations without any are left out.
pub(crate) fn steps<'c>(
    conversations: &'c [Conversation],
    bad_records: usize,
    settings: &StaticSettings,
) -> (Vec<TrajectorySteps<'c>>, DataCounts) {
    let limit = settings.trajectories.unwrap_or(usize::MAX);
    let mut left = settings.steps.unwrap_or(usize::MAX);
    let mut counts = DataCounts {
        trajectories: conversations.len(),
        bad_records,
        trajectories_beyond_limit: conversations.len().saturating_sub(limit),
        ..DataCounts::default()
    };
    let mut trajectories = Vec::new();
    for (index, conversation) in conversations.iter().enumerate().take(limit) {
        let turns = &conversation.turns;
        let mut steps = Vec::new();
        let mut scored = 0;
        for (turn, value) in turns.iter().enumerate() {
            if value.from != Speaker::Assistant {
                continue;
            }
            match reference_text(value, turns.get(turn + 1)) {
                Some(reference) => {
                    scored += 1;
                    if left > 0 {
                        left -= 1;
                        steps.push(GoldStep { turn, reference });
                    }
                }
                None => counts.turns_without_tag += 1,
            }
        }
        counts.steps += steps.len();
        counts.steps_beyond_limit += scored - steps.len();
        counts.trajectories_without_steps += usize::from(scored == 0);
        if !steps.is_empty() {
            counts.trajectories_asked += 1;
            trajectories.push(TrajectorySteps {
                index,
                conversation,
                steps,
            });
        }
    }
    (trajectories, counts)
}
