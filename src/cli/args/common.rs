//! What several commands take.

use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};
use glpft::place::Removal;
use glpft_recipes::Override;
use glpft_recipes::Precision;
use glpft_world::Size;

/// A year.
const MOST_SECONDS: f64 = 365.0 * 24.0 * 3600.0;

/// Which recipe, with what changed in it.
#[derive(Clone, Debug, Args)]
pub(crate) struct RecipeArgs {
    /// A built-in recipe's name (`glpft recipe list`), a TOML file, or the directory of a run
    #[arg(value_name = "R")]
    pub recipe: String,
    /// Sets a key of the recipe, such as `stage.global.lr=1e-4`; repeatable
    #[arg(long, value_name = "KEY.PATH=VALUE")]
    pub set: Vec<Override>,
}

/// Where a run is.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    /// The run's directory; default: ./runs/<the recipe's name>
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Starts from scratch: removes the run in the directory (data/, stages/, models/, eval/, rounds/, logs/, summary.json,
    /// report.html, recipe.toml); with `train`, only the stages asked for
    #[arg(long)]
    pub overwrite: bool,
    /// Resumes a run even if its recipe or data have changed in a way that changes the result; finished stages stay as they
    /// are
    #[arg(long, conflicts_with = "overwrite")]
    pub resume_anyway: bool,
}

impl PlaceArgs {
    /// What of the run makes way, where `overwrite` is what --overwrite means.
    pub(crate) fn removal<'a>(&self, overwrite: Removal<'a>) -> Removal<'a> {
        match (self.overwrite, self.resume_anyway) {
            (true, _) => overwrite,
            (false, true) => Removal::NothingAnyway,
            (false, false) => Removal::Nothing,
        }
    }
}

/// What computes.
#[derive(Clone, Debug, Args)]
pub(crate) struct DeviceArgs {
    /// cpu, cuda, cuda:N, wgpu or wgpu:N
    #[arg(long, default_value = "cpu")]
    pub device: String,
}

/// How many ranks share the work.
#[derive(Clone, Debug, Args)]
pub(crate) struct RanksArgs {
    /// Data-parallel training by N ranks in this process, each with --threads threads: what `mpirun -n N` does, to try
    /// it without MPI
    #[arg(long, value_name = "N")]
    pub ranks: Option<NonZeroUsize>,
}

/// What a batch system's warning does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum OnUsr1 {
    /// Training writes a checkpoint and goes on; evaluations write results as they come anyway
    Checkpoint,
    /// Like Ctrl-C: stops, and the same command resumes
    Stop,
}

impl OnUsr1 {
    /// As `--on-usr1` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Checkpoint => "checkpoint",
            Self::Stop => "stop",
        }
    }
}

/// What signals do.
#[derive(Clone, Debug, Args)]
pub(crate) struct SignalArgs {
    /// What to do on SIGUSR1 or SIGUSR2, which batch systems send before a job's time ends (Slurm: `--signal=USR1@120`)
    #[arg(long, value_enum, value_name = "WHAT", default_value = "checkpoint")]
    pub on_usr1: OnUsr1,
}

/// What is told, and with how many threads it is worked out.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutputArgs {
    /// No progress, errors only
    #[arg(long, short)]
    pub quiet: bool,
    /// Machine-readable output on stdout
    #[arg(long)]
    pub json: bool,
    /// The number of threads; default: RAYON_NUM_THREADS or OMP_NUM_THREADS, else one for each core that the process may
    /// use
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub threads: Option<u16>,
}

/// What is told by a command that is done at once.
#[derive(Clone, Debug, Args)]
pub(crate) struct QuietArgs {
    /// No messages except errors; results are still printed
    #[arg(long, short)]
    pub quiet: bool,
}

/// What most commands take.
#[derive(Clone, Debug, Args)]
pub(crate) struct CommonArgs {
    #[command(flatten)]
    pub recipe: RecipeArgs,
    #[command(flatten)]
    pub place: PlaceArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

/// How layers' products are computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// Single precision
    F32,
    /// Operands rounded to bfloat16
    Bf16,
}

impl From<PrecisionArg> for Precision {
    fn from(precision: PrecisionArg) -> Self {
        match precision {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}

/// How much a world holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SizeArg {
    /// The smallest that fills every test set
    Tiny,
    /// A world for small models
    Small,
    /// For real models
    Standard,
}

impl SizeArg {
    /// As `--size` spells it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            SizeArg::Tiny => "tiny",
            SizeArg::Small => "small",
            SizeArg::Standard => "standard",
        }
    }
}

impl From<SizeArg> for Size {
    fn from(size: SizeArg) -> Self {
        match size {
            SizeArg::Tiny => Self::tiny(),
            SizeArg::Small => Self::small(),
            SizeArg::Standard => Self::standard(),
        }
    }
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) => Err("must be at least 1".to_owned()),
        Ok(number) => Ok(number),
        Err(_) => Err("must be a whole number".to_owned()),
    }
}

/// A number of 2 or more.
pub(super) fn at_least_two(text: &str) -> Result<usize, String> {
    match at_least_one(text)? {
        1 => Err("must be at least 2".to_owned()),
        number => Ok(number),
    }
}

/// A time of more than nothing.
pub(super) fn seconds(text: &str) -> Result<Duration, String> {
    match seconds_or_none(text)? {
        Duration::ZERO => Err("must be more than 0".to_owned()),
        time => Ok(time),
    }
}

/// A time, or none. Clocks cannot count all that a number can say.
pub(super) fn seconds_or_none(text: &str) -> Result<Duration, String> {
    let number: Option<f64> = text.parse().ok();
    let number = number.filter(|seconds| (0.0..=MOST_SECONDS).contains(seconds));
    match number {
        Some(seconds) => Ok(Duration::from_secs_f64(seconds)),
        None => Err("must be a number of seconds, at most a year's".to_owned()),
    }
}
