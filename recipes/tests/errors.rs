//! Every way a recipe can be wrong, with the message a user reads.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod common;

use common::{MINIMAL, error, parse};

#[test]
fn a_typo_in_every_section_names_line_and_nearest_key() {
    for (text, message) in [
        (
            "sed = 1\n",
            "my.toml:1:1: unknown key `sed` in the recipe; did you mean `seed`?",
        ),
        (
            "[stages.planner]\nlr = 1\n",
            "my.toml:1:2: unknown key `stages` in the recipe; did you mean `stage`?",
        ),
        (
            "[model]\nbse = \"m\"\n",
            "my.toml:2:1: unknown key `bse` in [model]; did you mean `base`?",
        ),
        (
            "[model.random]\nhidden_dim = 2\n",
            "my.toml:2:1: unknown key `hidden_dim` in [model.random]; did you mean `hidden_size`?",
        ),
        (
            "[data]\n\nsorce = \"d\"\n",
            "my.toml:3:1: unknown key `sorce` in [data]; did you mean `source`?",
        ),
        (
            "[stage]\nbatch_size = 2\n",
            "my.toml:2:1: unknown key `batch_size` in [stage]; did you mean `batch`?",
        ),
        (
            "[stage.plan]\nlr = 1\n",
            "my.toml:1:8: unknown key `plan` in [stage]; did you mean `planner`?",
        ),
        (
            "[stage.planner]\nepoch = 2\n",
            "my.toml:2:1: unknown key `epoch` in [stage.planner]; did you mean `epochs`?",
        ),
        (
            "[stage.planner]\nlearning_rate = 2\n",
            "my.toml:2:1: unknown key `learning_rate` in [stage.planner]; did you mean `lr`?",
        ),
        (
            "[stage.caller.lora]\nr = 2\n",
            "my.toml:2:1: unknown key `r` in [stage.caller.lora]; did you mean `rank`?",
        ),
        (
            "[stage.lora]\ntarget-modules = []\n",
            "my.toml:2:1: unknown key `target-modules` in [stage.lora]; did you mean `target_modules`?",
        ),
        // Dotted keys and inline tables.
        (
            "stage.planner.lora.dropuot = 0.1\n",
            "my.toml:1:20: unknown key `dropuot` in [stage.planner.lora]; did you mean `dropout`?",
        ),
        (
            "data = { source = \"d\", stric = true }\n",
            "my.toml:1:24: unknown key `stric` in [data]; did you mean `strict`?",
        ),
        // A key in the wrong table.
        (
            "epochs = 2\n",
            "my.toml:1:1: unknown key `epochs` in the recipe; `epochs` belongs in [stage] or [stage.<name>]",
        ),
        (
            "[stage.planner]\nrank = 2\n",
            "my.toml:2:1: unknown key `rank` in [stage.planner]; `rank` belongs in [stage.lora] or \
             [stage.<name>.lora]",
        ),
        (
            "[model.random]\nwarm_up_ratio = 2\n",
            "my.toml:2:1: unknown key `warm_up_ratio` in [model.random]; did you mean `warmup_ratio`, which belongs \
             in [stage] or [stage.<name>]?",
        ),
        // Nothing near.
        (
            "[model]\nquantization = 4\n",
            "my.toml:2:1: unknown key `quantization` in [model]; valid keys there: `base`, `tokenizer`, `dtype`, \
             `weights`, `double_quantization`, `random`",
        ),
        (
            "\"a\\nb\" = 4\n",
            "my.toml:1:1: unknown key `a\\nb` in the recipe; valid keys there: `name`, `description`, `seed`, \
             `arrangement`, `reuse`, `global_data`, `model`, `data`, `stage`",
        ),
    ] {
        assert_eq!(error(text, &[]), message);
    }
}

