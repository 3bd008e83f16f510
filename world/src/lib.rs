//! A simulated world of tools: typed tables, the tools that read them, tasks, and the truth about these.

mod catalog;
mod compose;
mod conversations;
mod draw;
mod facts;
mod fault;
mod files;
mod names;
mod naming;
mod oracle;
mod overlap;
mod phrasing;
mod plan;
mod reply;
mod size;
mod sketch;
mod table;
mod tool;
mod toolbox;
mod truth;
mod world;

pub use facts::facts_in;
pub use fault::Fault;
pub use files::{WriteError, Written, generate};
pub use names::NameSet;
pub use oracle::{Manner, Noise, Oracle};
pub use overlap::{Overlap, overlap};
pub use size::Size;
pub use truth::{GoldCall, Slot, TestGroup, Truth, WorldTask};
pub use world::World;
