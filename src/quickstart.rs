//! The quick start: a simulated world's training tasks make a small model a team (GLPFT) and, with as much training, a
//! single agent. The base, the backbone after the global stage, the team and the single agent work on held-out tasks, so
//! that each stage's share of the result is a number.
//!
//! [`Quickstart::run`] leaves, in a directory of its own:
//!
//! | path | content |
//! |---|---|
//! | `world/`, `world.json` | the world's files ([`glpft_world`]), and which world it is |
//! | `base/` | the small model that all begin with ([`write_base`]) |
//! | `team/`, `single/`, … | the runs, with their evaluations in `eval/` and their pages, `report.html` |
//! | `measured/` | the evaluations of the base and of the backbone after the global stage |
//! | `question.json` | a held-out task as a chat request, for `glpft serve` |
//! | `quickstart.json`, `report.html` | a [`QuickstartReport`], and the same as a page |

mod base;
mod contestant;
mod folders;
mod live_result;
mod measure;
mod observer;
mod page;
mod place;
mod question;
mod report;
mod train;

use std::io::Write;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

use burn::tensor::Device;
use glpft_checkpoints::{RunDirectory, write_atomically, write_json};
use glpft_world::{Size, TestGroup, World};

use crate::Error;
use crate::report::write_report;
use crate::result::FinishedStage;
use measure::{Measuring, measure};
use question::question;
use train::train;

pub use base::write_base;
pub use contestant::{Comparison, Contestant};
pub use live_result::LiveResult;
pub use observer::QuickstartObserver;
pub use report::{ContestantReport, HeldOutLoss, QuickstartReport};

/// The report's file.
pub const QUICKSTART_FILE: &str = "quickstart.json";
/// The report as a page.
pub const PAGE_FILE: &str = "report.html";
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
    /// What is trained and measured beside the team.
    pub comparison: Comparison,
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
    /// What cannot be trained or measured; [`Error::Interruption`] where it was told to stop.
    pub fn run(&self, observer: &mut dyn QuickstartObserver) -> Result<QuickstartReport, Error> {
        let started = Instant::now();
        let place = place::own(self.out, self.seed, self.size, self.overwrite)?;
        let root = &place.root;
        observer.world();
        let world = World::new(self.seed, self.size);
        let (files, base) = (root.join(folders::WORLD), root.join(folders::BASE));
        if !files.is_dir() {
            glpft_world::generate(&world, &files)?;
        }
        write_base(&base)?;
        let mut asked = world.test(TestGroup::G1Instruction);
        if let Some(asked) = asked.find(|asked| asked.truth.solvable) {
            let request = question(&asked.task, Contestant::Team.name());
            write_json(&root.join(QUESTION_FILE), &request)?;
        }
        let team = Contestant::Team.recipe(&files, &base, self.seed)?;
        let place = Measuring {
            root,
            world: &world,
            files: &files,
            recipe: &team,
        };
        let mut contestants = Vec::new();
        let mut trained: Option<(&str, Vec<FinishedStage>)> = None;
        for contestant in Contestant::of(self.comparison) {
            observer.contestant(contestant);
            let stages = match (contestant.run(), trained.take()) {
                (None, _) => Vec::new(),
                (Some(run), Some((name, stages))) if name == run => stages,
                (Some(run), _) => {
                    let recipe = contestant.recipe(&files, &base, self.seed)?;
                    train(self, &recipe, &root.join(run), observer)?
                }
            };
            let measured = measure(self, contestant, &place, observer)?;
            contestants.push(ContestantReport::new(contestant, &stages, measured));
            if let Some(run) = contestant.run() {
                trained = Some((run, stages));
                if contestant != Contestant::Global {
                    write_report(&RunDirectory::open(&root.join(run))?)?;
                }
            }
        }
        contestants.sort_by_key(|one| Contestant::ALL.iter().position(|c| *c == one.contestant));
        let report = QuickstartReport {
            seed: self.seed,
            contestants,
            seconds: started.elapsed().as_secs_f64(),
        };
        let page = report.page().html();
        write_atomically(&root.join(PAGE_FILE), |file| {
            file.write_all(page.as_bytes())
        })?;
        write_json(&root.join(QUICKSTART_FILE), &report)?;
        Ok(report)
    }
}
