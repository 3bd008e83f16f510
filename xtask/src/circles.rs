//! Finds circles of modules: siblings that use each other's items, directly or round about.
//!
//! A circle means that two files hold one concept, or that an item stands in the wrong file. The rule holds at every level of a
//! crate: the children of one module, each with everything below it, are in an order in which each uses only those before it. A
//! module and its own children may use each other. An item that is re-exported counts for the file that defines it. Tests do not
//! count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

mod tokens;

/// Circles that stay, as crate and members, with the reason; `study::*` allows those of study's children.
const ALLOWED: &[(&str, &[&str], &str)] = &[(
    ".",
    &["study::*"],
    "to be undone: a study's types stand beside the steps that fill them and the tables that show them",
)];

/// A module's names from the crate's root: `["source", "raw"]` is `src/source/raw.rs`.
type Module = Vec<String>;

/// The modules of a crate.
#[derive(Default)]
struct Crate {
    modules: BTreeMap<Module, File>,
}

/// What a module takes from others.
#[derive(Default)]
struct File {
    /// Name in this module → full path.
    imports: BTreeMap<String, Vec<String>>,
    /// Every path of the crate that the file mentions.
    paths: BTreeSet<Vec<String>>,
}

/// Fails with a list of the circles in the crates under `root`.
pub fn check(root: &Path, crates: &[&str]) -> Result<(), String> {
    let mut found = Vec::new();
    for name in crates {
        let source = root.join(name).join("src");
        let read =
            Crate::read(&source).map_err(|error| format!("{}: {error}", source.display()))?;
        for circle in read.circles() {
            let members: Vec<&str> = circle.members.iter().map(String::as_str).collect();
            if !ALLOWED
                .iter()
                .any(|(at, allowed, _)| at == name && is_allowed(allowed, &members))
            {
                found.push(format!("{name}/src: {}", circle.describe()));
            }
        }
    }
    match found.is_empty() {
        true => Ok(()),
        false => Err(format!(
            "modules use each other in a circle; move what they share to the lower one, or merge them:\n{}",
            found.join("\n")
        )),
    }
}

fn is_allowed(allowed: &[&str], members: &[&str]) -> bool {
    match allowed.first().and_then(|name| name.strip_suffix('*')) {
        Some(parent) => members.iter().all(|member| member.starts_with(parent)),
        None => allowed == members,
    }
}

/// Siblings that use each other.
#[derive(Debug)]
struct Circle {
    /// Paths from the crate's root, sorted.
    members: Vec<String>,
    /// User, used, and an item that is used.
    uses: Vec<(Module, Module, String)>,
}

impl Circle {
    fn describe(&self) -> String {
        let mut lines = vec![self.members.join(", ")];
        for (user, used, item) in &self.uses {
            lines.push(format!(
                "    {} uses {item} of {}",
                user.join("::"),
                used.join("::")
            ));
        }
        lines.join("\n")
    }
}

impl Crate {
    fn read(source: &Path) -> io::Result<Self> {
        let mut read = Self::default();
        let mut folders = vec![(source.to_owned(), Module::new())];
        while let Some((folder, module)) = folders.pop() {
            for entry in fs::read_dir(&folder)? {
                let path = entry?.path();
                let stem = path.file_stem().unwrap_or_default();
                let stem = stem.to_string_lossy().into_owned();
                let child = [&module[..], std::slice::from_ref(&stem)].concat();
                if path.is_dir() {
                    folders.push((path, child));
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let text = fs::read_to_string(&path)?;
                    let root = module.is_empty() && stem == "lib";
                    read.add(
                        if root || stem == "mod" {
                            &module
                        } else {
                            &child
                        },
                        &text,
                    );
                }
            }
        }
        Ok(read)
    }

    fn add(&mut self, module: &[String], text: &str) {
        if module.iter().any(|name| name == "tests") {
            return;
        }
        let mut file = File::default();
        for used in tokens::paths(text) {
            let Some(path) = absolute(module, &used.path) else {
                continue;
            };
            if let Some(name) = used.name {
                file.imports.insert(name, path.clone());
            }
            file.paths.insert(path);
        }
        self.modules.insert(module.to_owned(), file);
    }

