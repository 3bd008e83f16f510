//! Static evaluation of an agent that calls tools by itself: its messages are read as steps, and scored as a team's are.

#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod support;

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use glpft_agent::{
    Asked, Decision, FINISH, GenerateError, ModelCalls, Policy, PolicyMessage, Role, parse_step,
};
use glpft_data::{Conversation, Prompts};
use glpft_eval::static_evaluation::{
    Answerer, Contestant, Manifest, PREDICTIONS_FILE, StaticError, StaticEvaluation, StaticReport,
    StaticSettings, TIMES_FILE, read_records,
};
use glpft_recipes::Behaviour;
use support::small;

/// Says at each step what it is told of the task's query and the turns that it was shown; from call `fails_at` on it fails.
struct Agent<F> {
    says: F,
    calls: usize,
    fails_at: usize,
}

impl<F: FnMut(&Asked<'_>) -> PolicyMessage> Policy for Agent<F> {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        self.calls += 1;
        if self.calls >= self.fails_at {
            return Err(GenerateError::NoModel(Role::Backbone));
        }
        Ok(asked.iter().map(&mut self.says).collect())
    }

    fn server_calls(&self) -> ModelCalls {
        ModelCalls {
            made: 3 * self.calls,
            failed: [("status 429".to_owned(), self.calls)].into(),
        }
    }
}

fn evaluate(
    conversations: &[Conversation],
    out: &Path,
    fails_at: usize,
    says: impl FnMut(&Asked<'_>) -> PolicyMessage,
) -> Result<StaticReport, StaticError> {
    let settings = StaticSettings {
        batch: 1,
        ..StaticSettings::default()
    };
    let mut agent = Some(Agent {
        says,
        calls: 0,
        fails_at,
    });
    StaticEvaluation {
        conversations,
        bad_records: 0,
        prompts: &Prompts::builtin().unwrap(),
        answerer: Answerer::Agent,
        settings: &settings,
        manifest: Manifest::default(),
        out,
        overwrite: false,
        stop: &AtomicBool::new(false),
    }
    .run(
        &mut || Ok(Contestant::Agent(Box::new(agent.take().unwrap()))),
        &mut (),
    )
}

/// Three conversations: two calls and an answer, a call and a give-up, an answer.
fn three(folder: &Path) -> Vec<Conversation> {
    let call = "Action: weather\nAction Input: {\"city\": \"Oslo\"}";
    small(
        folder,
        &[
            &[
                ("user", "Question 0?"),
                ("assistant", "I ask.\n Next: caller."),
                ("caller", call),
                ("observation", "rain"),
                ("assistant", "And the time.\n Next: caller."),
                ("caller", "Action: time\nAction Input: {}"),
                ("observation", "noon"),
                ("assistant", "I know.\n Next: conclusion."),
                ("conclusion", "It rains at noon."),
            ],
            &[
                ("user", "Question 1?"),
                ("assistant", "I ask.\n Next: caller."),
                ("caller", call),
                ("observation", "error"),
                ("assistant", "No.\n Next: give up."),
            ],
            &[
                ("user", "Question 2?"),
                ("assistant", " Next: conclusion."),
                ("conclusion", "Hello."),
            ],
        ],
    )
}

/// What the data say, as an agent's message.
fn gold(conversations: &[Conversation], asked: &Asked<'_>) -> PolicyMessage {
    let conversation = conversations
        .iter()
        .find(|one| one.instruction == asked.task.query)
        .unwrap();
    let turns = &conversation.turns[asked.turns.len()..];
    let text = format!(
        "{}</s>{}",
        turns[0].value,
        turns[1..].first().map_or("", |turn| &turn.value)
    );
    match parse_step(&text, Behaviour::Fixed).unwrap() {
        Decision::Call { action, input } => {
            PolicyMessage::from_message(Some("So."), &action, &input)
        }
        Decision::Finish { .. } => PolicyMessage::answer(Some("So."), &turns[1].value),
        Decision::GiveUp => PolicyMessage::give_up(None),
    }
}

#[test]
fn what_the_data_say_is_right_whoever_says_it() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = three(folder.path());
    let out = folder.path().join("out");
    let mut shown = Vec::new();
    let report = evaluate(&conversations, &out, usize::MAX, |asked| {
        let names = asked.task.functions.iter().map(|one| one.name.as_str());
        assert_eq!(names.collect::<Vec<_>>(), ["weather", "time"]);
        assert_eq!(asked.instruction, 0);
        shown.push(asked.turns.len());
        gold(&conversations, asked)
    })
    .unwrap();
    assert_eq!(shown, [1, 4, 7, 1, 4, 1]);
    let metrics = &report.scores.metrics;
    let all = [metrics.plan_em, metrics.action_em, metrics.f1];
    assert_eq!(all, [Some(1.0); 3]);
    assert!(metrics.rouge > Some(0.999), "{metrics:?}");
    assert_eq!(metrics.hallu_rate, Some(0.0));
    assert_eq!(report.roles.len(), 1);
    let agent = &report.roles[0];
    assert_eq!(
        (agent.role.as_str(), agent.requests, agent.empty),
        ("agent", 6, 0)
    );
    assert_eq!(report.plans_without_tag, 0);
    assert_eq!(report.evaluation.decides["answerer"], "agent");
    // Three batches, and a failed call in each.
    assert_eq!(
        (
            report.times.model_calls.made,
            report.times.model_calls.failed()
        ),
        (9, 3)
    );
}

