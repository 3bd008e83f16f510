//! Teams and single models as policies.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use glpft_agent::{
    Code, Policy, PolicySettings, Request, Role, Rollout, RolloutEnd, RolloutSettings, Sampling,
    SearchSettings, SinglePolicy, Strategy, Task, TeamPolicy, Usage, run_rollouts,
};
use glpft_data::Prompts;
use support::{Model, Tools, task};

fn tasks(ids: &[&str]) -> Vec<Task> {
    ids.iter().map(|id| task(id)).collect()
}

/// Calls once, then answers with what it observed.
fn team(request: &Request) -> String {
    let prompt = request.prompt.to_string();
    match (request.role, prompt.contains("observation: ")) {
        (Role::Planner, false) => ": I ask.\n Next: caller. I talk on.".to_owned(),
        (Role::Planner, true) => "I know. Next: conclusion.".to_owned(),
        (Role::Caller, _) => {
            "Action: now_for_weather\nAction Input: {\"city\": \"Malmö\"}".to_owned()
        }
        _ => "Yes.".to_owned(),
    }
}

fn roll(policy: &mut dyn Policy, ids: &[&str], together: usize) -> Vec<Rollout> {
    let mut settings = RolloutSettings::new(SearchSettings::published(Strategy::REACT));
    settings.together = together;
    run_rollouts(policy, &Tools::default(), &tasks(ids), &settings, &mut ()).unwrap()
}

#[test]
fn a_team_answers_many_tasks_in_few_calls() {
    let prompts = Prompts::builtin().unwrap();
    let mut model = Model::new(team);
    let mut policy = TeamPolicy::new(&mut model, &prompts, PolicySettings::greedy());
    let rollouts = roll(&mut policy, &["1", "2", "3"], 16);
    for rollout in &rollouts {
        assert_eq!(rollout.end, RolloutEnd::Answer("Yes.".to_owned()));
        let usage = Usage {
            prompt_tokens: 20,
            cached_tokens: 8,
            new_tokens: 4,
            ..Usage::default()
        };
        assert!(rollout.path.iter().all(|step| step.said.usage == usage));
        assert_eq!(rollout.answer_file["answer_generation"]["total_tokens"], 48);
    }
    // Planners together, then callers or summarizers together.
    let calls: Vec<usize> = model.requests.iter().map(Vec::len).collect();
    assert_eq!(calls, [3, 3, 3, 3]);
    let of_role = |role| model.of_role(role)[0].prompt.to_string();
    // The caller reads the turn as training has it, twice.
    let caller = of_role(Role::Caller);
    assert_eq!(
        caller.matches("I ask.\n Next: caller.").count(),
        2,
        "{caller}"
    );
    assert!(!caller.contains("I talk on"));
    // The summarizer's turn, too, whatever white space the planner put before its tag.
    let summarizer = of_role(Role::Summarizer);
    assert!(
        summarizer.contains("assistant: I know.\n Next: conclusion.</s>"),
        "{summarizer}"
    );
    assert!(
        summarizer.contains("observation: now: {\"city\": \"Malmö\"}"),
        "{summarizer}"
    );
    let request = model.of_role(Role::Planner)[0];
    assert_eq!(
        (request.limits.prompt_tokens, request.limits.new_tokens),
        (3576, 512)
    );
    assert_eq!(request.stop, ["</s>"]);
    assert!(request.prompt.to_string().starts_with("system: "));
}

#[test]
fn a_rollout_is_the_same_whatever_runs_beside_it() {
    let prompts = Prompts::builtin().unwrap();
    // What it says is a function of the seed, as a real model's text is.
    let answers = |request: &Request| {
        let Sampling::Random {
            seed,
            temperature,
            top_p,
            ..
        } = request.sampling
        else {
            panic!("not random")
        };
        assert_eq!((temperature, top_p), (0.5, 1.0));
        match request.role {
            Role::Planner if seed % 5 == 0 => "Enough.\n Next: conclusion.".to_owned(),
            Role::Planner => format!("{seed}.\n Next: caller."),
            Role::Caller => {
                format!("Action: now_for_weather\nAction Input: {{\"city\": \"{seed}\"}}")
            }
            _ => format!("{seed}"),
        }
    };
    let all = ["1", "2", "3", "4", "5"];
    let run = |ids: &[&str], together: usize, seed: u64| {
        let mut model = Model::new(answers);
        let settings = PolicySettings::published(seed);
        roll(
            &mut TeamPolicy::new(&mut model, &prompts, settings),
            ids,
            together,
        )
    };
    let together = run(&all, 16, 1);
    assert_eq!(run(&all, 2, 1), together);
    assert_eq!(run(&["4"], 1, 1)[0], together[3]);
    assert_ne!(run(&["4"], 1, 2)[0].path, together[3].path);
    // Every request has a seed of its own.
    let mut model = Model::new(answers);
    roll(
        &mut TeamPolicy::new(&mut model, &prompts, PolicySettings::published(1)),
        &all,
        16,
    );
    let mut seeds: Vec<u64> = model
        .requests
        .iter()
        .flatten()
        .filter_map(|request| match request.sampling {
            Sampling::Random { seed, .. } => Some(seed),
            Sampling::Greedy => None,
        })
        .collect();
    let count = seeds.len();
    seeds.sort_unstable();
    seeds.dedup();
    assert_eq!(seeds.len(), count);
}

