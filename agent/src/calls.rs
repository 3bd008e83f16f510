//! Calls, and those of them that reached no tool.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use glpft_recipes::counted;
use serde::{Deserialize, Serialize};

use crate::code::Code;

/// Why a call reached no tool. What a tool says went wrong is a reply, and none of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unreached {
    /// The server answered with this HTTP status.
    Status(u16),
    /// No answer came in time.
    Timeout,
    /// There was no connection, or it broke.
    Connection,
    /// An answer came that is none of a tool server: a page, nothing, other JSON.
    NoReply,
    /// The answer is longer than is read.
    TooLong,
    /// The server's or the API's key is not allowed to call.
    Unauthorized,
    /// The key has no subscription to the API.
    Unsubscribed,
    /// The server wants fewer calls.
    RateLimit,
    /// The folder of a cache has no reply to this call.
    NotCached,
}

impl Unreached {
    /// What a server's own word comes to.
    pub(crate) fn of_code(code: Code) -> Option<Self> {
        match code {
            Code::Timeout => Some(Self::Timeout),
            Code::Unauthorized => Some(Self::Unauthorized),
            Code::Unsubscribed => Some(Self::Unsubscribed),
            Code::TooManyRequests | Code::RateLimit => Some(Self::RateLimit),
            Code::RequestFailed => Some(Self::NoReply),
            _ => None,
        }
    }

    /// What to look at first.
    pub(crate) fn advice(self) -> &'static str {
        match self {
            Self::Status(401 | 403) | Self::Unauthorized | Self::Unsubscribed => {
                "is the key in TOOLBENCH_KEY (or RAPIDAPI_KEY) set, and the right one?"
            }
            Self::Status(407) => "the proxy wants a name and a password: put them into its address",
            Self::Status(429) | Self::RateLimit => {
                "give --server-interval, so that it is called less often"
            }
            Self::Status(500..) => "does the server work, and does it know these tools?",
            Self::Status(_) => "is this the server's path?",
            Self::Timeout => "does the server work? --server-timeout gives it longer",
            Self::Connection => "is the server still running?",
            Self::NoReply | Self::TooLong => {
                "is this the address of a tool server, and not that of a page or a proxy?"
            }
            Self::NotCached => "is this the cache of these tasks' tools?",
        }
    }
}

impl fmt::Display for Unreached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => return write!(f, "status {status}"),
            Self::Timeout => "timed out",
            Self::Connection => "no connection",
            Self::NoReply => "no tool server's reply",
            Self::TooLong => "reply too long",
            Self::Unauthorized => "not authorized",
            Self::Unsubscribed => "not subscribed",
            Self::RateLimit => "too many calls",
            Self::NotCached => "not in the cache",
        }
        .fmt(f)
    }
}

/// How many calls were made, and how many of them reached no tool, by cause.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calls {
    /// Calls of functions that there are.
    pub made: usize,
    /// Those of them that reached no tool: how many of each [`Unreached`], by what it is called.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub unreached: BTreeMap<String, usize>,
}

/// More than this share of calls without a tool is worth a warning.
const MANY: f64 = 0.05;

impl Calls {
    /// Another call.
    pub fn add(&mut self, unreached: Option<Unreached>) {
        self.made += 1;
        if let Some(cause) = unreached {
            *self.unreached.entry(cause.to_string()).or_default() += 1;
        }
    }

    /// Whether no call was made.
    pub fn is_empty(&self) -> bool {
        self.made == 0 && self.unreached.is_empty()
    }

    /// How many reached no tool.
    pub fn unreached(&self) -> usize {
        self.unreached.values().sum()
    }

    /// Whether so many reached no tool (more than 5 %) that what is measured of the rest means little.
    pub fn lacks_many(&self) -> bool {
        self.unreached() as f64 > MANY * self.made as f64
    }

    /// In words, how many reached no tool, and why; none where all did.
    pub fn told(&self) -> Option<String> {
        let unreached = self.unreached();
        (unreached > 0).then(|| {
            format!(
                "{unreached} of {} reached no tool ({})",
                counted(self.made, "call", "calls"),
                causes(&self.unreached)
            )
        })
    }
}

/// Causes and counts, the most frequent first.
fn causes(unreached: &BTreeMap<String, usize>) -> String {
    let mut causes: Vec<(&String, &usize)> = unreached.iter().collect();
    causes.sort_by(|one, other| other.1.cmp(one.1));
    let told: Vec<String> = causes
        .into_iter()
        .map(|(cause, count)| format!("{cause}: {count}"))
        .collect();
    told.join(", ")
}

impl AddAssign<&Calls> for Calls {
    fn add_assign(&mut self, other: &Calls) {
        self.made += other.made;
        for (cause, count) in &other.unreached {
            *self.unreached.entry(cause.clone()).or_default() += count;
        }
    }
}
