//! Says whom a command waits for.

use std::sync::atomic::{AtomicBool, Ordering};

use glpft::Error;
use glpft::error::Interruption;
use glpft_checkpoints::Holder;
use serde_json::json;

use super::{OutputArgs, complain, print};

/// Tells each thing that is waited for once, until it is another process's; ends the waiting at a demand to stop.
pub(crate) fn tell_waiting<'o>(
    output: &'o OutputArgs,
    stop: &'o AtomicBool,
) -> impl FnMut(&str, &Holder) -> Result<(), Error> + 'o {
    let mut told = String::new();
    move |what, holder| {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interruption(Interruption::Wait {
                what: what.to_owned(),
            }));
        }
        let now = match holder.work.is_empty() {
            true => format!("waits for the {what}: {holder} has it"),
            false => format!("waits for the {what}: {holder} {}", holder.work),
        };
        if now == told || output.quiet {
            return Ok(());
        }
        told.clone_from(&now);
        if output.json {
            return print(&format!(
                "{}\n",
                json!({"event": "waiting", "for": what, "holder": holder.to_string()})
            ));
        }
        complain(&now);
        Ok(())
    }
}
