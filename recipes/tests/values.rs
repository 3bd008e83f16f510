//! What a recipe says is what is loaded: defaults, shared stage keys, overrides, differences.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod common;

use common::{MINIMAL, builtin, parse};
use glpft_recipes::{
    Arrangement, Backward, Behaviour, FrozenWeights, Packing, Recipe, Sampling, Schedule, Schemas,
    Stage, StartFrom, Truncate, Tune, WeightType,
};

#[test]
fn defaults() {
    let recipe = parse(MINIMAL, &[]).unwrap();
    assert_eq!(
        (recipe.name.as_str(), recipe.seed, recipe.reuse),
        ("my", 42, true)
    );
    assert_eq!(recipe.arrangement, Arrangement::Glpft);
    let data = &recipe.data;
    assert_eq!(
        (data.behaviour, data.packing),
        (Behaviour::Fixed, Packing::Tree)
    );
    assert_eq!(
        (data.truncate, data.sampling),
        (Truncate::OldestTurns, Sampling::Trajectory)
    );
    assert_eq!(
        (data.fraction, data.validation_fraction, data.split_seed),
        (1.0, 0.05, 42)
    );
    assert_eq!((data.strict, data.valid_only), (false, true));
    let global = recipe.stage(Stage::Global);
    assert_eq!(
        (global.epochs, global.lr, global.warmup_ratio),
        (2, 5e-5, 0.4)
    );
    assert_eq!(
        (global.tune, global.schedule),
        (Tune::Full, Schedule::Cosine)
    );
    assert_eq!(
        (global.batch, global.micro_batch_tokens, global.max_length),
        (16, 4096, 4096)
    );
    assert_eq!(
        (global.beta1, global.beta2, global.epsilon),
        (0.9, 0.999, 1e-8)
    );
    assert_eq!((global.clip_norm, global.max_steps), (1.0, None));
    assert_eq!((global.recompute, global.backward), (0, Backward::Whole));
    assert_eq!(
        (
            global.eval_every,
            global.checkpoint_every,
            global.keep_checkpoints
        ),
        (0, 100, 1)
    );
    assert_eq!(global.from, StartFrom::Base);
    assert_eq!(recipe.stage.caller.from, StartFrom::Global);
}

#[test]
fn stage_keys_are_shared_by_the_stages() {
    let text = format!(
        "{MINIMAL}[stage]\nbatch = 8\nlora.rank = 4\n[stage.planner]\nbatch = 2\nlora.rank = 3\n"
    );
    let recipe = parse(&text, &[]).unwrap();
    assert_eq!(
        Stage::ALL.map(|stage| recipe.stage(stage).batch),
        [8, 2, 8, 8]
    );
    assert_eq!(
        Stage::ALL.map(|stage| recipe.stage(stage).lora.rank),
        [4, 3, 4, 4]
    );
    // An override for all stages is one for all stages; a later one for a single stage is for that one.
    let recipe = parse(
        &text,
        &["stage.batch=5", "stage.caller.batch=6", "stage.lora.rank=7"],
    )
    .unwrap();
    assert_eq!(
        Stage::ALL.map(|stage| recipe.stage(stage).batch),
        [5, 5, 6, 5]
    );
    assert_eq!(
        Stage::ALL.map(|stage| recipe.stage(stage).lora.rank),
        [7, 7, 7, 7]
    );
}

