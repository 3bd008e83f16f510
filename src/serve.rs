//! Serving: a team as a chat, a simulated world as tools.

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::path::PathBuf;

use burn::tensor::Device;
use glpft_agent::PolicySettings;
use glpft_eval::static_evaluation::Answerer;
use glpft_recipes::Precision;
use glpft_serve::{
    Catalogue, ChatSettings, Place, Speaker, Stop, TeamSpeaker, ToolsSettings, run_chat, run_tools,
};
use glpft_world::World;

use crate::error::Error;
use crate::evaluate::{Fitted, Models, run_facts};
use crate::team::TeamSource;

/// Models to be served: who, and how they are asked.
#[derive(Clone, Debug)]
pub struct ServeTeam {
    /// The models.
    pub team: TeamSource,
    /// A file of prompt templates; default: the run's, or the built-in ones.
    pub prompts: Option<PathBuf>,
    /// How models are asked where a request says nothing else; its `system_prefix` and `schemas` are the run's in any case.
    pub policy: PolicySettings,
    /// What computes.
    pub device: Device,
    /// The precision of the layers' products.
    pub precision: Precision,
    /// As [`Models::cache_bytes`].
    pub cache_bytes: Option<usize>,
}

impl ServeTeam {
    /// Loads the models.
    fn open(&self) -> Result<Box<dyn Speaker>, Error> {
        let facts = run_facts(&self.team)?;
        let models = Models {
            team: &self.team,
            prompts: self.prompts.as_deref(),
            device: &self.device,
            precision: self.precision,
            cache_bytes: self.cache_bytes,
        };
        let (team, prompts) = (models.open()?, models.prompts(&facts)?);
        let policy = PolicySettings {
            system_prefix: facts.system_prefix,
            schemas: facts.schemas,
            ..self.policy
        };
        let single = facts.answerer == Answerer::Single;
        let speaker = TeamSpeaker::new(Box::new(Fitted(team)), prompts, policy, single);
        Ok(Box::new(speaker))
    }
}

/// Serves a team as a chat until `stop`; `ready` is told the address once the models are loaded. Tools' replies become
/// turns, and tools text, as in the team's run, whatever `settings` say.
///
/// # Errors
/// The models cannot be used; [`Error::Serve`] for the rest.
pub fn serve_team(
    team: ServeTeam,
    place: &Place,
    mut settings: ChatSettings,
    stop: Stop,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let facts = run_facts(&team.team)?;
    (settings.observations, settings.schemas) = (facts.observations, facts.schemas);
    let open = Box::new(move || {
        let opened = team.open();
        opened.map_err(|error| Box::new(error) as Box<dyn StdError + Send + Sync>)
    });
    Ok(run_chat(place, settings, open, stop, ready)?)
}

/// Serves a world's tools until `stop`; `ready` is told the address.
///
/// # Errors
/// [`Error::Serve`].
pub fn serve_world(
    world: World,
    place: &Place,
    settings: ToolsSettings,
    stop: Stop,
    ready: impl FnOnce(SocketAddr),
) -> Result<(), Error> {
    let catalogue = Catalogue::new(world.apis().map(|api| (api.clone(), None)));
    Ok(run_tools(place, settings, catalogue, world, stop, ready)?)
}
