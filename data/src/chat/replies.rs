//! Which reply answers which call, where both stand in one round: a message of the assistant and the tools' messages behind it.

use std::collections::{BTreeSet, HashMap, HashSet, VecDeque};

use super::message::{ChatCall, ChatMessage};

/// The replies of a round that answer no call yet. All calls together take as long as the round has calls and replies.
#[derive(Debug)]
pub(crate) struct Replies<'m> {
    /// Those whose id is that of a call.
    by_id: HashMap<&'m str, VecDeque<usize>>,
    /// The others, by the name of the function that they tell, and whether they have an id.
    others: HashMap<(Option<&'m str>, bool), VecDeque<usize>>,
    left: BTreeSet<usize>,
}

impl<'m> Replies<'m> {
    /// The replies to `calls` among `messages`, so many of them from `first` on.
    pub fn new(
        calls: &'m [ChatCall],
        messages: &'m [ChatMessage],
        first: usize,
        count: usize,
    ) -> Self {
        let ids: HashSet<&str> = calls.iter().filter_map(|call| call.id.as_deref()).collect();
        let mut replies = Self {
            by_id: HashMap::new(),
            others: HashMap::new(),
            left: (first..first + count).collect(),
        };
        for (at, message) in messages.iter().enumerate().skip(first).take(count) {
            let id = message.answers.as_deref();
            let queue = match id.filter(|id| ids.contains(id)) {
                Some(id) => replies.by_id.entry(id).or_default(),
                None => {
                    let key = (message.name.as_deref(), id.is_some());
                    replies.others.entry(key).or_default()
                }
            };
            queue.push_back(at);
        }
        replies
    }

    /// Takes the reply that answers a call, and says which message it is: by its id; where one of the two has none, the first of
    /// the call's name (where it is told) that answers no other call by its id.
    pub fn take(&mut self, call: &'m ChatCall) -> Option<usize> {
        let by_id = call.id.as_deref().and_then(|id| self.by_id.get_mut(id));
        let found = match by_id.and_then(VecDeque::pop_front) {
            Some(found) => found,
            None => {
                let names = [None, Some(call.name.as_str())];
                let keys = names.into_iter().flat_map(|name| {
                    // Two ids that differ are of two calls.
                    let with_id = call.id.is_none().then_some((name, true));
                    std::iter::once((name, false)).chain(with_id)
                });
                let first = |key| Some((*self.others.get(&key)?.front()?, key));
                let (found, key) = keys.filter_map(first).min_by_key(|(at, _)| *at)?;
                self.others.get_mut(&key)?.pop_front();
                found
            }
        };
        self.left.remove(&found);
        Some(found)
    }

    /// The first that has not been taken.
    pub fn first(&self) -> Option<usize> {
        self.left.first().copied()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;
    use crate::chat::ChatRole;

    fn reply(id: Option<&str>, name: Option<&str>) -> ChatMessage {
        let mut message = ChatMessage::new("", ChatRole::Tool);
        message.answers = id.map(str::to_owned);
        message.name = name.map(str::to_owned);
        message
    }

    fn call(id: Option<&str>, name: &str) -> ChatCall {
        ChatCall {
            path: String::new(),
            id: id.map(str::to_owned),
            name: name.to_owned(),
            arguments: "{}".to_owned(),
        }
    }

    /// The rule as it reads, looked up one by one.
    fn plain(calls: &[ChatCall], messages: &[ChatMessage]) -> Vec<Option<usize>> {
        let mut left: Vec<usize> = (0..messages.len()).collect();
        let answers = |reply: usize, call: &ChatCall| {
            let id = messages[reply].answers.as_ref();
            id.is_some() && id == call.id.as_ref()
        };
        let found = |call: &ChatCall, left: &[usize]| {
            let by_id = left.iter().position(|reply| answers(*reply, call));
            by_id.or_else(|| {
                left.iter().position(|reply| {
                    let message = &messages[*reply];
                    let both = message.answers.is_some() && call.id.is_some();
                    let named = message.name.as_ref().is_none_or(|name| *name == call.name);
                    !both && named && !calls.iter().any(|other| answers(*reply, other))
                })
            })
        };
        let each = calls.iter().map(|call| {
            let at = found(call, &left)?;
            Some(left.remove(at))
        });
        each.collect()
    }

    #[test]
    fn the_quick_way_is_the_plain_one() {
        let ids = [None, Some("a"), Some("b"), Some("c")];
        let names = ["f", "g"];
        let mut state = 1_u64;
        let mut below = |end: usize| {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            (state >> 33) as usize % end
        };
        for _ in 0..5000 {
            let calls: Vec<ChatCall> = (0..below(5))
                .map(|_| call(ids[below(4)], names[below(2)]))
                .collect();
            let messages: Vec<ChatMessage> = (0..below(6))
                .map(|_| reply(ids[below(4)], [None, Some("f"), Some("g")][below(3)]))
                .collect();
            let mut replies = Replies::new(&calls, &messages, 0, messages.len());
            let taken: Vec<_> = calls.iter().map(|call| replies.take(call)).collect();
            assert_eq!(taken, plain(&calls, &messages), "{calls:?} {messages:?}");
            let first = (0..messages.len()).find(|at| !taken.contains(&Some(*at)));
            assert_eq!(replies.first(), first);
        }
    }

    #[test]
    fn many_calls_in_one_message_take_no_longer_each() {
        let count = 200_000;
        let calls: Vec<_> = (0..count)
            .map(|at| call(Some(&at.to_string()), "f"))
            .collect();
        let backwards: Vec<_> = (0..count)
            .rev()
            .map(|at| reply(Some(&at.to_string()), None))
            .collect();
        let began = Instant::now();
        let mut replies = Replies::new(&calls, &backwards, 0, count);
        for (at, call) in calls.iter().enumerate() {
            assert_eq!(replies.take(call), Some(count - 1 - at));
        }
        assert!(began.elapsed() < Duration::from_secs(5));
    }
}
