//! Every built-in recipe loads, says what it says and survives being written.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod common;

use common::{builtin, overrides};
use glpft_recipes::{
    Behaviour, Layout, Recipe, Sampling, Schedule, Separators, Stage, Truncate, Tune,
    builtin as builtins,
};

#[test]
fn all_load_under_their_own_name() {
    let names: Vec<&str> = builtins::names().collect();
    assert_eq!(
        names,
        [
            "sample",
            "world",
            "smollm2-135m",
            "smollm2-135m-lora",
            "smollm2-135m-roles",
            "qwen3-0.6b-lora",
            "qwen3-1.7b-lora",
            "llama-3.2-1b-lora",
            "gemma-3-270m",
            "smollm3-3b-lora",
            "alpha-umi-7b",
            "alpha-umi-7b-lora",
            "alpha-umi-7b-roles"
        ]
    );
    for name in names {
        let recipe = builtin(name, &[]);
        assert_eq!(recipe.name, name);
        assert!(!recipe.description.is_empty());
    }
}

#[test]
fn written_out_they_load_as_equals() {
    for name in builtins::names() {
        let recipe = builtin(name, &["stage.caller.from=/a/model", "stage.max_steps=2"]);
        let text = recipe.to_toml();
        let again = Recipe::parse(&text, "recipe.toml", &[]).unwrap();
        assert_eq!(again, recipe);
        assert_eq!(again.to_toml(), text);
        assert_eq!(again.differences(&recipe), []);

        let partial = Recipe::load_partial(name, &[]).unwrap();
        let again = Recipe::parse_partial(&partial.to_toml(), "recipe.toml", &[]).unwrap();
        assert_eq!(again, partial);
    }
}

#[test]
fn sample_needs_nothing() {
    let recipe = Recipe::load("sample", &[]).unwrap();
    assert_eq!(recipe.missing(), []);
    assert_eq!(recipe.data.source, "builtin:sample");
    assert_eq!(recipe.model.tokenizer.as_deref(), Some("builtin:sample"));
    assert!(recipe.model.random.is_some());
}

#[test]
fn a_real_model_leaves_two_values_to_the_user() {
    let message = Recipe::load("smollm2-135m-lora", &[])
        .unwrap_err()
        .to_string();
    assert_eq!(
        message,
        "built-in smollm2-135m-lora leaves `data.source`, `model.base` to you; set data.source to a file of trajectories \
         (JSON lines of OpenAI `messages`, ShareGPT and other forms), a directory of such files, or a raw ToolBench \
         directory (holding `answer/`) and model.base to a Hugging Face model directory, a model's name on the hub that its cache holds, or a .gguf file: \
         --set data.source=PATH --set model.base=PATH"
    );
    let partial =
        Recipe::load_partial("smollm2-135m-lora", &overrides(&["model.base=/m"])).unwrap();
    let missing: Vec<&str> = partial
        .missing()
        .iter()
        .map(|required| required.key)
        .collect();
    assert_eq!(missing, ["data.source"]);
    assert!(
        partial
            .to_toml()
            .contains("\n# source = …   # to be set: a file of trajectories")
    );
}

#[test]
fn todays_small_models_are_known_by_their_names_on_the_hub() {
    for (name, base, tune) in [
        ("qwen3-0.6b-lora", "Qwen/Qwen3-0.6B", Tune::Lora),
        ("qwen3-1.7b-lora", "Qwen/Qwen3-1.7B", Tune::Lora),
        ("llama-3.2-1b-lora", "meta-llama/Llama-3.2-1B", Tune::Lora),
        ("gemma-3-270m", "google/gemma-3-270m", Tune::Full),
        ("smollm3-3b-lora", "HuggingFaceTB/SmolLM3-3B", Tune::Lora),
    ] {
        let set = overrides(&["data.source=traces.jsonl"]);
        let recipe = Recipe::load(name, &set).unwrap();
        assert_eq!(recipe.model.base, base);
        for stage in Stage::ALL {
            assert_eq!(recipe.stage(stage).tune, tune, "{name}");
        }
    }
}

