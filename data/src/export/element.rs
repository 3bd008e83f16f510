//! An example as the published pipeline writes it.
//!
//! Each example of a conversation repeats its tools and, twice, the history of the one before. What they share is made
//! JSON once.

use std::ops::Range;

use crate::conversation::Conversation;
use crate::example::{Example, Piece, Text};
use crate::python::json::{dump_nested, escape};

/// Writes the examples of one conversation: `{"tools", "history", "input", "target"}` as elements of an indented array.
pub struct ExampleElements {
    tools: Vec<u8>,
    turns: Vec<Vec<u8>>,
    /// The parts of the prompt before, and where their JSON is in the elements.
    prompt: Vec<(Text, Range<usize>)>,
}

impl ExampleElements {
    pub fn new(conversation: &Conversation) -> serde_json::Result<Self> {
        let mut tools = Vec::new();
        dump_nested(&conversation.tools, 2, &mut tools)?;
        let turn = |turn| {
            let mut json = Vec::new();
            dump_nested(turn, 3, &mut json)?;
            Ok(json)
        };
        Ok(Self {
            tools,
            turns: conversation
                .turns
                .iter()
                .map(turn)
                .collect::<serde_json::Result<_>>()?,
            prompt: Vec::new(),
        })
    }

    /// The elements of a data set's examples.
    pub fn of(&mut self, examples: Vec<Example>) -> Vec<u8> {
        let mut out = Vec::new();
        self.prompt.clear();
        for example in examples {
            if !out.is_empty() {
                out.push(b',');
            }
            self.push(example, &mut out);
        }
        out
    }

    /// Appends an example, from the line break before it to its last character.
    fn push(&mut self, example: Example, out: &mut Vec<u8>) {
        out.extend(b"\n  {\n    \"tools\": ");
        out.extend(&self.tools);
        out.extend(b",\n    \"history\": [");
        let history = self.turns.get(..example.turn).unwrap_or_default();
        for (index, turn) in history.iter().enumerate() {
            out.extend(if index == 0 {
                &b"\n      "[..]
            } else {
                b",\n      "
            });
            out.extend(turn);
        }
        out.extend(if history.is_empty() {
            &b"]"[..]
        } else {
            b"\n    ]"
        });
        out.extend(b",\n    \"input\": \"");
        let prompt = example.prompt;
        let parts = std::iter::once(prompt.before)
            .chain(prompt.turns)
            .chain([prompt.after]);
        for (index, part) in parts.enumerate() {
            self.push_part(index, part, out);
        }
        out.extend(b"\",\n    \"target\": \"");
        escape(&example.target, out);
        out.extend(b"\"\n  }");
    }

    fn push_part(&mut self, index: usize, part: Text, out: &mut Vec<u8>) {
        match self.prompt.get(index) {
            Some((before, json)) if *before == part => out.extend_from_within(json.clone()),
            _ => {
                let start = out.len();
                for piece in part.pieces() {
                    match piece {
                        Piece::Text(content) => escape(content, out),
                        Piece::Separator => out.extend(b"</s>"),
                        Piece::Seam => {}
                    }
                }
                self.prompt.truncate(index);
                self.prompt.push((part, start..out.len()));
            }
        }
    }
}
