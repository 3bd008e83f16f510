//! `~` at the beginning of a path that no shell has expanded: in recipes, in `--set key=~/data`, in `--out=~/runs`.

use std::path::{Path, PathBuf};

/// The path with a `~` at its beginning replaced by the user's home. `~name` stays: it may be a file's name. So does all
/// else, and `~` itself where no home is known; `./~` is a folder of that name.
pub fn expand_home(path: &Path) -> PathBuf {
    expand(path, std::env::home_dir())
}

fn expand(path: &Path, home: Option<PathBuf>) -> PathBuf {
    let home = home.filter(|home| !home.as_os_str().is_empty());
    match (path.strip_prefix("~"), home) {
        (Ok(inside), Some(home)) if inside.as_os_str().is_empty() => home,
        (Ok(inside), Some(home)) => home.join(inside),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_tilde_of_its_own_at_the_beginning_is_the_home() {
        let expanded = |path: &str| {
            let path = expand(Path::new(path), Some("/home/me".into()));
            path.to_string_lossy().into_owned()
        };
        for (path, is) in [
            ("~", "/home/me"),
            ("~/runs/a", "/home/me/runs/a"),
            ("~you/runs", "~you/runs"),
            ("./~/runs", "./~/runs"),
            ("runs/~/a", "runs/~/a"),
            ("/~", "/~"),
            ("", ""),
        ] {
            assert_eq!(Path::new(&expanded(path)), Path::new(is), "{path}");
        }
        for home in [None, Some(PathBuf::new())] {
            assert_eq!(expand(Path::new("~/a"), home), Path::new("~/a"));
        }
    }
}
