//! A training example before it is tokens: text that still knows its own structure.

use std::fmt;
use std::sync::Arc;

/// A dataset of examples: the global stage's, or a role's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dataset {
    /// Whole steps (rationale, then action or answer), for the global stage.
    Backbone,
    /// Rationales and the choice of what comes next.
    Planner,
    /// API calls.
    Caller,
    /// Final answers.
    Summarizer,
}

impl Dataset {
    /// Every dataset, in the pipeline's order.
    pub const ALL: [Dataset; 4] = [
        Dataset::Backbone,
        Dataset::Planner,
        Dataset::Caller,
        Dataset::Summarizer,
    ];

    /// Whether its targets answer what the planner has just said.
    pub fn follows_planner(self) -> bool {
        matches!(self, Dataset::Caller | Dataset::Summarizer)
    }

    /// The dataset's name in files and tables.
    pub fn name(self) -> &'static str {
        match self {
            Dataset::Backbone => "backbone",
            Dataset::Planner => "planner",
            Dataset::Caller => "caller",
            Dataset::Summarizer => "summarizer",
        }
    }
}

/// A part of a text: content, or the pipeline's own separator between turns.
///
/// Only a [`Piece::Separator`] ever becomes the end-of-sequence token; content that spells `</s>` stays text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Content.
    Text(String),
    /// The separator that ends a turn (`</s>` in the published data files).
    Separator,
    /// A place that no token reaches across. It is no text and no token itself: what stands before it has the same tokens
    /// whatever follows.
    Seam,
}

impl Piece {
    /// As the published data files write it.
    pub fn as_str(&self) -> &str {
        match self {
            Piece::Text(content) => content,
            Piece::Separator => "</s>",
            Piece::Seam => "",
        }
    }
}

/// A text of pieces. Adjacent content is one piece, so that tokens merge across it as in the whole string.
///
/// A clone shares them: the prompts of one trajectory are mostly the same texts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pieces: Arc<Vec<Piece>>,
}

impl Text {
    /// An empty text.
    pub fn new() -> Self {
        Self::default()
    }

    /// Appends content.
    pub fn push(&mut self, content: &str) -> &mut Self {
        if content.is_empty() {
            return self;
        }
        let pieces = Arc::make_mut(&mut self.pieces);
        match pieces.last_mut() {
            Some(Piece::Text(last)) => last.push_str(content),
            _ => pieces.push(Piece::Text(content.to_owned())),
        }
        self
    }

    /// Appends a separator.
    pub fn separate(&mut self) -> &mut Self {
        Arc::make_mut(&mut self.pieces).push(Piece::Separator);
        self
    }

    /// Appends a seam.
    pub fn seam(&mut self) -> &mut Self {
        Arc::make_mut(&mut self.pieces).push(Piece::Seam);
        self
    }

    /// Appends another text.
    pub fn extend(&mut self, other: &Text) -> &mut Self {
        for piece in other.pieces() {
            match piece {
                Piece::Text(content) => self.push(content),
                Piece::Separator => self.separate(),
                Piece::Seam => self.seam(),
            };
        }
        self
    }

    /// The pieces in order.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }
}

/// The text as the published data files write it, separators as `</s>`.
impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.pieces() {
            f.write_str(piece.as_str())?;
        }
        Ok(())
    }
}

/// A prompt in the parts that truncation tells apart; the prompt's text is their concatenation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Prompt {
    /// Everything before the history: tools and the history's heading.
    pub before: Text,
    /// The rendered turns, oldest first.
    pub turns: Vec<Text>,
    /// Which of them is the instruction that is worked on: it stays, however little room there is. The first, unless a later
    /// turn of the user begins a new one.
    pub instruction: usize,
    /// Everything after the history, up to where the model answers. With the role behind the history, what the role alone
    /// reads begins at the first [`Piece::Seam`].
    pub after: Text,
}

impl Prompt {
    /// The whole prompt as one text.
    pub fn text(&self) -> Text {
        let mut text = self.before.clone();
        for turn in &self.turns {
            text.extend(turn);
        }
        text.extend(&self.after);
        text
    }
}

/// One training example: a prompt and what the model must answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Index of the trajectory in its source.
    pub trajectory: usize,
    /// Index of the target's turn in the trajectory's conversation.
    pub turn: usize,
    /// What the model reads.
    pub prompt: Prompt,
    /// What it must answer, without the separator that ends it.
    pub target: String,
}