    /// The module whose file defines what `path` leads to, and the item's name.
    fn defining<'a>(&self, path: &'a [String], depth: usize) -> Option<(Module, &'a str)> {
        let mut module = Module::new();
        for (at, name) in path.iter().enumerate() {
            module.push(name.clone());
            if self.modules.contains_key(&module) {
                continue;
            }
            module.pop();
            let import = self
                .modules
                .get(&module)
                .and_then(|file| file.imports.get(name));
            return match import {
                Some(target) if depth < 8 && target != &path[..=at] => {
                    let target = [&target[..], &path[at + 1..]].concat();
                    let (defining, _) = self.defining(&target, depth + 1)?;
                    Some((defining, name))
                }
                _ => self.modules.contains_key(&module).then_some((module, name)),
            };
        }
        let name = path.last().map_or("", String::as_str);
        self.modules.contains_key(&module).then_some((module, name))
    }

    fn circles(&self) -> Vec<Circle> {
        // Parent → child → siblings that it uses, each with one of the uses.
        let mut levels: BTreeMap<&[String], BTreeMap<&str, BTreeMap<String, Use>>> =
            BTreeMap::new();
        for (module, file) in &self.modules {
            for path in &file.paths {
                let Some((used, item)) = self.defining(path, 0) else {
                    continue;
                };
                let common = module.iter().zip(&used).take_while(|(a, b)| a == b).count();
                let (Some(from), Some(to)) = (module.get(common), used.get(common)) else {
                    continue;
                };
                levels
                    .entry(&module[..common])
                    .or_default()
                    .entry(from)
                    .or_default()
                    .entry(to.clone())
                    .or_insert_with(|| (module.clone(), used.clone(), item.to_owned()));
            }
        }
        let mut circles = Vec::new();
        for (parent, uses) in levels {
            for members in together(&uses) {
                let within = members.iter().filter_map(|from| uses.get(from.as_str()));
                circles.push(Circle {
                    uses: within
                        .flatten()
                        .filter(|(to, _)| members.contains(*to))
                        .map(|(_, used)| used.clone())
                        .collect(),
                    members: members
                        .iter()
                        .map(|name| [parent, std::slice::from_ref(name)].concat().join("::"))
                        .collect(),
                });
            }
        }
        circles
    }
}

/// Who uses which module, and an item of it.
type Use = (Module, Module, String);

/// The full path of `path`, as written in `module`; `None` where it leads out of the crate.
fn absolute(module: &[String], path: &[String]) -> Option<Vec<String>> {
    let (first, rest) = path.split_first()?;
    let mut base = match first.as_str() {
        "crate" => Vec::new(),
        "self" => module.to_owned(),
        "super" => module.split_last()?.1.to_owned(),
        _ => [module, std::slice::from_ref(first)].concat(),
    };
    for name in rest {
        match name.as_str() {
            "super" => drop(base.pop()?),
            "self" => {}
            _ => base.push(name.clone()),
        }
    }
    Some(base)
}

/// The groups of nodes that reach each other, each sorted.
fn together<T>(uses: &BTreeMap<&str, BTreeMap<String, T>>) -> Vec<BTreeSet<String>> {
    let reached: BTreeMap<&str, BTreeSet<&str>> = uses
        .keys()
        .map(|from| {
            let mut seen = BTreeSet::new();
            let mut next = vec![*from];
            while let Some(at) = next.pop() {
                for to in uses.get(at).into_iter().flat_map(BTreeMap::keys) {
                    if seen.insert(to.as_str()) {
                        next.push(to);
                    }
                }
            }
            (*from, seen)
        })
        .collect();
    let groups: BTreeSet<BTreeSet<String>> = reached
        .iter()
        .filter(|(from, seen)| seen.contains(*from))
        .map(|(from, seen)| {
            seen.iter()
                .filter(|to| reached.get(*to).is_some_and(|back| back.contains(from)))
                .map(|to| (*to).to_owned())
                .collect()
        })
        .collect();
    groups.into_iter().collect()
}

#[cfg(test)]
mod tests;
