//! What an evaluation asks: with `fixed` the prompts of training, token by token; with `compat` the published ones.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test ends where something is amiss"
)]

use std::path::{Path, PathBuf};

use glpft_agent::{Plan, PlannerTurn, StepPrompts};
use glpft_data::{
    Conversation, Dataset, Example, GiveUpPrompt, PromptTokenizer, Prompts, ReadOptions, Source,
    Speaker, Text, encode_prompt, examples, sample,
};
use glpft_recipes::{Behaviour, Layout, Separators};

/// What is at `path` in the folder that `variable` names (by default `default` beside the repository), or none, said on
/// stdout.
fn outside(variable: &str, default: &str, path: &str) -> Option<PathBuf> {
    let default = || Path::new(env!("CARGO_MANIFEST_DIR")).join(default);
    let found = std::env::var_os(variable).map_or_else(default, PathBuf::from);
    let found = found.join(path);
    if found.exists() {
        return Some(found);
    }
    println!("skipped: not found: {}", found.display());
    None
}

fn conversations(source: &Source) -> Vec<Conversation> {
    let options = ReadOptions {
        strict: true,
        ..ReadOptions::FIXED
    };
    let read = source.read_conversations(&options, &mut |_, _| {});
    read.unwrap().conversations
}

/// What the evaluation asks at an example's step, where the planner said what the conversation has.
fn asked(
    prompts: &StepPrompts<'_>,
    dataset: Dataset,
    example: &Example,
    of: &Conversation,
) -> Text {
    let gold = |turn: usize| {
        let gold = &of.turns[turn];
        assert_eq!(gold.from, Speaker::Assistant, "turn {turn}");
        PlannerTurn {
            text: gold.value.clone(),
            next: PlannerTurn::read(&gold.value).next,
        }
    };
    match dataset {
        Dataset::Planner => prompts.planner(example.turn),
        Dataset::Backbone => prompts.backbone(example.turn),
        // Their step begins with the planner's turn, the one before theirs.
        Dataset::Caller => prompts.caller(example.turn - 1, &gold(example.turn - 1)),
        Dataset::Summarizer => prompts.summarizer(example.turn - 1, &gold(example.turn - 1)),
    }
}

/// Compares every example of every data set with what is asked; how many there were of each.
fn compare(
    conversations: &[Conversation],
    tokenizer: &PromptTokenizer,
    layout: Layout,
) -> [usize; 4] {
    let templates = Prompts::builtin().unwrap().with_layout(layout).unwrap();
    Dataset::ALL.map(|dataset| {
        let mut compared = 0;
        for (index, conversation) in conversations.iter().enumerate() {
            let of_training = examples(
                index,
                conversation,
                dataset,
                &templates,
                &mut GiveUpPrompt::Own,
            );
            let with =
                |system| StepPrompts::new(conversation, &templates, Behaviour::Fixed, system);
            let (plain, with_system) = (with(false), with(true));
            let separators = Separators::Eos;
            for example in &of_training {
                let text = asked(&plain, dataset, example, conversation);
                assert_eq!(text, example.prompt.text(), "{index} {dataset:?}");
                let learned = encode_prompt(tokenizer, &example.prompt, separators, true).unwrap();
                let text = asked(&with_system, dataset, example, conversation);
                let mut ours = tokenizer.prefix().to_vec();
                ours.extend(tokenizer.encode(&text, separators).unwrap());
                assert!(
                    ours == learned,
                    "{index} {dataset:?} {}: {text}",
                    example.turn
                );
                compared += 1;
            }
        }
        compared
    })
}

#[test]
fn the_samples_fixed_prompts_are_those_of_training() {
    let source = Source::from_files("sample", sample::source().iter().copied()).unwrap();
    let tokenizer = PromptTokenizer::from_bytes(sample::tokenizer(), "</s>").unwrap();
    for layout in [Layout::RoleFirst, Layout::RoleLast] {
        let compared = compare(&conversations(&source), &tokenizer, layout);
        assert_eq!(compared, [159, 156, 104, 46]);
    }
}