#[test]
fn overrides_read_toml_or_bare_words() {
    let recipe = parse(
        MINIMAL,
        &[
            "data.source=/some/path # 1=2",
            "data.prompts = \"quoted\"",
            "data.test_query_ids=2024",
            "model.base=true",
            "stage.global.lr=1e-4",
            "stage.planner.lr=0.5",
            "stage.summarizer.lr=1",
            "data.strict=true",
            "stage.tune=lora",
            "stage.global.batch=1_000",
            "stage.caller.batch=0x10",
            "stage.planner={epochs=7, lora={rank=9}}",
            "stage.global.lora.target_modules=[\"up_proj\", \"o_proj\"]",
            "stage.caller.lora.target_modules=[up_proj, o_proj]",
            "stage.planner.lora.target_modules=up_proj,o_proj",
            "seed=1",
            "seed=2",
        ],
    )
    .unwrap();
    assert_eq!(recipe.data.source, "/some/path # 1=2");
    assert_eq!(recipe.data.prompts.as_deref(), Some("quoted"));
    assert_eq!(recipe.data.test_query_ids.as_deref(), Some("2024"));
    assert_eq!(recipe.model.base, "true");
    assert_eq!(recipe.stage.global.lr, 1e-4);
    assert_eq!(
        (recipe.stage.planner.lr, recipe.stage.summarizer.lr),
        (0.5, 1.0)
    );
    assert!(recipe.data.strict);
    assert_eq!(recipe.stage.caller.tune, Tune::Lora);
    assert_eq!(
        (recipe.stage.global.batch, recipe.stage.caller.batch),
        (1000, 16)
    );
    assert_eq!(
        (recipe.stage.planner.epochs, recipe.stage.planner.lora.rank),
        (7, 9)
    );
    for stage in [Stage::Global, Stage::Caller, Stage::Planner] {
        assert_eq!(
            recipe.stage(stage).lora.target_modules,
            ["up_proj", "o_proj"]
        );
    }
    assert_eq!(recipe.seed, 2);
}

#[test]
fn patterns_of_adapters_are_tables() {
    let text = "data.source = \"d\"\nmodel.base = \"b\"\n[stage.lora]\nrank_pattern = { q_proj = 16, \"layers.0.mlp.up_proj\" = 2 }\n\
                [stage.lora.alpha_pattern]\n'v_\\w+' = 3\n";
    let sets = [
        "stage.planner.lora.rank_pattern={ v_proj = 4 }",
        "stage.lora.rslora=true",
    ];
    let recipe = Recipe::parse(text, "my.toml", &common::overrides(&sets)).unwrap();
    let ranks = |stage| Vec::from_iter(recipe.stage(stage).lora.rank_pattern.clone());
    let [layer, q] = ["layers.0.mlp.up_proj", "q_proj"].map(str::to_owned);
    assert_eq!(ranks(Stage::Global), [(layer, 2), (q, 16)]);
    assert_eq!(ranks(Stage::Planner), [("v_proj".to_owned(), 4)]);
    let alphas = &recipe.stage.caller.lora.alpha_pattern;
    assert_eq!(alphas.get(r"v_\w+"), Some(&3.0));
    assert!(recipe.stage.summarizer.lora.rslora);
    let again = Recipe::parse(&recipe.to_toml(), "my.toml", &[]).unwrap();
    assert_eq!(again.stage, recipe.stage);
    let one = ["stage.lora.rank_pattern.q_proj=4"];
    let error = Recipe::parse(text, "my.toml", &common::overrides(&one)).unwrap_err();
    assert!(error.to_string().contains("is set as a whole"), "{error}");
}

#[test]
fn the_arrangement_decides_over_from() {
    let from = |sets: &[&str]| {
        let recipe = parse(MINIMAL, sets).unwrap();
        Stage::ALL.map(|stage| recipe.stage(stage).from.clone())
    };
    use StartFrom::{Base, Directory, Global};
    assert_eq!(from(&[]), [Base, Global, Global, Global]);
    assert_eq!(from(&["arrangement=one-stage"]), [Base, Base, Base, Base]);
    let directory = || Directory("/m".to_owned());
    assert_eq!(
        from(&[
            "arrangement=one-stage",
            "stage.caller.from=/m",
            "stage.planner.from=global"
        ]),
        [Base, Base, directory(), Base]
    );
    assert_eq!(
        from(&["stage.from=/m"]),
        [Base, directory(), directory(), directory()]
    );
    assert_eq!(
        from(&["stage.global.from=base", "stage.caller.from=base"]),
        [Base, Global, Base, Global]
    );
}