#[test]
fn overrides_are_as_strict() {
    for (set, message) in [
        (
            "stage.planner.epoch=3",
            "--set stage.planner.epoch=3: unknown key `epoch` in [stage.planner]; did you mean `epochs`?",
        ),
        (
            "stage.plannr.epochs=3",
            "--set stage.plannr.epochs=3: unknown key `plannr` in [stage]; did you mean `planner`?",
        ),
        (
            "sead=3",
            "--set sead=3: unknown key `sead` in the recipe; did you mean `seed`?",
        ),
        (
            "lr=3",
            "--set lr=3: unknown key `lr` in the recipe; `lr` belongs in [stage] or [stage.<name>]",
        ),
        (
            "stage.epochs=two",
            "--set stage.epochs=two: `stage.epochs` must be a whole number, found the string \"two\"",
        ),
        (
            "stage.epochs=0",
            "--set stage.epochs=0: `stage.epochs` is 0; allowed: 1 to 100000",
        ),
        (
            "stage.lr=1e-",
            "--set stage.lr=1e-: `stage.lr` must be a number, found the string \"1e-\"",
        ),
        (
            "stage=3",
            "--set stage=3: `stage` must be a table, found the integer 3",
        ),
        (
            "stage={lr=2}",
            "--set stage={lr=2}: `stage.lr` is 2; allowed: more than 0, at most 1",
        ),
        (
            "stage={epoch=2}",
            "--set stage={epoch=2}: unknown key `epoch` in [stage]; did you mean `epochs`?",
        ),
        (
            "data.source.path=/d",
            "--set data.source.path=/d: `data.source` is not a table, so it has no key `path`; write --set \
             key.path=value, for example --set stage.global.lr=1e-4",
        ),
        (
            "stage..lr=1",
            "--set stage..lr=1: unknown key `` in [stage]; valid keys there: `from`, `tune`, `epochs`, \
          `lr`, `warmup_ratio`, `weight_decay`, `schedule`, `batch`, `micro_batch_tokens`, `recompute`, \
          `backward`, `max_length`, `precision`, \
          `clip_norm`, `beta1`, `beta2`, `epsilon`, `moments`, `eval_every`, `checkpoint_every`, `keep_checkpoints`, \
          `keep_best`, `on_not_finite`, `max_not_finite`, \
          `max_steps`, `lora`, `global`, `planner`, `caller`, `summarizer`",
        ),
    ] {
        assert_eq!(error(MINIMAL, &[set]), message);
    }
    let unclosed = error(MINIMAL, &["data.strict=\"true"]);
    assert!(
        unclosed.starts_with("--set data.strict=\"true: not valid TOML: "),
        "{unclosed}"
    );
}

#[test]
fn an_override_is_key_equals_value() {
    use glpft_recipes::Override;
    let message = |text: &str| text.parse::<Override>().unwrap_err().to_string();
    let how = "; write --set key.path=value, for example --set stage.global.lr=1e-4";
    assert_eq!(message("stage.lr"), format!("--set stage.lr: no `=`{how}"));
    assert_eq!(
        message("=3"),
        format!("--set =3: no key before the `=`{how}")
    );
    assert_eq!(
        message("stage.lr="),
        format!("--set stage.lr=: no value after the `=`{how}")
    );
    assert_eq!(
        message("stage.lr= "),
        format!("--set stage.lr= : no value after the `=`{how}")
    );
}

