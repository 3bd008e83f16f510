//! Which modules of a model an adapter's settings mean, by PEFT's rules.

use super::names::Pattern;
use super::{AdapterConfig, AdapterError, ModuleNames};

/// An adapter's settings, ready to be asked about modules.
pub(super) struct Matcher<'a> {
    config: &'a AdapterConfig,
    targets: Option<Pattern>,
    excluded: Option<Pattern>,
    saved: Vec<Pattern>,
    layers: Vec<Pattern>,
    ranks: Vec<(Pattern, usize)>,
    alphas: Vec<(Pattern, f64)>,
}

impl<'a> Matcher<'a> {
    pub fn new(config: &'a AdapterConfig) -> Result<Self, AdapterError> {
        let whole = |key, names: Option<&ModuleNames>| match names {
            Some(ModuleNames::Pattern(text)) => {
                Pattern::new(key, text, &format!("^(?:{text})$")).map(Some)
            }
            _ => Ok(None),
        };
        // PEFT's `get_pattern_key`.
        let end = |key, text: &str| Pattern::new(key, text, &format!(r"^(?:.*\.)?(?:{text})$"));
        let saved = config.modules_to_save.iter().map(|text| {
            let whole = format!(r"^(?:|.*\.)(?:{text})(?:$|\..*)");
            Pattern::new("modules_to_save", text, &whole)
        });
        let layers = config.layers_pattern.iter().map(|text| {
            let whole = format!(r"^(?:|.*?\.)(?:{text})\.(?<layer>\d+)\.");
            Pattern::new("layers_pattern", text, &whole)
        });
        let ranks = config.rank_pattern.iter();
        let ranks = ranks.map(|(text, rank)| Ok((end("rank_pattern", text)?, *rank)));
        let alphas = config.alpha_pattern.iter();
        let alphas = alphas.map(|(text, alpha)| Ok((end("alpha_pattern", text)?, *alpha)));
        Ok(Self {
            config,
            targets: whole("target_modules", Some(&config.target_modules))?,
            excluded: whole("exclude_modules", config.exclude_modules.as_ref())?,
            saved: saved.collect::<Result<_, _>>()?,
            layers: layers.collect::<Result<_, _>>()?,
            ranks: ranks.collect::<Result<_, AdapterError>>()?,
            alphas: alphas.collect::<Result<_, AdapterError>>()?,
        })
    }

    /// Whether the module at `path` gets an adapter (PEFT's `check_target_module_exists`). `projection` says that it is a
    /// linear map that is no head.
    pub fn adapts(&self, path: &str, projection: bool) -> Result<bool, AdapterError> {
        let left_out = match (&self.excluded, &self.config.exclude_modules) {
            (Some(pattern), _) => pattern.matches(path)?,
            (None, Some(ModuleNames::Names(names))) => is_named(path, names),
            _ => false,
        };
        if left_out || any(&self.saved, path)? {
            return Ok(false);
        }
        match (&self.config.target_modules, &self.targets) {
            (ModuleNames::AllLinear, _) => Ok(projection),
            (_, Some(pattern)) => pattern.matches(path),
            (ModuleNames::Names(names), _) if names.iter().any(|name| name == path) => Ok(true),
            (ModuleNames::Names(names), _) => Ok(is_named(path, names) && self.in_layer(path)?),
            (ModuleNames::Pattern(_), None) => Ok(false),
        }
    }

    /// Whether `path` lies in one of the layers that are adapted.
    fn in_layer(&self, path: &str) -> Result<bool, AdapterError> {
        if self.config.layers.is_empty() {
            return Ok(true);
        }
        let layer = match self.layers.is_empty() {
            true => numbered(path),
            false => {
                let mut found = None;
                for pattern in &self.layers {
                    if pattern.matches(path)? {
                        let captures = pattern.regex.captures(path).ok().flatten();
                        found = captures.and_then(|all| all.name("layer")?.as_str().parse().ok());
                        break;
                    }
                }
                found
            }
        };
        Ok(layer.is_some_and(|layer| self.config.layers.contains(&layer)))
    }

    /// The rank of the adapter at `path`.
    pub fn rank(&self, path: &str) -> Result<usize, AdapterError> {
        Ok(first(&self.ranks, path)?.unwrap_or(self.config.rank))
    }

    /// `alpha` of the adapter at `path`.
    pub fn alpha(&self, path: &str) -> Result<f64, AdapterError> {
        Ok(first(&self.alphas, path)?.unwrap_or(self.config.alpha))
    }

    /// The first pattern of ranks or alphas, with its key, that matches none of `paths`.
    pub fn unmatched(&self, paths: &[&str]) -> Result<Option<(&'static str, &str)>, AdapterError> {
        let ranks = self.ranks.iter().map(|(pattern, _)| pattern);
        let alphas = self.alphas.iter().map(|(pattern, _)| pattern);
        for pattern in ranks.chain(alphas) {
            let mut matched = false;
            for path in paths {
                matched |= pattern.matches(path)?;
            }
            if !matched {
                return Ok(Some((pattern.key, &pattern.text)));
            }
        }
        Ok(None)
    }
}

fn any(patterns: &[Pattern], path: &str) -> Result<bool, AdapterError> {
    for pattern in patterns {
        if pattern.matches(path)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn first<T: Copy>(patterns: &[(Pattern, T)], path: &str) -> Result<Option<T>, AdapterError> {
    for (pattern, value) in patterns {
        if pattern.matches(path)? {
            return Ok(Some(*value));
        }
    }
    Ok(None)
}

/// Whether `path` is one of `names`, or ends with one after a dot.
fn is_named(path: &str, names: &[String]) -> bool {
    names.iter().any(|name| {
        let before = path.strip_suffix(&**name);
        before.is_some_and(|before| before.is_empty() || before.ends_with('.'))
    })
}

/// The first number among the parts of `path`, from the third on and before the last.
fn numbered(path: &str) -> Option<usize> {
    let parts: Vec<&str> = path.split('.').collect();
    let inner = parts.get(2..parts.len().saturating_sub(1))?;
    inner.iter().find_map(|part| part.parse().ok())
}
