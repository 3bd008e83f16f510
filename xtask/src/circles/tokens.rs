//! The paths that a Rust file mentions: those of its `use` lines, and those that begin with `crate`, `self` or `super`.

/// A path, and the name that a `use` gives to it.
#[derive(Debug, PartialEq)]
pub struct Used {
    pub path: Vec<String>,
    pub name: Option<String>,
}

/// The paths in `text`, without those in comments, strings and items under `#[cfg(test)]`.
pub fn paths(text: &str) -> Vec<Used> {
    let tokens = without_tests(&tokens(text));
    let mut found = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let before = at.checked_sub(1).map_or("", |before| &tokens[before]);
        let relative = matches!(tokens[at].as_str(), "crate" | "self" | "super")
            && tokens.get(at + 1).is_some_and(|next| next == "::");
        if tokens[at] == "use" {
            at = tree(&tokens, at + 1, &[], true, &mut found);
        } else if relative && before != "::" && before != "in" {
            at = tree(&tokens, at, &[], false, &mut found);
        } else {
            at += 1;
        }
    }
    found
}

/// Reads a path or a braced list of them at `at`; returns where it ends.
fn tree(
    tokens: &[String],
    mut at: usize,
    prefix: &[String],
    named: bool,
    found: &mut Vec<Used>,
) -> usize {
    let mut path = prefix.to_vec();
    let mut name = None;
    while let Some(token) = tokens.get(at) {
        match token.as_str() {
            "{" => {
                at += 1;
                while tokens.get(at).is_some_and(|token| token != "}") {
                    let after = tree(tokens, at, &path, named, found);
                    let comma = tokens.get(after).is_some_and(|token| token == ",");
                    at = (after + usize::from(comma)).max(at + 1);
                }
                return at + 1;
            }
            "*" => return at + 1,
            "::" => {}
            "as" if named => {
                name = tokens.get(at + 1).cloned();
                at += 2;
                break;
            }
            word if word.starts_with(|first: char| first.is_alphabetic() || first == '_') => {
                path.push(word.to_owned());
            }
            _ => break,
        }
        at += 1;
        // Outside of `use`, a path ends where no `::` follows.
        let joined = |at: usize| tokens.get(at).is_some_and(|token| token == "::");
        if !named && !joined(at) && !joined(at - 1) {
            break;
        }
        if !named && joined(at - 1) && !joined(at - 2) && tokens.get(at).is_some_and(|t| t == "<") {
            break;
        }
    }
    if path.len() > prefix.len() {
        let last = path.iter().rev().find(|word| *word != "self").cloned();
        found.push(Used {
            name: named.then(|| name.or(last)).flatten(),
            path,
        });
    }
    at
}

/// `tokens` without the items that follow `#[cfg(test)]`.
fn without_tests(tokens: &[String]) -> Vec<String> {
    const ATTRIBUTE: [&str; 7] = ["#", "[", "cfg", "(", "test", ")", "]"];
    let mut kept = Vec::with_capacity(tokens.len());
    let mut at = 0;
    while at < tokens.len() {
        if !tokens[at..]
            .iter()
            .map(String::as_str)
            .take(7)
            .eq(ATTRIBUTE)
        {
            kept.push(tokens[at].clone());
            at += 1;
            continue;
        }
        let mut depth = 0_usize;
        while let Some(token) = tokens.get(at) {
            at += 1;
            match token.as_str() {
                "{" => depth += 1,
                "}" => depth = depth.saturating_sub(1),
                ";" if depth == 0 => break,
                _ => {}
            }
            if depth == 0 && token == "}" && tokens.get(at).is_none_or(|next| next != ";") {
                break;
            }
        }
    }
    kept
}

/// Words, `::`, and single characters; no comments, no literals.
fn tokens(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(length) = raw_string(rest) {
            length
        } else if first == '"' {
            quoted(rest)
        } else if first == '\'' {
            character(rest)
        } else if first.is_alphanumeric() || first == '_' {
            let end = rest
                .find(|c: char| !c.is_alphanumeric() && c != '_')
                .unwrap_or(rest.len());
            found.push(rest[..end].to_owned());
            end
        } else if rest.starts_with("::") {
            found.push("::".to_owned());
            2
        } else {
            if !first.is_whitespace() {
                found.push(first.to_string());
            }
            first.len_utf8()
        };
        rest = &rest[length..];
    }
    found
}

/// The length of the raw string at the start of `rest`.
fn raw_string(rest: &str) -> Option<usize> {
    let marked = rest.strip_prefix('b').unwrap_or(rest);
    let hashes = marked.strip_prefix('r')?;
    let quote = hashes.trim_start_matches('#');
    let end = format!("\"{}", &hashes[..hashes.len() - quote.len()]);
    let body = quote.strip_prefix('"')?;
    let begun = rest.len() - body.len();
    Some(
        body.find(&end)
            .map_or(rest.len(), |at| begun + at + end.len()),
    )
}

/// The length of the string at the start of `rest`.
fn quoted(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of the character at the start of `rest`, or that of a lifetime's apostrophe.
fn character(rest: &str) -> usize {
    let mut inside = rest.char_indices().skip(1);
    match (inside.next(), inside.next()) {
        (Some((_, '\\')), Some((at, escaped))) => {
            let from = at + escaped.len_utf8();
            rest[from..]
                .find('\'')
                .map_or(rest.len(), |end| from + end + 1)
        }
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
