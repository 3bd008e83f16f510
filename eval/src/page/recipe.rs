//! What was asked for.

use glpft_recipes::{Recipe, StageRecipe, Tune, counted};
use maud::{Markup, html};

use super::facts::{self, cell};
use super::model::RunPage;
use super::text::Foreign;

/// A setting of a stage: its name, and how it is written.
type Setting = (&'static str, fn(&StageRecipe) -> String);

/// The settings that decide most.
const SETTINGS: [Setting; 15] = [
    ("tuned", tuned),
    ("epochs", |stage| stage.epochs.to_string()),
    ("learning rate", |stage| format!("{:e}", stage.lr)),
    ("schedule", |stage| stage.schedule.to_string()),
    ("warm-up", |stage| {
        format!("{:.0} %", 100.0 * stage.warmup_ratio)
    }),
    ("weight decay", |stage| stage.weight_decay.to_string()),
    ("gradient bound", |stage| stage.clip_norm.to_string()),
    ("examples a step", |stage| stage.batch.to_string()),
    ("longest example", |stage| stage.max_length.to_string()),
    ("tokens of a micro-batch", |stage| {
        stage.micro_batch_tokens.to_string()
    }),
    ("layers computed again", |stage| match stage.recompute {
        0 => "none".to_owned(),
        1 => "all".to_owned(),
        every => format!("one of {every}"),
    }),
    ("backward pass", |stage| stage.backward.to_string()),
    ("precision", |stage| stage.precision.to_string()),
    ("most steps", |stage| {
        stage
            .max_steps
            .map_or("–".to_owned(), |steps| steps.to_string())
    }),
    ("validated every", |stage| match stage.eval_every {
        0 => "–".to_owned(),
        steps => counted(steps, "step", "steps"),
    }),
];

fn tuned(stage: &StageRecipe) -> String {
    match stage.tune {
        Tune::Full => "all weights".to_owned(),
        Tune::Lora => format!("LoRA, rank {}", stage.lora.rank),
    }
}

/// The run's settings, each stage's, and the file.
pub(super) fn body(page: &RunPage) -> Markup {
    html! {
        (facts::list(&facts_of(&page.recipe)))
        (stages(page))
        details.fold {
            summary { "recipe.toml, every default written out" }
            pre tabindex="0" { (Foreign(&page.recipe_text)) }
        }
    }
}

fn facts_of(recipe: &Recipe) -> Vec<(&'static str, String)> {
    let base = match &recipe.model.random {
        Some(random) => format!(
            "random Llama: {} layers, width {}",
            random.layers, random.hidden_size
        ),
        None => recipe.model.base.clone(),
    };
    let mut facts = vec![
        ("arrangement", recipe.arrangement.to_string()),
        ("base model", base),
    ];
    if let Some(tokenizer) = &recipe.model.tokenizer {
        facts.push(("tokenizer", tokenizer.clone()));
    }
    let reuse = match recipe.reuse {
        true => "every stage trains on all training queries",
        false => "the global stage and the local ones train on disjoint halves",
    };
    facts.extend([
        ("data behaviour", recipe.data.behaviour.to_string()),
        ("sampling", recipe.data.sampling.to_string()),
        ("packing", recipe.data.packing.to_string()),
        ("reuse", reuse.to_owned()),
        ("seed", recipe.seed.to_string()),
    ]);
    facts
}

fn stages(page: &RunPage) -> Markup {
    let mut head = vec!["setting"];
    head.extend(page.stages.iter().map(|stage| stage.stage.name()));
    let rows: Vec<_> = SETTINGS
        .iter()
        .map(|(name, text)| {
            let values = page.stages.iter();
            let values = values.map(|stage| cell(text(page.recipe.stage(stage.stage))));
            [vec![cell(name)], values.collect()].concat()
        })
        .collect();
    facts::table(&head, &rows)
}
