//! What a limit cuts, and what does not fit.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::sync::LazyLock;

use glpft_agent::{
    Asked, FINISH, Generate, GenerateError, Generated, Limits, LongPrompts, Measure, PolicyMessage,
    PolicySettings, Request, Role, SinglePolicy, StepSettings, StopReason, Task, TeamPolicy,
    TooLong,
};
use glpft_data::{Prompts, Speaker, Turn, call_turns};
use support::task;

/// A model whose tokens are characters.
struct Letters {
    positions: usize,
    answers: fn(Role) -> &'static str,
    requests: Vec<Request>,
}

impl Letters {
    fn new(positions: usize, answers: fn(Role) -> &'static str) -> Self {
        Self {
            positions,
            answers,
            requests: Vec::new(),
        }
    }
}

impl Generate for Letters {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.requests.extend_from_slice(requests);
        let answer = |request: &Request| {
            let whole = (self.answers)(request.role);
            let text: String = whole.chars().take(request.limits.new_tokens).collect();
            let is_cut = text.len() < whole.len();
            Generated {
                finish: match is_cut {
                    true => StopReason::Length,
                    false => StopReason::EndOfSequence,
                },
                prompt_tokens: request.prompt.to_string().chars().count(),
                cut_tokens: 0,
                cached_tokens: 0,
                new_tokens: text.chars().count(),
                text,
            }
        };
        Ok(requests.iter().map(answer).collect())
    }

    fn measure(&self, request: &Request) -> Result<Option<Measure>, GenerateError> {
        Ok(Some(Measure {
            prompt_tokens: request.prompt.to_string().chars().count(),
            room: request.limits.room(self.positions),
            positions: self.positions,
        }))
    }
}

fn turn(from: Speaker, value: &str) -> Turn {
    Turn {
        from,
        value: value.to_owned(),
    }
}

fn settings(new_tokens: Option<usize>, long_prompts: LongPrompts) -> StepSettings {
    let policy = PolicySettings {
        long_prompts,
        limits: Limits {
            prompt_tokens: usize::MAX,
            new_tokens: 512,
            stop_repeats: None,
        },
        ..PolicySettings::greedy()
    };
    StepSettings {
        new_tokens,
        as_written: true,
        ..StepSettings::from(policy)
    }
}

fn say(
    model: &mut Letters,
    single: bool,
    task: &Task,
    turns: &[Turn],
    settings: StepSettings,
) -> PolicyMessage {
    let prompts = &*PROMPTS;
    let asked = Asked {
        task,
        turns,
        instruction: turns
            .iter()
            .rposition(|turn| turn.from == Speaker::User)
            .unwrap(),
        count: 0,
    };
    let policy = settings.policy;
    let said = match single {
        true => SinglePolicy::new(model, prompts, policy).say_each(&[asked], &[settings], &()),
        false => TeamPolicy::new(model, prompts, policy).say_each(&[asked], &[settings], &()),
    };
    said.unwrap().remove(0)
}

static PROMPTS: LazyLock<Prompts> = LazyLock::new(|| Prompts::builtin().unwrap());

const QUERY: &str = "Is it warm?";

#[test]
fn wherever_a_limit_cuts_nothing_is_made_up() {
    let calls = |role| match role {
        Role::Planner => "I ask.\n Next: caller.",
        Role::Backbone => "I ask.\nAction: now_for_weather\nAction Input: {\"city\": \"Oslo\"}",
        _ => "Action: now_for_weather\nAction Input: {\"city\": \"Oslo\"}",
    };
    let answers = |role| match role {
        Role::Planner => "I know.\n Next: conclusion.",
        Role::Backbone => "I know.\nconclusion: It rains.",
        _ => "It rains.",
    };
    let silent = |role| match role {
        Role::Planner => "I know.\n Next: conclusion.",
        _ => "",
    };
    let turns = [turn(Speaker::User, QUERY)];
    for single in [false, true] {
        let whole = |answers: fn(Role) -> &'static str| match single {
            true => answers(Role::Backbone).len(),
            false => answers(Role::Planner).len() + answers(Role::Caller).len(),
        };
        for most in 1..100 {
            let limit = settings(Some(most), LongPrompts::Refuse);
            let mut model = Letters::new(9000, calls);
            let said = say(&mut model, single, &task("1"), &turns, limit);
            assert!(said.usage.new_tokens <= most, "{most}");
            match most < whole(calls) {
                true => assert!(said.is_unfinished() && said.cut, "{most}: {said:?}"),
                false => {
                    assert_eq!(said.function, "now_for_weather");
                    assert_eq!(said.arguments, "{\"city\": \"Oslo\"}");
                    assert!(!said.cut);
                }
            }
            if let Some(thought) = &said.thought {
                let first = match single {
                    true => Role::Backbone,
                    false => Role::Planner,
                };
                assert!(calls(first).starts_with(thought.trim()), "{thought}");
            }
            let mut model = Letters::new(9000, answers);
            let said = say(&mut model, single, &task("1"), &turns, limit);
            assert!(said.usage.new_tokens <= most, "{most}");
            assert_eq!(said.cut, most < whole(answers), "{most}: {said:?}");
            if !said.is_unfinished() {
                let answer = said.arguments.split("final_answer\": \"").nth(1).unwrap();
                let answer = answer.trim_end_matches("\"}");
                assert_eq!(said.function, FINISH);
                assert!("It rains.".starts_with(answer), "{most}: {answer}");
            }
        }
    }
    let mut model = Letters::new(9000, silent);
    let limit = settings(None, LongPrompts::Refuse);
    let said = say(&mut model, false, &task("1"), &turns, limit);
    assert!(
        said.arguments.ends_with("\"final_answer\": \"\"}"),
        "{said:?}"
    );
    // A caller that calls nothing.
    let none = |role| match role {
        Role::Planner => "I ask.\n Next: caller.",
        _ => "nothing at all",
    };
    let mut model = Letters::new(9000, none);
    let said = say(&mut model, false, &task("1"), &turns, limit);
    assert!(said.is_unfinished() && !said.cut, "{said:?}");
}