#[test]
fn differences_are_named() {
    let ours = builtin("sample", &[]);
    let theirs = builtin(
        "sample",
        &[
            "name=other",
            "description=other",
            "stage.planner.lr=1e-3",
            "stage.max_steps=2",
            "data.prompts=p",
        ],
    );
    let shown: Vec<String> = ours
        .differences(&theirs)
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        shown,
        [
            "data.prompts: not set here, \"p\" there",
            "stage.global.max_steps: not set here, 2 there",
            "stage.planner.lr: 0.0005 here, 0.001 there",
            "stage.planner.max_steps: not set here, 2 there",
            "stage.caller.max_steps: not set here, 2 there",
            "stage.summarizer.max_steps: not set here, 2 there",
        ]
    );
    // What may change is what does not decide, but for how long an unfinished stage goes on.
    let may_change = |setting: &str, finished: &[Stage]| {
        let other = builtin("sample", &[setting]);
        let differences = ours.differences(&other);
        let may = differences.iter().all(|one| one.may_change(finished));
        assert_eq!(
            may,
            Stage::ALL
                .iter()
                .all(|&stage| ours.deciding(stage) == other.deciding(stage)),
            "{setting}"
        );
        may
    };
    for setting in [
        "recompute=2",
        "eval_every=7",
        "keep_best=true",
        "on_not_finite=skip",
        "max_not_finite=1",
    ] {
        assert!(
            may_change(&format!("stage.{setting}"), &Stage::ALL),
            "{setting}"
        );
    }
    for setting in ["epochs=90", "max_steps=3"] {
        assert!(may_change(&format!("stage.{setting}"), &[]), "{setting}");
    }
    for setting in [
        "seed=5",
        "stage.backward=layer-wise",
        "stage.lora.rank=3",
        "stage.lr=0.3",
        "data.packing=rows",
    ] {
        assert!(!may_change(setting, &[]), "{setting}");
    }
    let longer = builtin("sample", &["stage.global.epochs=90"]).differences(&ours);
    assert!(longer[0].may_change(&[Stage::Planner]) && !longer[0].may_change(&[Stage::Global]));
    let plain = parse(MINIMAL, &[]).unwrap();
    let random = |differences: Vec<glpft_recipes::Difference>| {
        differences
            .iter()
            .filter(|d| d.key.starts_with("model.random."))
            .count()
    };
    assert_eq!(random(plain.differences(&ours)), 8);
    assert_eq!(random(ours.differences(&plain)), 8);
}

