//! Models behind servers: a role's model that a server completes prompts with, and a rival agent that a server chats as.

mod address;
mod body;
mod chat;
mod client;
mod completion;
mod context;
mod error;
mod messages;
mod model;
mod parallel;
mod refusal;
mod rival;
mod settings;

pub use address::ModelAddress;
pub use chat::ChatReply;
pub use completion::Completion;
pub use error::ModelServerError;
pub use model::ServedModel;
pub use rival::RivalPolicy;
pub use settings::ModelServerSettings;
