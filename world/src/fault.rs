//! What goes wrong with calls, as it does in the wild.

use glpft_agent::ToolReply;
use serde_json::{Value, json};

use crate::draw::{Draw, fingerprint};

/// A call's fault. The same call has the same one for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// 403: the key is not allowed.
    Unauthorized,
    /// 403: no subscription.
    Unsubscribed,
    /// The rate limit is reached.
    RateLimit,
    /// Too many requests.
    TooManyRequests,
    /// No reply in time.
    Timeout,
    /// The API is gone.
    NotWorking,
    /// An error and no response.
    EmptyWithError,
    /// A page for people where data should be.
    Html,
    /// A reply so long that the answer stands behind the cut.
    CutBefore,
}

impl Fault {
    /// Every fault.
    pub const ALL: [Fault; 9] = [
        Fault::Unauthorized,
        Fault::Unsubscribed,
        Fault::RateLimit,
        Fault::TooManyRequests,
        Fault::Timeout,
        Fault::NotWorking,
        Fault::EmptyWithError,
        Fault::Html,
        Fault::CutBefore,
    ];

    /// What the server replies; `answer` is what it would say without the fault.
    pub(crate) fn reply(self, answer: &Value) -> ToolReply {
        match self {
            Fault::Unauthorized => ToolReply::new("Unauthorized error...", ""),
            Fault::Unsubscribed => ToolReply::new("Unsubscribed error...", ""),
            Fault::RateLimit => ToolReply::new("Rate limit error...", ""),
            Fault::TooManyRequests => ToolReply::new("Too many requests error...", ""),
            Fault::Timeout => ToolReply::new("Timeout error...", ""),
            Fault::NotWorking => ToolReply::new("API not working error...", ""),
            Fault::EmptyWithError => ToolReply::new("Internal server error", ""),
            Fault::Html => ToolReply::new(
                "",
                "<html><head><title>502 Bad Gateway</title></head><body></body></html>",
            ),
            Fault::CutBefore => ToolReply::new(
                "",
                json!({"log": LOG.repeat(70), "data": answer}).to_string(),
            ),
        }
    }
}

/// Padding of replies that are longer than 1024 characters: 70 times this.
const LOG: &str = "loaded one page; ";

/// A reply that is cut behind the answer.
pub(crate) fn padded(answer: &Value) -> ToolReply {
    ToolReply::new(
        "",
        json!({"data": answer, "log": LOG.repeat(70)}).to_string(),
    )
}

/// What is special about a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Chance {
    Usual,
    Fails(Fault),
    /// Its reply is too long, but holds the answer before the cut.
    Padded,
}

/// What is special about the call of a function with these arguments (as canonical JSON).
pub(crate) fn chance(seed: u64, function: &str, arguments: &str) -> Chance {
    let call = fingerprint(format!("{function}\n{arguments}").as_bytes());
    let mut draw = Draw::new(seed, "fault", call);
    match draw.below(1000) {
        0..160 => {
            // Long replies are rare: they fill the prompt.
            let kind = draw.below(50);
            Chance::Fails(match kind {
                0..48 => Fault::ALL[kind / 6],
                _ => Fault::CutBefore,
            })
        }
        160..166 => Chance::Padded,
        _ => Chance::Usual,
    }
}
