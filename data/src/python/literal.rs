//! Values as Python prints them, read back: the inverse of [`super::repr`].

use serde_json::{Map, Value};

use super::json;

/// How deep brackets may stand in brackets, as in JSON.
const DEEPEST: usize = 128;

/// The value that a whole text is the `repr` of, such as `{'a': [1, None, True], "b": (2.5,)}`. JSON's `null`, `true` and
/// `false` are read as well.
pub fn literal(text: &str) -> Option<Value> {
    let mut reader = Reader {
        rest: text.trim(),
        depth: 0,
    };
    let value = reader.value()?;
    reader.skip();
    reader.rest.is_empty().then_some(value)
}

struct Reader<'t> {
    rest: &'t str,
    depth: usize,
}

impl<'t> Reader<'t> {
    fn skip(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Takes a character where it comes next.
    fn take(&mut self, character: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(character) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn value(&mut self) -> Option<Value> {
        self.skip();
        let first = self.rest.chars().next()?;
        match first {
            '\'' | '"' => self.string().map(Value::String),
            '{' | '[' | '(' => {
                self.depth += 1;
                if self.depth > DEEPEST {
                    return None;
                }
                self.rest = &self.rest[1..];
                let value = match first {
                    '{' => self.entries(),
                    '[' => self.elements(']'),
                    _ => self.elements(')'),
                };
                self.depth -= 1;
                value
            }
            _ => self.word(),
        }
    }

    fn elements(&mut self, end: char) -> Option<Value> {
        let mut elements = Vec::new();
        while !self.take(end) {
            elements.push(self.value()?);
            if !self.take(',') {
                return self.take(end).then_some(Value::Array(elements));
            }
        }
        Some(Value::Array(elements))
    }

    fn entries(&mut self) -> Option<Value> {
        let mut entries = Map::new();
        while !self.take('}') {
            let key = match self.value()? {
                Value::String(key) => key,
                // As `json.dumps` writes such keys.
                key @ (Value::Number(_) | Value::Bool(_) | Value::Null) => {
                    json::dumps(&key).ok()?
                }
                _ => return None,
            };
            if !self.take(':') {
                return None;
            }
            let value = self.value()?;
            entries.insert(key, value);
            if !self.take(',') {
                return self.take('}').then_some(Value::Object(entries));
            }
        }
        Some(Value::Object(entries))
    }

    /// A number or a constant.
    fn word(&mut self) -> Option<Value> {
        let is_part =
            |character: char| character.is_ascii_alphanumeric() || "+-.".contains(character);
        let end = self.rest.find(|character| !is_part(character));
        let (word, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        match word {
            "None" | "null" => Some(Value::Null),
            "True" | "true" => Some(Value::Bool(true)),
            "False" | "false" => Some(Value::Bool(false)),
            "nan" => json::loads("NaN").ok(),
            "inf" => json::loads("Infinity").ok(),
            "-inf" => json::loads("-Infinity").ok(),
            _ => json::loads(word).ok().filter(Value::is_number),
        }
    }

    fn string(&mut self) -> Option<String> {
        let mut characters = self.rest.chars();
        let quote = characters.next()?;
        let mut text = String::new();
        loop {
            match characters.next()? {
                end if end == quote => {
                    self.rest = characters.as_str();
                    return Some(text);
                }
                '\\' => {
                    let code = match characters.next()? {
                        'n' => '\n',
                        't' => '\t',
                        'r' => '\r',
                        'b' => '\u{8}',
                        'f' => '\u{c}',
                        'v' => '\u{b}',
                        'a' => '\u{7}',
                        'x' => hex(&mut characters, 2)?,
                        'u' => hex(&mut characters, 4)?,
                        'U' => hex(&mut characters, 8)?,
                        '\n' => continue,
                        '0' => '\0',
                        other @ ('\\' | '\'' | '"') => other,
                        // Python leaves an escape that it does not know as it is.
                        other => {
                            text.push('\\');
                            other
                        }
                    };
                    text.push(code);
                }
                other => text.push(other),
            }
        }
    }
}

/// The character of so many hexadecimal digits; a lone surrogate as U+FFFD, as in JSON.
fn hex(characters: &mut std::str::Chars<'_>, digits: usize) -> Option<char> {
    let mut code = 0;
    for _ in 0..digits {
        code = code * 16 + characters.next()?.to_digit(16)?;
    }
    match char::from_u32(code) {
        Some(character) => Some(character),
        None if code <= 0x0010_ffff => Some('\u{fffd}'),
        None => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::repr;
    use super::*;

    #[test]
    fn what_python_prints_is_read_back() {
        for value in [
            json!({"a": [1, null, true, {"b": -2.5}], "it's": "\"so\"", "é\n\t\\": "日\u{200b}😀\u{7f}"}),
            json!([
                [],
                {},
                "",
                "'",
                "\"",
                "'\"",
                12345678901234567890_u64,
                false
            ]),
            json!("text"),
            json!(null),
        ] {
            assert_eq!(literal(&repr(&value)), Some(value));
        }
        assert_eq!(literal("('a', 1,)"), Some(json!(["a", 1])));
        assert_eq!(
            literal("{1: 'a', None: [nan]}").map(|value| repr(&value)),
            Some("{'1': 'a', 'null': [nan]}".to_owned())
        );
        assert_eq!(literal(r"'\ud83d\q'"), Some(json!("\u{fffd}\\q")));
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "", "a", "{", "['a'", "'a", "[1 2]", "{'a'}", "{[]: 1}", "1 2", "f(1)", "[,]", "'\\x4'",
        ] {
            assert_eq!(literal(text), None, "{text}");
        }
        assert_eq!(literal(&"[".repeat(1_000_000)), None);
    }
}