#[test]
fn real_fixed_prompts_are_those_of_training() {
    let shared = |path| outside("GLPFT_FIXTURES", "../../shared", path);
    let model = outside(
        "GLPFT_MODELS",
        "../../shared/models",
        "smollm2-135m-instruct",
    );
    let builtin = || PromptTokenizer::from_bytes(sample::tokenizer(), "</s>").unwrap();
    let tokenizer = model.map_or_else(builtin, |path| PromptTokenizer::from_path(&path).unwrap());
    for (path, expected) in [
        (
            "data/alpha-umi/train-example/raw_data/raw_data_stage_2.json",
            TRAINING,
        ),
        ("data/alpha-umi/out_of_domain_300.json", HELD_OUT),
    ] {
        let Some(path) = shared(path) else { return };
        let mut all = conversations(&Source::open(&path, None).unwrap());
        all.truncate(8);
        for layout in [Layout::RoleFirst, Layout::RoleLast] {
            let compared = compare(&all, &tokenizer, layout);
            assert_eq!(compared, expected, "{}", path.display());
        }
    }
}

/// Examples of the first 8 conversations: backbone, planner, caller, summarizer.
const TRAINING: [usize; 4] = [32, 32, 24, 6];
const HELD_OUT: [usize; 4] = [30, 30, 22, 4];

/// A conversation at its third step, of a team with one tool.
const CONVERSATION: &str = r#"[{
    "tools": [{"Name": "weather", "function": "Tells it.", "input": {}}],
    "instruction": "Oslo?",
    "conversations": [
        {"from": "user", "value": "Oslo?"},
        {"from": "assistant", "value": "I ask.\n Next: caller."},
        {"from": "caller", "value": "Action: invalid_hallucination_function_name\nAction Input: {}"},
        {"from": "observation", "value": "no such"},
        {"from": "assistant", "value": "Enough.\n Next: conclusion."},
        {"from": "conclusion", "value": "none"},
        {"from": "user", "value": "Again."},
        {"from": "assistant", "value": "Gold.\n Next: caller."},
        {"from": "caller", "value": "Action: weather\nAction Input: {}"}
    ]
}]"#;

/// The published evaluation (α-UMi, `infer_pipeline.py`) shows every role all turns before the step, with their own
/// labels, then the planner's turn as `planner: …</s>`; no `system: ` anywhere.
#[test]
fn compat_prompts_are_the_published_evaluations() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("stage-2.json");
    std::fs::write(&path, CONVERSATION).unwrap();
    let all = conversations(&Source::open(&path, None).unwrap());
    let templates = Prompts::builtin().unwrap();
    let prompts = StepPrompts::new(&all[0], &templates, Behaviour::Compat, false);
    let said = PlannerTurn::read(": I look. Next: caller. And more.");
    assert_eq!(said.next, Plan::Call);

    let history = "user: Oslo?</s>assistant: I ask.\n Next: caller.</s>\
                   caller: Action: invalid_hallucination_function_name\nAction Input: {}</s>\
                   observation: no suchassistant: Enough.\n Next: conclusion.</s>conclusion: none</s>user: Again.</s>";
    let tool = r#"{"Name": "weather", "function": "Tells it.", "input": {}}"#;
    let head =
        format!("You have assess to the following apis:\n{tool}\n\nThe conversation history is:\n");
    let planner = format!(
        "{head}{history}\nYou are the assistant to plan what to do next and whether is caller's or conclusion's turn \
         to answer.\nAnswer with a following format:\nThe thought of the next step, followed by Next: caller or \
         conclusion or give up. assistant: "
    );
    assert_eq!(prompts.planner(7).to_string(), planner);
    let caller = format!(
        "{head}{history}planner: I look. Next: caller.</s>\nThe thought of this step is:\nI look. Next: caller.\nBase \
         on the thought make an api call in the following format:\nAction: the name of api that should be called in \
         this step, should be exactly in [weather],\nAction Input: the api call request. caller: "
    );
    assert_eq!(prompts.caller(7, &said).to_string(), caller);
    let said = PlannerTurn::read("I know. Next: conclusion.");
    let summarizer = format!(
        "Make a conclusion based on the conversation history:\n{history}planner: I know. Next: conclusion.</s> \
         conclusion: "
    );
    assert_eq!(prompts.summarizer(7, &said).to_string(), summarizer);

    // Fixed hides from the caller the call that it does not learn, from the summarizer the conclusion that says nothing.
    let fixed = StepPrompts::new(&all[0], &templates, Behaviour::Fixed, true);
    let caller = fixed.caller(7, &said).to_string();
    assert!(caller.starts_with("system: You have"));
    assert!(!caller.contains("invalid_hallucination") && !caller.contains("planner: "));
    assert!(caller.contains("assistant: I know. Next: conclusion.</s>"));
    assert!(
        !fixed
            .summarizer(7, &said)
            .to_string()
            .contains("conclusion: none")
    );
}
