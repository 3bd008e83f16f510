//! What a person reads of what a model wrote: a text without the marks by which roles and turns are told apart.

/// Who comes next, as a planner's tag says it, without `Next:`.
const NEXT: [&str; 3] = ["caller", "conclusion", "give up"];
/// The labels of turns that only models write, the published pipeline's spelling of one of them included.
const LABELS: [&str; 5] = [
    "assistant:",
    "asssitant:",
    "caller:",
    "conclusion:",
    "planner:",
];
const NEXT_MARK: &str = "Next:";
const ACTION: &str = "Action:";
const INPUT: &str = "Action Input:";
const SEPARATOR: &str = "</s>";

/// A text as a person may read it: what a model wrote until it left the form. Marks at the head are passed over, at the
/// first one after that it ends.
///
/// Marks are a planner's tags (`Next: caller.`), the labels of turns (`assistant:`, `caller:`, `conclusion:`), `Action:` and
/// `Action Input:` as they head a call, and the separator's text. A text that has none is itself, white space included.
pub fn readable(text: &str) -> &str {
    let mut rest = text;
    loop {
        match mark(rest) {
            None => return rest,
            Some(mark) if rest[..mark.start].trim().is_empty() && mark.is_heading => {
                rest = rest[mark.end..].trim_start();
            }
            Some(mark) => return rest[..mark.start].trim_end(),
        }
    }
}

/// A mark in a text, as places in it.
struct Mark {
    start: usize,
    end: usize,
    /// Whether what follows may be meant for a reader: not so behind the marks of a call.
    is_heading: bool,
}

/// The first mark.
fn mark(text: &str) -> Option<Mark> {
    let marks = [tag(text), label(text), call(text), separator(text)];
    let marks = marks.into_iter().flatten();
    marks.min_by_key(|mark| mark.start)
}

fn separator(text: &str) -> Option<Mark> {
    let start = text.find(SEPARATOR)?;
    Some(Mark {
        start,
        end: start + SEPARATOR.len(),
        is_heading: true,
    })
}

/// `Next:` before who comes next, or as far as the text goes. (`Next: add the eggs.` is a sentence.)
fn tag(text: &str) -> Option<Mark> {
    text.match_indices(NEXT_MARK).find_map(|(start, mark)| {
        let end = start + mark.len();
        let after = text[end..].trim_start();
        let end_of = |rest: &str| text.len() - rest.len();
        let end = NEXT.iter().find_map(|who| {
            let rest = match after.strip_prefix(who) {
                Some(rest) => rest.strip_prefix('.').unwrap_or(rest),
                None if who.starts_with(after) => "",
                None => return None,
            };
            Some(end_of(rest))
        })?;
        Some(Mark {
            start,
            end,
            is_heading: true,
        })
    })
}

/// A label that no word runs into. (`In conclusion: …` is a sentence.)
fn label(text: &str) -> Option<Mark> {
    let of = |label: &&str| {
        text.match_indices(label).find_map(|(start, label)| {
            let before = &text[..start];
            let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
            let in_word = before.ends_with(is_word);
            let sentence = before
                .strip_suffix(' ')
                .and_then(|before| before.get(before.len().checked_sub(2)?..))
                .is_some_and(|word| word.eq_ignore_ascii_case("in"));
            (!in_word && !sentence).then_some(Mark {
                start,
                end: start + label.len(),
                is_heading: true,
            })
        })
    };
    let marks = LABELS.iter().filter_map(of);
    marks.min_by_key(|mark| mark.start)
}

/// What heads a call: `Action Input:` anywhere; `Action:` at the head of a line or a sentence, or before what is no word.
/// (`A call to Action: vote.` is a sentence.)
fn call(text: &str) -> Option<Mark> {
    let input = text.find(INPUT);
    let action = text.match_indices(ACTION).map(|(start, _)| start);
    let action = action.into_iter().find(|&start| {
        let before = text[..start].trim_end_matches([' ', '\t']);
        let after = text[start + ACTION.len()..].trim_start();
        let word = after.split_whitespace().next().unwrap_or_default();
        let in_sentence = before.ends_with(char::is_alphanumeric);
        !in_sentence || word.is_empty() || word.contains('_') || input.is_some()
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
            // Sentences.
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