/// A value other than the default for every key of a written recipe: none may get lost on the way.
#[test]
fn every_key_reaches_the_recipe() {
    let base = builtin(
        "sample",
        &[
            "data.prompts=p",
            "data.test_query_ids=q",
            "stage.max_steps=9",
        ],
    );
    let text = base.to_toml();
    let mut table = String::new();
    let mut tried = 0;
    for line in text.lines() {
        if let Some(header) = line.strip_prefix('[') {
            table = format!("{}.", header.trim_end_matches(']'));
        }
        let Some((key, value)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) else {
            continue;
        };
        let path = format!("{table}{key}");
        // The one key with one value, and those that only change together.
        if [
            "stage.global.from",
            "model.base",
            "arrangement",
            "reuse",
            "global_data",
            "model.weights",
            "model.double_quantization",
        ]
        .contains(&path.as_str())
        {
            continue;
        }
        let other = match (key, value) {
            ("behaviour", _) => "compat",
            ("give_up_history", _) => "stale",
            ("system_prefix", _) => "none",
            ("separators", _) => "literal",
            ("observations", _) => "response",
            ("arguments", _) => "published",
            ("schemas", _) => "published",
            ("layout", _) => "role-last",
            ("rationale", _) => "drop-planner",
            ("duplicates", _) => "drop",
            ("truncate", _) => "drop",
            ("sampling", _) => "example",
            ("packing", _) => "rows",
            ("tune", _) => "lora",
            ("dtype", _) => "bf16",
            ("moments", _) => "int8",
            ("backward", _) => "layer-wise",
            ("precision", _) => "bf16",
            ("schedule", _) => "linear",
            ("on_not_finite", _) => "skip",
            ("hidden_size", _) => "64",
            ("heads", _) => "8",
            ("kv_heads", _) => "1",
            ("max_positions", _) => "4096",
            (
                "lr"
                | "initializer_range"
                | "fraction"
                | "validation_fraction"
                | "max_bad_fraction",
                _,
            ) => "0.3",
            ("warmup_ratio" | "weight_decay" | "clip_norm", _) => "0.3",
            ("beta1" | "beta2" | "epsilon" | "alpha" | "dropout", _) => "0.3",
            ("target_modules", _) => "[\"o_proj\"]",
            ("rank_pattern" | "alpha_pattern", _) => "{ q_proj = 3 }",
            (_, "true") => "false",
            (_, "false") => "true",
            (_, number) if number.parse::<u64>().is_ok() => "11",
            _ => "other",
        };
        let changed = Recipe::parse(
            &text,
            "my.toml",
            &common::overrides(&[&format!("{path}={other}")]),
        )
        .unwrap();
        assert_ne!(changed, base, "{path}");
        if path != "name" && path != "description" {
            let differences = changed.differences(&base);
            let keys: Vec<&str> = differences.iter().map(|d| d.key.as_str()).collect();
            assert_eq!(keys, [path.as_str()]);
        }
        tried += 1;
    }
    assert_eq!(tried, 5 + 3 + 8 + 23 + 4 * (25 + 8) - 4);
}

#[test]
fn frozen_weights_are_those_of_stages_that_train_adapters() {
    let held = |overrides: &[&str]| {
        let recipe = builtin("smollm2-135m-lora", overrides);
        Stage::ALL.map(|stage| recipe.stage(stage).frozen)
    };
    let nf4 = FrozenWeights {
        held_as: WeightType::Nf4,
        double_quantization: true,
    };
    let set = ["model.weights=nf4", "model.double_quantization=true"];
    assert_eq!(held(&[]), [FrozenWeights::default(); 4]);
    assert_eq!(held(&set), [nf4; 4]);
    let full_global = [set[0], set[1], "stage.global.tune=full"];
    let whole = FrozenWeights::default();
    assert_eq!(held(&full_global), [whole, nf4, nf4, nf4]);
    // They decide what such a stage learns, and nothing where they are the files' own.
    let deciding = |overrides: &[&str], stage| {
        let recipe = builtin("smollm2-135m-lora", overrides);
        recipe.deciding(stage).get("model.weights").cloned()
    };
    assert_eq!(
        deciding(&full_global, Stage::Planner),
        Some("\"nf4\"".to_owned())
    );
    assert_eq!(deciding(&full_global, Stage::Global), None);
    assert_eq!(deciding(&[], Stage::Planner), None);
}

#[test]
fn a_recipe_that_was_resolved_before_there_was_the_key_has_published_schemas() {
    let sample = builtin("sample", &["data.test_query_ids=q"]);
    assert_eq!(sample.data.schemas, Schemas::Whole);
    let text = sample.to_toml();
    let older = text.replace("schemas = \"whole\"\n", "");
    assert_ne!(older, text);
    let read = Recipe::parse(&older, "recipe.toml", &[]).unwrap();
    assert_eq!(read.data.schemas, Schemas::Published);
    // Whoever writes a recipe means today's default.
    let own = older.split_once('\n').unwrap().1;
    let read = Recipe::parse(own, "my.toml", &[]).unwrap();
    assert_eq!(read.data.schemas, Schemas::Whole);
    let world = ["data.source=s", "model.base=b"];
    assert_eq!(builtin("world", &world).data.schemas, Schemas::Published);
}
