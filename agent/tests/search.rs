//! Rollouts by scripted policies: the published search step by step, its limits, and its files.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use glpft_agent::{
    Asked, Code, Limit, PathStep, PolicyMessage, Rank, RepliesFirst, RolloutEnd, SearchSettings,
    Strategy, Task, ToolReply,
};
use glpft_data::{Purpose, Random, Speaker};
use serde_json::Value;
use support::{Tools, call, demands, failed, random_step, read_back, run, turns};

#[test]
fn react_calls_and_answers() {
    let script = |asked: &Asked<'_>| match asked.count {
        0 => call("now"),
        _ => PolicyMessage::answer(None, "Yes, 24 °C."),
    };
    let settings = SearchSettings::published(Strategy::REACT);
    let (rollout, asked) = run(script, &Tools::default(), &settings);
    assert_eq!(rollout.end, RolloutEnd::Answer("Yes, 24 °C.".to_owned()));
    assert_eq!((rollout.query_count, rollout.limit), (2, None));
    let codes: Vec<Code> = rollout.path.iter().map(|step| step.code).collect();
    assert_eq!(codes, [Code::Replied, Code::Answered]);
    assert_eq!(
        rollout.path[0].observation,
        r#"{"error": "", "response": "now: {}"}"#
    );
    let pair = |from: &str, value: &str| (from.to_owned(), value.to_owned());
    assert_eq!(
        asked[1],
        [
            pair("user", "Is it warm in Malmö?"),
            pair("assistant", "I try now.\n Next: caller."),
            pair("caller", "Action: now_for_weather\nAction Input: {}"),
            pair("observation", "now: {}"),
        ]
    );
    let file = &rollout.answer_file;
    assert_eq!(file["trys"][0]["chain"].as_array().unwrap().len(), 5);
    assert_eq!(file["answer_generation"]["finish_type"], "give_answer");
}

#[test]
fn react_starts_anew_until_a_chain_answers() {
    // Each chain has four steps of three nodes: 12 deep.
    let script = |asked: &Asked<'_>| match asked.count {
        0..=3 => call("broken"),
        4 => PolicyMessage::give_up(None),
        5 => call("now"),
        _ => PolicyMessage::answer(Some("Done."), "Yes."),
    };
    let settings = |chains| SearchSettings::published(Strategy::React { chains });
    let (rollout, asked) = run(script, &failed(), &settings(3));
    assert_eq!(rollout.end, RolloutEnd::Answer("Yes.".to_owned()));
    assert_eq!((rollout.path.len(), rollout.query_count), (2, 7));
    let lengths: Vec<usize> = asked.iter().map(Vec::len).collect();
    assert_eq!(lengths, [1, 4, 7, 10, 1, 1, 4]);
    assert_eq!(rollout.answer_file["try_count"], 3);
    let wins = |index: usize| rollout.answer_file["trys"][index]["win"].clone();
    assert_eq!([wins(0), wins(1), wins(2)], [false, false, true]);

    let (rollout, _) = run(script, &failed(), &settings(2));
    assert_eq!(rollout.end, RolloutEnd::GiveUp);
    let (rollout, _) = run(script, &failed(), &settings(1));
    assert_eq!(rollout.end, RolloutEnd::Nothing);
    assert_eq!(rollout.path.len(), 4);
    assert!(read_back(&rollout, Strategy::REACT).is_none());
    assert_eq!(
        rollout.answer_file["answer_generation"]["valid_data"],
        false
    );
}

/// The published recursion, as the specification writes it, over a policy of which only the codes matter.
struct Published<'p> {
    say: &'p mut dyn FnMut(usize) -> PolicyMessage,
    width: usize,
    limit: usize,
    budget: usize,
    count: usize,
    kept: bool,
    gave_up: usize,
    expanded: Vec<usize>,
}

