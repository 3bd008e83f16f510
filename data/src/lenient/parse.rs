//! One value of tolerant JSON.

use serde_json::{Map, Value};

use super::{Ending, Lenient};
use crate::python::json;

/// How deep values may stand in each other.
const DEEPEST: usize = 100;

/// How far a name is looked for behind a quote.
const LONGEST_NAME: usize = 256;

/// Which quotes close a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quotes {
    /// The first that is not escaped.
    Escaped,
    /// The first that something of JSON follows.
    Bare,
}

/// Reads one value at a place in a text.
pub(super) struct Parser<'t> {
    text: &'t str,
    at: usize,
    quotes: Quotes,
    ending: Ending,
    /// What stands open around the place at hand: whether each is an array.
    open: Vec<bool>,
    /// Whether a name was read, and no list of words: this is meant to be an object.
    is_object: bool,
    /// Where the last quote of each kind is, the double's and the single's.
    last: [Option<usize>; 2],
}

/// What is at hand cannot be read.
struct Unreadable;

type Read<T> = Result<T, Unreadable>;

impl<'t> Parser<'t> {
    /// `last` is where the text's last quotes are ([`last_quotes`]).
    pub fn new(text: &'t str, at: usize, quotes: Quotes, last: [Option<usize>; 2]) -> Self {
        Self {
            text,
            at,
            quotes,
            ending: Ending::Whole,
            open: Vec::new(),
            is_object: false,
            last,
        }
    }

    /// The value, and how the text ended.
    pub fn read(&mut self) -> Option<Lenient> {
        let value = self.value().ok()?;
        Some(Lenient {
            value,
            ending: self.ending,
        })
    }

    /// Where reading ended.
    pub fn position(&self) -> usize {
        self.at
    }

    /// Whether what was read is meant to be an object, readable or not.
    pub fn is_object(&self) -> bool {
        self.is_object
    }

