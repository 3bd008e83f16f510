//! One template: literal text and placeholders around a history.

use crate::example::Text;

/// What is wrong with a template's placeholders.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name in braces that stands for nothing.
    #[error(
        "line {line}: unknown placeholder {{{name}}}; known: {{doc}}, {{tool_names}}, {{history}}, {{thought}} (write {{{{ and }}}} for braces)"
    )]
    Unknown {
        /// The name.
        name: String,
        /// The line of the template's text, from 1.
        line: usize,
    },
    /// A brace without its partner.
    #[error("line {line}: a single brace; write {{{{ or }}}} for a brace that is text")]
    Brace {
        /// The line of the template's text, from 1.
        line: usize,
    },
    /// `{thought}` where no planner has spoken.
    #[error(
        "line {line}: {{thought}} is known to the caller's template only (and to the summarizer's in [role-last])"
    )]
    Thought {
        /// The line of the template's text, from 1.
        line: usize,
    },
    /// A role's text behind the history that begins with a placeholder.
    #[error("it must begin with text, not with a placeholder: its first words identify the role")]
    NoInvocation,
    /// `{history}` in a role's text of `[role-last]`.
    #[error("{{history}} is part of `head`, which stands before this text")]
    SecondHistory,
    /// `{history}` lacks or occurs twice.
    #[error("{{history}} must occur exactly once, not {count} times")]
    History {
        /// How often it occurs.
        count: usize,
    },
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(String),
    Doc,
    ToolNames,
    Thought,
    Separator,
    Seam,
}

/// A parsed template: what stands before the history, and what after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    before: Vec<Segment>,
    after: Vec<Segment>,
}

/// The text of a role behind a history that is every role's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RoleText(Vec<Segment>);

impl RoleText {
    pub fn parse(text: &str, knows_thought: bool) -> Result<Self, TemplateError> {
        let mut parts = parse(text, knows_thought)?;
        let count = parts.len() - 1;
        let segments = parts.pop().unwrap_or_default();
        if count > 0 {
            return Err(TemplateError::SecondHistory);
        }
        match segments.first() {
            Some(Segment::Literal(_)) => Ok(Self(segments)),
            _ => Err(TemplateError::NoInvocation),
        }
    }

    /// What the role is told apart by: the separator before its text, and the text up to the first placeholder.
    pub fn invocation(&self) -> Text {
        let mut text = Text::new();
        text.separate();
        if let Some(Segment::Literal(literal)) = self.0.first() {
            text.push(literal);
        }
        text
    }
}

impl Template {
    pub fn parse(text: &str, knows_thought: bool) -> Result<Self, TemplateError> {
        let parts = parse(text, knows_thought)?;
        let count = parts.len() - 1;
        let [before, after] =
            <[Vec<Segment>; 2]>::try_from(parts).map_err(|_| TemplateError::History { count })?;
        Ok(Self { before, after })
    }

    /// The template of a role whose text stands behind this one's.
    ///
    /// The separator before it is a token of its own for every tokenizer, so that what is before has the same tokens in
    /// the whole text. The seam behind its first words makes the ids of those the same whatever fills the placeholders.
    pub fn followed_by(&self, role: &RoleText) -> Self {
        let mut after = self.after.clone();
        after.extend([Segment::Seam, Segment::Separator]);
        let mut segments = role.0.iter().cloned();
        after.extend(segments.next());
        let rest: Vec<Segment> = segments.collect();
        if !rest.is_empty() {
            after.push(Segment::Seam);
            after.extend(rest);
        }
        Self {
            before: self.before.clone(),
            after,
        }
    }

    /// The texts before and after the history of a conversation with these tools.
    pub fn filled(&self, doc: String, tool_names: String) -> Filled<'_> {
        Filled {
            before: Side::new(&self.before, &doc, &tool_names),
            after: Side::new(&self.after, &doc, &tool_names),
            doc,
            tool_names,
        }
    }
}