#[test]
fn a_planner_that_says_nothing_is_asked_again_where_that_can_help() {
    let prompts = Prompts::builtin().unwrap();
    for (settings, silent, asked, thought) in [
        (PolicySettings::published(1), 2, 3, "I ask."),
        (PolicySettings::published(1), 9, 5, "none"),
        (PolicySettings::greedy(), 9, 1, "none"),
    ] {
        let mut said = 0;
        let mut model = Model::new(|request: &Request| match request.role {
            Role::Planner => {
                said += 1;
                match said <= silent {
                    true => [" ", ": .", ",", ""][said % 4].to_owned(),
                    false => "I ask.\n Next: caller.".to_owned(),
                }
            }
            _ => String::new(),
        });
        let mut policy = TeamPolicy::new(&mut model, &prompts, settings);
        let task = task("1");
        let turns = [glpft_data::Turn {
            from: glpft_data::Speaker::User,
            value: task.query.clone(),
        }];
        let step = glpft_agent::Asked {
            task: &task,
            turns: &turns,
            instruction: 0,
            count: 0,
        };
        let said = policy.say(&[step]).unwrap();
        assert_eq!(said[0].thought.as_deref(), Some(thought));
        // A caller that says nothing is not: its call is none.
        assert_eq!((&*said[0].function, &*said[0].arguments), ("none", "{}"));
        assert_eq!(model.of_role(Role::Planner).len(), asked);
        assert_eq!(model.of_role(Role::Caller).len(), 1);
        assert_eq!(said[0].usage.new_tokens, 2 * (asked + 1));
    }
}

#[test]
fn a_single_model_works_in_the_same_loop() {
    let prompts = Prompts::builtin().unwrap();
    let mut model = Model::new(|request: &Request| {
        assert_eq!(request.role, Role::Backbone);
        match request.prompt.to_string().matches("observation: ").count() {
            0 => "I ask.\nAction: now_for_weather\nAction Input: {}".to_owned(),
            1 => "Again.\nAction: never_for_weather\nAction Input: {}".to_owned(),
            _ => "I know.\nconclusion: Yes.".to_owned(),
        }
    });
    let mut policy = SinglePolicy::new(&mut model, &prompts, PolicySettings::greedy());
    let rollouts = roll(&mut policy, &["1", "2"], 16);
    let codes: Vec<Code> = rollouts[1].path.iter().map(|step| step.code).collect();
    assert_eq!(codes, [Code::Replied, Code::NoSuchFunction, Code::Answered]);
    assert_eq!(rollouts[1].end, RolloutEnd::Answer("Yes.".to_owned()));
    let calls: Vec<usize> = model.requests.iter().map(Vec::len).collect();
    assert_eq!(calls, [2, 2, 2]);
    let last = model.requests[2][0].prompt.to_string();
    assert!(
        last.contains("assistant: I ask.\nAction: now_for_weather\nAction Input: {}</s>"),
        "{last}"
    );
}

/// The planner's prompts of a whole tree that never answers.
fn tree_prompts(earlier_demands: bool) -> Vec<String> {
    let prompts = Prompts::builtin().unwrap();
    let mut model = Model::new(|request: &Request| match request.role {
        Role::Planner => "I try.\n Next: caller.".to_owned(),
        _ => "Action: now_for_weather\nAction Input: {}".to_owned(),
    });
    let mut policy = TeamPolicy::new(&mut model, &prompts, PolicySettings::greedy());
    let mut settings = RolloutSettings::new(SearchSettings::published(Strategy::DFSDT));
    settings.search.earlier_demands = earlier_demands;
    let rollouts = run_rollouts(
        &mut policy,
        &Tools::default(),
        &tasks(&["1"]),
        &settings,
        &mut (),
    );
    assert_eq!(rollouts.unwrap()[0].query_count, 30);
    let planners = model.of_role(Role::Planner).into_iter();
    planners.map(|request| request.prompt.to_string()).collect()
}

/// What each prompt shares with the earlier one that it shares most with.
fn shared(texts: &[String]) -> Vec<usize> {
    let common = |one: &str, other: &str| {
        let pairs = one.bytes().zip(other.bytes());
        pairs.take_while(|(one, other)| one == other).count()
    };
    let each = texts.iter().enumerate();
    each.map(|(index, text)| {
        let earlier = texts[..index].iter().map(|other| common(other, text));
        earlier.max().unwrap_or_default()
    })
    .collect()
}

/// A cache of prompts' beginnings pays for itself in a tree: a prompt's own part is the last step, or the demand to do
/// otherwise, and the text behind the history. Where earlier demands stay, a later one that takes their place makes what
/// is between them new as well.
#[test]
fn a_siblings_prompt_begins_like_the_first_childs() {
    let texts = tree_prompts(false);
    let behind = texts[0].len() - texts[0].find("\nYou are the assistant to plan").unwrap();
    let step = "assistant: I try.\n Next: caller.</s>caller: Action: now_for_weather\nAction Input: {}</s>\
                observation: now: {}";
    let mut siblings = 0;
    for (index, (text, shared)) in texts.iter().zip(shared(&texts)).enumerate().skip(1) {
        let own = match text.rfind("user: This is not the first time") {
            Some(at) => text.len() - at,
            None => step.len() + behind,
        };
        siblings += usize::from(text.contains("user: This is not the first time"));
        assert!(
            text.len() - shared <= own,
            "{index}: {} of {own}",
            text.len() - shared
        );
    }
    assert_eq!(siblings, 15);
    for earlier_demands in [false, true] {
        let texts = tree_prompts(earlier_demands);
        let all: usize = texts.iter().map(String::len).sum();
        let shared: usize = shared(&texts).iter().sum();
        assert!(shared * 2 > all, "{earlier_demands}: {shared} of {all}");
    }
}
