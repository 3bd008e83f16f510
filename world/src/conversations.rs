//! Paths as conversations: the static test file, and a quick way to training data.

use glpft_agent::{Asked, FINISH};
use glpft_data::{Conversation, Speaker, Turn, observation_text};
use glpft_recipes::{Observations, Schemas};

use crate::oracle::{Manner, Oracle};
use crate::truth::WorldTask;
use crate::world::World;

/// No path of an oracle has more steps.
const MOST_STEPS: usize = 12;
/// Agents read so many characters of a reply.
const READ: usize = 1024;

impl World {
    /// A task's path as the oracle goes it in [`Manner::Careful`]: the straight way first, around a fault where there is
    /// another way, to the answer or the give-up.
    pub fn conversation(&self, task: &WorldTask) -> Conversation {
        self.path(task, Manner::Careful)
    }

    /// A task's only path in a manner: the first chain, without the driver's new tries.
    pub fn path(&self, task: &WorldTask, manner: Manner) -> Conversation {
        let oracle = Oracle::new(self, manner, self.seed());
        let query = task.task.query.clone();
        let mut turns = vec![Turn {
            from: Speaker::User,
            value: query.clone(),
        }];
        for count in 0..MOST_STEPS {
            let said = oracle.answer(&Asked {
                task: &task.task,
                turns: &turns,
                instruction: 0,
                count,
            });
            turns.extend(said.turns);
            if said.function == FINISH {
                break;
            }
            let reply = match task.task.function(&said.function) {
                Some(function) => self.reply(&function.api, &said.arguments).to_json(),
                None => {
                    let error = format!("No such function name: {}", said.function);
                    serde_json::json!({"error": error, "response": ""})
                }
            };
            let content = glpft_data::python::json::dumps(&reply).unwrap_or_default();
            let content = match content.char_indices().nth(READ) {
                Some((cut, _)) => format!("{}...", &content[..cut]),
                None => content,
            };
            turns.push(Turn {
                from: Speaker::Observation,
                value: observation_text(&content, Observations::ResponseOrError)
                    .unwrap_or_default(),
            });
        }
        Conversation {
            query: task.task.id.clone(),
            tools: task.task.tools(Schemas::Published),
            instruction: query,
            turns,
            marks: Default::default(),
        }
    }
}
