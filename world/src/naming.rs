//! ToolBench's rules for names (`standardize`, `change_name` and the caps of its `rapidapi_wrapper`).

/// The longest name of a function; longer ones lose their beginning.
const NAME_CHARS: usize = 64;
/// The longest description of a function; longer ones lose their end.
const DESCRIPTION_CHARS: usize = 256;

/// A name in lower case, everything but letters, digits and `_` as `_`, none of these doubled or at an end.
pub(crate) fn standardize(name: &str) -> String {
    let mut standard = String::with_capacity(name.len());
    for character in name.chars() {
        let kept = character.is_ascii_alphanumeric();
        if kept {
            standard.push(character.to_ascii_lowercase());
        } else if !standard.ends_with('_') && !standard.is_empty() {
            standard.push('_');
        }
    }
    let standard = standard.trim_end_matches('_');
    match standard.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("get_{standard}"),
        _ => standard.to_owned(),
    }
}

/// A standard name of an API or an argument that is no word of Python's.
pub(crate) fn changed(name: &str) -> String {
    const TAKEN: [&str; 8] = ["from", "class", "return", "false", "true", "id", "and", ""];
    match TAKEN.contains(&name) {
        true => format!("is_{name}"),
        false => name.to_owned(),
    }
}

/// `{api}_for_{tool}`, its last 64 characters.
pub(crate) fn function_name(api: &str, tool: &str) -> String {
    let name = format!("{}_for_{}", changed(&standardize(api)), standardize(tool));
    // Standard names are ASCII.
    name[name.len().saturating_sub(NAME_CHARS)..].to_owned()
}

/// The first 256 characters.
pub(crate) fn cut_description(description: &str) -> String {
    description.chars().take(DESCRIPTION_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_toolbenchs() {
        for (api, tool, name) in [
            ("Movie Year", "Open Movies", "movie_year_for_open_movies"),
            ("/v1/get--it/", "A.B (C)", "v1_get_it_for_a_b_c"),
            ("3 days", "x", "get_3_days_for_x"),
            ("ID", "x", "is_id_for_x"),
        ] {
            assert_eq!(function_name(api, tool), name);
        }
        let long = function_name("first", &"tool ".repeat(20));
        assert_eq!((long.len(), long.ends_with("tool_tool")), (64, true));
        assert_eq!(cut_description(&"ä".repeat(300)).chars().count(), 256);
    }
}
