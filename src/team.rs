//! Trained models that answer as a team.

mod member;
mod open;
mod source;

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use burn::tensor::Device;
use glpft_agent::{
    Generate, GenerateError, Generated, Measure, ModelCalls, Request, Role, ServedModel,
};
use glpft_data::{PromptTokenizer, SegmentCache};
use glpft_model::Decoder;
use glpft_model::generation::{GenerationError, Generator, TokenRequest};
use glpft_recipes::{Precision, Separators};

use crate::error::Error;
use crate::notice::tell;
use member::Member;
use open::Loader;
pub(crate) use open::run_around;
pub use source::{RoleSource, ServedSource, TeamSource};

/// Models that answer: each role's own, with its own tokenizer. Adapters of one base share it in memory.
///
/// A request's prompt is taken as it is; a prompt that should begin like those of training
/// ([`SystemPrefix`](glpft_recipes::SystemPrefix)) has `system: ` in its text. What the tokenizer puts before a text comes
/// first, as in training; separators become what the run's recipe says, the model's end of sequence where there is none.
/// A longer answer than the model has positions for ends there, as at its limit.
#[derive(Debug)]
pub struct Team {
    members: BTreeMap<Role, Member>,
    generators: Vec<Generator>,
    /// The roles that servers answer for.
    served: BTreeMap<Role, ServedModel>,
    measured: Mutex<Measured>,
}

/// The tokens of texts that were measured: who measures a prompt asks for it next.
#[derive(Debug, Default)]
struct Measured {
    segments: BTreeMap<Role, SegmentCache>,
    /// How many tokens the prompts had.
    tokens: usize,
}

/// So many tokens of measured prompts are kept, where nobody asks for an answer.
const MEASURED_TOKENS: usize = 1 << 20;

impl Team {
    /// Loads the models that `source` names onto `device`. `precision` is that of the layers' products.
    ///
    /// # Errors
    /// A model that is absent, unfinished, damaged, or does not fit its tokenizer or its adapter; a device without
    /// numbers of this precision.
    pub fn open(source: &TeamSource, device: &Device, precision: Precision) -> Result<Self, Error> {
        let mut loader = Loader::new(device, precision);
        let mut served = BTreeMap::new();
        let roles = match source {
            TeamSource::Run(run) => {
                loader.run(run)?;
                Vec::new()
            }
            TeamSource::Trio {
                planner,
                caller,
                summarizer,
            } => vec![
                (Role::Planner, planner),
                (Role::Caller, caller),
                (Role::Summarizer, summarizer),
            ],
            TeamSource::Single(model) => vec![(Role::Backbone, model)],
            TeamSource::Agent(_) => {
                return Err(Error::Argument {
                    argument: "--agent",
                    problem: "a rival agent calls tools by itself: `eval live`, `eval static` and `agent run` take it"
                        .to_owned(),
                });
            }
        };
        // Servers first: what is wrong with an address is told before models are loaded.
        for (role, source) in &roles {
            if let RoleSource::Served(of) = source {
                let model = ServedModel::open(of.address.clone(), of.settings.clone())?;
                if let Some(note) = model.note() {
                    tell(note.clone(), &note);
                }
                served.insert(*role, model);
            }
        }
        for (role, source) in roles {
            if let RoleSource::Local(path) = source {
                loader.role(role, path)?;
            }
        }
        let (members, generators) = loader.finish();
        Ok(Self {
            members,
            generators,
            served,
            measured: Mutex::default(),
        })
    }

    /// The roles that there is a model for.
    pub fn roles(&self) -> impl Iterator<Item = Role> {
        self.members.keys().chain(self.served.keys()).copied()
    }

    /// The longest prompt that a role's model was made for, in tokens; none where there is no such model.
    pub fn max_positions(&self, role: Role) -> Option<usize> {
        match self.members.get(&role) {
            Some(member) => Some(self.generators[member.generator].max_positions()),
            None => self.served.get(&role)?.positions(),
        }
    }

    /// A role's tokenizer; none where there is no model for it.
    pub fn tokenizer(&self, role: Role) -> Option<&PromptTokenizer> {
        self.members
            .get(&role)
            .map(|member| member.tokenizer.as_ref())
    }

    /// Whether a role's adapter wakes at its invocation, and acts on nothing before.
    pub fn wakes(&self, role: Role) -> bool {
        let member = self.members.get(&role);
        member.is_some_and(|member| !member.invocation.is_empty())
    }

    /// A role's model; none where there is none.
    pub fn model(&self, role: Role) -> Option<&Decoder> {
        let member = self.members.get(&role)?;
        Some(self.generators[member.generator].model(member.model))
    }

    /// What a separator is to a role's model; none where there is none.
    pub fn separators(&self, role: Role) -> Option<Separators> {
        self.members.get(&role).map(|member| member.separators)
    }

    fn answers(&self, role: Role) -> bool {
        self.members.contains_key(&role) || self.served.contains_key(&role)
    }

    /// How many models there are in memory, adapters aside.
    pub fn backbones(&self) -> usize {
        self.generators.len()
    }

