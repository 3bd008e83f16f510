//! A team whose models may have fewer positions than an evaluation's limits.

use std::borrow::Cow;

use glpft_agent::{Generate, GenerateError, Generated, Measure, ModelCalls, Request};

use crate::team::Team;

/// A team that is never asked for more than its models were made for: where a prompt and an answer as long as the limits
/// allow do not fit a role's positions, its prompts keep fewer of their last tokens. An answer has at most half of them.
pub(crate) struct Fitted(pub Team);

impl Generate for Fitted {
    fn generate(&mut self, requests: &[Request]) -> Result<Vec<Generated>, GenerateError> {
        self.generate_while(requests, &|_| true)
    }

    fn generate_while(
        &mut self,
        requests: &[Request],
        wanted: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<Generated>, GenerateError> {
        let mut requests = Cow::Borrowed(requests);
        for at in 0..requests.len() {
            let Request { role, limits, .. } = &requests[at];
            let Some(positions) = self.0.max_positions(*role) else {
                continue;
            };
            let room = limits.room(positions);
            if limits.prompt_tokens > room {
                requests.to_mut()[at].limits.prompt_tokens = room;
            }
        }
        self.0.generate_while(&requests, wanted)
    }

    fn measure(&self, request: &Request) -> Result<Option<Measure>, GenerateError> {
        self.0.measure(request)
    }

    fn server_calls(&self) -> ModelCalls {
        self.0.server_calls()
    }

    fn forget(&mut self) {
        self.0.forget();
    }
}
