//! The names and descriptions of functions, by ToolBench's rules and the caps of its `rapidapi_wrapper`.

use glpft_agent::{change_name, standardize};

/// The longest name of a function; longer ones lose their beginning.
const NAME_CHARS: usize = 64;
/// The longest description of a function; longer ones lose their end.
const DESCRIPTION_CHARS: usize = 256;

/// `{api}_for_{tool}`, its last 64 characters.
pub(crate) fn function_name(api: &str, tool: &str) -> String {
    let name = format!(
        "{}_for_{}",
        change_name(&standardize(api)),
        standardize(tool)
    );
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
