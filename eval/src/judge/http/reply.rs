//! What an endpoint replies, however it puts a call.

use glpft_data::lenient_json;
use serde_json::{Map, Value};

use super::refusal::Refusal;

/// The longest text that is looked through for a call, in bytes; what is longer is looked through at its end.
const LONGEST_TEXT: usize = 256 << 10;
/// How many places in a text are tried.
const PLACES: usize = 2000;
/// How deep calls in lists in calls are looked for.
const DEPTH: usize = 4;
/// How much of an answer without a call is told, in characters.
const TOLD: usize = 80;

/// A completion.
pub(super) enum Reply {
    /// What may be the arguments of a call, the likeliest first; where there are none, what came instead.
    Arguments(Vec<Map<String, Value>>, String),
    /// An error that came with a status of success.
    Refusal(Refusal),
    /// The endpoint has cut the answer off for what it says.
    Filtered,
}

/// Reads a chat completion in which `function` should be called.
///
/// A call stands in `tool_calls`, in the older `function_call`, in a part of the content, or, where a model writes what it
/// should call, as JSON in the content, after its thoughts: the arguments alone, or with a name. Where all of that is
/// empty, in what it thought.
pub(super) fn read(body: &str, function: &str) -> Result<Reply, String> {
    let body = body.trim_start();
    let json: Value = match serde_json::from_str(body) {
        Ok(json) => json,
        Err(_) if body.is_empty() => return Err("its reply is empty".to_owned()),
        Err(_) if body.starts_with('<') => {
            return Err(
                "its reply is a web page, not JSON: is this its address, and is no proxy between?"
                    .to_owned(),
            );
        }
        Err(error) => return Err(format!("its reply is not JSON ({error})")),
    };
    let choice = json.pointer("/choices/0");
    if let (None, Some(error)) = (choice, json.get("error").filter(|error| !error.is_null())) {
        let status = error.get("code").and_then(Value::as_u64);
        let status = status.and_then(|status| u16::try_from(status).ok());
        let refusal = Refusal::read(status.unwrap_or(400), &json.to_string(), None);
        return Ok(Reply::Refusal(refusal));
    }
    let message = choice
        .and_then(|choice| choice.get("message"))
        .ok_or("its reply has no `choices[0].message`")?;
    let text = text_of(message.get("content"));
    let mut found = Found {
        function,
        named: Vec::new(),
        others: Vec::new(),
    };
    for calls in ["tool_calls", "function_call", "content"] {
        match message.get(calls) {
            Some(Value::String(_)) | None => {}
            Some(calls) => found.take(calls, DEPTH),
        }
    }
    // Whatever else a part of the content holds is no call.
    found.others.clear();
    if let Some(calls) = message.get("tool_calls") {
        found.take_unnamed(calls);
    }
    found.take_text(after_thoughts(&text));
    if text.trim().is_empty() {
        for thoughts in ["reasoning_content", "reasoning"] {
            let thoughts = text_of(message.get(thoughts));
            found.take_text(after_thoughts(&thoughts));
        }
    }
    let finish = choice.and_then(|choice| choice.get("finish_reason"));
    let finish = finish.and_then(Value::as_str).unwrap_or_default();
    if finish == "content_filter" && found.named.is_empty() && found.others.is_empty() {
        return Ok(Reply::Filtered);
    }
    let instead = match (text.trim(), finish) {
        (_, "length") => format!("it does not call {function}: a limit of tokens cut it off"),
        ("", _) => format!("it does not call {function}"),
        (text, _) => {
            let shown: String = text
                .chars()
                .filter(|one| !one.is_control())
                .take(TOLD)
                .collect();
            format!("it does not call {function}, but says {shown:?}")
        }
    };
    found.named.append(&mut found.others);
    Ok(Reply::Arguments(found.named, instead))
}

/// A content's text: itself, or that of its parts, but for thoughts.
fn text_of(content: Option<&Value>) -> String {
    match content {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(parts)) => parts
            .iter()
            .filter_map(|part| match part {
                Value::String(text) => Some(text.as_str()),
                part => part.get("text").and_then(Value::as_str),
            })
            .collect(),
        _ => String::new(),
    }
}

/// A text without the thoughts before it: what stands behind the last end of thoughts. Thoughts that do not end are all
/// there is.
fn after_thoughts(text: &str) -> &str {
    ["</think>", "</thinking>", "</thought>", "</reasoning>"]
        .iter()
        .filter_map(|end| Some(text.rfind(end)? + end.len()))
        .max()
        .map_or(text, |end| text.get(end..).unwrap_or_default())
}

