//! A model's folder in a hub's cache: `models--ORGANIZATION--NAME/` with `refs/` and `snapshots/`, whose files are links to blobs.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::HubError;
use crate::CONFIG_FILE;

const SNAPSHOTS: &str = "snapshots";
/// The revision that is fetched where none is named.
const MAIN: &str = "refs/main";
/// How many names a message lists.
const SHOWN: usize = 4;
/// The longest content of `refs/main` that is read: a commit has 40 characters.
const LONGEST_REVISION: usize = 200;

/// The snapshot that a model's folder in a cache stands for: the one that its `refs/main` names, or the only one. `None`
/// where `path` is no folder of a cache.
///
/// # Errors
/// It is one, but says nothing of which snapshot is meant, or holds several models.
pub fn hub_snapshot(path: &Path) -> Result<Option<PathBuf>, HubError> {
    let refuse = |message: String| HubError::Cache {
        path: path.to_owned(),
        message,
    };
    if path.join(CONFIG_FILE).exists() || !path.is_dir() {
        return Ok(None);
    }
    let is_snapshots = path.file_name().is_some_and(|name| name == SNAPSHOTS);
    let root = match is_snapshots {
        true => path.parent().unwrap_or(path),
        false => path,
    };
    let snapshots = root.join(SNAPSHOTS);
    if !snapshots.is_dir() {
        let models = names(path, |name| name.starts_with("models--"));
        return match models.is_empty() {
            true => Ok(None),
            false => Err(refuse(format!(
                "is a hub's cache of several models: give the folder of one ({})",
                listed(&models)
            ))),
        };
    }
    let main = revision(&root.join(MAIN));
    if let Some(snapshot) = main.and_then(|commit| snapshot_of(root, &commit)) {
        return Ok(Some(snapshot));
    }
    let found = names(&snapshots, |_| true);
    match found.as_slice() {
        [only] => Ok(Some(snapshots.join(only))),
        [] => Err(refuse(
            "is a model's folder in a hub's cache, and holds no snapshot: fetch the model again"
                .to_owned(),
        )),
        _ => Err(refuse(format!(
            "is a model's folder in a hub's cache, and its refs/main names none of its snapshots: give one of them ({})",
            listed(&found)
        ))),
    }
}

/// The snapshot of a commit in a model's folder.
pub(crate) fn snapshot_of(folder: &Path, commit: &str) -> Option<PathBuf> {
    let snapshot = folder.join(SNAPSHOTS).join(commit);
    snapshot.is_dir().then_some(snapshot)
}

/// The plain name in a `refs` file.
pub(crate) fn revision(path: &Path) -> Option<String> {
    fs::metadata(path).ok()?.is_file().then_some(())?;
    let text = fs::read_to_string(path).ok()?;
    let name = text.trim();
    let mut parts = Path::new(name).components();
    let plain = matches!(parts.next(), Some(Component::Normal(_))) && parts.next().is_none();
    (plain && name.len() <= LONGEST_REVISION).then(|| name.to_owned())
}

/// The folders in `path` of such names, sorted.
fn names(path: &Path, wanted: impl Fn(&str) -> bool) -> Vec<String> {
    let entries = fs::read_dir(path).into_iter().flatten().flatten();
    let folders = entries.filter(|entry| entry.path().is_dir());
    let mut names: Vec<String> = folders
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|name| wanted(name))
        .collect();
    names.sort();
    names
}

fn listed(names: &[String]) -> String {
    let shown = names.iter().take(SHOWN).map(String::as_str);
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text += ", …";
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_snapshot_that_main_names_is_meant() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = folder.path().join("models--a--b");
        assert_eq!(hub_snapshot(folder.path()).ok(), Some(None));
        fs::create_dir_all(root.join("snapshots")).expect("writable");
        let told = |path: &Path| hub_snapshot(path).expect_err("none is meant").to_string();
        assert!(told(folder.path()).contains("give the folder of one (models--a--b)"));
        assert!(told(&root).contains("holds no snapshot"));
        for revision in ["one", "two"] {
            let snapshot = root.join("snapshots").join(revision);
            fs::create_dir(&snapshot).expect("writable");
            if revision == "one" {
                assert_eq!(hub_snapshot(&root).ok(), Some(Some(snapshot)));
            }
        }
        assert!(told(&root).contains("give one of them (one, two)"));
        fs::create_dir(root.join("refs")).expect("writable");
        for (content, right) in [("two\n", true), ("../..", false), ("three", false)] {
            fs::write(root.join("refs/main"), content).expect("writable");
            for path in [root.clone(), root.join("snapshots")] {
                let found = hub_snapshot(&path).ok().flatten();
                assert_eq!(
                    found,
                    right.then(|| root.join("snapshots/two")),
                    "{content}"
                );
            }
        }
        // A snapshot is a model's folder like any other.
        fs::write(root.join("snapshots/two/config.json"), "{}").expect("writable");
        assert_eq!(hub_snapshot(&root.join("snapshots/two")).ok(), Some(None));
    }
}
