//! What a person reads of what a model wrote: a text without the marks by which roles and turns are told apart.

use crate::parse::{ACTION, INPUT, SEPARATOR};

/// Who comes next, as a planner's tag says it, without `Next:`.
const NEXT: [&str; 3] = ["caller", "conclusion", "give up"];
const NEXT_MARK: &str = "Next:";
/// The labels of turns that only models write.
const LABELS: [&str; 4] = ["assistant:", "caller:", "conclusion:", "planner:"];
/// The published pipeline's spelling of one of them, which nobody else uses.
const MISSPELT: &str = "asssitant:";

/// A text as a person may read it: what a model wrote until it left the form. Marks at the head are passed over, at the
/// first one after that it ends.
///
/// Marks are a planner's tags (`Next: caller.`), the labels of turns (`assistant:`, `caller:`, `conclusion:`) where a line or
/// a sentence begins, what heads a call (`Action:` before `Action Input:`, or before a name that stands alone), and the
/// separator's text. A text that has none is itself, white space included. The same words inside a sentence are no marks:
/// `Your travel assistant: Maria`, `Action: restart the router`.
pub fn readable(text: &str) -> &str {
    let mut rest = text;
    let mut place = Place::Head;
    loop {
        match mark(rest, place) {
            None => return rest,
            Some(mark) if rest[..mark.start].trim().is_empty() && mark.is_heading => {
                rest = rest[mark.end..].trim_start();
                place = Place::BehindMark;
            }
            Some(mark) => return rest[..mark.start].trim_end(),
        }
    }
}

/// What is before the text that is looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Nothing.
    Head,
    /// A mark that was passed over.
    BehindMark,
}

/// A mark in a text, as places in it.
struct Mark {
    start: usize,
    end: usize,
    /// Whether what follows may be meant for a reader: not so behind the marks of a call.
    is_heading: bool,
}

impl Mark {
    fn heading(start: usize, end: usize) -> Self {
        Self {
            start,
            end,
            is_heading: true,
        }
    }
}

/// The first mark.
fn mark(text: &str, place: Place) -> Option<Mark> {
    let marks = [tag(text), label(text), call(text, place), separator(text)];
    let marks = marks.into_iter().flatten();
    marks.min_by_key(|mark| mark.start)
}

fn separator(text: &str) -> Option<Mark> {
    let start = text.find(SEPARATOR)?;
    Some(Mark::heading(start, start + SEPARATOR.len()))
}

/// `Next:` before who comes next, or as far as the text goes. (`Next: add the eggs.` is a sentence.)
fn tag(text: &str) -> Option<Mark> {
    text.match_indices(NEXT_MARK).find_map(|(start, mark)| {
        let after = text[start + mark.len()..].trim_start();
        let rest = NEXT.iter().find_map(|who| match after.strip_prefix(who) {
            // A tag that lacks its full stop may be followed by one that has it.
            Some(rest) if !rest.starts_with(is_word) || rest.starts_with(NEXT_MARK) => {
                Some(rest.strip_prefix('.').unwrap_or(rest))
            }
            Some(_) => None,
            None => who.starts_with(after).then_some(""),
        })?;
        Some(Mark::heading(start, text.len() - rest.len()))
    })
}

/// A label where a line or a sentence begins. (`In conclusion: …` is a sentence.)
fn label(text: &str) -> Option<Mark> {
    let begins = |before: &str| !before.ends_with(is_word) && begins_sentence(before);
    let of = |label: &&str| {
        let places = text.match_indices(label).map(|(start, _)| start);
        let start = places.into_iter().find(|&start| begins(&text[..start]))?;
        Some(Mark::heading(start, start + label.len()))
    };
    let misspelt = text
        .find(MISSPELT)
        .map(|start| Mark::heading(start, start + MISSPELT.len()));
    let marks = LABELS.iter().filter_map(of).chain(misspelt);
    marks.min_by_key(|mark| mark.start)
}