/// What may be the arguments of the function's call.
struct Found<'f> {
    function: &'f str,
    /// Those of calls that name the function.
    named: Vec<Map<String, Value>>,
    /// Those of calls that name another, and objects without a name.
    others: Vec<Map<String, Value>>,
}

impl Found<'_> {
    /// Looks for calls in a value: a call, a list of them, or an object that holds such.
    fn take(&mut self, value: &Value, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        let object = match value {
            Value::Array(all) => return all.iter().for_each(|one| self.take(one, depth)),
            Value::Object(object) => object,
            _ => return,
        };
        if let Some(inside @ (Value::Object(_) | Value::Array(_))) =
            ["function", "tool_calls", "function_call", "tool_call"]
                .iter()
                .find_map(|key| object.get(*key).filter(|inside| !inside.is_null()))
        {
            return self.take(inside, depth);
        }
        if let Some(Value::Object(arguments)) = object.get(self.function) {
            self.named.push(arguments.clone());
            return;
        }
        let name = ["name", "function", "tool", "tool_name", "function_name"]
            .iter()
            .find_map(|key| object.get(*key)?.as_str());
        match (name, arguments_of(object)) {
            (Some(name), Some(arguments)) if name == self.function => self.named.push(arguments),
            (_, Some(arguments)) => self.others.push(arguments),
            (_, None) => self.others.push(object.clone()),
        }
    }

    /// The calls of a message, whatever they are called: there is one function.
    fn take_unnamed(&mut self, calls: &Value) {
        for call in calls.as_array().into_iter().flatten() {
            let function = call.get("function").and_then(Value::as_object);
            self.others.extend(function.and_then(arguments_of));
        }
    }

    /// Looks for JSON in a text; what stands last is the likeliest.
    fn take_text(&mut self, text: &str) {
        let mut start = text.len().saturating_sub(LONGEST_TEXT);
        while !text.is_char_boundary(start) {
            start += 1;
        }
        let text = &text[start..];
        let mut of_text = Found {
            function: self.function,
            named: Vec::new(),
            others: Vec::new(),
        };
        for value in values(text) {
            of_text.take(&value, DEPTH);
        }
        if of_text.named.is_empty()
            && of_text.others.is_empty()
            && let Some(value) = lenient_json(text)
        {
            of_text.take(&value, DEPTH);
        }
        self.named.extend(of_text.named.into_iter().rev());
        self.others.extend(of_text.others.into_iter().rev());
    }
}

