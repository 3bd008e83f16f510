//! The command line: arguments in, display out. What a command does is in the library.

mod agent;
mod args;
mod compare;
mod counting;
mod data;
mod doctor;
mod eval;
mod export;
mod improve;
mod model_directory;
mod open;
mod output;
mod parse;
mod plan;
mod prepare;
mod progress;
mod quickstart;
mod ranks;
mod recipe;
mod report;
mod report_page;
mod roles;
mod run;
mod serve;
mod shell;
mod signals;
mod status;
mod study;
mod threads;
mod train;
mod waiting;
mod world;

pub(crate) use args::*;
pub(crate) use counting::Counting;
use glpft::Error;
pub(crate) use glpft::place::{Removal, own_run, run_there};
pub(crate) use open::{load_for_run, tell_changed, tell_losses};
pub(crate) use output::{complain, print};
pub(crate) use prepare::PrepareBar;
use ranks::refuse_ranks;
pub(crate) use signals::Flags;
use threads::with_threads;
pub(crate) use waiting::tell_waiting;

/// Runs the command line; the process's exit code.
pub(crate) fn main() -> u8 {
    signals::outlive_large_files();
    let cli = parse::parse();
    output::colour(cli.color);
    let outcome = match cli.command {
        ref command if refused(command).is_err() => refused(command),
        Command::Run(args) => with_threads(&args.common.output.clone(), || run::execute(args)),
        Command::Prepare(args) => {
            with_threads(&args.common.output.clone(), || prepare::execute(&args))
        }
        Command::Train(args) => with_threads(&args.common.output.clone(), || train::execute(args)),
        Command::Export(args) => with_threads(&args.output.clone(), || export::execute(args)),
        Command::Data(DataCommand::Inspect(args)) => {
            with_threads(&args.output, || data::inspect(&args))
        }
        Command::Data(DataCommand::Export(args)) => {
            with_threads(&args.output, || data::export(&args))
        }
        Command::Data(DataCommand::Check(args)) => {
            with_threads(&args.output, || data::check(&args))
        }
        Command::Data(DataCommand::Convert(args)) => {
            with_threads(&args.output, || data::convert(&args))
        }
        Command::Data(DataCommand::Overlap(args)) => {
            with_threads(&args.output, || data::overlap(&args))
        }
        Command::Eval(EvalCommand::Score(args)) => eval::score(&args),
        Command::Eval(EvalCommand::Static(args)) => {
            with_threads(&args.output, || eval::evaluate_static(&args))
        }
        Command::Eval(EvalCommand::Live(args)) => {
            with_threads(&args.output, || eval::evaluate_live(&args))
        }
        Command::Agent(AgentCommand::Run(args)) => with_threads(&args.output, || agent::run(&args)),
        Command::Eval(EvalCommand::Perplexity(args)) => {
            with_threads(&args.output, || eval::evaluate_perplexity(&args))
        }
        Command::Serve(args) => with_threads(&args.output.clone(), || serve::execute(&args)),
        Command::World(WorldCommand::Generate(args)) => {
            with_threads(&args.output, || world::generate_files(&args))
        }
        Command::World(WorldCommand::Serve(args)) => {
            with_threads(&args.output, || world::serve(&args))
        }
        Command::Status(args) => status::execute(&args),
        Command::Doctor(args) => doctor::execute(&args),
        Command::Completions(args) => shell::completions(&args),
        Command::Man(args) => shell::man(&args),
        Command::Reference => shell::reference(),
        Command::Report(args) => report_page::execute(&args),
        Command::Compare(args) => compare::execute(&args),
        Command::Study(args) => with_threads(&args.output.clone(), || study::execute(&args)),
        Command::Improve(args) => with_threads(&args.output.clone(), || improve::execute(&args)),
        Command::Quickstart(args) => {
            with_threads(&args.output.clone(), || quickstart::execute(&args))
        }
        Command::Recipe(command) => recipe::execute(command),
    };
    match outcome {
        Ok(()) => 0,
        Err(error) => {
            complain(&format!("error: {error}"));
            error.exit_code()
        }
    }
}

/// Refuses what uses no ranks in one of several processes that a launcher started: all would do the same work in the same
/// place.
fn refused(command: &Command) -> Result<(), Error> {
    match command {
        Command::Run(_)
        | Command::Train(_)
        | Command::Status(_)
        | Command::Doctor(_)
        | Command::Completions(_)
        | Command::Man(_)
        | Command::Reference => Ok(()),
        _ => refuse_ranks(),
    }
}