/// What heads a call: `Action Input:` and an `Action:` before it; an `Action:` without one before a name that the line
/// ends with, or where the text ends. (`Action: restart the router` is a sentence, and so is `Action: restart` where it is all.)
fn call(text: &str, place: Place) -> Option<Mark> {
    let input = text.find(INPUT);
    let mut actions = text.match_indices(ACTION).map(|(start, _)| start);
    let action = actions.find(|&start| {
        let before = &text[..start];
        let after = &text[start + ACTION.len()..];
        let line = after.lines().next().unwrap_or_default().trim();
        let name = line.strip_suffix('.').unwrap_or(line);
        let is_function = name.contains('_');
        let is_alone = !name.is_empty() && name.chars().all(|c| is_word(c) || c == '-');
        let is_first = before.trim().is_empty();
        if input.is_some_and(|input| start < input) || (is_first && place == Place::BehindMark) {
            return true;
        }
        match begins_sentence(before) {
            true => after.trim().is_empty() || is_alone && (is_function || !is_first),
            false => is_alone && is_function,
        }
    });
    let start = match (action, input) {
        (Some(action), Some(input)) => action.min(input),
        (action, input) => action.or(input)?,
    };
    Some(Mark {
        start,
        end: text.len(),
        is_heading: false,
    })
}

fn is_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// Whether what follows `before` begins the text, a line or a sentence.
fn begins_sentence(before: &str) -> bool {
    let line = before.trim_end_matches([' ', '\t']);
    line.is_empty() || line.ends_with(['\n', '.', '!', '?', '}'])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_end_a_text_and_are_passed_over_at_its_head() {
        for (text, read) in [
            ("It rains.", "It rains."),
            (" It rains. \n", " It rains. \n"),
            ("It rains. Next: conclusion.", "It rains."),
            ("It rains.\n Next: caller.</s>caller: x", "It rains."),
            ("It rains. Next: give", "It rains."),
            ("It rains. Next:", "It rains."),
            ("It rains.</s>user: and now?", "It rains."),
            ("conclusion: It rains.", "It rains."),
            (
                "asssitant: I know. Next: conclusionNext: caller.caller: x",
                "I know.",
            ),
            (
                "Next: conclusion.</s>conclusion: It rains. conclusion: Yes.",
                "It rains.",
            ),
            ("It rains.\nassistant: It", "It rains."),
            ("It rains\nAction: f\nAction Input: {}", "It rains"),
            ("It rains Action: get_x", "It rains"),
            ("It rains. Action: f", "It rains."),
            ("It rains Action Input: {}", "It rains"),
            ("Action: f\nAction Input: {}", ""),
            ("Next: caller.", ""),
            ("", ""),
            (
                "asssitant: I need it.\n Next: caller.caller: Action: we.",
                "I need it.",
            ),
            ("Next: caller.caller: Action: up to who.", ""),
            (
                "No function tells it.conclusion: give up.",
                "No function tells it.",
            ),
            ("It rains in Oslo.Action: weather.", "It rains in Oslo."),
            ("I ask. assistant: I know.", "I ask."),
            ("I asssitant: know.", "I"),
            ("It rains.\nAction:", "It rains."),
            // Sentences.
            (
                "Ask your travel assistant: Maria",
                "Ask your travel assistant: Maria",
            ),
            ("My conclusion: it rains.", "My conclusion: it rains."),
            ("- caller: Joe", "- caller: Joe"),
            ("Action: restart the router", "Action: restart the router"),
            ("Action: restart", "Action: restart"),
            (
                "Cause: X\n**Action:** restart",
                "Cause: X\n**Action:** restart",
            ),
            (
                "Cause: X.\nAction:\n1. Restart.",
                "Cause: X.\nAction:\n1. Restart.",
            ),
            ("Recommended Action: none", "Recommended Action: none"),
            ("Next: callers should wait.", "Next: callers should wait."),
            (
                "First boil.\nNext: add the eggs.",
                "First boil.\nNext: add the eggs.",
            ),
            ("In conclusion: yes.", "In conclusion: yes."),
            ("A call to Action: vote.", "A call to Action: vote."),
            (
                "The Caller: John. A recaller: x",
                "The Caller: John. A recaller: x",
            ),
        ] {
            assert_eq!(readable(text), read, "{text:?}");
        }
    }
}
