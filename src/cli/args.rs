//! The arguments of every command.

mod asking;
mod common;
mod compare;
mod data;
mod doctor;
mod eval;
mod export;
mod improve;
mod live;
mod quickstart;
mod recipe;
mod report;
mod run;
mod serve;
mod shell;
mod status;
mod study;
mod team;
mod train;
mod world;

use clap::{ColorChoice, Parser, Subcommand};

pub(crate) use asking::AskingArgs;
use common::at_least_one;
pub(crate) use common::{
    CommonArgs, DeviceArgs, OnUsr1, OutputArgs, PrecisionArg, QuietArgs, RanksArgs, RecipeArgs,
    SignalArgs, SizeArg,
};
pub(crate) use compare::*;
pub(crate) use data::*;
pub(crate) use doctor::*;
pub(crate) use eval::*;
pub(crate) use export::*;
pub(crate) use improve::*;
pub(crate) use live::*;
pub(crate) use quickstart::*;
pub(crate) use recipe::*;
pub(crate) use report::*;
pub(crate) use run::*;
pub(crate) use serve::*;
pub(crate) use shell::*;
pub(crate) use status::*;
pub(crate) use study::*;
pub(crate) use team::*;
pub(crate) use train::*;
pub(crate) use world::*;

/// Turns tool-use trajectories into a planner, a caller and a summarizer (GLPFT, arXiv 2401.07324).
///
/// Start with `glpft quickstart`: it needs nothing else and takes a few minutes.
#[derive(Debug, Parser)]
#[command(name = "glpft", version, max_term_width = 100)]
pub(super) struct Cli {
    #[command(subcommand)]
    pub command: Command,
    /// When to colour messages; auto: on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set
    #[arg(
        long,
        global = true,
        value_enum,
        value_name = "WHEN",
        default_value = "auto"
    )]
    pub color: ColorChoice,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Trains a small team on a simulated world's tools and compares its stages with a single model
    ///
    /// Needs no data and no model. Makes the world, trains planner, caller and summarizer by GLPFT and a single model for
    /// about as many tokens, from a small base that the program carries, and evaluates base, global stage, team and single
    /// model on held-out tasks. Takes minutes on two cores. The same command resumes.
    Quickstart(QuickstartArgs),
    /// Prepares the data, trains every stage and writes the models; resumes an interrupted run
    Run(RunArgs),
    /// Prepares a run's datasets and reports what is in them
    Prepare(PrepareArgs),
    /// Trains one stage, or the three local ones
    Train(TrainArgs),
    /// Writes a finished model as a directory of its own
    Export(ExportArgs),
    /// Checks, shows, converts and exports data
    #[command(subcommand)]
    Data(DataCommand),
    /// Compares arrangements on growing shares of the data: trains, measures, writes tables and curves
    ///
    /// Trains what is missing of every arrangement, on every share of the data, for every seed and base. A stage that
    /// several of them need is trained once. All are measured on the same held-out conversations. Writes report.md,
    /// report.json, curves/, and a run for each in runs/. The same command resumes; you may add arrangements, shares, seeds
    /// and bases.
    Study(Box<StudyArgs>),
    /// Has a team learn from its own rollouts, round by round: plays training tasks, keeps what passes, trains, measures
    ///
    /// Rejection-sampling fine-tuning (STaR, arXiv 2203.14465; ReST-EM, arXiv 2312.06585). In each round, the best models so
    /// far work on every training task several times. The shortest rollout of each task that passes is kept. The local stages
    /// are trained again on the run's data and these, and measured on held-out tasks.
    ///
    /// Each round is a run of its own in RUN/rounds/N. RUN/rounds/rounds.md and rounds.json compare them. The same command
    /// resumes; you may ask for more rounds.
    Improve(Box<ImproveArgs>),
    /// Evaluates teams and predictions
    #[command(subcommand)]
    Eval(EvalCommand),
    /// Lets a team work on tasks with tools, and shows what it does
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Serves a team as an OpenAI-compatible chat: tools in, calls or an answer out
    ///
    /// POST /v1/chat/completions, GET /v1/models, /health and /metrics. The planner's rationale comes as
    /// `reasoning_content`.
    ///
    /// Models see functions as in training, by the run's `data.schemas`: `whole` shows descriptions of up to 4096
    /// characters; `published` shows the first 256 of a function's and the last 256 of an argument's, and not which
    /// arguments are required. The reply lists what is not shown (`glpft.notes`).
    Serve(Box<ServeArgs>),
    /// Writes and serves simulated worlds of tools
    #[command(subcommand)]
    World(WorldCommand),
    /// Shows how far runs are: stages, losses, speed, time left; they may be at work in other processes
    Status(StatusArgs),
    /// Writes a run's page, report.html: recipe, data, curves, metrics, samples
    Report(ReportArgs),
    /// Shows several runs side by side, as tables and on one page: recipes, curves, metrics
    Compare(CompareArgs),
    /// Lists, shows, copies and checks recipes
    #[command(subcommand)]
    Recipe(RecipeCommand),
    /// Shows what this machine offers, what each recipe needs, and what to do about what is missing
    Doctor(DoctorArgs),
    /// Prints a script that completes commands and options in a shell: glpft completions bash > ~/.local/share/bash-completion/completions/glpft
    Completions(CompletionsArgs),
    /// Writes the manual pages, one for each command
    Man(ManArgs),
    /// Prints the reference of all commands as Markdown
    #[command(hide = true)]
    Reference,
}
