//! `[data]`: which trajectories a run reads and how they become text and tokens.

use serde::{Deserialize, Serialize};

/// Sets the defaults of the keys below it: what the published α-UMi pipeline does, or what it should do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Behaviour {
    /// The published pipeline, value for value.
    Compat,
    /// The published pipeline with its defects mended.
    Fixed,
}

/// The history that a backbone example of a give-up step carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GiveUpHistory {
    /// The `input` computed last, whichever step or trajectory that was (the published pipeline).
    Stale,
    /// The step's own history.
    Own,
}

/// Where the text `system: ` stands before the prompt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemPrefix {
    /// In training only (the published code).
    Train,
    /// In training and in inference.
    Both,
    /// Nowhere.
    None,
}

/// What becomes of a step that calls or answers without saying why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rationale {
    /// The planner learns the decision alone.
    Keep,
    /// The planner does not learn the step; the others do.
    DropPlanner,
    /// One fixed sentence takes the rationale's place, which names the function: `I call NAME.`
    NameTheTool,
}

/// What becomes of a conversation that stood before, in the same source or another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Duplicates {
    /// It is counted, and read like any other.
    Keep,
    /// It is counted and left out.
    Drop,
}

/// One of several sources: a table of `[[data.sources]]`.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SourceRecipe {
    /// As `data.source`.
    pub path: String,
    /// What tables and messages call it. Default: the path's last part.
    pub name: String,
    /// Its share of an epoch, in (0, 1000]: above 1 its records repeat, below 1 a seeded share of its queries is read;
    /// smaller shares are subsets of larger ones. Default: 1.
    pub weight: f64,
    /// What it trains, of backbone, planner, caller and summarizer. Default: all.
    pub roles: Vec<String>,
    /// Whether it is an addition that leaves the splits of the others' queries as they are: `data.fraction` leaves none of it
    /// out, and all of it trains but for queries that others hold out for validation (with `reuse = false`, the local
    /// stages). Default: false.
    pub extra: bool,
}

impl SourceRecipe {
    /// What a source may train.
    pub const ROLES: [&'static str; 4] = ["backbone", "planner", "caller", "summarizer"];

    /// A source that is read whole, for everything.
    pub fn new(path: &str) -> Self {
        let last = path
            .trim_end_matches(['/', '\\'])
            .rsplit(['/', '\\'])
            .next();
        Self {
            path: path.to_owned(),
            name: last.unwrap_or(path).to_owned(),
            weight: 1.0,
            roles: Self::ROLES.map(str::to_owned).to_vec(),
            extra: false,
        }
    }
}

/// What stands between the turns of a rendered history and at the end of a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Separators {
    /// The tokenizer's own end-of-sequence token.
    Eos,
    /// The text `</s>`, tokenized as the tokenizer does.
    Literal,
}

/// How an observation that is no string, or an empty response beside an error, is rendered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Observations {
    /// The value of `response` alone (the published pipeline; a response that is no string ends in an error).
    Response,
    /// The value of `response` as text, or the error where the response is empty.
    ResponseOrError,
}

/// How JSON is read that a model wrote: the arguments of a call, and of `Finish`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arguments {
    /// Those of `Finish` that do not parse are searched for words; others stay as they are (the published pipeline).
    Published,
    /// By their keys, forgiving line breaks, quotes and missing ends. Those that are not readable make a bad record.
    Lenient,
}

/// What of a function's JSON schema prompts show.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Schemas {
    /// Types and descriptions, cut at 256 characters (the published pipeline). Of arguments that are no flat ones, which
    /// its data has none of, also what is in them.
    Published,
    /// Also which arguments are required, and descriptions of up to 4096 characters.
    Whole,
}

/// Where a prompt has what only one role reads: its instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Layout {
    /// Each role has a prompt of its own, around a history of its own (the published pipeline).
    RoleFirst,
    /// Every role reads the same tools and the same history, as the backbone reads them, and its own instruction behind
    /// them: the prompts of one step share all but their ends.
    RoleLast,
}

/// What happens to an example longer than the stage's maximum length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Truncate {
    /// The last tokens stay (the published code).
    Last,
    /// Tools, instruction and target stay; whole oldest turns go.
    OldestTurns,
    /// The example is dropped and counted.
    Drop,
}

