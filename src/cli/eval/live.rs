//! `glpft eval live`.

mod progress;

use std::path::Path;
use std::sync::Arc;

use glpft::Error;
use glpft::evaluate::{EvaluateLive, JudgeChoice, TaskSource, Workplace, run_facts};
use glpft::home::expand_home;
use glpft::team::TeamSource;
use glpft_agent::{
    HttpSettings, LongPrompts, PolicySettings, RepliesFirst, SearchSettings, Strategy,
};
use glpft_eval::judge::HttpJudgeSettings;
use glpft_eval::live_evaluation::{LiveReport, LiveSettings, Reference};
use glpft_eval::tool_eval::{Rate, Rates, ToolEvalSettings};
use glpft_recipes::counted;
use serde_json::json;

use super::arguments::{place_of, team};
use crate::cli::output::table;
use crate::cli::{
    Flags, JudgeArg, LiveArgs, SearchArgs, ServerArgs, WhoJudgesArgs, WorkArgs, complain, print,
};
pub(crate) use progress::LiveProgress;

/// The variable of OpenAI's own clients.
const USUAL_KEY: &str = "OPENAI_API_KEY";

/// Runs the command.
pub(crate) fn evaluate_live(args: &LiveArgs) -> Result<(), Error> {
    let team = team(&args.team)?;
    let strategy = args.search.strategy;
    let name = args.name.clone();
    let name = name.unwrap_or_else(|| format!("live-{}", short(strategy)));
    let out = place_of(args.out.as_deref(), &name, &team)?;
    let workplace = workplace(&args.work)?;
    let judge = workplace.judge(&judge_choice(&args.judging.who))?;
    let reference = args.judging.reference.as_ref().map(|directory| Reference {
        directory: directory.clone(),
        name: reference_name(directory),
    });
    let settings = LiveSettings {
        search: search(&args.search, &team)?,
        together: args.search.together,
        judging: ToolEvalSettings {
            rounds: args.judging.rounds,
            seed: 0,
            parallel: args.judging.who.judge_parallel,
            ask_again: args.judging.who.judge_again,
        },
    };
    let flags = Flags::looked_at(args.signals.on_usr1)?;
    let device = glpft_model::device(&args.search.asking.device.device)?;
    let report = glpft::evaluate::evaluate_live(
        &EvaluateLive {
            models: args.search.asking.models(&team, &device),
            tasks: &workplace.tasks,
            whole: Some(workplace.whole),
            server: workplace.server(),
            server_name: &workplace.server_name,
            judge: &*judge,
            reference: reference.as_ref(),
            policy: policy(&args.search, &team)?,
            settings: &settings,
            out: &out,
            overwrite: args.overwrite,
            stop: &flags.stop,
        },
        &mut LiveProgress::new(&args.output),
    )?;
    if args.output.json {
        return print(&format!("{}\n", json!({"event": "live", "live": report})));
    }
    match args.output.quiet {
        true => {
            for (_, note) in report.notes().iter().filter(|(warns, _)| *warns) {
                complain(&format!("warning: {note}"));
            }
            Ok(())
        }
        false => print(&text(&report, &out)),
    }
}

/// The tasks and their tools.
pub(crate) fn workplace(args: &WorkArgs) -> Result<Workplace, Error> {
    let source = match (args.world, &args.tasks) {
        (Some(seed), _) => TaskSource::World {
            seed,
            size: args.size.into(),
        },
        (None, Some(file)) => TaskSource::Instructions(file.clone()),
        (None, None) => {
            return Err(Error::Argument {
                argument: "--world",
                problem: "give a world's seed, or --tasks FILE".to_owned(),
            });
        }
    };
    let server = server(&args.server);
    let server = server
        .as_ref()
        .map(|(at, settings)| (at.as_str(), settings.clone()));
    Workplace::open(&source, args.group.as_deref(), args.limit, server)
}

/// The address of the tools' server or the folder of its cache, and how it is asked.
pub(crate) fn server(args: &ServerArgs) -> Option<(String, HttpSettings)> {
    let settings = HttpSettings {
        timeout: args.server_timeout,
        interval: args.server_interval,
        ..HttpSettings::default()
    };
    let at = args.server.as_ref()?;
    let at = expand_home(Path::new(at))
        .to_str()
        .map_or_else(|| at.clone(), str::to_owned);
    Some((at, settings))
}

