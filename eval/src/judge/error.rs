//! Why there is no judgment.

use glpft_agent::ProxyError;
use glpft_checkpoints::FileError;

/// Why there is no judgment.
#[derive(Debug, thiserror::Error)]
pub enum JudgeError {
    /// The offline judge knows nothing of a task.
    #[error(
        "the offline judge knows nothing of task {task:?}: it judges only tasks of the world whose truth it has; judge \
         others with an HTTP judge"
    )]
    UnknownTask {
        /// The task's id.
        task: String,
    },
    /// The key's variable is not set.
    #[error("the environment variable {variable}, which should hold the judge's key, is not set")]
    NoKey {
        /// The variable.
        variable: String,
    },
    /// The base URL is none.
    #[error("the judge's URL {url:?} cannot be used: {reason}")]
    Url {
        /// As it was given, without what might be a secret.
        url: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// The endpoint refuses; asking again would not help.
    #[error("the judge at {url} refuses: {reason}")]
    Refused {
        /// Where it was asked.
        url: String,
        /// The status and the beginning of what it said.
        reason: String,
    },
    /// This question alone has no judgment; others may have.
    #[error("the judge at {url} gives no judgment: {reason}")]
    Unjudged {
        /// Where it was asked.
        url: String,
        /// What it said.
        reason: String,
        /// What kind of answer that is.
        why: WithoutJudgment,
    },
    /// The first questions were all refused, and none was answered.
    #[error(
        "the judge has answered none of the first {questions} questions; the last time: {reason}. Is this its model, and can \
         it judge?"
    )]
    RefusesAll {
        /// How many were asked.
        questions: usize,
        /// What it said to the last one.
        reason: String,
    },
    /// It answered before, and now refuses one question after the other.
    #[error(
        "the judge at {url} has refused the last {questions} questions, one after the other; the last time: {reason}. What is \
         judged is kept: the same command resumes from there and leaves these out, or asks about them again with \
         --judge-again"
    )]
    RefusesNow {
        /// Where it was asked.
        url: String,
        /// How many were refused in a row.
        questions: usize,
        /// What it said to the last one.
        reason: String,
    },
    /// It fails, or answers too late.
    #[error(
        "the judge at {url} fails: {reason}. What is judged is kept: the same command resumes from there"
    )]
    Fails {
        /// Where it was asked.
        url: String,
        /// What became of the last attempt.
        reason: String,
    },
    /// It cannot be asked at all.
    #[error("the judge at {url} cannot be reached: {reason}")]
    Unreachable {
        /// Where it was asked.
        url: String,
        /// Why.
        reason: String,
    },
    /// The proxy on the way.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// However often it was asked, nothing came that can be used.
    #[error(
        "the judge at {url} gave no usable answer to {attempts} attempts; the last one: {reason}. What is judged is kept: \
         the same command resumes from there"
    )]
    NoAnswer {
        /// Where it was asked.
        url: String,
        /// How often.
        attempts: usize,
        /// What became of the last attempt.
        reason: String,
    },
    /// A line of the log is no judgment.
    #[error("{place} is not a judgment ({reason}); remove the line, and it is asked for again")]
    Log {
        /// The file and the line.
        place: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The log cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Why one question has no judgment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WithoutJudgment {
    /// The endpoint says that it is for what the question's text says, or for its length.
    Filtered,
    /// The endpoint refuses it, and says no more.
    Refused,
    /// What came is no judgment, however often it was asked.
    Unreadable,
    /// The endpoint fails at it or does not answer in time, however often it was asked.
    Failing,
}