    /// What was not read.
    pub fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start().len();
    }

    /// The text is over; what is read is what there is.
    fn ended(&mut self, ending: Ending) {
        self.ending = self.ending.max(ending);
        self.at = self.text.len();
    }

    fn value(&mut self) -> Read<Value> {
        self.skip_space();
        match self.peek() {
            Some('{') => self.nested(false, Self::object),
            Some('[') => self.nested(true, Self::array),
            Some(quote @ ('"' | '\'')) => self.string(quote, Place::Value).map(Value::String),
            Some(_) => self.word(),
            None => Err(Unreadable),
        }
    }

    fn nested(&mut self, is_array: bool, read: fn(&mut Self) -> Read<Value>) -> Read<Value> {
        if self.open.len() == DEEPEST {
            return Err(Unreadable);
        }
        self.open.push(is_array);
        self.at += 1;
        let value = read(self)?;
        self.open.pop();
        Ok(value)
    }

    fn object(&mut self) -> Read<Value> {
        let mut object = Map::new();
        loop {
            self.skip_space();
            let first = self.peek();
            let name = match first {
                None => {
                    self.ended(Ending::Cut);
                    break;
                }
                Some('}') => {
                    self.at += 1;
                    break;
                }
                Some(quote @ ('"' | '\'')) => self.string(quote, Place::Name)?,
                Some(_) => self.bare_name()?,
            };
            self.skip_space();
            let is_quoted = matches!(first, Some('"' | '\''));
            self.is_object |= is_quoted && !matches!(self.peek(), Some('}' | ','));
            match self.peek() {
                // A name that was cut, or one without its value.
                None => {
                    self.ended(Ending::Cut);
                    break;
                }
                Some(':') => self.at += 1,
                Some(_) => return Err(Unreadable),
            }
            self.skip_space();
            if self.rest().is_empty() {
                self.ended(Ending::Cut);
                break;
            }
            let value = self.value()?;
            object.insert(name, value);
            if self.separated('}')? {
                break;
            }
        }
        Ok(Value::Object(object))
    }

    fn array(&mut self) -> Read<Value> {
        let mut elements = Vec::new();
        loop {
            self.skip_space();
            match self.peek() {
                None => {
                    self.ended(Ending::Cut);
                    break;
                }
                Some(']') => {
                    self.at += 1;
                    break;
                }
                Some(_) => elements.push(self.value()?),
            }
            if self.separated(']')? {
                break;
            }
        }
        Ok(Value::Array(elements))
    }

    /// Reads what stands behind a value; whether that ends the object or array, whose last bracket is `close`.
    fn separated(&mut self, close: char) -> Read<bool> {
        let before = self.at;
        self.skip_space();
        let new_line = self.text[before..self.at].contains('\n');
        match self.peek() {
            None => {
                self.ended(Ending::Unclosed);
                Ok(true)
            }
            Some(',') => {
                self.at += 1;
                Ok(false)
            }
            Some(other) if other == close => {
                self.at += 1;
                Ok(true)
            }
            // A comma was left out at a line's end.
            Some('"' | '\'') if new_line && close == '}' && self.name_follows(self.at) => Ok(false),
            Some(_) => Err(Unreadable),
        }
    }

    /// A name without quotes, as in JavaScript.
    fn bare_name(&mut self) -> Read<String> {
        let rest = self.rest();
        let end = rest.find(|character: char| !is_of_name(character));
        let end = end.unwrap_or(rest.len());
        let name = &rest[..end];
        let begins = name.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_');
        if !begins || end > LONGEST_NAME {
            return Err(Unreadable);
        }
        self.at += end;
        Ok(name.to_owned())
    }

    /// A number, or a word that stands for a value.
    fn word(&mut self) -> Read<Value> {
        let rest = self.rest();
        let is_of_word =
            |character: char| character.is_ascii_alphanumeric() || "+-._".contains(character);
        let end = rest.find(|character| !is_of_word(character));
        let word = &rest[..end.unwrap_or(rest.len())];
        let value = match word {
            "true" | "True" => Value::Bool(true),
            "false" | "False" => Value::Bool(false),
            "null" | "None" => Value::Null,
            "" => return Err(Unreadable),
            other => match json::loads(other) {
                Ok(number @ Value::Number(_)) => number,
                // The beginning of one of these, or of a number.
                _ if end.is_none() && is_beginning(other) => Value::Null,
                _ => return Err(Unreadable),
            },
        };
        self.at += word.len();
        if end.is_none() {
            self.ending = self.ending.max(Ending::Cut);
        }
        Ok(value)
    }

    /// A string, whose first quote is at hand.
    fn string(&mut self, quote: char, place: Place) -> Read<String> {
        self.at += 1;
        let mut out = String::new();
        loop {
            let rest = self.rest();
            let special = |character| character == quote || character == '\\';
            let Some(length) = rest.find(special) else {
                if place == Place::Name && !is_cut_name(rest) {
                    return Err(Unreadable);
                }
                out.push_str(rest);
                self.ended(Ending::Cut);
                return Ok(out);
            };
            out.push_str(&rest[..length]);
            self.at += length;
            if self.rest().starts_with('\\') {
                self.escape(&mut out);
                continue;
            }
            self.at += 1;
            let is_first = self.quotes == Quotes::Escaped || place == Place::Name;
            if is_first || self.closes(quote) {
                return Ok(out);
            }
            out.push(quote);
        }
    }

    /// Reads an escape. One that JSON does not know is what it looks like.
    fn escape(&mut self, out: &mut String) {
        let rest = self.rest();
        let Some(escaped) = rest[1..].chars().next() else {
            // The text was cut here.
            self.at = self.text.len();
            return;
        };
        let mut length = 1 + escaped.len_utf8();
        match escaped {
            '"' | '\'' | '\\' | '/' => out.push(escaped),
            'n' => out.push('\n'),
            't' => out.push('\t'),
            'r' => out.push('\r'),
            'b' => out.push('\u{8}'),
            'f' => out.push('\u{c}'),
            'u' => match unicode(rest) {
                Some((character, used)) => {
                    out.push(character);
                    length = used;
                }
                // Cut inside the escape.
                None if rest.len() < 6 && rest[2..].bytes().all(|b| b.is_ascii_hexdigit()) => {
                    length = rest.len();
                }
                None => out.push_str("\\u"),
            },
            other => {
                out.push('\\');
                out.push(other);
            }
        }
        self.at += length;
    }

    /// Whether the quote before what is at hand closes a string: something of JSON follows, and nothing else would do.
    fn closes(&self, quote: char) -> bool {
        let at = self.at + (self.rest().len() - self.rest().trim_start().len());
        let in_array = self.open.last().copied().unwrap_or_default();
        match self.text[at..].chars().next() {
            None => true,
            Some(',') => self.continues(at + 1, in_array),
            Some('}' | ']') => self.ends(at, quote),
            Some('"' | '\'') => self.text[self.at..at].contains('\n') && self.name_follows(at),
            Some(_) => false,
        }
    }

    /// Whether what stands behind a comma goes on with the object or the array around.
    fn continues(&self, at: usize, in_array: bool) -> bool {
        let rest = self.text[at..].trim_start();
        let at = self.text.len() - rest.len();
        match rest.chars().next() {
            None | Some('}' | ']') => true,
            Some('"' | '\'') if in_array => self
                .after_quoted(at)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ']'])),
            Some('"' | '\'') => self.name_follows(at),
            Some(next) => in_array && ("{[-".contains(next) || next.is_ascii_digit()),
        }
    }

    /// Whether a quoted name and a colon stand at `at`, or as much of them as a text has that was cut there.
    fn name_follows(&self, at: usize) -> bool {
        match self.after_quoted(at) {
            Some(rest) => rest.is_empty() || rest.starts_with(':'),
            None => is_cut_name(&self.text[at + 1..]),
        }
    }

    /// What stands behind the short quoted text at `at`, without space before it.
    fn after_quoted(&self, at: usize) -> Option<&'t str> {
        let rest = &self.text[at..];
        let quote = rest.chars().next()?;
        let mut end = rest.len().min(LONGEST_NAME);
        while !rest.is_char_boundary(end) {
            end -= 1;
        }
        let length = rest[1..end.max(1)].find(quote)?;
        Some(rest[1 + length + 1..].trim_start())
    }

    /// Whether the brackets at `at` close what stands open: all of it at the text's end, or a part of it.
    fn ends(&self, at: usize, quote: char) -> bool {
        let is_passed = |character: char| "}]".contains(character) || character.is_whitespace();
        let rest = self.text[at..].trim_start_matches(is_passed);
        if rest.is_empty() || rest.starts_with("```") {
            return true;
        }
        let end = self.text.len() - rest.len();
        let brackets = self.text[at..end].bytes();
        let closed = brackets.filter(|byte| b"}]".contains(byte)).count();
        if let Some(around) = self.open.len().checked_sub(closed + 1) {
            return rest.starts_with(',') && self.continues(end + 1, self.open[around]);
        }
        // Text follows the value: what closes it is the last quote.
        let last = self.last[usize::from(quote == '\'')];
        last.is_none_or(|last| last < self.at)
    }
}

