//! Role examples: what each role learns from a conversation.
//!
//! A planner learns what to think and who comes next, a caller the call, a summarizer the answer; the backbone
//! learns whole steps. All of them read the history as it was before the step.

mod backbone;
mod caller;
mod history;
mod planner;
mod summarizer;

use glpft_recipes::{GiveUpHistory, Layout};

use crate::conversation::Conversation;
use crate::example::{Dataset, Example, Prompt, Text};
use crate::marks::GivenExample;
use crate::prompts::{Prompts, ToolPrompt, history_turn};
use crate::tool::HALLUCINATED;
use crate::turn::{Speaker, Turn};

pub(crate) use backbone::steps as backbone_steps;
pub use history::history;

/// The prompt of a backbone example that gives up, and what it needs to know for that.
///
/// The published pipeline shows the prompt that it computed last, of whichever step of whichever trajectory.
/// That is state: [`GiveUpPrompt::Last`] carries it from conversation to conversation, so they must come in
/// the source's order. With [`GiveUpPrompt::Own`] each conversation stands alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GiveUpPrompt {
    /// The step's own history.
    Own,
    /// The prompt of the last step that did not give up; the step's own where there was none yet (there the
    /// published pipeline ends in an error).
    Last(Option<Prompt>),
}

impl GiveUpPrompt {
    /// What a recipe asks for, before the first conversation.
    pub fn new(history: GiveUpHistory) -> Self {
        match history {
            GiveUpHistory::Own => Self::Own,
            GiveUpHistory::Stale => Self::Last(None),
        }
    }
}

/// The examples of one conversation in the order of its turns; `trajectory` is its index in the source.
///
/// `give_up` matters to [`Dataset::Backbone`] only. With [`GiveUpPrompt::Own`] the result depends on nothing but
/// the arguments.
pub fn examples(
    trajectory: usize,
    conversation: &Conversation,
    dataset: Dataset,
    prompts: &Prompts,
    give_up: &mut GiveUpPrompt,
) -> Vec<Example> {
    let marks = &conversation.marks;
    if let Some(example) = &marks.example {
        return match example.dataset == dataset {
            true => vec![given(trajectory, conversation, example)],
            false => Vec::new(),
        };
    }
    let shared = (prompts.layout() == Layout::RoleLast)
        .then(|| backbone::shown_turns(&conversation.turns).collect());
    let steps = Steps {
        trajectory,
        turns: &conversation.turns,
        shared,
        instructions: &marks.instructions,
        prompt: prompts.for_tools(dataset, &conversation.tools),
    };
    let mut examples = match dataset {
        Dataset::Backbone => backbone::examples(&steps, give_up),
        Dataset::Planner => planner::examples(&steps),
        Dataset::Caller => caller::examples(&steps),
        Dataset::Summarizer => summarizer::examples(&steps),
    };
    examples.retain(|example| marks.teaches(example.turn, dataset));
    examples
}

/// The example that a record is.
fn given(trajectory: usize, conversation: &Conversation, example: &GivenExample) -> Example {
    Example {
        trajectory,
        turn: conversation.turns.len(),
        prompt: example.prompt.clone(),
        target: example.target.clone(),
    }
}

/// One conversation, on its way to the examples of one dataset.
struct Steps<'a> {
    trajectory: usize,
    turns: &'a [Turn],
    /// The turns that begin a new instruction.
    instructions: &'a [usize],
    prompt: ToolPrompt<'a>,
    /// The turns that every role is shown, where that is the same for all: each with its index.
    shared: Option<Vec<(usize, Text)>>,
}

/// The turns that a role is shown, as a prompt has them.
#[derive(Clone, Debug, Default)]
struct History {
    turns: Vec<Text>,
    /// Which of them is the instruction that is worked on.
    instruction: usize,
}

impl History {
    /// Shows a turn of a conversation, the one at `index`.
    fn push(&mut self, steps: &Steps<'_>, index: usize, text: Text) {
        if steps.instructions.contains(&index) {
            self.instruction = self.turns.len();
        }
        self.turns.push(text);
    }
}

impl Steps<'_> {
    /// Who speaks after a turn.
    fn next(&self, turn: usize) -> Option<Speaker> {
        self.turns.get(turn + 1).map(|next| next.from)
    }

    /// Whether a turn calls a function that does not exist.
    fn is_hallucinated(&self, turn: usize) -> bool {
        self.turns.get(turn).is_some_and(is_hallucinated_call)
    }

    /// The prompt of the step that begins at a turn and follows a history; where all roles are shown the same, that.
    fn prompt(&self, step: usize, history: &History, thought: &str) -> Prompt {
        let (turns, instruction) = match &self.shared {
            None => (history.turns.clone(), history.instruction),
            Some(shared) => {
                let before = &shared[..shared.partition_point(|(index, _)| *index < step)];
                let begins = |(index, _): &(usize, Text)| self.instructions.contains(index);
                let instruction = before.iter().rposition(begins).unwrap_or(0);
                (
                    before.iter().map(|(_, text)| text.clone()).collect(),
                    instruction,
                )
            }
        };
        let mut prompt = self.prompt.fill(turns, thought);
        prompt.instruction = instruction;
        prompt
    }

    /// The turn that the step of a turn begins at, which answers what the planner said just before.
    fn begins(&self, turn: usize) -> usize {
        let before = turn.checked_sub(1);
        before
            .filter(|&before| self.turns[before].from == Speaker::Assistant)
            .unwrap_or(turn)
    }

    fn example(&self, turn: usize, prompt: Prompt, target: &str) -> Example {
        Example {
            trajectory: self.trajectory,
            turn,
            prompt,
            target: target.to_owned(),
        }
    }
}

/// Whether a turn calls a function that does not exist.
fn is_hallucinated_call(turn: &Turn) -> bool {
    turn.from == Speaker::Caller && turn.value.contains(HALLUCINATED)
}

/// A turn as the histories of planner, caller and summarizer show it.
fn rendered(turn: &Turn) -> Text {
    history_turn(turn.from, &turn.value)
}
