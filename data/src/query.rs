//! What makes two queries one.

use crate::python::is_space;

/// A query as it is compared, counted and split by: its letters and digits in lower case, word by word. A text that has none
/// is compared by its other characters.
///
/// Files name queries by numbers that differ from one collection to the next: the same question often stands under several.
pub fn level_query(text: &str) -> String {
    let words = |separates: fn(char) -> bool| {
        let words = text.split(separates).filter(|word| !word.is_empty());
        words.map(str::to_lowercase).collect::<Vec<_>>().join(" ")
    };
    let levelled = words(|character| !character.is_alphanumeric());
    match levelled.is_empty() {
        true => words(is_space),
        false => levelled,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_are_compared_word_by_word() {
        let one = level_query("  Please, find me\n a HOTEL in Köln! ");
        assert_eq!(one, "please find me a hotel in köln");
        assert_eq!(one, level_query("please find me a hotel in Köln"));
        assert_eq!(one, level_query(&one));
        assert_ne!(one, level_query("please find me a hotel in Kölln"));
        assert_eq!(level_query("天气，怎么样？"), "天气 怎么样");
        assert_eq!(level_query(" ?  ! "), "? !");
        assert_ne!(level_query("?"), level_query("!"));
        assert_eq!(level_query(" "), "");
    }
}
