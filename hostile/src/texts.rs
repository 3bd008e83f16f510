//! Recipes, predictions, and what a model says.

use glpft_agent::{PlannerTurn, PolicyMessage, Prediction, parse_step};
use glpft_data::{lenient_object, python, read_finish, read_lenient};
use glpft_eval::score_file;
use glpft_recipes::{Behaviour, Override, Recipe, builtin};
use serde_json::json;

use crate::{Parser, put};

pub(crate) const RECIPE: Parser = Parser {
    name: "recipe",
    read: |data, folder| {
        let path = folder.join("recipe.toml");
        put(&path, data);
        if let Ok(recipe) = Recipe::load_partial(&path, &[]) {
            let again = Recipe::parse_partial(&recipe.to_toml(), "recipe.toml", &[]);
            assert_eq!(again.ok(), Some(recipe), "what is written is read again");
        }
    },
    examples: || {
        let texts = ["sample", "smollm2-135m-lora", "alpha-umi-7b"];
        let texts = texts.into_iter().filter_map(builtin::text);
        texts.map(|text| text.as_bytes().to_vec()).collect()
    },
    fixtures: &[],
};

pub(crate) const OVERRIDE: Parser = Parser {
    name: "override",
    read: |data, _| {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        if let Ok(change) = text.parse::<Override>() {
            let _ = Recipe::load_partial("sample", &[change]);
        }
    },
    examples: || {
        let texts: [&[u8]; 6] = [
            b"stage.lr=1e-4",
            b"stage.global.lora.target_modules=q_proj,v_proj",
            b"stage.caller.lora.target_modules=[\"q_proj\", 'v_proj']",
            b"model.random.hidden_size=64",
            b"data.source=/a path/=x",
            b"reuse = false",
        ];
        texts.map(<[u8]>::to_vec).to_vec()
    },
    fixtures: &[],
};

pub(crate) const PREDICTIONS: Parser = Parser {
    name: "predictions",
    read: |data, folder| {
        let path = folder.join("predictions.json");
        put(&path, data);
        for behaviour in [Behaviour::Compat, Behaviour::Fixed] {
            let _ = score_file(&path, behaviour, 1);
        }
    },
    examples: || {
        let call = "assistant: I ask.\n Next: caller.</s>caller: Action: f\nAction Input: {\"a\": [1, 2.5, \"x\"]}</s>";
        let end = "assistant: I know.\n Next: conclusion.</s>conclusion: It rains in Oslo.</s>";
        let entry = |reference: &str, said: &str| {
            json!({"tools": [{"Name": "f"}, {"Name": "g"}], "instruction": "i",
                "reference": reference, "predictions": said})
        };
        let entries = [
            entry(call, call),
            entry(call, end),
            entry(end, end),
            entry(end, "Next: give up."),
        ];
        let lines: Vec<String> = entries.iter().map(ToString::to_string).collect();
        vec![
            json!(entries).to_string().into_bytes(),
            lines.join("\n").into_bytes(),
        ]
    },
    fixtures: &["data/eval-fixtures/exact", "data/eval-fixtures/noisy-1"],
};

pub(crate) const OUTPUT: Parser = Parser {
    name: "output",
    read: |data, _| {
        let text = String::from_utf8_lossy(data);
        for behaviour in [Behaviour::Compat, Behaviour::Fixed] {
            let _ = parse_step(&text, behaviour);
        }
        let _ = PlannerTurn::read(&text);
        let _ = Prediction::from_backbone(&text);
        let _ = PolicyMessage::from_prediction(&Prediction::from_backbone(&text));
        let _ = PolicyMessage::from_prediction(&Prediction::new(PlannerTurn::read(&text), &text));
        let _ = read_finish(&text);
    },
    examples: || {
        let texts = [
            "assistant: I ask.\n Next: caller.</s>caller: Action: f\nAction Input: {\"a\": 1}</s>",
            "I know. Next: conclusion.</s>conclusion: It rains.</s>",
            "{\"return_type\": \"give_answer\", \"final_answer\": \"é \\ud83d\"}",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    fixtures: &[],
};

pub(crate) const PYTHON_JSON: Parser = Parser {
    name: "python_json",
    read: |data, _| {
        let Ok(text) = std::str::from_utf8(data) else {
            return;
        };
        let _ = python::json::load_key(text, "a");
        let _ = python::json::load_elements(text, |_| true);
        if let Ok(value) = python::json::loads(text)
            && let Ok(written) = python::json::dumps(&value)
        {
            let again = python::json::loads(&written).and_then(|value| python::json::dumps(&value));
            assert_eq!(again.ok(), Some(written), "what is written is read again");
        }
    },
    examples: || {
        let texts = [
            r#"{"a": [1, -0.0, 1e400, NaN, -Infinity, "\ud83d\ude00 \ud83d \u0000é"], "b": {"a": null}, "a": true}"#,
            r#"[12345678901234567890123456789, 1.5E-7, "x", [[]], {}]"#,
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    fixtures: &[],
};

pub(crate) const LENIENT_JSON: Parser = Parser {
    name: "lenient_json",
    read: |data, _| {
        let text = String::from_utf8_lossy(data);
        let read = read_lenient(&text).map(|read| read.value);
        if let Ok(strict) = python::json::loads(&text) {
            assert_eq!(read, Some(strict), "valid JSON is read as it is");
        }
        let _ = lenient_object(&text, &["return_type", "final_answer"]);
    },
    examples: || {
        let texts = [
            "{\"return_type\":\"give_answer\",\"final_answer\":\"two\nlines, a \"quote\", {x}\"}",
            "So:\n```json\n{'a': True, 'b': [None, 1.5e3, 'it\\'s'], c: {\"d\": \"\\u00e9\"},}\n```",
            "\"a\": {\"b\": [1, {\"c\": \"cut",
        ];
        texts.map(|text| text.as_bytes().to_vec()).to_vec()
    },
    fixtures: &[],
};
