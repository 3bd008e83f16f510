//! Files that are no recipes: one clear error each, and never a panic.
#![allow(clippy::unwrap_used, reason = "a test ends where something is amiss")]

mod common;

use std::{fs, path::PathBuf};

use common::{MINIMAL, error, overrides, parse};
use glpft_recipes::Recipe;
use tempfile::TempDir;

fn written(bytes: &[u8]) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("my recipe.toml");
    fs::write(&path, bytes).unwrap();
    (directory, path)
}

/// The message that loading a file ends in, with the file's name shortened.
fn file_error(bytes: &[u8]) -> String {
    let (_directory, path) = written(bytes);
    let message = Recipe::load(&path, &[]).unwrap_err().to_string();
    message.replace(path.to_str().unwrap(), "FILE")
}

#[test]
fn a_file_loads_and_gives_the_name() {
    let (_directory, path) = written(MINIMAL.as_bytes());
    assert_eq!(Recipe::load(&path, &[]).unwrap().name, "my-recipe");
}

#[test]
fn byte_order_mark_and_windows_lines_are_fine() {
    let text = format!("\u{feff}{}", MINIMAL.replace('\n', "\r\n"));
    let (_directory, path) = written(text.as_bytes());
    assert_eq!(Recipe::load(&path, &[]).unwrap().model.base, "m");
    let place = file_error("[data]\r\nsource = \"ü\" \r\nsorce = 1\r\n".as_bytes());
    assert!(
        place.starts_with("FILE:3:1: unknown key `sorce`"),
        "{place}"
    );
}

#[test]
fn paths_that_are_no_recipe_files() {
    let directory = tempfile::tempdir().unwrap();
    let shown = directory.path().to_str().unwrap();
    assert_eq!(
        Recipe::load(directory.path(), &[]).unwrap_err().to_string(),
        format!("{shown} is a directory; give a recipe's TOML file or a built-in's name")
    );
    let absent = directory.path().join("absent.toml");
    let message = Recipe::load(&absent, &[]).unwrap_err().to_string();
    assert!(
        message.starts_with(&format!("cannot read recipe {shown}/absent.toml: ")),
        "{message}"
    );
    let message = Recipe::load("absent.toml", &[]).unwrap_err().to_string();
    assert!(
        message.starts_with("cannot read recipe absent.toml: "),
        "{message}"
    );
}

#[test]
fn bytes_that_are_no_text() {
    assert_eq!(
        file_error(b"name = \"a\"\nname2 = \"\xff\"\n"),
        "FILE:2: not valid UTF-8; save the recipe as UTF-8 text"
    );
    assert_eq!(
        file_error(&vec![b'#'; (1 << 20) + 1]),
        "FILE is larger than 1048576 bytes, so it is not a recipe; give a recipe's TOML file"
    );
    let binary = file_error(&[0; 4096]);
    assert!(
        binary.starts_with("FILE:1:") && binary.contains(": not valid TOML: "),
        "{binary}"
    );
}

#[test]
fn text_that_is_no_toml() {
    for text in [
        "name = ",
        "= 3",
        "[data",
        "name \"x\"",
        "{\"name\": \"x\"}",
        "name = \"x",
        "a = 1 b = 2",
    ] {
        let message = error(text, &[]);
        assert!(message.starts_with("my.toml:1:"), "{message}");
        assert!(message.contains(": not valid TOML: "), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
    for text in [
        "seed = 1\nseed = 2\n",
        "[data]\n[data]\n",
        "data.source = \"a\"\n[data]\nsource = \"b\"\n",
    ] {
        let message = error(text, &[]);
        assert!(
            message.contains("not valid TOML: duplicate key"),
            "{message}"
        );
    }
}

#[test]
fn deep_and_wide_files_end_in_an_error() {
    let depth = 200_000;
    let dotted = format!("{}a = 1", "a.".repeat(depth));
    let header = format!("[{}a]", "a.".repeat(depth));
    let brackets = format!("name = {}", "[".repeat(depth));
    let closed = format!("name = {}{}", "[".repeat(depth), "]".repeat(depth));
    let inline = format!("data = {}", "{a=".repeat(depth));
    let grown: String = (1..400)
        .map(|n| format!("[{}a]\n", "a.".repeat(n)))
        .collect();
    let wide: String = (0..60_000).map(|n| format!("key{n} = {n}\n")).collect();
    let long = format!("{} = 1", "k".repeat(500_000));
    for text in [dotted, header, brackets, closed, inline, grown, wide, long] {
        let message = error(&text, &[]);
        assert!(message.len() < 500, "{} bytes", message.len());
        assert!(message.starts_with("my.toml:"), "{message}");
    }
    for value in [
        "[".repeat(depth),
        "{a=".repeat(depth),
        "9".repeat(depth),
        "x".repeat(depth),
    ] {
        let set = [format!("stage.lr={value}")];
        let message = error(MINIMAL, &[&set[0]]);
        assert!(message.len() < 500, "{} bytes", message.len());
    }
    let key = format!("{}lr=1", "stage.".repeat(depth));
    assert!(error(MINIMAL, &[&key]).len() < 500);
}

#[test]
fn any_text_in_a_string_survives_writing() {
    let text = "\u{0}\u{1f}\"\\\n\r\t\u{7f}\u{85}\u{2028}ü🦀'''\"\"\" # = [x]";
    let mut recipe = parse(MINIMAL, &[]).unwrap();
    recipe.description = text.to_owned();
    recipe.data.prompts = Some(text.to_owned());
    recipe.stage.caller.from = glpft_recipes::StartFrom::Directory(text.to_owned());
    assert_eq!(
        Recipe::parse(&recipe.to_toml(), "my.toml", &[]).unwrap(),
        recipe
    );
}

#[test]
fn every_prefix_of_a_recipe_is_a_recipe_or_an_error() {
    let text = Recipe::load("sample", &[]).unwrap().to_toml();
    for (end, _) in text.char_indices() {
        let _ = parse(&text[..end], &[]);
        let _ = Recipe::parse_partial(&text[end..], "my.toml", &overrides(&["seed=3"]));
    }
}