/// How tasks are searched.
pub(crate) fn search(args: &SearchArgs, team: &TeamSource) -> Result<SearchSettings, Error> {
    Ok(SearchSettings {
        depth: args.depth,
        queries: args.max_steps,
        tokens: args.max_tokens,
        time: args.max_time,
        rank: Some(Arc::new(RepliesFirst)),
        observations: run_facts(team)?.observations,
        ..SearchSettings::published(args.strategy)
    })
}

/// How models are asked.
pub(crate) fn policy(args: &SearchArgs, team: &TeamSource) -> Result<PolicySettings, Error> {
    let facts = run_facts(team)?;
    Ok(PolicySettings {
        sampling: args.asking.sampling()?,
        limits: args.asking.limits(args.max_prompt_tokens),
        system_prefix: facts.system_prefix,
        schemas: facts.schemas,
        long_prompts: LongPrompts::OldestTurns,
    })
}

/// Who judges.
pub(crate) fn judge_choice(args: &WhoJudgesArgs) -> JudgeChoice {
    match (args.judge, &args.judge_model) {
        (JudgeArg::Http, Some(model)) => {
            // Set to nothing is not set.
            let usual = || {
                let key = std::env::var_os(USUAL_KEY).filter(|key| !key.is_empty());
                key.map(|_| USUAL_KEY.to_owned())
            };
            JudgeChoice::Http(HttpJudgeSettings {
                key_variable: args.judge_key.clone().or_else(usual),
                ..HttpJudgeSettings::new(model, &args.judge_url)
            })
        }
        _ => JudgeChoice::Offline,
    }
}

/// The name of a folder of evaluations.
fn short(strategy: Strategy) -> String {
    match strategy {
        Strategy::REACT => "react".to_owned(),
        Strategy::DFSDT => "dfsdt".to_owned(),
        other => other.to_string(),
    }
}

fn reference_name(directory: &Path) -> String {
    let name = directory.file_name().unwrap_or(directory.as_os_str());
    name.to_string_lossy().into_owned()
}

fn text(report: &LiveReport, out: &Path) -> String {
    let (calls, failed) = report.calls();
    let ends = report.ends;
    let mut text = format!(
        "{} by {}: {} answered, {} gave up, {} without an end; {}; {} on the final paths, {failed} of them without a tool's \
         reply\njudge: {}{}, {}\n\n",
        counted(report.tasks, "task", "tasks"),
        report.strategy,
        ends.answer,
        ends.give_up,
        ends.nothing,
        counted(report.steps, "step", "steps"),
        counted(calls, "call", "calls"),
        report.judge,
        match report.rounds {
            1 => String::new(),
            rounds => format!(", {rounds} rounds"),
        },
        report.date
    );
    for (warns, note) in report.notes() {
        let kind = if warns { "warning: " } else { "" };
        text += &format!("{kind}{note}\n\n");
    }
    let usage = report.usage;
    if usage.shortened_steps + usage.refused_steps > 0 {
        text += &format!(
            "prompts that did not fit the model: {} asked for without the oldest turns, {} could not be asked for and gave up\n\n",
            counted(usage.shortened_steps, "step was", "steps were"),
            usage.refused_steps
        );
    }
    for (name, rates) in report.scores.by_name() {
        text += &table(&rows(name, rates));
        text.push('\n');
    }
    text + &format!("results in {}\n", out.display())
}

fn rows(name: &str, rates: &Rates) -> Vec<Vec<String>> {
    let percent = |value: f64| format!("{:.1}", 100.0 * value);
    let row = |group: &str, tasks: String, rate: &Rate| {
        let [low, high] = rate
            .interval
            .map_or(["".to_owned(), "".to_owned()], |ends| ends.map(percent));
        let interval = match low.is_empty() {
            true => "-".to_owned(),
            false => format!("{low} to {high}"),
        };
        let mut row = vec![group.to_owned(), tasks, percent(rate.rate), interval];
        row.extend(
            rate.deviation
                .map(|deviation| format!("± {}", percent(deviation))),
        );
        row
    };
    let header = [name, "tasks", "%", "95 % interval"];
    let mut rows = vec![header.map(str::to_owned).to_vec()];
    let groups = rates.groups.iter();
    rows.extend(groups.map(|group| row(&group.group, group.tasks.to_string(), &group.rate)));
    let tasks: usize = rates.groups.iter().map(|group| group.tasks).sum();
    rows.push(row("average", tasks.to_string(), &rates.average));
    rows
}
