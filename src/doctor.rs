//! What this machine offers, what recipes need of it, and what to do about what is missing.

use std::path::{Path, PathBuf};

use glpft_checkpoints::free_space;
use glpft_recipes::{Recipe, Stage, builtin};
use glpft_train::StepMemory;
use serde::Serialize;
use sysinfo::{CpuRefreshKind, MemoryRefreshKind, RefreshKind, System};

use crate::arrangement::jobs;
use crate::base::Base;
use crate::threads::{DefaultThreads, default_threads};

/// What was found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// The program.
    pub program: Program,
    /// The processor.
    pub cpu: Cpu,
    /// Its memory, where the system tells.
    pub memory: Option<Memory>,
    /// The devices that can be asked for.
    pub devices: Vec<DeviceFinding>,
    /// Folders that are read or written.
    pub places: Vec<Place>,
    /// The built-in recipes.
    pub recipes: Vec<RecipeFinding>,
}

/// The program.
#[derive(Clone, Debug, Serialize)]
pub struct Program {
    /// Its version.
    pub version: &'static str,
    /// System and architecture that it was built for.
    pub target: String,
    /// Optional parts that it was built with.
    pub features: Vec<&'static str>,
}

/// The processor.
#[derive(Clone, Debug, Serialize)]
pub struct Cpu {
    /// Its maker's name for it.
    pub name: String,
    /// Threads that it runs at once.
    pub threads: usize,
    /// Those that this process may use.
    pub usable: usize,
    /// Those that compute where `--threads` does not say.
    pub computing: DefaultThreads,
    /// How many threads all programs together kept busy, on average over the last minute; none where the system does not tell.
    pub load: Option<f64>,
    /// Instruction sets that kernels here are written for, and whether the processor has them.
    pub instruction_sets: Vec<(&'static str, bool)>,
}

/// Bytes of memory.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Memory {
    /// All, or what a control group leaves of it.
    pub total: u64,
    /// What programs can have now.
    pub available: u64,
}

/// A device.
#[derive(Clone, Debug, Serialize)]
pub struct DeviceFinding {
    /// Its name for `--device`.
    pub name: &'static str,
    /// Why it cannot be used, with what to do; none where it can.
    pub problem: Option<String>,
}

/// A folder.
#[derive(Clone, Debug, Serialize)]
pub struct Place {
    /// What it is for.
    pub purpose: &'static str,
    /// Where it is.
    pub path: PathBuf,
    /// Whether it is there.
    pub exists: bool,
    /// Bytes that are free on its disk, where the system tells.
    pub free: Option<u64>,
    /// Why it cannot be used, with what to do; none where it can.
    pub problem: Option<String>,
}

/// A recipe.
#[derive(Clone, Debug, Serialize)]
pub struct RecipeFinding {
    /// Its name.
    pub name: String,
    /// What it needs that is not there, with what to do.
    pub missing: Vec<String>,
    /// The most bytes that one of its stages takes, with micro-batches that are full; none where its base is not known.
    pub memory: Option<u64>,
}

/// Looks around. Writes nothing, and asks no network.
pub fn examine() -> Findings {
    let kind = RefreshKind::nothing()
        .with_cpu(CpuRefreshKind::nothing())
        .with_memory(MemoryRefreshKind::nothing().with_ram());
    // Of a system that tells nothing, nothing is known.
    let system = System::new_with_specifics(kind).ok();
    Findings {
        program: program(),
        cpu: cpu(system.as_ref()),
        memory: system.as_ref().map(memory),
        devices: ["cpu", "cuda", "wgpu"].map(device).to_vec(),
        places: places(),
        recipes: builtin::names().filter_map(recipe).collect(),
    }
}

fn program() -> Program {
    let features = [
        ("cuda", cfg!(feature = "cuda")),
        ("wgpu", cfg!(feature = "wgpu")),
        ("parquet", cfg!(feature = "parquet")),
    ];
    let features = features.into_iter().filter(|(_, built)| *built);
    Program {
        version: env!("CARGO_PKG_VERSION"),
        target: format!("{}-{}", std::env::consts::ARCH, std::env::consts::OS),
        features: features.map(|(name, _)| name).collect(),
    }
}