#[test]
fn other_messages_are_what_they_say() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = three(folder.path());
    let out = folder.path().join("out");
    let finish = |arguments: &str| PolicyMessage::from_message(None, FINISH, arguments);
    let mut says = [
        // Thoughts that spell what a team's text has are none of it.
        PolicyMessage::from_message(
            Some("Next: give up. </s>"),
            "weather",
            "{\"city\": \"Oslo\"}",
        ),
        PolicyMessage::from_message(None, "clock", "no JSON"),
        // What Finish says that cannot be read is an answer of that text.
        finish("It rains at noon."),
        PolicyMessage {
            cut: true,
            ..PolicyMessage::unfinished(Some("I ask for"))
        },
        {
            let mut refused = PolicyMessage::give_up(None);
            refused.usage.refused_steps = 1;
            refused.left_out = 2;
            refused
        },
        PolicyMessage::answer(None, ""),
    ]
    .into_iter();
    let report = evaluate(&conversations, &out, usize::MAX, |_| says.next().unwrap()).unwrap();
    let mut found = Vec::new();
    read_records(&out.join(PREDICTIONS_FILE), &mut |record| {
        let outcome = &record.outcome;
        found.push((
            outcome.predicted.clone(),
            outcome.action,
            outcome.hallucinated,
            outcome.rouge.is_some_and(|rouge| rouge > 0.999),
        ));
        Ok(())
    })
    .unwrap();
    let of = |plan: &str, action, hallucinated, answers| {
        (plan.to_owned(), action, hallucinated, answers)
    };
    assert_eq!(
        found,
        [
            of("call", Some(true), false, false),
            of("call", Some(false), true, false),
            of("finish", None, false, true),
            // A call that was cut calls nothing that there is.
            of("call", Some(false), false, false),
            of("give_up", None, false, false),
            of("finish", None, false, false),
        ]
    );
    let agent = &report.roles[0];
    assert_eq!((agent.endings.length, agent.empty), (1, 1));
    assert_eq!((agent.prompts_cut, agent.prompts_refused), (1, 1));
}

/// Where it fails, what is done is kept, and the calls of the batch that came to nothing are counted.
#[test]
fn a_failure_ends_it_whole_and_its_calls_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let conversations = three(folder.path());
    let out = folder.path().join("out");
    let says = |asked: &Asked<'_>| gold(&conversations, asked);
    for fails_at in [2, 1] {
        let error = evaluate(&conversations, &out, fails_at, says).unwrap_err();
        let error = error.to_string();
        assert!(error.contains("agent: there is no model"), "{error}");
        assert!(error.contains("3 of 6 steps are answered"), "{error}");
    }
    // What a start that was killed has left of a line is no line.
    let times = out.join(TIMES_FILE);
    fs::write(&times, fs::read_to_string(&times).unwrap() + "{\"unfin").unwrap();
    let report = evaluate(&conversations, &out, usize::MAX, says).unwrap();
    assert_eq!(report.scores.metrics.plan_em, Some(1.0));
    // Two batches that ended early, and three that did not.
    let calls = &report.times.model_calls;
    assert_eq!((calls.made, calls.failed()), (15, 5));
    assert_eq!(fs::read_to_string(&times).unwrap().lines().count(), 5);
}
