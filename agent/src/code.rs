//! What a step of the environment came to, as a number in answer files.

/// What a step of the environment came to (ToolBench, `rapidapi_wrapper._step`; the codes of its answer files).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Code {
    /// The tool replied.
    Replied = 0,
    /// There is no function of this name.
    NoSuchFunction = 1,
    /// The arguments of `Finish` mean nothing.
    UnreadableFinish = 2,
    /// `Finish` with an answer.
    Answered = 3,
    /// `Finish` with a give-up.
    GaveUp = 4,
    /// The tool did not reply in time.
    Timeout = 5,
    /// The API does not work.
    NotWorking = 6,
    /// The key is not allowed to call it.
    Unauthorized = 7,
    /// The key has no subscription to it.
    Unsubscribed = 8,
    /// Too many requests.
    TooManyRequests = 9,
    /// The rate limit is reached.
    RateLimit = 10,
    /// The reply is a message that says what went wrong.
    Message = 11,
    /// The request failed: no connection, a status that is an error, a reply that is no JSON.
    RequestFailed = 12,
}

impl Code {
    /// Every code, in the order of their numbers.
    pub const ALL: [Code; 13] = [
        Code::Replied,
        Code::NoSuchFunction,
        Code::UnreadableFinish,
        Code::Answered,
        Code::GaveUp,
        Code::Timeout,
        Code::NotWorking,
        Code::Unauthorized,
        Code::Unsubscribed,
        Code::TooManyRequests,
        Code::RateLimit,
        Code::Message,
        Code::RequestFailed,
    ];

    /// The number in answer files.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The code that a server's `error` stands for; any other text is that of a reply.
    pub fn of_error(error: &str) -> Self {
        match error {
            "Timeout error..." => Code::Timeout,
            "API not working error..." => Code::NotWorking,
            "Unauthorized error..." => Code::Unauthorized,
            "Unsubscribed error..." => Code::Unsubscribed,
            "Too many requests error..." => Code::TooManyRequests,
            "Rate limit error..." | "Rate limit per minute error..." => Code::RateLimit,
            "Message error..." => Code::Message,
            _ => Code::Replied,
        }
    }
}
