//! The folder that `hf download` fills, and the models in it.

use std::env;
use std::path::PathBuf;

use super::snapshot::{hub_snapshot, revision, snapshot_of};
use super::{HubError, HubName};

/// A folder that a hub's downloads are kept in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubCache {
    root: PathBuf,
}

impl HubCache {
    /// The cache in the folder `root`.
    pub fn at(root: impl Into<PathBuf>) -> Self {
        Self { root: root.into() }
    }

    /// The cache that `hf download` fills: `HF_HUB_CACHE`, else `hub` in `HF_HOME`, else `huggingface/hub` in
    /// `XDG_CACHE_HOME` or `~/.cache`.
    pub fn of_environment() -> Self {
        Self::of(|name| env::var_os(name).map(PathBuf::from), env::home_dir())
    }

    fn of(variable: impl Fn(&str) -> Option<PathBuf>, home: Option<PathBuf>) -> Self {
        let home = home.unwrap_or_default();
        let variable = |name| {
            let path = variable(name).filter(|path| !path.as_os_str().is_empty())?;
            Some(match path.strip_prefix("~") {
                Ok(inside) => home.join(inside),
                Err(_) => path,
            })
        };
        let whole = variable("HF_HUB_CACHE").or_else(|| variable("HUGGINGFACE_HUB_CACHE"));
        let root = whole.unwrap_or_else(|| {
            let place = variable("HF_HOME").unwrap_or_else(|| {
                let cache = variable("XDG_CACHE_HOME").unwrap_or_else(|| home.join(".cache"));
                cache.join("huggingface")
            });
            place.join("hub")
        });
        Self { root }
    }
}

impl HubName {
    /// Where a cache keeps this model.
    pub(crate) fn folder_in(&self, cache: &HubCache) -> PathBuf {
        let folder = format!("models--{}", self.id().replace('/', "--"));
        cache.root.join(folder)
    }

    /// The snapshot of this model in a cache.
    ///
    /// # Errors
    /// The cache does not hold it, or not in this revision.
    pub fn find_in(&self, cache: &HubCache) -> Result<PathBuf, HubError> {
        let folder = self.folder_in(cache);
        let absent = |problem: String| HubError::NotInCache {
            name: self.clone(),
            problem,
        };
        if !folder.is_dir() {
            let root = cache.root.display();
            return Err(absent(format!(
                "it is neither a path that exists nor in the hub's cache at {root}"
            )));
        }
        match self.revision() {
            None => {
                let found = hub_snapshot(&folder)?;
                found.ok_or_else(|| absent(format!("{} holds no snapshot", folder.display())))
            }
            Some(wanted) => {
                let named = revision(&folder.join("refs").join(wanted));
                let found = snapshot_of(&folder, named.as_deref().unwrap_or(wanted));
                found.ok_or_else(|| {
                    absent(format!("{} does not hold this revision", folder.display()))
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn the_cache_is_where_the_environment_says() {
        let home = Some(PathBuf::from("/home/me"));
        let of = |set: &[(&str, &str)]| {
            let variable = |name: &str| {
                let found = set.iter().find(|(known, _)| *known == name);
                found.map(|(_, path)| PathBuf::from(path))
            };
            HubCache::of(variable, home.clone()).root
        };
        for (set, root) in [
            (&[][..], "/home/me/.cache/huggingface/hub"),
            (&[("XDG_CACHE_HOME", "/c")], "/c/huggingface/hub"),
            (
                &[("HF_HOME", "~/hf"), ("XDG_CACHE_HOME", "/c")],
                "/home/me/hf/hub",
            ),
            (&[("HF_HUB_CACHE", "/h"), ("HF_HOME", "/d")], "/h"),
            (&[("HF_HUB_CACHE", ""), ("HF_HOME", "/d")], "/d/hub"),
        ] {
            assert_eq!(of(set), Path::new(root), "{set:?}");
        }
    }

    #[test]
    fn a_revision_is_a_branch_or_a_commit() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let cache = HubCache::at(folder.path());
        let find = |text: &str| HubName::parse(text).expect("a name").find_in(&cache);
        let told = |text: &str| find(text).expect_err("it is not there").to_string();
        let absent = told("a/b");
        assert!(
            absent.contains(&folder.path().display().to_string()),
            "{absent}"
        );
        assert!(absent.ends_with("`hf download a/b` fetches it"), "{absent}");
        let model = folder.path().join("models--a--b");
        for (branch, commit) in [("main", "one"), ("v2", "two"), ("refs/pr/1", "three")] {
            let name = model.join("refs").join(branch);
            fs::create_dir_all(name.parent().expect("a folder")).expect("writable");
            fs::write(name, commit).expect("writable");
            fs::create_dir_all(model.join("snapshots").join(commit)).expect("writable");
        }
        for (text, commit) in [
            ("a/b", "one"),
            ("a/b@main", "one"),
            ("a/b@v2", "two"),
            ("a/b@two", "two"),
            ("a/b@refs/pr/1", "three"),
        ] {
            let found = find(text).ok();
            assert_eq!(found, Some(model.join("snapshots").join(commit)), "{text}");
        }
        let absent = told("a/b@v3");
        assert!(
            absent.contains("models--a--b does not hold this revision"),
            "{absent}"
        );
        assert!(
            absent.ends_with("`hf download a/b --revision v3` fetches it"),
            "{absent}"
        );
    }
}
