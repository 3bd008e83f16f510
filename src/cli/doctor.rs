//! `glpft doctor`.

use glpft::Error;
use glpft::doctor::{Cpu, Findings, examine};
use glpft::threads::DefaultThreads;
use glpft_recipes::counted;
use serde_json::json;

use super::output::{print_json, table};
use super::{DoctorArgs, print};

/// Runs the command.
pub(crate) fn execute(args: &DoctorArgs) -> Result<(), Error> {
    let found = examine();
    match args.json {
        true => print_json(&json!(found)),
        false => print(&text(&found)),
    }
}

fn text(found: &Findings) -> String {
    let Findings { program, cpu, .. } = found;
    let features = match program.features.is_empty() {
        true => "no optional features".to_owned(),
        false => format!("features {}", program.features.join(", ")),
    };
    let sets: Vec<String> = cpu
        .instruction_sets
        .iter()
        .map(|(name, there)| format!("{name} {}", if *there { "yes" } else { "no" }))
        .collect();
    let mut text = format!(
        "program   glpft {} for {}, {features}\n",
        program.version, program.target
    );
    text += &format!(
        "cpu       {}: {}, {} usable here\n",
        cpu.name,
        counted(cpu.threads, "thread", "threads"),
        cpu.usable
    );
    if !sets.is_empty() {
        text += &format!("          {}\n", sets.join(", "));
    }
    text += &threads(cpu);
    let memory = found.memory.map_or("not known".to_owned(), |memory| {
        let [total, available] = [memory.total, memory.available].map(gib);
        format!("{total} in all, {available} available")
    });
    text += &format!("memory    {memory}\n");
    for (number, device) in found.devices.iter().enumerate() {
        let head = if number == 0 { "devices" } else { "" };
        let told = device.problem.as_deref().unwrap_or("ready");
        text += &format!("{head:10}{}: {told}\n", device.name);
    }
    for (number, place) in found.places.iter().enumerate() {
        let head = if number == 0 { "places" } else { "" };
        let free = place
            .free
            .map_or(String::new(), |free| format!(", {} free", gib(free)));
        let there = match &place.problem {
            Some(problem) => format!(": {problem}"),
            None if place.exists => String::new(),
            None => " (not there yet)".to_owned(),
        };
        text += &format!(
            "{head:10}{}: {}{there}{free}\n",
            place.purpose,
            place.path.display()
        );
    }
    text += "\n";
    let mut rows = vec![["recipe", "memory"].map(str::to_owned).to_vec()];
    for recipe in &found.recipes {
        let needs = match recipe.memory {
            Some(bytes) if found.memory.is_some_and(|memory| bytes > memory.available) => {
                format!("{} (too much)", gib(bytes))
            }
            Some(bytes) => gib(bytes),
            None => "-".to_owned(),
        };
        rows.push(vec![recipe.name.clone(), needs]);
    }
    let table = table(&rows);
    let mut lines = table.lines();
    text += &format!("{}  to be set\n", lines.next().unwrap_or_default());
    for (line, recipe) in lines.zip(&found.recipes) {
        text += &format!("{line}  {}", recipe.missing.join("; "));
        text.truncate(text.trim_end().len());
        text += "\n";
    }
    text += "\nMemory is that of the largest stage with full micro-batches. `glpft run RECIPE --dry-run` tells it for your data.\n";
    if found.recipes.iter().any(|recipe| recipe.memory.is_none()) {
        text += "`-`: the memory depends on a base model that is not set or not there yet. `glpft run RECIPE --set model.base=DIR \
                 --set data.source=PATH --dry-run` tells it.\n";
    }
    text
}

/// How many threads compute, why, and how busy the machine is.
fn threads(cpu: &Cpu) -> String {
    let DefaultThreads {
        threads,
        variable,
        not_read,
    } = &cpu.computing;
    let why = match variable {
        Some((name, value)) => format!("{name}={} says so", value.escape_debug()),
        None => "all that are usable".to_owned(),
    };
    let compute = match threads {
        1 => "1 thread computes".to_owned(),
        threads => format!("{threads} threads compute"),
    };
    let mut text = format!("threads   {compute} ({why}); --threads sets another number\n");
    if variable.is_some() && *threads < cpu.usable {
        text += &format!(
            "          fewer than the {} that are usable: unset the variable where that is not meant\n",
            cpu.usable
        );
    }
    for (name, value) in not_read {
        text += &format!("          {name}={} is not read\n", value.escape_debug());
    }
    if let Some(load) = cpu.load {
        text += &format!(
            "load      {load:.1} in the last minute, on {}{}\n",
            counted(cpu.threads, "thread", "threads"),
            match load > 0.5 * cpu.threads as f64 {
                true => ": other programs compute here, too, and slow down what runs beside them",
                false => "",
            }
        );
    }
    text
}

fn gib(bytes: u64) -> String {
    format!("{:.1} GiB", bytes as f64 / (1u64 << 30) as f64)
}
