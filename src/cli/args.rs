//! The arguments of every command.

mod asking;
mod common;
mod data;
mod doctor;
mod eval;
mod export;
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
    CommonArgs, DeviceArgs, OnUsr1, OutputArgs, PrecisionArg, QuietArgs, RecipeArgs, SignalArgs,
    SizeArg,
};
pub(crate) use data::*;
pub(crate) use doctor::*;
pub(crate) use eval::*;
pub(crate) use export::*;
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
    /// Whether messages have colours; auto: on a terminal, unless NO_COLOR, CLICOLOR=0 or TERM=dumb is set
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
    /// Shows what this is for: a small model learns a simulated world's tools, and is measured beside a single model
    ///
    /// Needs nothing else. Makes the world, trains planner, caller and summarizer by GLPFT and one model for as long, both
    /// from the small base that the program carries, and has both work on held-out tasks. Minutes on two cores; started
    /// again, it goes on where it stopped.
    Quickstart(QuickstartArgs),
    /// Does everything: prepares the data, trains every stage, leaves the models; goes on where it was interrupted
    Run(RunArgs),
    /// Makes the data sets of a run and says what is in them
    Prepare(PrepareArgs),
    /// Trains one stage, or the three local ones
    Train(TrainArgs),
    /// Writes a finished model as a directory of its own
    Export(ExportArgs),
    /// Shows and writes what a recipe makes of its data
    #[command(subcommand)]
    Data(DataCommand),
    /// Compares arrangements on growing shares of the data: trains, measures, writes tables and curves
    ///
    /// Trains what is missing of every arrangement, on every share of the data, for every seed and base; a stage that
    /// several of them need is trained once. All are measured on the same held-out conversations. Leaves report.md,
    /// report.json, curves/ and, in runs/, a run for each. Started again, it goes on where it stopped; arrangements,
    /// shares, seeds and bases may be added.
    Study(StudyArgs),
    /// Measures what a team says
    #[command(subcommand)]
    Eval(EvalCommand),
    /// Has a team work on tasks with tools, and shows what it does
    #[command(subcommand)]
    Agent(AgentCommand),
    /// Serves a team as a chat of OpenAI's form: tools in, calls or the answer out
    ///
    /// POST /v1/chat/completions, GET /v1/models, /health and /metrics. The planner's rationale comes as
    /// `reasoning_content`.
    ///
    /// Functions are shown to the models as in training, by the run's `data.schemas`: `whole` shows descriptions of up to
    /// 4096 characters; `published` the first 256 of a function's and the last 256 of an argument's, and not which arguments
    /// are required. What a request's functions lose by that is told in its reply (`glpft.notes`).
    Serve(Box<ServeArgs>),
    /// Writes and serves simulated worlds of tools
    #[command(subcommand)]
    World(WorldCommand),
    /// Shows how far runs are: stages, losses, speed, time left; they may be at work in other processes
    Status(StatusArgs),
    /// Writes a run's page, report.html: recipe, data, curves, metrics, samples
    Report(ReportArgs),
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
