//! A model's name on a hub, such as `Qwen/Qwen3-0.6B`.

use std::fmt;
use std::path::{Component, Path};

/// The longest name that a hub takes.
const LONGEST: usize = 96;

/// A model's name on a hub: `ORGANIZATION/NAME`, or `ORGANIZATION/NAME@REVISION`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HubName {
    id: String,
    revision: Option<String>,
}

impl HubName {
    /// The name that `text` spells; `None` where it can only be a path.
    pub fn parse(text: &str) -> Option<Self> {
        let (id, revision) = match text.split_once('@') {
            None => (text, None),
            Some((id, revision)) => (id, Some(revision)),
        };
        let (organization, name) = id.split_once('/')?;
        let is_plain = |part: &str| {
            let letter = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
            let edge = |c: char| "-.".contains(c);
            !part.is_empty()
                && part.chars().all(letter)
                && !part.starts_with(edge)
                && !part.ends_with(edge)
                && !part.contains("--")
                && !part.contains("..")
        };
        let known = id.len() <= LONGEST && is_plain(organization) && is_plain(name);
        let stays_inside = |revision: &str| {
            let mut parts = Path::new(revision).components();
            !revision.is_empty() && parts.all(|part| matches!(part, Component::Normal(_)))
        };
        (known && revision.is_none_or(stays_inside)).then(|| Self {
            id: id.to_owned(),
            revision: revision.map(str::to_owned),
        })
    }

    /// The name without a revision, as other programs know the model.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The revision that was asked for: a branch, a tag or a commit.
    pub fn revision(&self) -> Option<&str> {
        self.revision.as_deref()
    }
}

impl fmt::Display for HubName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.id)?;
        match &self.revision {
            Some(revision) => write!(f, "@{revision}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_told_from_paths() {
        for text in ["Qwen/Qwen3-0.6B", "a/b@main", "a_1/b.c@refs/pr/1"] {
            assert_eq!(
                HubName::parse(text).map(|name| name.to_string()).as_deref(),
                Some(text)
            );
        }
        for text in [
            "",
            "model",
            "/a/b",
            "./a",
            "a/b/c",
            "a/",
            "../a",
            "a/..",
            "a--b/c",
            "a/b@",
            "a/b@../..",
            "a/b@/x",
            "a b/c",
            "-a/b",
            "é/b",
        ] {
            assert_eq!(HubName::parse(text), None, "{text}");
        }
    }
}
