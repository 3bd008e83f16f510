//! A simulated world of tools: typed tables, the tools that read them, tasks, and the truth about these.

mod truth;

pub use truth::{GoldCall, Slot, TestGroup, Truth, WorldTask};
