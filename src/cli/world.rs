//! `glpft world`.

use glpft::Error;
use glpft::serve::serve_world;
use glpft_recipes::counted;
use glpft_serve::ToolsSettings;
use glpft_world::{Size, World, generate};
use serde_json::json;

use super::serve::{key, place, stop_on_interrupt, tell};
use super::{WorldArgs, WorldGenerateArgs, WorldServeArgs, print};

/// Runs `glpft world generate`.
pub(crate) fn generate_files(args: &WorldGenerateArgs) -> Result<(), Error> {
    if args.directory.exists() {
        return Err(Error::Argument {
            argument: "DIR",
            problem: format!(
                "{} is there already; choose another",
                args.directory.display()
            ),
        });
    }
    let written = generate(&world(&args.world), &args.directory)?;
    if args.output.json {
        return print(&format!(
            "{}\n",
            json!({
                "event": "world",
                "answers": written.answers,
                "answered": written.answered,
                "tests": written.tests,
                "tools": written.tools,
            })
        ));
    }
    match args.output.quiet {
        true => Ok(()),
        false => print(&format!(
            "{}; {}, {} of them with an answer; {}\nin {}\n",
            counted(written.tools, "tool", "tools"),
            counted(written.answers, "training answer", "training answers"),
            written.answered,
            counted(written.tests, "test task", "test tasks"),
            args.directory.display()
        )),
    }
}

/// Runs `glpft world serve`.
pub(crate) fn serve(args: &WorldServeArgs) -> Result<(), Error> {
    let settings = ToolsSettings {
        key: key(&args.place)?,
        ..ToolsSettings::default()
    };
    let world = world(&args.world);
    let what = format!("{} APIs", world.apis().count());
    serve_world(
        world,
        &place(&args.place),
        settings,
        stop_on_interrupt()?,
        |address| tell(&args.output, address, &what, "/rapidapi and /virtual"),
    )
}

fn world(args: &WorldArgs) -> World {
    World::new(args.seed, Size::from(args.size))
}
