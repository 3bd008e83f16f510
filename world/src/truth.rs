//! What is known of a task: whether it can be done, by which calls, and what its answer must hold.

use glpft_agent::Task;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The six test sets of ToolBench.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum TestGroup {
    /// One tool; instructions unseen in training, its tools seen.
    #[serde(rename = "G1_instruction")]
    G1Instruction,
    /// One tool, unseen, of a category that is seen.
    #[serde(rename = "G1_tool")]
    G1Tool,
    /// One tool of an unseen category.
    #[serde(rename = "G1_category")]
    G1Category,
    /// Tools of one category; instructions unseen.
    #[serde(rename = "G2_instruction")]
    G2Instruction,
    /// Tools of one unseen category.
    #[serde(rename = "G2_category")]
    G2Category,
    /// Tools of several categories; instructions unseen.
    #[serde(rename = "G3_instruction")]
    G3Instruction,
}

impl TestGroup {
    /// Every test set, in the order of reports.
    pub const ALL: [TestGroup; 6] = [
        TestGroup::G1Instruction,
        TestGroup::G1Tool,
        TestGroup::G1Category,
        TestGroup::G2Instruction,
        TestGroup::G2Category,
        TestGroup::G3Instruction,
    ];

    /// The name in files and reports.
    pub fn name(self) -> &'static str {
        match self {
            TestGroup::G1Instruction => "G1_instruction",
            TestGroup::G1Tool => "G1_tool",
            TestGroup::G1Category => "G1_category",
            TestGroup::G2Instruction => "G2_instruction",
            TestGroup::G2Category => "G2_category",
            TestGroup::G3Instruction => "G3_instruction",
        }
    }
}

/// A fact that a right answer holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// What it is, such as `temperature`.
    pub name: String,
    /// The texts that state it; one of them must occur in the answer, after normalisation.
    pub accepted: Vec<String>,
}

/// A call that leads to the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct GoldCall {
    /// The function's name.
    pub function: String,
    /// Its arguments.
    pub arguments: Map<String, Value>,
    /// Earlier calls whose replies hold its arguments.
    pub needs: Vec<usize>,
}

/// The truth about a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Whether any sequence of calls leads to the answer; if not, giving up is right.
    pub solvable: bool,
    /// Whether a fault stands on the straight way, and another leads around it.
    pub recoverable: bool,
    /// What a right answer holds; empty where nothing can be answered.
    pub slots: Vec<Slot>,
    /// The calls that lead to it, in an order that works.
    pub calls: Vec<GoldCall>,
}

/// A task of a world.
#[derive(Clone, Debug, PartialEq)]
pub struct WorldTask {
    /// What the agent is told.
    pub task: Task,
    /// The test set it belongs to; `None`: training.
    pub group: Option<TestGroup>,
    /// The truth, which the agent is not told.
    pub truth: Truth,
}
