//! Some trajectories' steps, answered together.

use std::time::Instant;

use glpft_agent::{
    Generate, GenerateError, Generated, Plan, PlannerTurn, Policy, Prediction, Request, Role,
    StepPrompts,
};
use glpft_data::{Prompts, Text};
use glpft_recipes::Behaviour;

use super::agent;
use super::contestant::Contestant;
use super::error::StaticError;
use super::outcome::StepOutcome;
use super::record::{Output, StepRecord, ToolName};
use super::settings::{AGENT, Answerer, StaticSettings};
use super::steps::{GoldStep, TrajectorySteps};
use super::times::Times;
use crate::step::score_step;

/// What ends an answer where models may write the separator's text.
const SEPARATOR: &str = "</s>";

/// Trajectories on their way to records.
pub(crate) struct Batch<'b, 'c> {
    trajectories: &'b [TrajectorySteps<'c>],
    settings: &'b StaticSettings,
    generator: &'b mut dyn Generate,
    times: Times,
}

/// What was said at a step, and by whom.
type SaidAtStep = (Prediction, Vec<Output>);

/// One step: its trajectory's index in the batch, and what should be said.
type Step<'b> = (usize, &'b GoldStep);

impl<'b, 'c> Batch<'b, 'c> {
    /// Answers and scores all steps; the records of each trajectory, in the batch's order.
    pub fn answer(
        trajectories: &'b [TrajectorySteps<'c>],
        prompts: &Prompts,
        answerer: Answerer,
        settings: &'b StaticSettings,
        contestant: &'b mut Contestant<'_>,
    ) -> Result<(Vec<Vec<StepRecord>>, Times), StaticError> {
        let started = Instant::now();
        let generator = match contestant {
            Contestant::Models(models) => models.as_mut(),
            Contestant::Agent(agent) => {
                let (said, waited) = ask_agent(trajectories, agent.as_mut())?;
                let records = records(trajectories, said)?;
                let times = Times {
                    agent: waited,
                    text: started.elapsed().as_secs_f64() - waited,
                    ..Times::default()
                };
                return Ok((records, times));
            }
        };
        let mut batch = Self {
            trajectories,
            settings,
            generator,
            times: Times::default(),
        };
        let of_steps: Vec<StepPrompts<'_>> = trajectories
            .iter()
            .map(|trajectory| {
                let StaticSettings {
                    behaviour,
                    system_prefix,
                    ..
                } = *settings;
                StepPrompts::new(trajectory.conversation, prompts, behaviour, system_prefix)
            })
            .collect();
        let said = match answerer {
            Answerer::Team | Answerer::Agent => batch.ask_team(&of_steps)?,
            Answerer::Single => batch.ask_single(&of_steps)?,
        };
        let records = records(trajectories, said)?;
        batch.times.text = started.elapsed().as_secs_f64() - batch.times.generation();
        Ok((records, batch.times))
    }

    fn steps(&self) -> Vec<Step<'b>> {
        let each = self.trajectories.iter().enumerate();
        each.flat_map(|(index, trajectory)| trajectory.steps.iter().map(move |step| (index, step)))
            .collect()
    }

    /// The planner for all steps, then the caller and the summarizer for those that the planner hands them.
    fn ask_team(&mut self, prompts: &[StepPrompts<'_>]) -> Result<Vec<SaidAtStep>, StaticError> {
        let steps = self.steps();
        let asked = steps
            .iter()
            .map(|&(index, step)| prompts[index].planner(step.turn));
        let planned = self.ask(Role::Planner, asked.collect())?;
        let turns: Vec<PlannerTurn> = planned
            .iter()
            .map(|planned| PlannerTurn::read(&planned.text))
            .collect();
        let mut outputs: Vec<Vec<Output>> = planned
            .iter()
            .map(|planned| vec![Output::new(Role::Planner, planned)])
            .collect();
        for (role, next) in [(Role::Caller, Plan::Call), (Role::Summarizer, Plan::Finish)] {
            let handed: Vec<usize> = (0..steps.len())
                .filter(|&at| turns[at].next == next)
                .collect();
            let asked = handed.iter().map(|&at| {
                let (index, step) = steps[at];
                match role {
                    Role::Summarizer => prompts[index].summarizer(step.turn, &turns[at]),
                    _ => prompts[index].caller(step.turn, &turns[at]),
                }
            });
            let answers = self.ask(role, asked.collect())?;
            for (&at, answer) in handed.iter().zip(&answers) {
                outputs[at].push(Output::new(role, answer));
            }
        }
        let said = turns.into_iter().zip(outputs).map(|(turn, outputs)| {
            let role = outputs.get(1).map_or("", |output| &output.text);
            (Prediction::new(turn, role), outputs)
        });
        Ok(said.collect())
    }

    fn ask_single(&mut self, prompts: &[StepPrompts<'_>]) -> Result<Vec<SaidAtStep>, StaticError> {
        let steps = self.steps();
        let asked = steps
            .iter()
            .map(|&(index, step)| prompts[index].backbone(step.turn));
        let answers = self.ask(Role::Backbone, asked.collect())?;
        let said = answers.iter().map(|answer| {
            let output = Output::new(Role::Backbone, answer);
            (Prediction::from_backbone(&answer.text), vec![output])
        });
        Ok(said.collect())
    }

    fn ask(&mut self, role: Role, prompts: Vec<Text>) -> Result<Vec<Generated>, StaticError> {
        if prompts.is_empty() {
            return Ok(Vec::new());
        }
        let requests: Vec<Request> = prompts
            .into_iter()
            .map(|prompt| Request {
                role,
                prompt,
                stop: match self.settings.behaviour {
                    Behaviour::Compat => Vec::new(),
                    Behaviour::Fixed => vec![SEPARATOR.to_owned()],
                },
                limits: self.settings.limits,
                sampling: self.settings.sampling,
            })
            .collect();
        let started = Instant::now();
        let answers = self.generator.generate(&requests);
        *self.times.role_mut(role) += started.elapsed().as_secs_f64();
        let answers = answers.map_err(|source| failed(self.trajectories, role.name(), source))?;
        as_many(role.name(), requests.len(), answers)
    }
}

/// What an agent says, and how many seconds it was waited for.
fn ask_agent(
    trajectories: &[TrajectorySteps<'_>],
    agent: &mut dyn Policy,
) -> Result<(Vec<SaidAtStep>, f64), StaticError> {
    let asked = trajectories.iter().map(|one| one.steps.len()).sum();
    let started = Instant::now();
    let said = agent::ask(trajectories, agent);
    let waited = started.elapsed().as_secs_f64();
    let said = said.map_err(|source| failed(trajectories, AGENT, source))?;
    let said = as_many(AGENT, asked, said)?;
    let said = said
        .into_iter()
        .map(|(prediction, output)| (prediction, vec![output]));
    Ok((said.collect(), waited))
}

fn failed(
    trajectories: &[TrajectorySteps<'_>],
    role: &'static str,
    source: GenerateError,
) -> StaticError {
    let ends = |one: Option<&TrajectorySteps<'_>>| one.map_or(0, |one| one.index);
    StaticError::Generate {
        first: ends(trajectories.first()),
        last: ends(trajectories.last()),
        role,
        source,
    }
}

/// The answers, if there is one for each question.
fn as_many<T>(role: &'static str, asked: usize, answers: Vec<T>) -> Result<Vec<T>, StaticError> {
    match answers.len() == asked {
        true => Ok(answers),
        false => Err(StaticError::Answers {
            role,
            asked,
            answered: answers.len(),
        }),
    }
}

/// What was said, scored: the records of each trajectory.
fn records(
    trajectories: &[TrajectorySteps<'_>],
    said: Vec<SaidAtStep>,
) -> Result<Vec<Vec<StepRecord>>, StaticError> {
    let mut said = said.into_iter();
    let of = |trajectory: &TrajectorySteps<'_>| {
        let tools = trajectory.conversation.tools.iter();
        let tools: Vec<ToolName> = tools
            .map(|tool| ToolName {
                name: tool.name().to_owned(),
            })
            .collect();
        let steps = trajectory.steps.iter().zip(&mut said);
        steps
            .map(|(step, (prediction, outputs))| {
                let mut record = StepRecord {
                    tools: tools.clone(),
                    instruction: trajectory.conversation.instruction.clone(),
                    reference: step.reference.clone(),
                    predictions: prediction.to_string(),
                    trajectory: trajectory.index,
                    turn: step.turn,
                    outputs,
                    outcome: StepOutcome::default(),
                };
                let score = score_step(&record.entry(), Behaviour::Fixed);
                record.outcome = StepOutcome::from(&score.map_err(|reason| StaticError::Step {
                    trajectory: trajectory.index,
                    turn: step.turn,
                    reason,
                })?);
                Ok(record)
            })
            .collect()
    };
    trajectories.iter().map(of).collect()
}
