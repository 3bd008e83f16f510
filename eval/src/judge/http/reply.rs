//! What an endpoint replies, however it puts a call.

use serde_json::Value;

/// The arguments of the call of `function` in a chat completion.
///
/// A call stands in `tool_calls`, in the older `function_call`, or, where a model writes what it should call, as JSON in
/// the content.
pub(super) fn arguments(body: &str, function: &str) -> Result<Value, String> {
    let body: Value =
        serde_json::from_str(body).map_err(|error| format!("its reply is no JSON ({error})"))?;
    let message = body
        .pointer("/choices/0/message")
        .ok_or("its reply has no `choices[0].message`")?;
    let calls = message.get("tool_calls").and_then(Value::as_array);
    let calls = calls.into_iter().flatten();
    let call = calls
        .filter_map(|call| call.get("function"))
        .chain(message.get("function_call"))
        .find(|call| call.get("name").and_then(Value::as_str) == Some(function));
    match call {
        Some(call) => match call.get("arguments") {
            Some(Value::String(text)) => object(text),
            Some(Value::Object(arguments)) => Ok(arguments.clone().into()),
            _ => Err("its call has no arguments".to_owned()),
        },
        None => {
            let content = message.get("content").and_then(Value::as_str);
            let inside = content.and_then(|text| text.get(text.find('{')?..=text.rfind('}')?));
            inside.map_or_else(|| Err(format!("it does not call {function}")), object)
        }
    }
}

fn object(text: &str) -> Result<Value, String> {
    match serde_json::from_str(text) {
        Ok(Value::Object(arguments)) => Ok(arguments.into()),
        Ok(_) => Err("its call's arguments are no object".to_owned()),
        Err(error) => Err(format!("its call's arguments are no JSON ({error})")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(message: Value) -> Result<Value, String> {
        let body = json!({"choices": [{"message": message}]});
        arguments(&body.to_string(), "f")
    }

    #[test]
    fn a_call_is_found_wherever_it_stands() {
        let expected = Ok(json!({"a": 1}));
        let function = json!({"name": "f", "arguments": "{\"a\": 1}"});
        for message in [
            json!({"tool_calls": [{"function": function}]}),
            json!({"tool_calls": [{"function": {"name": "g"}}, {"function": function}]}),
            json!({"tool_calls": [{"function": {"name": "f", "arguments": {"a": 1}}}]}),
            json!({"function_call": function, "content": null}),
            json!({"content": "So: ```json\n{\"a\": 1}\n```"}),
        ] {
            assert_eq!(read(message.clone()), expected, "{message}");
        }
    }

    #[test]
    fn what_is_no_call_is_told() {
        for (message, told) in [
            (json!({"content": "I judge it solved"}), "does not call f"),
            (json!({"content": "} {"}), "does not call f"),
            (json!({"tool_calls": 3}), "does not call f"),
            (json!({"function_call": {"name": "f"}}), "no arguments"),
            (
                json!({"function_call": {"name": "f", "arguments": "[]"}}),
                "no object",
            ),
            (
                json!({"function_call": {"name": "f", "arguments": "{"}}),
                "no JSON",
            ),
        ] {
            let error = read(message.clone()).err().unwrap_or_default();
            assert!(error.contains(told), "{message}: {error}");
        }
        for body in ["", "<html>", "[]", "{\"choices\": []}"] {
            assert!(arguments(body, "f").is_err(), "{body}");
        }
    }
}
