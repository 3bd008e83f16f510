//! How well each role's model knows what held-out conversations say: its perplexity on what the role learns from them.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Instant;

use glpft_agent::Role;
use glpft_data::{
    Conversation, Conversations, EncodeOptions, GiveUpPrompt, Prompts, SegmentCache, StepLayout,
    TokenExample, encode_trajectory, examples,
};
use glpft_eval::{Interval, ratio_interval};
use glpft_recipes::{
    Arrangement, Behaviour, GiveUpHistory, Layout, Packing, Recipe, Schemas, Separators, Stage,
    SystemPrefix, Truncate, counted,
};
use glpft_train::{LossSum, losses, perplexity};
use serde::Serialize;

use super::recipe::recipe;
use super::{Models, read};
use crate::error::Error;
use crate::team::Team;

/// The longest example of a model that no recipe tells of: recipes' own default.
const MAX_LENGTH: usize = 4096;
/// Tokens of a micro-batch where no recipe tells: recipes' own default.
const MICRO_BATCH_TOKENS: usize = 4096;
/// The confidence intervals' seed: the same models and data always have the same intervals.
const SEED: u64 = 0;

/// Whose perplexity, on what.
#[derive(Clone, Copy, Debug)]
pub struct EvaluatePerplexity<'a> {
    /// Who answers.
    pub models: Models<'a>,
    /// The held-out conversations: what [`glpft_data::Source`] reads, usually a stage-2 file.
    pub data: &'a Path,
    /// Only the first so many conversations.
    pub conversations: Option<usize>,
    /// The longest example in tokens; default: the stage's in the run's recipe. Never more than a model has positions.
    pub max_length: Option<usize>,
}

/// Perplexities by role, and of what they are.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PerplexityReport {
    /// Conversations that were read.
    pub conversations: usize,
    /// Records that could not be read.
    pub bad_records: usize,
    /// The roles, in the team's order.
    pub roles: Vec<RolePerplexity>,
}

/// How well a role's model knows what the role says.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct RolePerplexity {
    /// The role.
    pub role: &'static str,
    /// Conversations with an example of the role.
    pub trajectories: usize,
    /// Examples.
    pub examples: usize,
    /// Those of them that lost tokens to the longest length.
    pub truncated: usize,
    /// Examples that were left out because they do not fit it.
    pub dropped: usize,
    /// Tokens of the examples.
    pub tokens: usize,
    /// Label tokens: what perplexity is of.
    pub label_tokens: usize,
    /// The mean loss of a label token, in nats; none where there is none.
    pub loss: Option<f64>,
    /// e to the loss.
    pub perplexity: Option<f64>,
    /// The 95 % interval of the perplexity: bootstrap over trajectories ([`glpft_eval::Intervals`]); none of fewer than
    /// two.
    pub interval: Option<Interval>,
    /// Wall time in seconds.
    pub seconds: f64,
}

/// Computes each role's perplexity on the targets that training would make of the conversations: prompts, separators and
/// truncation are those of the run's recipe. No gradients are made. `progress` is told how many of how many
/// conversations are done for a role.
///
/// # Errors
/// The data or the models cannot be used; nothing in the data is learned by any role; a loss is not finite.
pub fn evaluate_perplexity(
    evaluation: &EvaluatePerplexity<'_>,
    progress: &mut dyn FnMut(Role, usize, usize),
) -> Result<PerplexityReport, Error> {
    let recipe = recipe(evaluation.models.team)?;
    let own = recipe
        .as_ref()
        .and_then(|recipe| recipe.data.prompts.as_deref());
    let layout = recipe
        .as_ref()
        .map_or(Layout::RoleFirst, |recipe| recipe.data.layout);
    let prompts =
        Prompts::open(evaluation.models.prompts.or(own.map(Path::new)))?.with_layout(layout)?;
    let schemas = recipe
        .as_ref()
        .map_or(Schemas::Whole, |recipe| recipe.data.schemas);
    let behaviour = recipe
        .as_ref()
        .map_or(Behaviour::Fixed, |recipe| recipe.data.behaviour);
    let Conversations {
        mut conversations,
        report,
    } = read(evaluation.data, behaviour, schemas)?;
    conversations.truncate(evaluation.conversations.unwrap_or(usize::MAX));
    let team = evaluation.models.open()?;
    if let Some(role) = team.roles().find(|&role| team.model(role).is_none()) {
        return Err(Error::Argument {
            argument: "RUN",
            problem: format!(
                "perplexity is measured of models in this process, and the {} is behind a server",
                role.name()
            ),
        });
    }
    let mut roles = Vec::new();
    for role in team.roles() {
        let measured = Measured {
            team: &team,
            role,
            recipe: recipe.as_ref(),
            max_length: evaluation.max_length,
        };
        let told = &mut |done, total| progress(role, done, total);
        roles.push(measured.perplexity(&conversations, &prompts, told)?);
    }
    if roles.iter().all(|role| role.label_tokens == 0) {
        return Err(Error::Argument {
            argument: "--data",
            problem: format!(
                "nothing in {} is what a role learns: {}, {} too long",
                evaluation.data.display(),
                counted(conversations.len(), "conversation", "conversations"),
                counted(
                    roles.iter().map(|role| role.dropped).sum::<usize>(),
                    "example was",
                    "examples were"
                )
            ),
        });
    }
    Ok(PerplexityReport {
        conversations: conversations.len(),
        bad_records: report.bad.len(),
        roles,
    })
}