impl Published<'_> {
    fn search(&mut self, depth: usize, code: Code) -> usize {
        self.expanded.push(depth);
        let pruned = code == Code::GaveUp;
        if depth >= self.limit || pruned || code == Code::Answered {
            if code == Code::Answered {
                self.kept = true;
                return 2;
            }
            if pruned {
                self.gave_up += 1;
                return 2;
            }
            return 1;
        }
        for _ in 0..self.width {
            let said = (self.say)(self.count);
            self.count += 1;
            if self.count >= self.budget {
                return 100_000;
            }
            let nodes = if said.thought.is_some() { 3 } else { 2 };
            let code = match said.function.as_str() {
                "Finish" if said.arguments.contains("give_answer") => Code::Answered,
                "Finish" => Code::GaveUp,
                _ => Code::Replied,
            };
            let result = self.search(depth + nodes, code);
            if self.kept {
                return 10_000;
            }
            if result > 1 {
                return result - 1;
            }
        }
        1
    }
}

#[test]
fn the_state_machine_is_the_published_recursion() {
    let mut ends = [0, 0, 0];
    for seed in 0..400 {
        let (width, ends_in) = (1 + seed as usize % 3, 5 + seed % 23);
        let mut settings = SearchSettings::published(Strategy::DepthFirst {
            width,
            filter: false,
        });
        settings.queries = 10 + seed as usize % 60;
        let mut say = |count| random_step(seed, count, ends_in);
        let mut published = Published {
            say: &mut say,
            width,
            limit: settings.depth,
            budget: settings.queries,
            count: 0,
            kept: false,
            gave_up: 0,
            expanded: Vec::new(),
        };
        published.search(0, Code::Replied);
        let (rollout, _) = run(
            |asked| random_step(seed, asked.count, ends_in),
            &Tools::default(),
            &settings,
        );
        assert_eq!(rollout.query_count, published.count, "{seed}");
        let end = match (published.kept, published.gave_up) {
            (true, _) => RolloutEnd::Answer("Yes.".to_owned()),
            (false, 0) => RolloutEnd::Nothing,
            (false, _) => RolloutEnd::GiveUp,
        };
        assert_eq!(rollout.end, end, "{seed}");
        ends[match end {
            RolloutEnd::Answer(_) => 0,
            RolloutEnd::GiveUp => 1,
            RolloutEnd::Nothing => 2,
        }] += 1;
        let mut expanded = Vec::new();
        numbered(&rollout.answer_file["tree"]["tree"], &mut expanded);
        expanded.sort_unstable();
        let depths: Vec<usize> = expanded.iter().map(|&(_, depth)| depth).collect();
        assert_eq!(depths, published.expanded, "{seed}");
    }
    assert!(ends.iter().all(|&count| count > 20), "{ends:?}");
}

/// The `expand_num` and depth of every node that was gone on from.
fn numbered(node: &Value, out: &mut Vec<(usize, usize)>) {
    let number = |key: &str| node[key].as_u64().unwrap() as usize;
    if number("expand_num") > 0 || number("depth") == 0 {
        out.push((number("expand_num"), number("depth")));
    }
    for child in node["children"].as_array().unwrap() {
        numbered(child, out);
    }
}