#[test]
fn without_functions_nobody_calls() {
    let calls = |role| match role {
        Role::Planner => "I ask.\n Next: caller.",
        Role::Backbone => "I ask.\nAction: f\nAction Input: {}",
        _ => "It rains.",
    };
    let bare = Task {
        functions: Vec::new(),
        ..task("1")
    };
    let turns = [turn(Speaker::User, QUERY)];
    for single in [false, true] {
        let mut model = Letters::new(9000, calls);
        let step = StepSettings::from(PolicySettings::greedy());
        let said = say(&mut model, single, &bare, &turns, step);
        assert_eq!(said.function, FINISH);
        assert!(model.requests.iter().all(|one| one.role != Role::Caller));
    }
}

/// A first question with its answer, and one that took many calls so far.
fn long_chat(calls: usize) -> Vec<Turn> {
    let mut turns = vec![
        turn(Speaker::User, "Who are you?"),
        turn(Speaker::Assistant, " Next: conclusion."),
        turn(Speaker::Conclusion, "A team."),
        turn(Speaker::User, QUERY),
    ];
    for call in 0..calls {
        turns.extend(call_turns(Some("I ask."), "now_for_weather", "{}"));
        turns.push(turn(Speaker::Observation, &format!("reply {call}")));
    }
    turns
}

#[test]
fn a_long_history_loses_its_oldest_turns_or_is_refused() {
    let calls = |role| match role {
        Role::Planner => "I ask.\n Next: caller.",
        Role::Backbone => "I ask.\nAction: now_for_weather\nAction Input: {}",
        _ => "Action: now_for_weather\nAction Input: {}",
    };
    let turns = long_chat(60);
    for single in [false, true] {
        let mut model = Letters::new(4000, calls);
        let step = settings(None, LongPrompts::OldestTurns);
        let said = say(&mut model, single, &task("1"), &turns, step);
        assert_eq!(said.function, "now_for_weather");
        assert!(said.left_out > 3, "{}", said.left_out);
        for request in &model.requests {
            let prompt = request.prompt.to_string();
            assert!(prompt.chars().count() <= 4000 - 512);
            for kept in ["tomorrow_for_weather", QUERY, "reply 59"] {
                assert!(prompt.contains(kept), "{kept}: {prompt}");
            }
            assert!(!prompt.contains("Who are you?") && !prompt.contains("reply 0"));
        }
        // As little as needed: with the turn that went last it is too long.
        let prompts: Vec<usize> = model
            .requests
            .iter()
            .map(|request| request.prompt.to_string().len())
            .collect();
        assert!(
            prompts.iter().any(|&length| length > 4000 - 512 - 80),
            "{prompts:?}"
        );

        let mut model = Letters::new(4000, calls);
        let step = settings(None, LongPrompts::Refuse);
        let said = say(&mut model, single, &task("1"), &turns, step);
        let TooLong { measure, .. } = said.too_long.unwrap();
        assert_eq!((measure.room, measure.positions), (4000 - 512, 4000));
        assert!(measure.prompt_tokens > measure.room && model.requests.is_empty());

        // Nothing can go of tools that are too long by themselves.
        let mut model = Letters::new(1000, calls);
        let step = settings(None, LongPrompts::OldestTurns);
        let said = say(&mut model, single, &task("1"), &turns, step);
        assert!(said.too_long.is_some() && model.requests.is_empty());

        // What fits is whole.
        let mut model = Letters::new(90_000, calls);
        let said = say(&mut model, single, &task("1"), &turns, step);
        assert_eq!(said.left_out, 0);
        assert!(
            model.requests[0]
                .prompt
                .to_string()
                .contains("Who are you?")
        );
    }
}

/// One that is too long does not take the others with it.
#[test]
fn each_step_is_measured_by_itself() {
    let answers = |role| match role {
        Role::Planner => "I know.\n Next: conclusion.",
        _ => "It rains.",
    };
    let (short, long) = (long_chat(1), long_chat(40));
    let prompts = Prompts::builtin().unwrap();
    let task = task("1");
    let asked = [&long, &short].map(|turns| Asked {
        task: &task,
        turns,
        instruction: 3,
        count: 0,
    });
    let step = settings(None, LongPrompts::Refuse);
    let mut model = Letters::new(4000, answers);
    let said = TeamPolicy::new(&mut model, &prompts, step.policy)
        .say_each(&asked, &[step, step], &())
        .unwrap();
    assert!(said[0].too_long.is_some());
    assert!(said[1].too_long.is_none() && said[1].arguments.contains("It rains."));
}
