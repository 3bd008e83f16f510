//! Names of what the tables are about: put together from known pieces, each given once in a world.

use std::collections::BTreeMap;

use crate::draw::Draw;

/// What kind of thing a name is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum NameKind {
    /// `Dalven`
    City,
    /// `Korland`
    Country,
    /// `Anna Mirsen`
    Person,
    /// `Silver River`
    Title,
    /// `Tarix Foods`
    Firm,
    /// `Spicy Lentil Soup`
    Dish,
    /// `KL412`
    Code,
    /// `Belor 40`
    Model,
}

const STEMS: [&str; 36] = [
    "Dal", "Kor", "Mir", "Tar", "Bel", "Zan", "Lor", "Vel", "Pran", "Sil", "Gar", "Nor", "Hul",
    "Fen", "Ros", "Tim", "Wes", "Cal", "Jor", "Luk", "Mar", "Ost", "Pel", "Rav", "Sab", "Tor",
    "Ulm", "Var", "Yor", "Ban", "Cor", "Dun", "Eld", "Fal", "Gim", "Hal",
];
const CITY_ENDS: [&str; 20] = [
    "ven", "ton", "burg", "ford", "mont", "wick", "dale", "port", "field", "stad", "haven", "bury",
    "mouth", "gate", "holm", "kirk", "bridge", "well", "moor", "cliff",
];
const COUNTRY_ENDS: [&str; 14] = [
    "land", "ia", "stan", "onia", "ania", "una", "ador", "inea", "emia", "atia", "uria", "esia",
    "olia", "ova",
];
const PERSON_ENDS: [&str; 12] = [
    "sen", "ov", "ez", "man", "er", "ini", "ski", "strom", "ley", "son", "ard", "ett",
];
const FIRST_NAMES: [&str; 36] = [
    "Anna", "Boris", "Clara", "David", "Elena", "Felix", "Greta", "Hugo", "Irene", "Jonas",
    "Karin", "Leo", "Martha", "Nils", "Olga", "Paul", "Rosa", "Simon", "Tina", "Victor", "Wanda",
    "Xaver", "Yara", "Zoe", "Adam", "Bella", "Carl", "Diana", "Emil", "Fiona", "Georg", "Hanna",
    "Ivan", "Julia", "Kurt", "Lena",
];
const FIRM_ENDS: [&str; 12] = [
    "ix", "tex", "co", "ora", "um", "ent", "is", "ax", "eon", "ula", "ydo", "ack",
];
const FIRM_WORDS: [&str; 10] = [
    "Foods", "Group", "House", "Works", "Lane", "Corner", "Union", "Star", "Park", "Point",
];
const ADJECTIVES: [&str; 60] = [
    "Silver",
    "Golden",
    "Quiet",
    "Broken",
    "Hidden",
    "Frozen",
    "Burning",
    "Lonely",
    "Distant",
    "Gentle",
    "Wild",
    "Ancient",
    "Bright",
    "Empty",
    "Final",
    "Green",
    "Hollow",
    "Iron",
    "Jade",
    "Little",
    "Lost",
    "Magic",
    "Narrow",
    "Open",
    "Pale",
    "Purple",
    "Rapid",
    "Red",
    "Sacred",
    "Secret",
    "Silent",
    "Sleeping",
    "Slow",
    "Small",
    "Soft",
    "Solar",
    "Stolen",
    "Strange",
    "Sweet",
    "Tall",
    "Tender",
    "Velvet",
    "White",
    "Winter",
    "Wooden",
    "Young",
    "Blue",
    "Brave",
    "Crystal",
    "Dark",
    "Deep",
    "Electric",
    "Endless",
    "Falling",
    "Fearless",
    "Flying",
    "Forgotten",
    "Grand",
    "Happy",
    "Heavy",
];
const NOUNS: [&str; 60] = [
    "River", "Mountain", "Garden", "Window", "Ocean", "Forest", "Shadow", "Mirror", "Island",
    "Castle", "Bridge", "Candle", "Desert", "Dream", "Engine", "Feather", "Flame", "Flower",
    "Fortress", "Fox", "Harbor", "Heart", "Horizon", "Horse", "Journey", "King", "Lantern",
    "Letter", "Light", "Lion", "Machine", "Meadow", "Memory", "Moon", "Morning", "Night", "Owl",
    "Palace", "Path", "Planet", "Queen", "Rain", "Road", "Rose", "Sailor", "Season", "Signal",
    "Sky", "Song", "Stone", "Storm", "Summer", "Sword", "Temple", "Thunder", "Tower", "Train",
    "Valley", "Voice", "Wave",
];
const TASTES: [&str; 14] = [
    "Spicy", "Creamy", "Smoked", "Roasted", "Crispy", "Salty", "Sour", "Warm", "Cold", "Fresh",
    "Baked", "Fried", "Grilled", "Steamed",
];
const FOODS: [&str; 16] = [
    "Lentil", "Tomato", "Potato", "Mushroom", "Onion", "Pepper", "Bean", "Carrot", "Pumpkin",
    "Rice", "Cheese", "Salmon", "Chicken", "Beef", "Apple", "Spinach",
];
const DISHES: [&str; 10] = [
    "Soup", "Salad", "Stew", "Pie", "Curry", "Pasta", "Bowl", "Roll", "Cake", "Bread",
];
const LETTERS: [&str; 12] = [
    "KL", "LH", "BA", "AF", "SK", "TP", "IB", "OS", "AY", "QR", "EK", "UA",
];

