//! The files of a live evaluation, as what goes on with one, judges one again, or shows it on a page reads them.

use std::collections::BTreeMap;

use glpft_eval::judge::{HttpJudge, HttpJudgeSettings, JUDGMENTS_FILE, Logged};
use glpft_eval::live_evaluation::{
    LIVE_FILE, ROLLOUTS_FILE, VERDICTS_FILE, read_rollouts, read_verdicts,
};
use glpft_eval::page::LivePart;
use serde_json::json;

use crate::{Parser, put};

/// What a judge's endpoint replies.
pub(crate) const JUDGE_REPLY: Parser = Parser {
    name: "judge_reply",
    read: |data, _| {
        let _ = HttpJudge::read_answer_status(&String::from_utf8_lossy(data));
    },
    examples: || {
        let arguments = json!({"reason": "as asked", "answer_status": "Solved"});
        let call = json!({"name": "check_answer_status", "arguments": arguments.to_string()});
        let text =
            format!("<think>{{a}}</think><tool_call>{call}</tool_call> ```json\n[{arguments}]```");
        let messages = [
            json!({"content": null, "tool_calls": [{"type": "function", "function": call}]}),
            json!({"content": [{"type": "text", "text": text}], "function_call": null, "tool_calls": []}),
            json!({"content": "", "reasoning_content": "{'answer_status': 'Solved', \"reason\": \"a\nb"}),
        ];
        let replies = messages
            .map(|message| json!({"choices": [{"message": message, "finish_reason": "stop"}]}));
        let error = json!({"error": {"message": "no", "code": 400, "param": "temperature"}});
        let all = replies.into_iter().chain([error]);
        all.map(|one| one.to_string().into_bytes()).collect()
    },
    fixtures: &[],
};

/// The one file's lines stand for every file of the directory: each reader meets those of all others.
pub(crate) const LIVE_FILES: Parser = Parser {
    name: "live_files",
    read: |data, folder| {
        for name in [
            ROLLOUTS_FILE,
            VERDICTS_FILE,
            JUDGMENTS_FILE,
            LIVE_FILE,
            "answer.json",
        ] {
            put(&folder.join(name), data);
        }
        let _ = read_verdicts(folder);
        let mut problems = Vec::new();
        let _ = LivePart::read("live", folder, &BTreeMap::new(), &mut problems);
        // Beside verdicts of its own tasks, rollouts and their trees are looked at.
        if let Ok(rollouts) = read_rollouts(folder) {
            let verdicts = rollouts.iter().map(|rollout| {
                let passing = json!({"passed": false, "rounds": [], "answers": [], "reason": ""});
                let verdict = json!({
                    "task": rollout.task, "group": rollout.group, "end": rollout.end, "passing": passing,
                });
                format!("{verdict}\n")
            });
            put(
                &folder.join(VERDICTS_FILE),
                verdicts.collect::<String>().as_bytes(),
            );
            let _ = LivePart::read("live", folder, &BTreeMap::new(), &mut problems);
        }
        // It asks nobody before it is asked.
        if let Ok(judge) = HttpJudge::new(HttpJudgeSettings::new("judge", "http://localhost")) {
            let _ = Logged::open(judge, &folder.join(JUDGMENTS_FILE));
        }
    },
    examples: || {
        let step = json!({
            "thought": "I look.", "function": "now_for_weather", "arguments": "{}", "observation": "rain", "code": 0,
        });
        let rollout = json!({
            "task": "1", "group": "G1_tool", "query": "Does it rain?", "end": "answer", "answer": "Yes.",
            "path": [step], "query_count": 2,
            "usage": {"prompt_tokens": 3, "cached_tokens": 1, "new_tokens": 2}, "answer_file": "answer.json",
        });
        let judgment = json!({
            "judge": "m", "task": "1", "question": "check_answer_status", "shown": "00", "round": 0,
            "said": "Solved", "reason": "",
        });
        let node = |kind: &str, children: serde_json::Value| json!({"node_type": kind, "description": "x", "children": children});
        let input = json!({"node_type": "Action Input", "description": "{}", "observation": "rain", "observation_code": 0});
        let tree = node(
            "Action Input",
            json!([node("Thought", json!([node("Action", json!([input]))]))]),
        );
        let report = json!({
            "judge": "offline", "rounds": 1, "strategy": "CoT@1", "tasks": 1,
            "scores": {"pass_rate": {
                "groups": [{"group": "G1_tool", "tasks": 1, "rate": {"rate": 1.0, "interval": [0.5, 1.0]}}],
                "average": {"rate": 1.0, "deviation": 0.0},
            }},
            "ends": {"answer": 1, "give_up": 0, "nothing": 0}, "steps": 2, "codes": {"0": 1},
            "usage": {"prompt_tokens": 3, "cached_tokens": 1, "new_tokens": 2}, "evaluation": {"decides": {}},
        });
        let all = [rollout, judgment, json!({"tree": {"tree": tree}}), report];
        all.map(|one| format!("{one}\n").into_bytes()).into()
    },
    fixtures: &[],
};