#[test]
fn alpha_umi_is_as_published() {
    for (name, tune) in [
        ("alpha-umi-7b", Tune::Full),
        ("alpha-umi-7b-lora", Tune::Lora),
    ] {
        let recipe = builtin(name, &[]);
        let published = [
            (2, 5e-5, 0.4, 0.0),
            (1, 1e-5, 0.2, 0.01),
            (1, 1e-5, 0.2, 0.01),
            (2, 1e-5, 0.4, 0.01),
        ];
        for (stage, (epochs, lr, warmup_ratio, weight_decay)) in
            Stage::ALL.into_iter().zip(published)
        {
            let stage = recipe.stage(stage);
            assert_eq!((stage.epochs, stage.lr), (epochs, lr));
            assert_eq!(
                (stage.warmup_ratio, stage.weight_decay),
                (warmup_ratio, weight_decay)
            );
            assert_eq!((stage.batch, stage.max_length), (48, 4096));
            assert_eq!((stage.schedule, stage.tune), (Schedule::Cosine, tune));
            assert_eq!(
                (stage.lora.rank, stage.lora.alpha, stage.lora.dropout),
                (8, 16.0, 0.05)
            );
            assert_eq!(stage.lora.target_modules, ["q_proj", "v_proj"]);
        }
        assert_eq!(recipe.data.behaviour, Behaviour::Compat);
        assert_eq!(recipe.data.truncate, Truncate::Last);
        assert_eq!(recipe.data.sampling, Sampling::Example);
        assert!(!recipe.data.valid_only);
        let fixed = builtin(name, &["data.behaviour=fixed", "data.separators=literal"]);
        assert_eq!(fixed.data.truncate, Truncate::OldestTurns);
        assert_eq!(fixed.data.separators, Separators::Literal);
        assert!(fixed.data.valid_only);
    }
}

#[test]
fn role_adapters_wake_in_the_local_stages_alone() {
    for name in ["smollm2-135m-roles", "alpha-umi-7b-roles"] {
        let recipe = builtin(name, &[]);
        assert_eq!(recipe.data.layout, Layout::RoleLast);
        assert!(!recipe.stage(Stage::Global).wakes());
        assert!(
            Stage::LOCAL
                .iter()
                .all(|&stage| recipe.stage(stage).wakes())
        );
    }
    let refused = |set: &[&str]| {
        let set = [&["data.source=s", "model.base=b"], set].concat();
        let found = Recipe::load("smollm2-135m-roles", &overrides(&set));
        found.unwrap_err().to_string()
    };
    for (set, part) in [
        (
            "data.layout=role-first",
            "needs `data.layout = \"role-last\"`",
        ),
        (
            "data.packing=rows",
            "needs `data.packing = \"tree\"`, not \"rows\"",
        ),
        (
            "data.sampling=example",
            "needs `data.sampling = \"trajectory\"`",
        ),
        ("data.train_on_inputs=true", "exclude each other"),
        (
            "stage.backward=layer-wise",
            "needs `stage.backward = \"whole\"`",
        ),
        ("stage.global.lora.wake=true", "is for the local stages"),
    ] {
        let message = refused(&[set]);
        assert!(
            message.contains("lora.wake` ") && message.contains(part),
            "{message}"
        );
    }
}

#[test]
fn unknown_names_get_the_nearest_and_the_list() {
    let message = Recipe::load("sampel", &[]).unwrap_err().to_string();
    assert_eq!(
        message,
        "no recipe `sampel`; did you mean `sample`? Built-in recipes: `sample`, `world`, \
         `smollm2-135m`, `smollm2-135m-lora`, `smollm2-135m-roles`, `qwen3-0.6b-lora`, `qwen3-1.7b-lora`, `llama-3.2-1b-lora`, `gemma-3-270m`, `smollm3-3b-lora`, \
         `alpha-umi-7b`, `alpha-umi-7b-lora`, `alpha-umi-7b-roles`. A recipe of \
         your own is given as the path of its TOML file"
    );
    let message = Recipe::load("mamba", &[]).unwrap_err().to_string();
    assert!(
        message.starts_with("no recipe `mamba`. Built-in recipes: `sample`"),
        "{message}"
    );
}
