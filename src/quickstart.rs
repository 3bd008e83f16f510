//! The quick start: a simulated world's training tasks make a small model a team (GLPFT) and, with as long a training, a
//! single agent; both are measured on held-out tasks, step by step and live.
//!
//! [`Quickstart::run`] leaves, in a directory of its own:
//!
//! | path | content |
//! |---|---|
//! | `world/`, `world.json` | the world's files ([`glpft_world`]), and which world it is |
//! | `base/` | the small model that both begin with ([`write_base`]) |
//! | `team/`, `single/` | the runs, with their evaluations in `eval/` and their pages, `report.html` |
//! | `question.json` | a held-out task as a chat request, for `glpft serve` |
//! | `quickstart.json` | a [`QuickstartReport`] |

mod base;
mod contestant;
mod measure;
mod observer;
mod place;
mod question;
mod report;
mod train;

use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use glpft_checkpoints::write_json;
use glpft_world::{Size, TestGroup, World};

use crate::Error;
use crate::report::write_report;
use measure::measure;
use question::question;
use train::train;

pub use base::write_base;
pub use contestant::Contestant;
pub use observer::QuickstartObserver;
pub use report::{ContestantReport, LiveResult, QuickstartReport};

/// The report's file.
pub const QUICKSTART_FILE: &str = "quickstart.json";
/// A held-out task as a chat request.
pub const QUESTION_FILE: &str = "question.json";

/// A quick start: which world, where, and with what.
pub struct Quickstart<'a> {
    /// The world's seed, and that of training.
    pub seed: u64,
    /// The world's size.
    pub size: Size,
    /// How many held-out tasks of each test set are worked on live.
    pub tasks_per_group: usize,
    /// Whether a single model is trained and measured beside the team.
    pub single: bool,
    /// The directory.
    pub out: &'a Path,
    /// Removes a quick start that is there already.
    pub overwrite: bool,
    /// What computes.
    pub device: &'a Device,
    /// Its name, as `--device` gives it.
    pub device_name: &'a str,
    /// Set from outside to end what is under way.
    pub stop: &'a AtomicBool,
    /// Set from outside to have the stage under way write a checkpoint and go on.
    pub save: &'a AtomicBool,
}

impl Quickstart<'_> {
    /// Does what of it is not done yet.
    ///
    /// # Errors
    /// What cannot be trained or measured; [`Error::Interrupted`] and the like where it was told to stop.
    pub fn run(&self, observer: &mut dyn QuickstartObserver) -> Result<QuickstartReport, Error> {
        let started = Instant::now();
        let place = place::own(self.out, self.seed, self.size, self.overwrite)?;
        let root = &place.root;
        observer.world();
        let world = World::new(self.seed, self.size);
        let (files, base) = (root.join(place::WORLD), root.join(place::BASE));
        if !files.is_dir() {
            glpft_world::generate(&world, &files)?;
        }
        write_base(&base)?;
        let mut asked = world.test(TestGroup::G1Instruction);
        if let Some(asked) = asked.find(|asked| asked.truth.solvable) {
            let request = question(&asked.task, Contestant::Team.name());
            write_json(&root.join(QUESTION_FILE), &request)?;
        }
        let mut contestants = Vec::new();
        for contestant in Contestant::ALL {
            if contestant == Contestant::Single && !self.single {
                continue;
            }
            observer.contestant(contestant);
            let recipe = contestant.recipe(&files, &base, self.seed)?;
            let run = root.join(contestant.name());
            let (run, stages) = train(self, &recipe, &run, observer)?;
            let measured = measure(self, &world, &files, &run, observer)?;
            write_report(&run)?;
            contestants.push(ContestantReport::new(contestant, &stages, measured));
        }
        let report = QuickstartReport {
            seed: self.seed,
            contestants,
            seconds: started.elapsed().as_secs_f64(),
        };
        write_json(&root.join(QUICKSTART_FILE), &report)?;
        Ok(report)
    }
}