#[test]
fn wrong_types_name_what_is_expected() {
    for (text, message) in [
        (
            "seed = \"1\"",
            "my.toml:1:8: `seed` must be a whole number, found the string \"1\"",
        ),
        (
            "seed = 1.0",
            "my.toml:1:8: `seed` must be a whole number, found the float 1.0",
        ),
        (
            "reuse = 1",
            "my.toml:1:9: `reuse` must be true or false, found the integer 1",
        ),
        (
            "name = true",
            "my.toml:1:8: `name` must be a string, found true",
        ),
        (
            "name = 1979-05-27",
            "my.toml:1:8: `name` must be a string, found a date",
        ),
        (
            "name = []",
            "my.toml:1:8: `name` must be a string, found an array",
        ),
        (
            "data = 3",
            "my.toml:1:8: `data` must be a table, found the integer 3",
        ),
        (
            "[[data]]\nsource = 3",
            "my.toml:1:1: `data` must be a table, found an array",
        ),
        (
            "[data.source]\npath = 3",
            "my.toml:1:1: `data.source` must be a string, found a table",
        ),
        (
            "stage.lr = \"fast\"",
            "my.toml:1:12: `stage.lr` must be a number, found the string \"fast\"",
        ),
        (
            "stage.lora.target_modules = \"q_proj\"",
            "my.toml:1:29: `stage.lora.target_modules` must be an array of strings, found the string \"q_proj\"",
        ),
        (
            "stage.lora.rank_pattern = [\"q_proj\"]",
            "my.toml:1:27: `stage.lora.rank_pattern` must be a table of whole numbers, such as { q_proj = 16 }, found an array",
        ),
        (
            "stage.lora.rank_pattern = { q_proj = 16, up_proj = 0 }",
            "my.toml:1:27: `stage.lora.rank_pattern.up_proj` is 0; allowed: 1 to 16384",
        ),
        (
            "stage.lora.alpha_pattern = { q_proj = \"much\" }",
            "my.toml:1:28: `stage.lora.alpha_pattern.q_proj` must be a number, found the string \"much\"",
        ),
        (
            "stage.lora.target_modules = [\"q_proj\", 3]",
            "my.toml:1:29: `stage.lora.target_modules` must be an array of strings, found the integer 3 in the array",
        ),
        (
            "arrangement = \"onestage\"",
            "my.toml:1:15: `arrangement` is \"onestage\"; allowed: `glpft`, `single`, `one-stage`, `multi-task`, `mixed`; \
             did you mean `one-stage`?",
        ),
        (
            "data.packing = \"bins\"",
            "my.toml:1:16: `data.packing` is \"bins\"; allowed: `tree`, `rows`, `none`",
        ),
        (
            "data.source = \" \"",
            "my.toml:1:15: `data.source` is empty; allowed: any other text",
        ),
    ] {
        assert_eq!(error(text, &[]), message);
    }
}

#[test]
fn numbers_are_range_checked() {
    for (set, allowed) in [
        ("seed=-1", "0 to 9223372036854775807"),
        ("seed=9223372036854775808", "0 to 9223372036854775807"),
        ("data.fraction=0", "more than 0, at most 1"),
        ("data.fraction=nan", "more than 0, at most 1"),
        ("data.validation_fraction=0.6", "at least 0, at most 0.5"),
        ("stage.global.lr=0.0", "more than 0, at most 1"),
        ("stage.global.lr=inf", "more than 0, at most 1"),
        ("stage.caller.warmup_ratio=1.5", "at least 0, at most 1"),
        ("stage.caller.weight_decay=-0.1", "at least 0, at most 1"),
        ("stage.batch=0", "1 to 1000000000"),
        ("stage.batch=99999999999999999999", "1 to 1000000000"),
        ("stage.micro_batch_tokens=0", "1 to 1000000000"),
        ("stage.max_length=1", "2 to 1000000000"),
        ("stage.clip_norm=-1", "at least 0, at most 1000000"),
        ("stage.beta1=1.0", "at least 0, less than 1"),
        ("stage.beta2=1e400", "at least 0, less than 1"),
        ("stage.epsilon=0", "more than 0, at most 1"),
        ("stage.keep_checkpoints=0", "1 to 1000000000"),
        ("stage.max_steps=0", "1 to 1000000000"),
        ("stage.lora.rank=0", "1 to 16384"),
        ("stage.lora.alpha=0", "more than 0, at most 1000000"),
        ("stage.lora.dropout=1", "at least 0, less than 1"),
        ("model.random.layers=0", "1 to 4096"),
    ] {
        let (key, value) = set.split_once('=').unwrap();
        assert_eq!(
            error(MINIMAL, &[set]),
            format!("--set {set}: `{key}` is {value}; allowed: {allowed}")
        );
    }
}

const RANDOM: &str = "[data]\nsource = \"d\"\n[model]\nbase = \"random\"\ntokenizer = \"t\"\n[model.random]\n\
    hidden_size = 64\nintermediate_size = 8\nlayers = 1\nheads = 4\nmax_positions = 512\n";

#[test]
fn weights_of_a_random_model_are_refused_and_a_base_beside_random_is_named() {
    let sets = ["model.weights=nf4", "stage.tune=lora"];
    let message = |more: &str| {
        let sets: Vec<&str> = sets.iter().copied().chain([more]).collect();
        parse(RANDOM, &sets).unwrap_err().to_string()
    };
    assert!(message("seed=1").contains("is drawn at random"));
    assert!(message("model.base=/m").contains("but [model.random] is there"));
}