/// The arguments of a call.
fn arguments_of(call: &Map<String, Value>) -> Option<Map<String, Value>> {
    let arguments = ["arguments", "parameters", "input", "args"]
        .iter()
        .find_map(|key| call.get(*key).filter(|arguments| !arguments.is_null()))?;
    match arguments {
        Value::Object(arguments) => Some(arguments.clone()),
        Value::String(text) => match lenient_json(text)? {
            Value::Object(arguments) => Some(arguments),
            // Written as JSON twice.
            Value::String(text) => match lenient_json(&text)? {
                Value::Object(arguments) => Some(arguments),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

/// The objects and lists of JSON that stand in a text, one after the other.
fn values(text: &str) -> Vec<Value> {
    let (mut all, mut at) = (Vec::new(), 0);
    for _ in 0..PLACES {
        let Some(next) = text[at..].find(['{', '[']) else {
            break;
        };
        at += next;
        let mut stream = serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>();
        match stream.next() {
            Some(Ok(value)) => {
                all.push(value);
                at += stream.byte_offset().max(1);
            }
            _ => at += 1,
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read_message(message: Value) -> (Vec<Map<String, Value>>, String) {
        let body = json!({"choices": [{"message": message}]});
        match read(&body.to_string(), "f") {
            Ok(Reply::Arguments(found, instead)) => (found, instead),
            Ok(_) => (Vec::new(), "something else".to_owned()),
            Err(error) => (Vec::new(), error),
        }
    }

    #[test]
    fn a_call_is_found_wherever_it_stands() {
        let function = json!({"name": "f", "arguments": "{\"a\": 1}"});
        let in_text = |text: &str| json!({"content": text});
        for message in [
            json!({"tool_calls": [{"function": function}]}),
            json!({"tool_calls": [{"function": {"name": "g"}}, {"function": function}]}),
            json!({"tool_calls": [{"function": {"name": "g", "arguments": "{\"a\": 1}"}}]}),
            json!({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}),
            json!({"tool_calls": [{"function": {"name": "f", "arguments": "\"{\\\"a\\\": 1}\""}}]}),
            json!({"tool_calls": {"function": function}}),
            json!({"function_call": function, "content": null}),
            json!({"function_call": function, "content": null, "tool_calls": null}),
            json!({"tool_calls": [], "function_call": null, "content": "{\"a\": 1}"}),
            json!({"content": [{"type": "text", "text": "So: "}, {"type": "text", "text": "{\"a\": 1}"}]}),
            json!({"content": [{"type": "thinking", "thinking": "{\"b\": 2}"}, {"type": "text", "text": "{\"a\": 1}"}]}),
            json!({"content": [{"type": "tool_use", "name": "f", "input": {"a": 1}}]}),
            json!({"content": "", "reasoning_content": "I think {b}. {\"a\": 1}"}),
            json!({"content": null, "reasoning": "{\"a\": 1}"}),
            in_text("So: ```json\n{\"a\": 1}\n```"),
            in_text("<think>Either of {a, b}, or {\"a\": 2}.</think>\n{\"a\": 1}"),
            in_text("Either of {a, b}, or {\"a\": 2}.</think>{\"a\": 1}"),
            in_text("{a, b} would do; this is it: {\"a\": 1} {see above"),
            in_text("<tool_call>\n{\"name\": \"f\", \"arguments\": {\"a\": 1}}\n</tool_call>"),
            in_text("<tool_call>{\"name\": \"f\", \"arguments\": \"{\\\"a\\\": 1}\"}"),
            in_text("[TOOL_CALLS] [{\"name\": \"f\", \"arguments\": {\"a\": 1}}]"),
            in_text("```\n[{\"name\": \"f\", \"parameters\": {\"a\": 1}}]\n```"),
            in_text(
                "{\"type\": \"function\", \"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}",
            ),
            in_text("{\"function\": \"f\", \"arguments\": {\"a\": 1}}"),
            in_text(
                "{\"tool_calls\": [{\"function\": {\"name\": \"f\", \"arguments\": {\"a\": 1}}}]}",
            ),
            in_text("{\"f\": {\"a\": 1}}"),
            in_text("{'a': 1}"),
        ] {
            let (found, instead) = read_message(message.clone());
            let first = found.into_iter().next().map(Value::from);
            assert_eq!(first, Some(json!({"a": 1})), "{message}: {instead}");
        }
    }

    #[test]
    fn what_is_no_call_is_told() {
        for (message, told) in [
            (
                json!({"content": "I judge it solved"}),
                "does not call f, but says \"I judge",
            ),
            (json!({"content": "} {"}), "does not call f"),
            (
                json!({"content": "<think>{\"a\": 1}</think>"}),
                "does not call f",
            ),
            (json!({"tool_calls": 3}), "does not call f"),
            (json!({"tool_calls": []}), "does not call f"),
            (json!({"content": "{".repeat(300_000)}), "does not call f"),
            (
                json!({"content": "{\"a\":[".repeat(50_000)}),
                "does not call f",
            ),
        ] {
            let (_, instead) = read_message(message);
            assert!(instead.contains(told), "{instead}");
        }
        for (body, told) in [
            ("", "empty"),
            ("<!DOCTYPE html>", "a web page"),
            ("[]", "choices[0].message"),
            ("{\"choices\": []}", "choices[0].message"),
            ("{\"choices\": null}", "choices[0].message"),
            ("{", "not JSON"),
        ] {
            let error = read(body, "f").err().unwrap_or_default();
            assert!(error.contains(told), "{body}: {error}");
        }
    }

    #[test]
    fn errors_with_a_status_of_success_are_refusals() {
        let body = json!({"error": {"code": 429, "message": "slower"}}).to_string();
        let Ok(Reply::Refusal(refusal)) = read(&body, "f") else {
            panic!("it is a refusal");
        };
        assert_eq!(refusal.told(), "status 429: slower; 429");
        let filtered =
            json!({"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]});
        assert!(matches!(
            read(&filtered.to_string(), "f"),
            Ok(Reply::Filtered)
        ));
    }
}