/// What a training step draws.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sampling {
    /// Whole trajectories.
    Trajectory,
    /// Single examples (the published code).
    Example,
}

/// How the examples of a micro-batch are laid out for the model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Packing {
    /// Shared token prefixes of a micro-batch are computed once.
    Tree,
    /// One row an example, several rows a micro-batch.
    Rows,
    /// One example a micro-batch.
    None,
}

/// `[data]`, resolved: every default written out.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DataRecipe {
    /// A file of records in one of the forms that docs/guides/your-own-trajectories.md lists, a directory of such files, a
    /// raw ToolBench directory (holding `answer/`), or `builtin:sample`. Recognized by content. Required, unless `sources` is
    /// set.
    pub source: String,
    /// Several sources instead of one: `[[data.sources]]`. Default: none.
    pub sources: Vec<SourceRecipe>,
    /// See [`Duplicates`]. Default: `keep`.
    pub duplicates: Duplicates,
    /// The directory of test query ids; default: `test_query_ids` beside `answer/`.
    pub test_query_ids: Option<String>,
    /// A file of prompt templates; default: the built-in one.
    pub prompts: Option<String>,
    /// See [`Layout`]. Default: `role-first`.
    pub layout: Layout,
    /// What set the defaults of the keys down to `sampling`. Default: `fixed`.
    pub behaviour: Behaviour,
    /// See [`GiveUpHistory`]. compat: `stale`, fixed: `own`.
    pub give_up_history: GiveUpHistory,
    /// See [`SystemPrefix`]. compat: `train`, fixed: `both`.
    pub system_prefix: SystemPrefix,
    /// Drops raw trajectories whose `valid_data` is false. compat: false, fixed: true.
    pub valid_only: bool,
    /// See [`Separators`]. compat: `literal`, fixed: `eos`.
    pub separators: Separators,
    /// See [`Observations`]. compat: `response`, fixed: `response-or-error`.
    pub observations: Observations,
    /// See [`Arguments`]. compat: `published`, fixed: `lenient`.
    pub arguments: Arguments,
    /// See [`Schemas`]. compat: `published`, fixed: `whole`.
    pub schemas: Schemas,
    /// See [`Rationale`]. Default: `keep`.
    pub rationale: Rationale,
    /// See [`Truncate`]. compat: `last`, fixed: `oldest-turns`.
    pub truncate: Truncate,
    /// See [`Sampling`]. compat: `example`, fixed: `trajectory`.
    pub sampling: Sampling,
    /// See [`Packing`]. Default: `tree`.
    pub packing: Packing,
    /// Prompts are learned, too, not targets alone: for making a base model of such text. Default: false.
    pub train_on_inputs: bool,
    /// A bad file or trajectory ends the preparation instead of being reported and left out.
    /// Default: false.
    pub strict: bool,
    /// The share of a source's records that may be bad, in [0, 1]; more are an error. Of few records half may be bad, up to
    /// ten, whatever this says: they are looked at one by one. Default: 0.1.
    pub max_bad_fraction: f64,
    /// The share of queries that is used at all, in (0, 1]; smaller shares are subsets of larger ones. Default: 1.
    pub fraction: f64,
    /// The share of queries held out for validation, in [0, 0.5]. Default: 0.05.
    pub validation_fraction: f64,
    /// Seeds the hash that assigns a query to a split. Default: 42, whatever the recipe's `seed`, so that
    /// another seed leaves the splits as they are.
    pub split_seed: u64,
}

impl DataRecipe {
    /// Every source: those of `data.sources`, or the one of `data.source`.
    pub fn all_sources(&self) -> Vec<SourceRecipe> {
        match self.sources.is_empty() {
            true => vec![SourceRecipe::new(&self.source)],
            false => self.sources.clone(),
        }
    }

    /// The sources' paths, for people.
    pub fn source_paths(&self) -> String {
        let sources = self.all_sources();
        let paths: Vec<&str> = sources.iter().map(|source| source.path.as_str()).collect();
        paths.join(", ")
    }
}