/// The segments of a text, cut at each `{history}`.
fn parse(text: &str, knows_thought: bool) -> Result<Vec<Vec<Segment>>, TemplateError> {
    // A file written on Windows means the same text.
    let text = text.replace("\r\n", "\n");
    let mut parts = vec![Vec::new()];
    let mut literal = String::new();
    let mut line = 1;
    let mut rest = text.as_str();
    while let Some(index) = rest.find(['{', '}']) {
        let (plain, from) = rest.split_at(index);
        literal.push_str(plain);
        line += plain.matches('\n').count();
        if from.starts_with("{{") || from.starts_with("}}") {
            literal.push_str(&from[..1]);
            rest = &from[2..];
            continue;
        }
        let Some((name, after)) = from.strip_prefix('{').and_then(|from| from.split_once('}'))
        else {
            return Err(TemplateError::Brace { line });
        };
        let segment = match name {
            "doc" => Some(Segment::Doc),
            "tool_names" => Some(Segment::ToolNames),
            "thought" if knows_thought => Some(Segment::Thought),
            "thought" => return Err(TemplateError::Thought { line }),
            "history" => None,
            _ => {
                return Err(TemplateError::Unknown {
                    name: name.to_owned(),
                    line,
                });
            }
        };
        finish_literal(&mut literal, &mut parts);
        match segment {
            Some(segment) => push(segment, &mut parts),
            None => parts.push(Vec::new()),
        }
        rest = after;
    }
    literal.push_str(rest);
    finish_literal(&mut literal, &mut parts);
    Ok(parts)
}

/// A template's texts that lack only the thought. What is filled in is never searched for placeholders.
#[derive(Clone, Debug)]
pub(super) struct Filled<'t> {
    before: Side<'t>,
    after: Side<'t>,
    doc: String,
    tool_names: String,
}

/// What stands on one side of the history.
#[derive(Clone, Debug)]
enum Side<'t> {
    /// The same in every step.
    Same(Text),
    /// The thought is in it.
    Each(&'t [Segment]),
}

impl<'t> Side<'t> {
    fn new(segments: &'t [Segment], doc: &str, tool_names: &str) -> Self {
        match segments.contains(&Segment::Thought) {
            true => Self::Each(segments),
            false => Self::Same(fill(segments, doc, tool_names, "")),
        }
    }
}

impl Filled<'_> {
    /// The texts before and after the history of a step.
    pub fn with_thought(&self, thought: &str) -> (Text, Text) {
        let text = |side: &Side<'_>| match side {
            Side::Same(text) => text.clone(),
            Side::Each(segments) => fill(segments, &self.doc, &self.tool_names, thought),
        };
        (text(&self.before), text(&self.after))
    }
}

fn fill(segments: &[Segment], doc: &str, tool_names: &str, thought: &str) -> Text {
    let mut text = Text::new();
    for segment in segments {
        match segment {
            Segment::Literal(literal) => text.push(literal),
            Segment::Doc => text.push(doc),
            Segment::ToolNames => text.push(tool_names),
            Segment::Thought => text.push(thought),
            Segment::Separator => text.separate(),
            Segment::Seam => text.seam(),
        };
    }
    text
}

fn finish_literal(literal: &mut String, parts: &mut [Vec<Segment>]) {
    if !literal.is_empty() {
        push(Segment::Literal(std::mem::take(literal)), parts);
    }
}

fn push(segment: Segment, parts: &mut [Vec<Segment>]) {
    if let Some(last) = parts.last_mut() {
        last.push(segment);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]
mod tests {
    use super::*;

    #[test]
    fn values_are_not_searched_for_placeholders() {
        let template =
            Template::parse("a {doc}{{x}}\n{history}|{tool_names}|{thought}", true).unwrap();
        let filled = template.filled("{history}{thought}".to_owned(), "{doc}".to_owned());
        let (before, after) = filled.with_thought("</s>{tool_names}");
        assert_eq!(before.to_string(), "a {history}{thought}{x}\n");
        assert_eq!(after.to_string(), "|{doc}|</s>{tool_names}");
        assert_eq!(after.pieces().len(), 1);
        assert_eq!(filled.with_thought("x").1.to_string(), "|{doc}|x");
    }

    #[test]
    fn mistakes_are_named() {
        let error = |text| Template::parse(text, false).unwrap_err();
        assert_eq!(error("x"), TemplateError::History { count: 0 });
        assert_eq!(
            error("{history}{history}"),
            TemplateError::History { count: 2 }
        );
        assert_eq!(
            error("\n{history}{thought}"),
            TemplateError::Thought { line: 2 }
        );
        assert_eq!(error("{history}\n\n}"), TemplateError::Brace { line: 3 });
        assert_eq!(error("{history}{"), TemplateError::Brace { line: 1 });
        assert_eq!(
            error("{histroy}"),
            TemplateError::Unknown {
                name: "histroy".to_owned(),
                line: 1
            }
        );
    }
}