/// Where the last double and the last single quote of a text are.
pub(super) fn last_quotes(text: &str) -> [Option<usize>; 2] {
    [text.rfind('"'), text.rfind('\'')]
}

/// What a string is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Name,
    Value,
}

/// Whether the rest of a text may be the beginning of a name, and the dots of whoever cut it.
fn is_cut_name(rest: &str) -> bool {
    let name = rest.trim_end_matches('.');
    rest.len() < LONGEST_NAME && name.chars().all(is_of_name)
}

fn is_of_name(character: char) -> bool {
    character.is_ascii_alphanumeric() || character == '_'
}

/// Whether a word may go on as a value.
fn is_beginning(word: &str) -> bool {
    let words = ["true", "false", "null", "True", "False", "None", "NaN"];
    let number = word
        .bytes()
        .all(|b| b.is_ascii_digit() || b"+-.eE".contains(&b));
    number || words.iter().any(|whole| whole.starts_with(word))
}

/// The character of a `\u` escape and its length; of half a pair U+FFFD.
fn unicode(rest: &str) -> Option<(char, usize)> {
    let code = |at: usize| {
        let digits = rest.get(at..)?.strip_prefix("\\u")?.get(..4)?;
        let is_hex = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_hex.then(|| u32::from_str_radix(digits, 16).ok())?
    };
    let first = code(0)?;
    if (0xd800..0xdc00).contains(&first)
        && let Some(second @ 0xdc00..0xe000) = code(6)
    {
        let pair = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
        return char::from_u32(pair).map(|character| (character, 12));
    }
    Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6))
}