fn cpu(system: Option<&System>) -> Cpu {
    let cpus = system.map(System::cpus).unwrap_or_default();
    let name = cpus.first().map(|cpu| cpu.brand().trim());
    Cpu {
        name: name.unwrap_or_default().to_owned(),
        threads: cpus.len(),
        usable: std::thread::available_parallelism().map_or(1, usize::from),
        computing: default_threads(),
        load: System::load_average().ok().map(|load| load.one),
        instruction_sets: instruction_sets(),
    }
}

#[cfg(target_arch = "x86_64")]
fn instruction_sets() -> Vec<(&'static str, bool)> {
    vec![
        ("AVX2", is_x86_feature_detected!("avx2")),
        ("AVX-512", is_x86_feature_detected!("avx512f")),
        ("AVX-512 BF16", is_x86_feature_detected!("avx512bf16")),
    ]
}

#[cfg(not(target_arch = "x86_64"))]
fn instruction_sets() -> Vec<(&'static str, bool)> {
    Vec::new()
}

fn memory(system: &System) -> Memory {
    let found = Memory {
        total: system.total_memory(),
        available: system.available_memory(),
    };
    match system.cgroup_limits() {
        Some(limits) if limits.total_memory < found.total => Memory {
            total: limits.total_memory,
            available: limits.free_memory.min(found.available),
        },
        _ => found,
    }
}

fn device(name: &'static str) -> DeviceFinding {
    let problem = glpft_model::device(name).err();
    DeviceFinding {
        name,
        problem: problem.map(|error| error.to_string()),
    }
}

fn places() -> Vec<Place> {
    let place = |purpose, path: PathBuf| {
        // Of a folder that is not there yet, the disk is its nearest parent's.
        let nearest = path.ancestors().find(|parent| parent.exists());
        let nearest = nearest.map_or(Path::new("."), |parent| {
            match parent.as_os_str().is_empty() {
                true => Path::new("."),
                false => parent,
            }
        });
        Place {
            purpose,
            exists: path.is_dir(),
            free: free_space(nearest),
            problem: None,
            path,
        }
    };
    let mut temporary = place("temporary files", std::env::temp_dir());
    if !temporary.exists {
        // Nobody makes this one.
        temporary.free = None;
        temporary.problem = Some(match std::env::var_os("TMPDIR") {
            Some(_) => "TMPDIR names it, and there is no such directory; create it, or have TMPDIR name another".to_owned(),
            None => "there is no such directory; have TMPDIR name one".to_owned(),
        });
    }
    vec![place("runs", PathBuf::from("runs")), temporary]
}

fn recipe(name: &str) -> Option<RecipeFinding> {
    let recipe = Recipe::load_partial(name, &[]).ok()?;
    let set = recipe.missing();
    let mut missing: Vec<String> = set
        .iter()
        .map(|required| format!("--set {}=…", required.key))
        .collect();
    let mut memory = None;
    if !set.iter().any(|required| required.key == "model.base") {
        match Base::resolve(&recipe) {
            Ok(base) => memory = Some(most_memory(&recipe, &base)),
            Err(error) => missing.push(error.to_string()),
        }
    }
    Some(RecipeFinding {
        name: recipe.name.clone(),
        missing,
        memory,
    })
}

/// The most that a stage takes whose micro-batches are full.
fn most_memory(recipe: &Recipe, base: &Base) -> u64 {
    let stages = jobs(recipe).into_iter().map(|job| job.stage);
    let of_stage = |stage: Stage| {
        let settings = recipe.stage(stage);
        let tokens = settings.micro_batch_tokens.max(settings.max_length);
        StepMemory::of(&base.config, settings, tokens, 2 * tokens).total()
    };
    stages.map(of_stage).max().unwrap_or(0)
}