#[test]
fn dfsdt_recovers_where_react_fails() {
    // Fails first, and does otherwise when it is told to.
    let script = |asked: &Asked<'_>| {
        let observed = asked.turns.last().unwrap();
        match observed.from {
            Speaker::User if demands(asked.turns) > 0 => call("now"),
            Speaker::Observation if observed.value.starts_with("now") => {
                PolicyMessage::answer(None, "Yes.")
            }
            Speaker::Observation => PolicyMessage::give_up(Some("It does not work.")),
            _ => call("broken"),
        }
    };
    let react = SearchSettings::published(Strategy::React { chains: 3 });
    assert_eq!(run(script, &failed(), &react).0.end, RolloutEnd::GiveUp);
    let dfsdt = SearchSettings::published(Strategy::DFSDT);
    let (rollout, asked) = run(script, &failed(), &dfsdt);
    assert_eq!(rollout.end, RolloutEnd::Answer("Yes.".to_owned()));
    assert_eq!(rollout.query_count, 4);

    // Siblings begin alike; what is asked otherwise is the last turn.
    let (first, sibling) = (&asked[0], &asked[2]);
    assert_eq!(sibling[..first.len()], first[..]);
    assert_eq!(sibling.len(), first.len() + 1);
    let (speaker, demand) = sibling.last().unwrap();
    assert_eq!(speaker, "user");
    assert_eq!(
        demand,
        "This is not the first time you try this task, all previous trails failed.\nBefore you generate my thought \
         for this state, I will first show you your previous actions for this state, and then you must generate \
         actions that is different from all of them. Here are some previous actions candidates:\n[\n  {\n    \"name\": \
         \"broken_for_weather\",\n    \"arguments\": \"{}\",\n    \"function_output\": \"{\\\"error\\\": \\\"API not \
         working error...\\\", \\\"response\\\": \\\"\\\"}\",\n    \"mento-carlo-action-value\": 0.0\n  }\n]\n\nRemember \
         you are now in the intermediate state of a trail, you will first analyze the now state and previous action \
         candidates, then make actions that is different from all the previous."
    );
    // It stays in the later prompt, as in the trajectory that is trained on.
    assert_eq!(asked[3][1], sibling[1]);
    let last = turns(&asked[3], &rollout);
    assert_eq!(read_back(&rollout, Strategy::DFSDT).unwrap(), last);

    let mut forgets = dfsdt;
    forgets.earlier_demands = false;
    let (_, asked) = run(script, &failed(), &forgets);
    assert_eq!(asked[3][1].0, "assistant");
}

#[test]
fn a_hallucinated_call_is_renamed_where_it_is_read() {
    let script = |asked: &Asked<'_>| match asked.count {
        0 => PolicyMessage::from_message(None, "weather", "{\"a\": 1}"),
        _ => PolicyMessage::give_up(None),
    };
    let settings = SearchSettings::published(Strategy::REACT);
    let (rollout, asked) = run(script, &Tools::default(), &settings);
    let step = &rollout.path[0];
    assert_eq!(
        (step.code, &*step.said.function),
        (Code::NoSuchFunction, "weather")
    );
    assert_eq!(
        step.observation,
        r#"{"error": "No such function name: weather", "response": ""}"#
    );
    let renamed = "Action: invalid_hallucination_function_name\nAction Input: {\"a\": 1}";
    assert_eq!(asked[1][2].1, renamed);
    assert_eq!(asked[1][3].1, "No such function name: weather");
    assert_eq!(
        read_back(&rollout, Strategy::REACT).unwrap()[2].value,
        renamed
    );
    // The tree keeps the name that was said.
    assert_eq!(
        rollout.answer_file["trys"][0]["chain"][0]["description"],
        "weather"
    );
}

#[test]
fn limits_end_a_search_and_discard_what_reaches_them() {
    let answers = |at: usize| {
        move |asked: &Asked<'_>| match asked.count + 1 {
            count if count == at => PolicyMessage::answer(None, "Yes."),
            _ => call("now"),
        }
    };
    let mut settings = SearchSettings::published(Strategy::DFSDT);
    settings.queries = 5;
    let (rollout, _) = run(answers(4), &Tools::default(), &settings);
    assert_eq!(rollout.end, RolloutEnd::Answer("Yes.".to_owned()));
    let (rollout, _) = run(answers(5), &Tools::default(), &settings);
    assert_eq!(rollout.end, RolloutEnd::Nothing);
    assert_eq!(
        (rollout.query_count, rollout.limit),
        (5, Some(Limit::Queries))
    );
    assert_eq!(rollout.answer_file["tree"]["size"], 13);

    settings.tokens = Some(30);
    let spends = |asked: &Asked<'_>| {
        let mut said = answers(9)(asked);
        said.usage.new_tokens = 16;
        said
    };
    let (rollout, _) = run(spends, &Tools::default(), &settings);
    assert_eq!(
        (rollout.query_count, rollout.limit),
        (2, Some(Limit::Tokens))
    );
    assert_eq!(rollout.usage.total(), 32);

    settings.tokens = None;
    settings.time = Some(std::time::Duration::ZERO);
    let (rollout, _) = run(answers(9), &Tools::default(), &settings);
    assert_eq!((rollout.query_count, rollout.limit), (1, Some(Limit::Time)));
    let (rollout, _) = run(answers(1), &Tools::default(), &settings);
    assert_eq!((rollout.query_count, rollout.limit), (1, None));
}

