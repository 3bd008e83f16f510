//! Which functions a request speaks of, by its words.

use std::collections::{BTreeSet, HashMap};

use crate::task::Function;

/// The `most` functions whose names and descriptions share the rarest words with the query, in their order. Functions that
/// share none come last, the first of them first.
///
/// A word counts ln(1 + n / m) where m of the n functions have it (inverse document frequency). It stands in for the
/// retriever that ToolBench trains for its open setting.
pub fn retrieve(query: &str, functions: &[Function], most: usize) -> Vec<Function> {
    let of_functions: Vec<BTreeSet<String>> = functions
        .iter()
        .map(|function| words(&format!("{} {}", function.name, function.description)))
        .collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for word in of_functions.iter().flatten() {
        *counts.entry(word).or_default() += 1;
    }
    let worth = |word: &String| {
        let count = counts.get(word.as_str()).copied().unwrap_or(1);
        (1.0 + functions.len() as f64 / count as f64).ln()
    };
    let query = words(query);
    let mut scored: Vec<(usize, f64)> = of_functions
        .iter()
        .map(|words| words.intersection(&query).map(worth).sum())
        .enumerate()
        .collect();
    scored.sort_by(|(_, one), (_, other)| other.total_cmp(one));
    let mut chosen: Vec<usize> = scored.into_iter().take(most).map(|(at, _)| at).collect();
    chosen.sort_unstable();
    chosen
        .into_iter()
        .filter_map(|at| functions.get(at).cloned())
        .collect()
}

/// The words of a text in lower case, one and many the same.
fn words(text: &str) -> BTreeSet<String> {
    let split = text.split(|character: char| !character.is_alphanumeric());
    split
        .filter(|word| !word.is_empty())
        .map(|word| singular(&word.to_lowercase()))
        .collect()
}

fn singular(word: &str) -> String {
    match (word.strip_suffix("ies"), word.strip_suffix('s')) {
        (Some(stem), _) if stem.len() > 1 => format!("{stem}y"),
        (_, Some(stem)) if stem.len() > 2 && !stem.ends_with('s') => stem.to_owned(),
        _ => word.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;
    use crate::task::Api;

    fn functions(of: &[(&str, &str)]) -> Vec<Function> {
        of.iter()
            .map(|(name, description)| Function {
                name: (*name).to_owned(),
                description: (*description).to_owned(),
                parameters: Map::new(),
                api: Api {
                    category: String::new(),
                    tool: String::new(),
                    name: String::new(),
                },
            })
            .collect()
    }

    #[test]
    fn the_rarest_shared_words_decide() {
        let known = functions(&[
            ("find_cities_for_maps", "The cities with a country."),
            ("wind_for_maps", "The wind of a city."),
            ("rain_for_sky", "The rain of a city."),
            ("pi", ""),
        ]);
        let names = |query: &str, most| -> Vec<String> {
            let found = retrieve(query, &known, most);
            found.into_iter().map(|function| function.name).collect()
        };
        assert_eq!(names("How much RAIN has the city?", 1), ["rain_for_sky"]);
        assert_eq!(
            names("rain in Oslo, and which countries have its wind?", 3),
            ["find_cities_for_maps", "wind_for_maps", "rain_for_sky"]
        );
        // Nothing is shared: the first; more than there are: all.
        assert_eq!(names("?", 1), ["find_cities_for_maps"]);
        assert_eq!(names("pi", 9).len(), 4);
        assert!(names("pi", 0).is_empty() && retrieve("x", &[], 3).is_empty());
    }
}
