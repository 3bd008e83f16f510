//! Names of what the tables are about: put together from known pieces, each given once in a world.

use std::collections::BTreeMap;

use crate::draw::{Draw, fingerprint};

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

/// Which names a world gives: the two sets share none, so that a model that learned from worlds of one of them has met
/// nothing that worlds of the other speak of (but for the pieces that names are put together from).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NameSet {
    /// What every world takes that is not told otherwise.
    Common,
    /// Kept for the text that the quick start's base model learns from.
    Base,
}

impl NameSet {
    /// Whether a name is of this set. Both put theirs together from the same pieces: each name is in one of them.
    fn holds(self, name: &str) -> bool {
        let is_common = fingerprint(name.as_bytes()).is_multiple_of(2);
        is_common == (self == NameSet::Common)
    }
}

#[rustfmt::skip]
const CITY_ENDS: [&str; 40] = [
    "brook", "wood", "chester", "minster", "borough", "cote", "lund", "fell", "garth", "hurst", "ness", "pool",
    "ridge", "stow", "thorpe", "vale", "worth", "beck", "combe", "sea", "ven", "ton", "burg", "ford", "mont", "wick",
    "dale", "port", "field", "stad", "haven", "bury", "mouth", "gate", "holm", "kirk", "bridge", "well", "moor",
    "cliff",
];
#[rustfmt::skip]
const COUNTRY_ENDS: [&str; 28] = [
    "mark", "garia", "vakia", "tania", "donia", "lia", "ria", "menia", "giria", "landia", "bodia", "rea", "quay",
    "desh", "land", "ia", "stan", "onia", "ania", "una", "ador", "inea", "emia", "atia", "uria", "esia", "olia",
    "ova",
];
#[rustfmt::skip]
const PERSON_ENDS: [&str; 24] = [
    "berg", "feld", "quist", "stein", "holt", "gren", "dahl", "wald", "nek", "rup", "vic", "zer", "sen", "ov", "ez",
    "man", "er", "ini", "ski", "strom", "ley", "son", "ard", "ett",
];
#[rustfmt::skip]
const FIRM_WORDS: [&str; 20] = [
    "Bros", "Supply", "Trading", "Market", "Gallery", "Partners", "Studios", "Square", "Court", "Society", "Foods",
    "Group", "House", "Works", "Lane", "Corner", "Union", "Star", "Park", "Point",
];
#[rustfmt::skip]
const NOUNS: [&str; 120] = [
    "Comet", "Compass", "Anchor", "Arrow", "Autumn", "Avenue", "Balloon", "Beacon", "Bell", "Bird", "Boat", "Canyon",
    "Cave", "Chapel", "Circle", "Clock", "Cloud", "Coast", "Corridor", "Creek", "Crown", "Dancer", "Dawn", "Diary",
    "Door", "Dragon", "Drum", "Eagle", "Echo", "Falcon", "Farmer", "Field", "Fire", "Ribbon", "Ghost", "Giant",
    "Glacier", "Hawk", "Hill", "Hunter", "Ice", "Jewel", "Key", "Kingdom", "Lake", "Lamp", "Legend", "Maze", "Miller",
    "Orchard", "Painter", "Pearl", "Pilot", "Prairie", "Riddle", "Shore", "Spring", "Statue", "Stranger", "Willow",
    "River", "Mountain", "Garden", "Window", "Ocean", "Forest", "Shadow", "Mirror", "Island", "Castle", "Bridge",
    "Candle", "Desert", "Dream", "Engine", "Feather", "Flame", "Flower", "Fortress", "Fox", "Harbor", "Heart",
    "Horizon", "Horse", "Journey", "King", "Lantern", "Letter", "Light", "Lion", "Machine", "Meadow", "Memory",
    "Moon", "Morning", "Night", "Owl", "Palace", "Path", "Planet", "Queen", "Rain", "Road", "Rose", "Sailor",
    "Season", "Signal", "Sky", "Song", "Stone", "Storm", "Summer", "Sword", "Temple", "Thunder", "Tower", "Train",
    "Valley", "Voice", "Wave",
];
#[rustfmt::skip]
const DISHES: [&str; 20] = [
    "Pizza", "Omelette", "Burger", "Wrap", "Gratin", "Risotto", "Skewer", "Toast", "Dumpling", "Casserole", "Soup",
    "Salad", "Stew", "Pie", "Curry", "Pasta", "Bowl", "Roll", "Cake", "Bread",
];
#[rustfmt::skip]
const LETTERS: [&str; 24] = [
    "DX", "NH", "JL", "TK", "UX", "VS", "WF", "ZB", "CX", "MH", "PR", "GA", "KL", "LH", "BA", "AF", "SK", "TP", "IB",
    "OS", "AY", "QR", "EK", "UA",
];
const MODEL_MIDDLES: [&str; 6] = ["is", "ul", "eth", "or", "en", "a"];
const STEMS: [&str; 36] = [
    "Dal", "Kor", "Mir", "Tar", "Bel", "Zan", "Lor", "Vel", "Pran", "Sil", "Gar", "Nor", "Hul",
    "Fen", "Ros", "Tim", "Wes", "Cal", "Jor", "Luk", "Mar", "Ost", "Pel", "Rav", "Sab", "Tor",
    "Ulm", "Var", "Yor", "Ban", "Cor", "Dun", "Eld", "Fal", "Gim", "Hal",
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
const TASTES: [&str; 14] = [
    "Spicy", "Creamy", "Smoked", "Roasted", "Crispy", "Salty", "Sour", "Warm", "Cold", "Fresh",
    "Baked", "Fried", "Grilled", "Steamed",
];
const FOODS: [&str; 16] = [
    "Lentil", "Tomato", "Potato", "Mushroom", "Onion", "Pepper", "Bean", "Carrot", "Pumpkin",
    "Rice", "Cheese", "Salmon", "Chicken", "Beef", "Apple", "Spinach",
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
            product(&[&STEMS, &MODEL_MIDDLES, &numbers], &["", " "])
        }
    }
}

/// Gives out names, each once.
pub(crate) struct Names {
    set: NameSet,
    seed: u64,
    left: BTreeMap<NameKind, Vec<String>>,
}

impl Names {
    pub fn new(set: NameSet, seed: u64) -> Self {
        Self {
            set,
            seed,
            left: BTreeMap::new(),
        }
    }

    /// The next `count` names, or as many as are left.
    pub fn take(&mut self, kind: NameKind, count: usize) -> Vec<String> {
        let (set, seed) = (self.set, self.seed);
        let left = self.left.entry(kind).or_insert_with(|| {
            let mut names = all(kind);
            names.retain(|name| set.holds(name));
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
                let sets = [NameSet::Common, NameSet::Base];
                assert_eq!(sets.iter().filter(|set| set.holds(&name)).count(), 1);
                words.extend(
                    name.split(' ')
                        .filter(|word| *word != name)
                        .map(str::to_owned),
                );
                assert!(names.insert(name.clone()), "{name}");
            }
        }
        let both: Vec<_> = names.intersection(&words).collect();
        assert!(both.is_empty(), "{both:?}");
    }
}