#[test]
fn every_search_ends_within_its_limits() {
    let mut limited = [0; 2];
    for seed in 0..300u64 {
        let random = Random::new(seed, None, 0, Purpose::Synthetic);
        let below = |bound, index| random.below(bound, index) as usize;
        let strategy = match below(3, 0) {
            0 => Strategy::React {
                chains: 1 + below(9, 1),
            },
            kind => Strategy::DepthFirst {
                width: 1 + below(4, 1),
                filter: kind == 1,
            },
        };
        let mut settings = SearchSettings::published(strategy);
        settings.depth = below(30, 2);
        settings.queries = below(80, 3);
        settings.tokens = (below(2, 4) == 0).then(|| below(200, 5));
        let ends_in = 4 + below(200, 6) as u64;
        let spends = |asked: &Asked<'_>| {
            let mut said = random_step(seed, asked.count, ends_in);
            said.usage.new_tokens = 3;
            said
        };
        let (rollout, asked) = run(spends, &failed(), &settings);
        assert_eq!(asked.len(), rollout.query_count, "{seed}");
        assert!(rollout.query_count <= settings.queries.max(1), "{seed}");
        // A limit is reached by the step that passes it, not by a later one.
        let before = 3 * rollout.query_count.saturating_sub(1);
        assert!(
            before < settings.tokens.unwrap_or(usize::MAX).max(1),
            "{seed}"
        );
        let deepest = rollout
            .path
            .iter()
            .map(|step| 2 + usize::from(step.said.thought.is_some()));
        assert!(deepest.sum::<usize>() < settings.depth + 3, "{seed}");
        match rollout.limit {
            Some(Limit::Queries) => limited[0] += 1,
            Some(Limit::Tokens) => limited[1] += 1,
            _ => {}
        }
    }
    assert!(limited.iter().all(|&count| count > 10), "{limited:?}");
}

#[derive(Debug)]
struct LongestName;

impl Rank for LongestName {
    fn scores(&self, _: &Task, _: &[&PathStep], candidates: &[&PathStep]) -> Vec<f64> {
        let lengths = candidates
            .iter()
            .map(|step| step.said.function.len() as f64);
        lengths.collect()
    }
}

#[test]
fn with_a_filter_the_best_child_goes_on_first() {
    let script = |asked: &Asked<'_>| match asked.count {
        0 => call("now"),
        1 => call("tomorrow"),
        _ => PolicyMessage::answer(None, &asked.turns[2].value),
    };
    let strategy: Strategy = "DFS_wFilter_w2".parse().unwrap();
    let mut settings = SearchSettings::published(strategy);
    let (rollout, _) = run(script, &Tools::default(), &settings);
    let answer =
        |name: &str| RolloutEnd::Answer(format!("Action: {name}_for_weather\nAction Input: {{}}"));
    assert_eq!(rollout.end, answer("now"));
    // What went wrong comes after what did not.
    settings.rank = Some(std::sync::Arc::new(RepliesFirst));
    let down = ToolReply::new("API not working error...", "");
    let (rollout, _) = run(script, &Tools::default().with("now", down), &settings);
    assert_eq!(
        rollout.end,
        RolloutEnd::Answer("I try tomorrow.\n Next: caller.".to_owned())
    );
    settings.rank = Some(std::sync::Arc::new(LongestName));
    let (rollout, asked) = run(script, &Tools::default(), &settings);
    // All children of a node are made before one goes on: two of the root, two of the best.
    assert_eq!(rollout.query_count, 4);
    assert_eq!(asked[2][2].0, "assistant");
    assert_eq!(rollout.answer_file["forward_args"]["with_filter"], true);
    // It was the second child: the demand to do otherwise stands before it, so turn 2 is its planner's.
    assert_eq!(
        rollout.end,
        RolloutEnd::Answer("I try tomorrow.\n Next: caller.".to_owned())
    );
}