fn product(parts: &[&[&str]], between: &[&str]) -> Vec<String> {
    let mut names = vec![String::new()];
    for (at, part) in parts.iter().enumerate() {
        let joint = if at == 0 { "" } else { between[at - 1] };
        names = names
            .iter()
            .flat_map(|name| {
                part.iter()
                    .map(move |piece| format!("{name}{joint}{piece}"))
            })
            .collect();
    }
    names
}

fn all(kind: NameKind) -> Vec<String> {
    let numbers = |low: u32, high: u32| (low..=high).map(|n| n.to_string()).collect::<Vec<_>>();
    match kind {
        NameKind::City => product(&[&STEMS, &CITY_ENDS], &[""]),
        NameKind::Country => product(&[&STEMS, &COUNTRY_ENDS], &[""]),
        NameKind::Person => product(&[&FIRST_NAMES, &STEMS, &PERSON_ENDS], &[" ", ""]),
        NameKind::Title => product(&[&ADJECTIVES, &NOUNS], &[" "]),
        NameKind::Firm => product(&[&STEMS, &FIRM_ENDS, &FIRM_WORDS], &["", " "]),
        NameKind::Dish => product(&[&TASTES, &FOODS, &DISHES], &[" ", " "]),
        NameKind::Code => {
            let numbers = numbers(100, 399);
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            product(&[&LETTERS, &numbers], &[""])
        }
        NameKind::Model => {
            let numbers = numbers(10, 69);
            let numbers: Vec<&str> = numbers.iter().map(String::as_str).collect();
            product(&[&STEMS, &["or", "en", "a"], &numbers], &["", " "])
        }
    }
}

/// Gives out names, each once.
pub(crate) struct Names {
    seed: u64,
    left: BTreeMap<NameKind, Vec<String>>,
}

impl Names {
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            left: BTreeMap::new(),
        }
    }

    /// The next `count` names, or as many as are left.
    pub fn take(&mut self, kind: NameKind, count: usize) -> Vec<String> {
        let seed = self.seed;
        let left = self.left.entry(kind).or_insert_with(|| {
            let mut names = all(kind);
            Draw::new(seed, "names", kind as u64).shuffle(&mut names);
            names
        });
        left.split_off(left.len().saturating_sub(count))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn no_name_is_another_one_or_a_word_of_it() {
        use NameKind::*;
        let kinds = [City, Country, Person, Title, Firm, Dish, Code, Model];
        let mut names = BTreeSet::new();
        let mut words = BTreeSet::new();
        for kind in kinds {
            for name in all(kind) {
                words.extend(
                    name.split(' ')
                        .filter(|word| *word != name)
                        .map(str::to_owned),
                );
                assert!(names.insert(name.clone()), "{name}");
            }
        }
        assert_eq!(names.intersection(&words).next(), None);
    }
}
