//! Live evaluation by a policy that does what it is told.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod calls;
mod files;
mod judging;
mod resuming;
mod support;
