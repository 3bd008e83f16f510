//! Whether a tool server is one at all.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::calls::{Calls, Unreached};
use crate::reply::ToolReply;
use crate::task::Api;
use crate::tool_server::ToolServer;

/// So many calls that all reach no tool are enough to know.
const FIRST: usize = 10;

/// All of the first calls reached no tool: what would be measured is nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{told}{}{}: {advice}", place.as_ref().map(|place| format!(", at {place}")).unwrap_or_default(), fault.as_ref().map(|fault| format!(" ({fault})")).unwrap_or_default())]
pub struct NoToolReached {
    /// How many calls, and why.
    told: String,
    /// What is wrong with the connection.
    fault: Option<String>,
    /// Where the server is.
    place: Option<String>,
    /// What to look at.
    advice: &'static str,
}

/// A tool server whose first calls are watched.
pub struct Watched<'s> {
    server: &'s dyn ToolServer,
    seen: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    calls: Calls,
    causes: BTreeMap<Unreached, usize>,
    /// The last connection's fault.
    fault: Option<String>,
}

impl<'s> Watched<'s> {
    /// Nothing is called yet.
    pub fn new(server: &'s dyn ToolServer) -> Self {
        Self {
            server,
            seen: Mutex::default(),
        }
    }

    /// The same, where these calls were made before: an interrupted piece of work goes on.
    pub fn going_on(server: &'s dyn ToolServer, calls: Calls) -> Self {
        Self {
            server,
            seen: Mutex::new(Seen {
                calls,
                ..Seen::default()
            }),
        }
    }

    /// While calls are made.
    ///
    /// # Errors
    /// At least ten calls were made, and none reached a tool.
    pub fn check(&self) -> Result<(), NoToolReached> {
        // Not in the match itself, which would hold the lock until its end.
        let made = self.seen().calls.made;
        match made < FIRST {
            true => Ok(()),
            false => self.check_all(),
        }
    }

    /// After the first tasks.
    ///
    /// # Errors
    /// Calls were made, and none reached a tool.
    pub fn check_all(&self) -> Result<(), NoToolReached> {
        let seen = self.seen();
        let worst = seen.causes.iter().max_by_key(|(_, count)| **count);
        match worst {
            Some((cause, _)) if seen.calls.unreached() == seen.calls.made => Err(NoToolReached {
                told: format!(
                    "all of the first calls failed: {}",
                    seen.calls.told().unwrap_or_default()
                ),
                fault: seen.fault.clone(),
                place: self.server.place(),
                advice: cause.advice(),
            }),
            _ => Ok(()),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // Nothing in here panics half way.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl ToolServer for Watched<'_> {
    fn call(&self, api: &Api, arguments: &str) -> ToolReply {
        let reply = self.server.call(api, arguments);
        let mut seen = self.seen();
        seen.calls.add(reply.unreached);
        if let Some(cause) = reply.unreached {
            *seen.causes.entry(cause).or_default() += 1;
        }
        if reply.fault.is_some() {
            seen.fault.clone_from(&reply.fault);
        }
        drop(seen);
        reply
    }

    fn is_remote(&self) -> bool {
        self.server.is_remote()
    }

    fn place(&self) -> Option<String> {
        self.server.place()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Fails as often as it is told to, then replies.
    struct Failing(Mutex<usize>);

    impl ToolServer for Failing {
        fn call(&self, _: &Api, _: &str) -> ToolReply {
            let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let reply = ToolReply::new("", "fine");
            match left.checked_sub(1) {
                None => reply,
                Some(less) => {
                    *left = less;
                    reply
                        .without_tool(Unreached::Status(404))
                        .with_fault("the proxy is gone".to_owned())
                }
            }
        }

        fn place(&self) -> Option<String> {
            Some("http://tools.example/virtuel".to_owned())
        }
    }

    fn after(failures: usize, calls: usize) -> [bool; 2] {
        let server = Failing(Mutex::new(failures));
        let watched = Watched::new(&server);
        let api = Api {
            category: String::new(),
            tool: String::new(),
            name: String::new(),
        };
        for _ in 0..calls {
            watched.call(&api, "{}");
        }
        let told = watched.check_all().err().map(|error| error.to_string());
        if let Some(told) = &told {
            assert!(
                told.contains(&format!("{calls} of {calls} calls")),
                "{told}"
            );
            assert!(told.contains(&format!("status 404: {calls}")), "{told}");
            assert!(told.contains("the proxy is gone"), "{told}");
            assert!(told.contains("http://tools.example/virtuel"), "{told}");
            assert!(told.contains("is this the server's path?"), "{told}");
        }
        [watched.check().is_ok(), told.is_none()]
    }

    #[test]
    fn first_calls_that_all_fail_are_an_error() {
        assert_eq!(after(0, 0), [true, true], "nothing was called");
        assert_eq!(after(9, 9), [true, false], "of few, when all are made");
        assert_eq!(after(10, 10), [false, false]);
        assert_eq!(after(30, 31), [true, true], "one came through");
        assert_eq!(after(1, 2), [true, true]);
    }

    #[test]
    fn many_calls_without_a_tool_are_told() {
        let mut calls = Calls::default();
        assert_eq!((calls.told(), calls.lacks_many()), (None, false));
        for call in 0..40 {
            calls.add((call < 2).then_some(Unreached::Timeout));
        }
        assert!(!calls.lacks_many());
        calls.add(Some(Unreached::Status(500)));
        assert!(calls.lacks_many());
        let told = calls.told();
        assert_eq!(
            told.as_deref(),
            Some("3 of 41 calls reached no tool (timed out: 2, status 500: 1)")
        );
    }
}
