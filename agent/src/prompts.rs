//! What each role is asked at a step of a conversation.

use glpft_data::{
    Conversation, Dataset, Prompts, SYSTEM_PREFIX, Speaker, Text, ToolPrompt, Turn, history,
    history_turn,
};
use glpft_recipes::{Behaviour, Layout};

use crate::generate::Role;
use crate::planner::PlannerTurn;

/// Asks about a conversation's steps. Every turn before the step is the conversation's own; at the step itself caller
/// and summarizer read what the planner said.
///
/// With [`Behaviour::Fixed`] a prompt is the one that the role learned from, with the planner's turn in its place. With
/// [`Behaviour::Compat`] it is the published evaluation's (α-UMi, `infer_pipeline.py`), which shows every role every
/// turn (also those that training hides from it) and labels the planner's turn `planner: `, a label that no training
/// example has.
#[derive(Clone, Debug)]
pub struct StepPrompts<'c> {
    turns: &'c [Turn],
    behaviour: Behaviour,
    system_prefix: bool,
    layout: Layout,
    planner: ToolPrompt<'c>,
    caller: ToolPrompt<'c>,
    summarizer: ToolPrompt<'c>,
    backbone: ToolPrompt<'c>,
}

/// Which turns of a history are left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cut {
    /// The turn of the conversation that stays.
    pub instruction: usize,
    /// How many of the others go, the oldest first, as they are shown.
    pub turns: usize,
}

impl<'c> StepPrompts<'c> {
    /// For the steps of one conversation; `system_prefix` says whether `system: ` stands before every prompt, as it
    /// does in training.
    pub fn new(
        conversation: &'c Conversation,
        prompts: &'c Prompts,
        behaviour: Behaviour,
        system_prefix: bool,
    ) -> Self {
        let of = |dataset| prompts.for_tools(dataset, &conversation.tools);
        Self {
            turns: &conversation.turns,
            behaviour,
            system_prefix,
            layout: prompts.layout(),
            planner: of(Dataset::Planner),
            caller: of(Dataset::Caller),
            summarizer: of(Dataset::Summarizer),
            backbone: of(Dataset::Backbone),
        }
    }

    /// What a role is asked at the step that begins with turn `turn`, after the planner's turn where it is the caller or the
    /// summarizer. `cut` says which of the older turns are left out.
    pub fn shortened(
        &self,
        role: Role,
        turn: usize,
        planner: Option<&PlannerTurn>,
        cut: Cut,
    ) -> Text {
        let mut history = match planner {
            Some(planner) => self.handed_over(turn, role, planner),
            None => self.history(turn, role),
        };
        let kept = self.shown_before(cut.instruction, role);
        let mut index = 0;
        history.retain(|_| {
            let droppable = index != kept;
            let older = index - usize::from(index > kept);
            index += 1;
            !(droppable && older < cut.turns)
        });
        let (prompt, thought) = match role {
            Role::Planner => (&self.planner, None),
            Role::Caller => (&self.caller, planner),
            Role::Summarizer => (&self.summarizer, planner),
            Role::Backbone => (&self.backbone, None),
        };
        let thought = thought.map_or("", |planner| planner.text.as_str());
        self.fill(prompt, history, thought)
    }

    /// How many turns may be left out of the prompt: all but the instruction and the last before the step.
    pub fn droppable(&self, role: Role, turn: usize, instruction: usize) -> usize {
        let shown = self.history(turn, role).len();
        let kept = self.shown_before(instruction, role);
        let fixed = 1 + usize::from(kept + 1 < shown);
        shown.saturating_sub(fixed)
    }

    /// How many turns a role is shown before a turn.
    fn shown_before(&self, turn: usize, role: Role) -> usize {
        self.history(turn, role).len()
    }

    /// What the planner is asked at the step that begins with turn `turn`.
    pub fn planner(&self, turn: usize) -> Text {
        self.fill(&self.planner, self.history(turn, Role::Planner), "")
    }

    /// What the caller is asked after the planner's turn.
    pub fn caller(&self, turn: usize, planner: &PlannerTurn) -> Text {
        let history = self.handed_over(turn, Role::Caller, planner);
        self.fill(&self.caller, history, &planner.text)
    }

    /// What the summarizer is asked after the planner's turn.
    pub fn summarizer(&self, turn: usize, planner: &PlannerTurn) -> Text {
        let history = self.handed_over(turn, Role::Summarizer, planner);
        self.fill(&self.summarizer, history, &planner.text)
    }

    /// What a single model is asked at the step that begins with turn `turn`.
    pub fn backbone(&self, turn: usize) -> Text {
        self.fill(&self.backbone, self.history(turn, Role::Backbone), "")
    }

    fn history(&self, turn: usize, role: Role) -> Vec<Text> {
        let before = &self.turns[..turn.min(self.turns.len())];
        let shown_as = match (self.layout, self.behaviour, role) {
            (Layout::RoleLast, ..) => Dataset::Backbone,
            (_, Behaviour::Fixed, _) | (.., Role::Backbone) => role.dataset(),
            (_, Behaviour::Compat, _) => Dataset::Planner,
        };
        history(before, shown_as)
    }

    fn handed_over(&self, turn: usize, role: Role, planner: &PlannerTurn) -> Vec<Text> {
        let mut history = self.history(turn, role);
        if self.layout == Layout::RoleLast {
            // What the planner said is part of the role's own text.
            return history;
        }
        history.push(match self.behaviour {
            Behaviour::Fixed => history_turn(Speaker::Assistant, &planner.text),
            Behaviour::Compat => {
                let mut text = Text::new();
                text.push("planner: ").push(&planner.text).separate();
                text
            }
        });
        history
    }

    fn fill(&self, prompt: &ToolPrompt<'_>, history: Vec<Text>, thought: &str) -> Text {
        let mut text = Text::new();
        if self.system_prefix {
            text.push(SYSTEM_PREFIX);
        }
        text.extend(&prompt.fill(history, thought).text());
        text
    }
}
