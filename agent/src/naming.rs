//! How ToolBench names tools, APIs and arguments, and StableToolBench the files of its cache (`utils.py`, `main.py`).

/// `standardize`: lower case, everything but letters, digits, Chinese characters and `^` as `_`, none of these doubled or at
/// an end.
pub fn standardize(name: &str) -> String {
    let mut standard = String::with_capacity(name.len());
    for character in name.chars() {
        match character {
            '^' | '\u{4e00}'..='\u{9fa5}' => standard.push(character),
            _ if character.is_ascii_alphanumeric() => standard.push(character.to_ascii_lowercase()),
            _ if standard.ends_with('_') || standard.is_empty() => {}
            _ => standard.push('_'),
        }
    }
    let standard = standard.trim_end_matches('_');
    match standard.chars().next() {
        Some(first) if first.is_ascii_digit() => format!("get_{standard}"),
        _ => standard.to_owned(),
    }
}

/// `change_name`: words of Python's are no names.
pub fn change_name(name: &str) -> String {
    match name {
        "from" | "class" | "return" | "false" | "true" | "id" | "and" => format!("is_{name}"),
        other => other.to_owned(),
    }
}

/// `standardize_category`: the folder of a category.
pub fn standard_category(category: &str) -> String {
    category.replace([' ', ',', '/'], "_").replace("__", "_")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_published_cache() {
        for (name, standard) in [
            ("Movie Year", "movie_year"),
            ("__a--b__", "a_b"),
            ("3D", "get_3d"),
            ("天气 API", "天气_api"),
            ("a^b", "a^b"),
            ("../../etc", "etc"),
            ("___", ""),
        ] {
            assert_eq!(standardize(name), standard, "{name}");
        }
        assert_eq!(change_name("id"), "is_id");
        assert_eq!(standard_category("Video, Images"), "Video_Images");
        assert_eq!(standard_category("News/Media"), "News_Media");
    }
}
