//! Serves a chat whose model says one fixed thing at once: what is measured is the server alone.
//!
//!     cargo run --release -p glpft-serve --example stub -- 8080

use std::error::Error;

use glpft_agent::{Asked, GenerateError, Policy, PolicyMessage};
use glpft_serve::{ChatSettings, Place, PolicySpeaker, run_chat, stop};

struct Stub;

impl Policy for Stub {
    fn say(&mut self, asked: &[Asked<'_>]) -> Result<Vec<PolicyMessage>, GenerateError> {
        let call = |_: &Asked<'_>| PolicyMessage::from_message(Some("I ask."), "weather", "{}");
        Ok(asked.iter().map(call).collect())
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let port = std::env::args().nth(1).map_or(Ok(0), |port| port.parse())?;
    let place = Place {
        host: "127.0.0.1".to_owned(),
        port,
    };
    let open = Box::new(|| Ok(Box::new(PolicySpeaker(Stub)) as _));
    let (_stopper, stop) = stop();
    #[allow(
        clippy::print_stdout,
        reason = "where it listens is what an example tells"
    )]
    let ready = |address| println!("http://{address}");
    Ok(run_chat(
        &place,
        ChatSettings::new("stub"),
        open,
        stop,
        ready,
    )?)
}