    /// Limits what is kept of prompts, in bytes for each backbone; 0 keeps only what an answer under way needs.
    pub fn set_cache_bytes(&mut self, bytes: usize) {
        for generator in &mut self.generators {
            generator.settings_mut().cache_bytes = bytes;
        }
    }

    /// Limits how many answers grow at the same time.
    pub fn set_batch(&mut self, sequences: usize) {
        for generator in &mut self.generators {
            generator.settings_mut().batch = sequences;
        }
    }

    /// Those of `requests` that one generator answers, as tokens, with their places and how many tokens were cut off.
    fn encode(
        &self,
        generator: usize,
        requests: &[Request],
        segments: &mut BTreeMap<Role, SegmentCache>,
    ) -> Result<Encoded, GenerateError> {
        let mut all = Encoded::default();
        for (place, request) in requests.iter().enumerate() {
            let member = self.members.get(&request.role);
            let Some(member) = member.filter(|member| member.generator == generator) else {
                continue;
            };
            let cache = segments.entry(request.role).or_default();
            let (encoded, cut) = member.encode(request, cache)?;
            all.requests.push(encoded);
            all.places.push(place);
            all.cut.push(cut);
        }
        Ok(all)
    }
}

/// The requests of one generator; the lists are as long as each other.
#[derive(Default)]
struct Encoded {
    /// Their places among all requests.
    places: Vec<usize>,
    requests: Vec<TokenRequest>,
    /// How many tokens of each prompt's beginning were cut off.
    cut: Vec<usize>,
}

impl Generate for Team {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.generate_while(requests, &|_| true)
    }

    fn generate_while(
        &mut self,
        requests: &[Request],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Generated>, GenerateError> {
        if let Some(request) = requests.iter().find(|request| !self.answers(request.role)) {
            return Err(GenerateError::NoModel(request.role));
        }
        let measured = self.measured.get_mut();
        let measured = std::mem::take(measured.unwrap_or_else(PoisonError::into_inner));
        let mut segments = measured.segments;
        let mut all: Vec<Option<Generated>> = vec![None; requests.len()];
        for generator in 0..self.generators.len() {
            let Encoded {
                places,
                requests: encoded,
                cut,
            } = self.encode(generator, requests, &mut segments)?;
            let mut failed = None;
            let members = &self.members;
            let answers = self.generators[generator].generate(&encoded, &mut |at, answer| {
                if !wanted(places[at]) {
                    return true;
                }
                let request = &requests[places[at]];
                let member = &members[&request.role];
                member.stop(request, answer).unwrap_or_else(|error| {
                    failed.get_or_insert(error);
                    true
                })
            });
            if let Some(error) = failed {
                return Err(error);
            }
            let answers = answers.map_err(|error| match error {
                GenerationError::Request { index, reason } => GenerateError::Request {
                    index: places[index],
                    reason,
                },
                other => {
                    let at = match other {
                        GenerationError::NotANumber { index } => index,
                        _ => 0,
                    };
                    GenerateError::Failed {
                        role: requests[places[at]].role,
                        source: Box::new(other),
                    }
                }
            })?;
            let encoded = encoded.iter().zip(cut);
            for ((place, (encoded, cut)), answer) in places.into_iter().zip(encoded).zip(answers) {
                let request = &requests[place];
                let tokens = [encoded.prompt.len(), cut];
                let member = &self.members[&request.role];
                all[place] = Some(member.read(request, tokens, &answer)?);
            }
        }
        for (role, model) in &mut self.served {
            let all_of = requests.iter().enumerate();
            let (places, of): (Vec<usize>, Vec<Request>) = all_of
                .filter(|(_, request)| request.role == *role)
                .map(|(place, request)| (place, request.clone()))
                .unzip();
            let answers = model.generate_while(&of, &|at| wanted(places[at]))?;
            for (place, answer) in places.into_iter().zip(answers) {
                all[place] = Some(answer);
            }
        }
        // Every request has a member or a server, and every member a generator.
        Ok(all.into_iter().flatten().collect())
    }

    fn measure(&self, request: &Request) -> Result<Option<Measure>, GenerateError> {
        if let Some(model) = self.served.get(&request.role) {
            return model.measure(request);
        }
        let member = self.members.get(&request.role);
        let member = member.ok_or(GenerateError::NoModel(request.role))?;
        let positions = self.generators[member.generator].max_positions();
        let measured = self.measured.lock();
        let mut measured = measured.unwrap_or_else(PoisonError::into_inner);
        if measured.tokens > MEASURED_TOKENS {
            *measured = Measured::default();
        }
        let segments = measured.segments.entry(request.role).or_default();
        let prompt_tokens = member.prompt(request, segments)?.len();
        measured.tokens += prompt_tokens;
        Ok(Some(Measure {
            prompt_tokens,
            room: request.limits.room(positions),
            positions,
        }))
    }

    fn server_calls(&self) -> ModelCalls {
        let mut calls = ModelCalls::default();
        for model in self.served.values() {
            calls += &model.calls();
        }
        calls
    }

    fn forget(&mut self) {
        for generator in &mut self.generators {
            generator.forget();
        }
    }
}