/// A role that is measured.
struct Measured<'a> {
    team: &'a Team,
    role: Role,
    recipe: Option<&'a Recipe>,
    max_length: Option<usize>,
}

impl Measured<'_> {
    fn perplexity(
        &self,
        conversations: &[Conversation],
        prompts: &Prompts,
        progress: &mut dyn FnMut(usize, usize),
    ) -> Result<RolePerplexity, Error> {
        let started = Instant::now();
        let mut told = RolePerplexity {
            role: self.role.name(),
            trajectories: 0,
            examples: 0,
            truncated: 0,
            dropped: 0,
            tokens: 0,
            label_tokens: 0,
            loss: None,
            perplexity: None,
            interval: None,
            seconds: 0.0,
        };
        let encoded = self.encode(conversations, prompts, &mut told)?;
        let mut groups: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (place, example) in encoded.iter().enumerate() {
            told.examples += 1;
            told.tokens += example.tokens.len();
            // A data set in memory has fewer than 2³² examples.
            groups
                .entry(example.trajectory)
                .or_default()
                .push(place as u32);
        }
        told.trajectories = groups.len();
        let (mut whole, mut parts) = (LossSum::default(), Vec::new());
        if let Some(model) = self.team.model(self.role) {
            let stage = self.recipe.map(|recipe| recipe.stage(self.stage()));
            let each = &mut |loss: LossSum| {
                whole += loss;
                parts.push((loss.sum, loss.label_tokens as f64));
                progress(parts.len(), told.trajectories);
            };
            let packing = self
                .recipe
                .map_or(Packing::Tree, |recipe| recipe.data.packing);
            let micro_batch_tokens =
                stage.map_or(MICRO_BATCH_TOKENS, |stage| stage.micro_batch_tokens);
            let layout = match self.team.wakes(self.role) {
                // Its recipe may be another's: what wakes it decides, and prompts that it does not wake in are refused.
                true if prompts.layout() != Layout::RoleLast => {
                    return Err(Error::Argument {
                        argument: "--data",
                        problem: format!(
                            "the {}'s adapter wakes at its role's turn, in prompts of `data.layout = \"role-last\"`, which \
                             no recipe beside it asks for; measure it in its run",
                            self.role.name()
                        ),
                    });
                }
                true => StepLayout::Branches { micro_batch_tokens },
                false => StepLayout::Packed {
                    packing,
                    micro_batch_tokens,
                },
            };
            // An interrupted measurement ends with the process: it leaves nothing.
            let _ = losses(
                model,
                &encoded,
                groups.into_values(),
                layout,
                &|| false,
                each,
            )?;
        }
        told.label_tokens = whole.label_tokens;
        told.loss = whole.mean();
        if told.loss.is_some_and(|loss| !loss.is_finite()) {
            return Err(Error::LossNotFinite {
                role: self.role.name(),
            });
        }
        told.perplexity = told.loss.map(perplexity);
        told.interval = ratio_interval(&parts, SEED).map(|ends| ends.map(perplexity));
        told.seconds = started.elapsed().as_secs_f64();
        Ok(told)
    }

    /// The stage that the role's model was left by.
    fn stage(&self) -> Stage {
        let arrangement = self.recipe.map(|recipe| recipe.arrangement);
        match (self.role, arrangement) {
            (Role::Backbone, _)
            | (_, Some(Arrangement::MultiTask | Arrangement::Mixed | Arrangement::Single)) => {
                Stage::Global
            }
            (Role::Planner, _) => Stage::Planner,
            (Role::Caller, _) => Stage::Caller,
            (Role::Summarizer, _) => Stage::Summarizer,
        }
    }

    fn options(&self) -> EncodeOptions {
        let (team, role) = (self.team, self.role);
        let learned = self
            .recipe
            .map(|recipe| recipe.stage(self.stage()).max_length);
        let max_length = self.max_length.or(learned).unwrap_or(MAX_LENGTH);
        let data = self.recipe.map(|recipe| &recipe.data);
        EncodeOptions {
            separators: team.separators(role).unwrap_or(Separators::Eos),
            system_prefix: data.map_or(SystemPrefix::Both, |data| data.system_prefix),
            truncate: data.map_or(Truncate::OldestTurns, |data| data.truncate),
            max_length: max_length.min(team.max_positions(role).unwrap_or(max_length)),
            // Of a model that learned its prompts, too, only what it says is measured.
            train_on_inputs: false,
        }
    }

    fn encode(
        &self,
        conversations: &[Conversation],
        prompts: &Prompts,
        told: &mut RolePerplexity,
    ) -> Result<Vec<TokenExample>, Error> {
        let Some(tokenizer) = self.team.tokenizer(self.role) else {
            return Ok(Vec::new());
        };
        let options = self.options();
        let history = self
            .recipe
            .map_or(GiveUpHistory::Own, |recipe| recipe.data.give_up_history);
        let mut give_up = GiveUpPrompt::new(history);
        let mut all = Vec::new();
        for (index, conversation) in conversations.iter().enumerate() {
            let dataset = self.role.dataset();
            let texts = examples(index, conversation, dataset, prompts, &mut give_up);
            let mut cache = SegmentCache::default();
            let encoded = encode_trajectory(tokenizer, &texts, &options, &mut cache)?;
            told.truncated += encoded.truncated;
            told.dropped += encoded.dropped.values().sum::<usize>();
            all.extend(encoded.examples);
        }
        Ok(all)
    }
}