#[test]
fn keys_have_to_go_together() {
    assert_eq!(parse(RANDOM, &[]).unwrap().stage.global.max_length, 512);
    for (text, set, message) in [
        (
            MINIMAL,
            "name=a/b",
            "--set name=a/b: `name` names the run's directory: letters, digits, `.`, `_` and `-`, at most 64 of them, \
             the first a letter or digit",
        ),
        (
            "arrangement = \"single\"\nreuse = false\n",
            "seed=1",
            "my.toml:2:9: `reuse = false` splits the data between the global and the local stages, which only \
             `arrangement = \"glpft\"` has both of, not \"single\"",
        ),
        (
            "arrangement = \"single\"\nglobal_data = \"mixed\"\n",
            "seed=1",
            "my.toml:2:15: `global_data = \"mixed\"` is about the global stage of `arrangement = \"glpft\"`; \"single\" says \
             by itself what is read",
        ),
        (
            MINIMAL,
            "model.base=random",
            "--set model.base=random: `model.base` is \"random\", but there is no [model.random]; give the shape: \
             hidden_size, intermediate_size, layers, heads",
        ),
        (
            RANDOM,
            "model.base=/m",
            "--set model.base=/m: `model.base` is \"/m\", but [model.random] is there, which is for \"random\" alone; \
             leave one of the two away",
        ),
        (
            "[model]\nbase = \"random\"\n[model.random]\nlayers = 1\nheads = 1\n",
            "seed=1",
            "my.toml:5:9: [model.random] lacks `hidden_size`, `intermediate_size`; give them",
        ),
        (
            "[model]\nbase = \"random\"\nrandom = { hidden_size = 2, intermediate_size = 2, layers = 1, heads = 1 }\n",
            "seed=1",
            "my.toml:2:8: a random model has no tokenizer of its own; set `model.tokenizer`",
        ),
        (
            RANDOM,
            "model.random.heads=7",
            "my.toml:7:15: [model.random]: `hidden_size` 64 is not a multiple of `heads` 7",
        ),
        (
            RANDOM,
            "model.random.heads=64",
            "my.toml:7:15: [model.random]: `hidden_size` / `heads` is 1, but rotary positions need an even head size",
        ),
        (
            RANDOM,
            "model.random.kv_heads=3",
            "--set model.random.kv_heads=3: [model.random]: `heads` 4 is not a multiple of `kv_heads` 3",
        ),
        (
            RANDOM,
            "stage.max_length=513",
            "--set stage.max_length=513: `stage.global.max_length` is 513, but `model.random.max_positions` is 512; \
             lower the one or raise the other",
        ),
        (
            MINIMAL,
            "stage.global.from=/m",
            "--set stage.global.from=/m: `stage.global.from` can only be \"base\": the global stage starts from \
             `model.base`; set that instead",
        ),
        (
            "[stage.caller]\nbackward = \"layer-wise\"\nrecompute = 2\n",
            "seed=1",
            "my.toml:3:13: `stage.caller.recompute` is 2, but `backward = \"layer-wise\"` computes every layer again; \
             leave one of the two away",
        ),
        (
            "[stage.caller.lora]\ntarget_modules = []\n",
            "seed=1",
            "my.toml:2:18: `stage.caller.lora.target_modules` is empty; name projections, such as [\"q_proj\", \"v_proj\"]",
        ),
        (
            "[stage.lora]\ntarget_modules = [\"q_proj\", \"q_proj\"]\n",
            "seed=1",
            "my.toml:2:18: `q_proj` stands twice in `stage.global.lora.target_modules`",
        ),
        (
            "[stage.lora]\ntarget_modules = [\"self_attn.q_proj\"]\n",
            "seed=1",
            "my.toml:2:18: \"self_attn.q_proj\" in `stage.global.lora.target_modules` is not a projection's name; give the \
             last part of it, such as `q_proj`",
        ),
    ] {
        assert_eq!(error(text, &[set]), message);
    }
}

#[test]
fn the_first_error_in_the_text_is_the_one_reported() {
    assert!(error("zzz = 1\nseed = \"x\"\naaa = 2\n", &[]).starts_with("my.toml:1:1: "));
}
