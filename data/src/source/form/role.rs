//! Role files: examples as the published pipeline writes them (`train_planner.json` and its siblings) and as α-UMi's
//! processed sets are published. `input` is what a model reads, `target` what it must answer.
//!
//! Whose example it is stands at the input's end: `caller:`, `conclusion:`, or `assistant:` before a target that hands over
//! (`Next: …`), which is the planner's, or acts itself, which is the backbone's. Where the record also has the `tools` and
//! the `history` that its input was made of, the prompt knows its turns, and truncation can leave out the oldest.

use std::sync::OnceLock;

use super::Form;
use crate::conversation::Conversation;
use crate::example::{Dataset, Prompt, Text};
use crate::field::Field;
use crate::marks::{GivenExample, Marks};
use crate::prompts::Prompts;
use crate::record_error::RecordError;
use crate::roles::history;
use crate::source::Record;
use crate::tool::{Tool, read_tools};
use crate::turn::{NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP, Turn, read_turns};

pub(super) const FORM: Form = Form {
    name: "role examples",
    keys: &["input", "target"],
    is: |record| record.get("input").is_some() && record.get("target").is_some(),
    read: |record, _| {
        let input = record.key("input")?;
        let target = record.key("target")?.text()?;
        let dataset = dataset(&input, target)?;
        let input = input.text()?;
        // What an input was made of may be missing or of another form: the input itself counts.
        let of_key = |key| record.find(key).ok().flatten();
        let turns = of_key("history").and_then(|turns| read_turns(&turns).ok());
        let tools = of_key("tools").and_then(|tools| read_tools(&tools).ok());
        let (turns, tools) = (turns.unwrap_or_default(), tools.unwrap_or_default());
        let prompt = known(dataset, input, &turns, &tools).unwrap_or_else(|| plain(input));
        let instruction = match turns.first() {
            Some(first) => first.value.clone(),
            None => asked(input).to_owned(),
        };
        Ok(Record {
            trajectory: None,
            conversation: Conversation {
                query: instruction.clone(),
                tools,
                instruction,
                turns,
                marks: Marks {
                    example: Some(GivenExample {
                        dataset,
                        prompt,
                        target: target.to_owned(),
                    }),
                    ..Marks::default()
                },
            },
            extra: false,
        })
    },
};

/// What separates turns in an input.
const SEPARATOR: &str = "</s>";

/// Whose example it is.
fn dataset(input: &Field<'_>, target: &str) -> Result<Dataset, RecordError> {
    let text = input.text()?.trim_end();
    let hands_over = [NEXT_CALLER, NEXT_CONCLUSION, NEXT_GIVE_UP]
        .iter()
        .any(|tag| target.contains(tag));
    match text.rsplit(char::is_whitespace).next() {
        Some("caller:") => Ok(Dataset::Caller),
        Some("conclusion:") => Ok(Dataset::Summarizer),
        Some("assistant:") if hands_over => Ok(Dataset::Planner),
        Some("assistant:") => Ok(Dataset::Backbone),
        _ => Err(input.wrong(
            "nothing at its end tells whose example it is: neither `assistant:` nor `caller:` nor `conclusion:`",
        )),
    }
}

/// The prompt that the published templates make of the turns, where that is the input.
fn known(dataset: Dataset, input: &str, turns: &[Turn], tools: &[Tool]) -> Option<Prompt> {
    static PROMPTS: OnceLock<Option<Prompts>> = OnceLock::new();
    let prompts = PROMPTS.get_or_init(|| Prompts::builtin().ok()).as_ref()?;
    let thought = turns.last().map_or("", |turn| turn.value.as_str());
    let filled = prompts.for_tools(dataset, tools);
    let prompt = filled.fill(history(turns, dataset), thought);
    (!turns.is_empty() && prompt.text().to_string() == input).then_some(prompt)
}

/// The input as it stands, its separators told from text.
fn plain(input: &str) -> Prompt {
    let mut text = Text::new();
    for (index, part) in input.split(SEPARATOR).enumerate() {
        if index > 0 {
            text.separate();
        }
        text.push(part);
    }
    Prompt {
        before: text,
        ..Prompt::default()
    }
}

/// What the user asks for, in an input.
fn asked(input: &str) -> &str {
    let after = |label| input.split_once(label).map(|(_, after)| after);
    let turn = after("history is:\nuser: ").or_else(|| after("history:\nuser: "));
    turn.and_then(|turn| turn.split_once(SEPARATOR))
        .map_or(input, |(asked, _)| asked)
}
