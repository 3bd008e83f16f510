//! Trained models as a chat's speaker.

use glpft_agent::{
    Asked, Generate, GenerateError, Generated, Listener, PolicyMessage, PolicySettings, Request,
    Sampling, SinglePolicy, StepSettings, TeamPolicy, TooLong,
};
use glpft_data::Prompts;

use crate::speaker::{Prompted, Question, Speaker, Wishes};

/// A team, or the single model that it is compared with.
pub struct TeamSpeaker {
    generator: Box<dyn Generate>,
    prompts: Prompts,
    settings: PolicySettings,
    single: bool,
    /// How many questions there were: what each draws anew where it has no seed.
    asked: u64,
}

impl TeamSpeaker {
    /// A team of these models; `single` asks one model for whole steps instead. `settings` count where a question wishes
    /// nothing else.
    pub fn new(
        generator: Box<dyn Generate>,
        prompts: Prompts,
        settings: PolicySettings,
        single: bool,
    ) -> Self {
        Self {
            generator,
            prompts,
            settings,
            single,
            asked: 0,
        }
    }

    fn step(&self, wishes: &Wishes, number: u64) -> StepSettings {
        let mut policy = self.settings;
        policy.sampling = sampling(policy.sampling, wishes, number);
        if let Some(most) = wishes.new_tokens {
            policy.limits.new_tokens = most;
        }
        StepSettings {
            policy,
            new_tokens: wishes.new_tokens,
            may_call: wishes.may_call,
            as_written: true,
        }
    }
}

impl Speaker for TeamSpeaker {
    fn speak(
        &mut self,
        questions: &[&Question],
        listener: &dyn Listener,
    ) -> Result<Vec<PolicyMessage>, GenerateError> {
        let mut settings = Vec::with_capacity(questions.len());
        for question in questions {
            settings.push(self.step(&question.wishes, self.asked));
            self.asked += 1;
        }
        let asked: Vec<Asked<'_>> = questions
            .iter()
            .map(|question| Asked {
                task: &question.task,
                turns: &question.turns,
                instruction: question.instruction,
                count: 0,
            })
            .collect();
        let generator = &mut *self.generator;
        match self.single {
            true => SinglePolicy::new(generator, &self.prompts, self.settings)
                .say_each(&asked, &settings, listener),
            false => TeamPolicy::new(generator, &self.prompts, self.settings)
                .say_each(&asked, &settings, listener),
        }
    }

    fn complete(
        &mut self,
        prompts: &[&Prompted],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Result<Generated, TooLong>>, GenerateError> {
        let mut requests = Vec::with_capacity(prompts.len());
        let mut places = Vec::with_capacity(prompts.len());
        let mut all: Vec<Option<Result<Generated, TooLong>>> = Vec::with_capacity(prompts.len());
        for (place, one) in prompts.iter().enumerate() {
            let policy = self.step(&one.wishes, self.asked).policy;
            self.asked += 1;
            let request = Request {
                role: one.role,
                prompt: one.prompt.clone(),
                stop: one.stop.clone(),
                limits: policy.limits,
                sampling: policy.sampling,
            };
            let measure = self.generator.measure(&request)?;
            match measure.filter(|measure| measure.prompt_tokens > measure.room) {
                Some(measure) => all.push(Some(Err(TooLong {
                    role: one.role,
                    measure,
                }))),
                None => {
                    all.push(None);
                    places.push(place);
                    requests.push(request);
                }
            }
        }
        let is_wanted = |at: usize| wanted(places[at]);
        let answers = self.generator.generate_while(&requests, &is_wanted)?;
        for (place, answer) in places.into_iter().zip(answers) {
            all[place] = Some(Ok(answer));
        }
        Ok(all.into_iter().flatten().collect())
    }
}

/// How tokens are chosen: as by itself, changed by what is wished. `number` is the question's.
fn sampling(by_itself: Sampling, wishes: &Wishes, number: u64) -> Sampling {
    let (temperature, top_p, top_k, seed) = match by_itself {
        Sampling::Greedy => (0.0, 1.0, None, 0),
        Sampling::Random {
            temperature,
            top_p,
            top_k,
            seed,
        } => (temperature, top_p, top_k, seed),
    };
    // Whoever narrows the choice alone wants one to be made.
    let unsaid = match (by_itself, wishes.top_p) {
        (Sampling::Greedy, Some(_)) => 1.0,
        _ => temperature,
    };
    let temperature = wishes.temperature.unwrap_or(unsaid);
    match temperature > 0.0 {
        false => Sampling::Greedy,
        true => Sampling::Random {
            temperature,
            top_p: wishes.top_p.unwrap_or(top_p),
            top_k,
            seed: wishes.seed.unwrap_or(seed.wrapping_add(number)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wishes(temperature: Option<f64>, top_p: Option<f64>, seed: Option<u64>) -> Wishes {
        Wishes {
            temperature,
            top_p,
            seed,
            new_tokens: None,
            may_call: true,
        }
    }

    #[test]
    fn what_is_not_wished_is_as_by_itself() {
        let random = |temperature, top_p, seed| Sampling::Random {
            temperature,
            top_p,
            top_k: None,
            seed,
        };
        let server = random(0.5, 0.9, 7);
        for (by_itself, wishes, expected) in [
            (
                Sampling::Greedy,
                wishes(None, None, Some(3)),
                Sampling::Greedy,
            ),
            (
                Sampling::Greedy,
                wishes(Some(0.7), None, None),
                random(0.7, 1.0, 2),
            ),
            (
                Sampling::Greedy,
                wishes(None, Some(0.8), Some(3)),
                random(1.0, 0.8, 3),
            ),
            (server, wishes(None, None, None), random(0.5, 0.9, 9)),
            (server, wishes(Some(0.0), None, None), Sampling::Greedy),
            (
                server,
                wishes(Some(1.5), Some(0.1), Some(3)),
                random(1.5, 0.1, 3),
            ),
        ] {
            assert_eq!(sampling(by_itself, &wishes, 2), expected);
        }
    }
}
