//! The categories: what their tables are about, and the columns.

use crate::names::NameKind;

/// What a column holds.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// A whole number of this range.
    Whole(u32, u32),
    /// A number with one decimal place, in tenths.
    Tenths(u32, u32),
    /// One of these words.
    Word(&'static [&'static str]),
    /// A time of day, such as `14:30`.
    Time,
}

/// A category and its table. Every row has a name, an id, a link to something that has a name too, four fields and a
/// flag.
#[derive(Debug)]
pub(crate) struct Category {
    pub name: &'static str,
    pub noun: &'static str,
    pub plural: &'static str,
    pub names: NameKind,
    /// The column that names something else.
    pub link: (&'static str, NameKind),
    pub fields: [(&'static str, Column); 4],
    /// True of some rows, such as `new`.
    pub flag: &'static str,
    /// Others link to it, so it is always trained on.
    pub hub: bool,
}

impl Category {
    /// The name of column 0 (the link) to 4.
    pub fn field(&self, column: usize) -> &'static str {
        match column.checked_sub(1) {
            None => self.link.0,
            Some(field) => self.fields[field % 4].0,
        }
    }
}

/// Columns of every table: the link and four fields.
pub(crate) const COLUMNS: usize = 5;

const GENRES: &[&str] = &["drama", "comedy", "crime", "fantasy", "history", "romance"];
const COLORS: &[&str] = &["red", "blue", "green", "white", "black", "yellow"];

macro_rules! category {
    ($name:literal, $noun:literal, $plural:literal, $names:ident, $link:literal : $to:ident,
     [$($field:literal : $column:expr),*], $flag:literal, $hub:literal) => {
        Category {
            name: $name,
            noun: $noun,
            plural: $plural,
            names: NameKind::$names,
            link: ($link, NameKind::$to),
            fields: [$(($field, $column)),*],
            flag: $flag,
            hub: $hub,
        }
    };
}

use Column::{Tenths, Time, Whole, Word};

/// Every category. The first ones are those that others link to.
#[rustfmt::skip]
pub(crate) const CATEGORIES: [Category; 16] = [
    category!("Weather", "city", "cities", City, "country": Country,
        ["temperature": Whole(1, 39), "humidity": Whole(20, 98), "wind": Whole(2, 70),
         "sky": Word(&["sunny", "cloudy", "rainy", "foggy", "snowy", "clear"])], "coastal", true),
    category!("People", "person", "persons", Person, "city": City,
        ["age": Whole(18, 90), "job": Word(&["doctor", "teacher", "pilot", "lawyer", "painter", "farmer"]),
         "phone": Whole(1000, 9999), "height": Whole(150, 205)], "married", true),
    category!("Countries", "country", "countries", Country, "capital": City,
        ["population": Whole(1, 300), "area": Whole(10, 990), "language": Word(&["English", "French", "Spanish", "German", "Arabic"]),
         "currency": Word(&["dollar", "pound", "franc", "crown", "peso"])], "northern", true),
    category!("Finance", "company", "companies", Firm, "chief": Person,
        ["price": Tenths(50, 4999), "change": Tenths(1, 99), "volume": Whole(100, 9000),
         "sector": Word(&["energy", "health", "mining", "media", "retail"])], "listed", true),
    category!("Movies", "movie", "movies", Title, "director": Person,
        ["year": Whole(1950, 2024), "rating": Tenths(10, 99), "genre": Word(GENRES), "minutes": Whole(70, 210)],
        "new", false),
    category!("Books", "book", "books", Title, "author": Person,
        ["pages": Whole(90, 950), "year": Whole(1900, 2024), "price": Tenths(50, 499), "genre": Word(GENRES)],
        "free", false),
    category!("Music", "song", "songs", Title, "singer": Person,
        ["seconds": Whole(100, 420), "year": Whole(1960, 2024), "rank": Whole(1, 200),
         "style": Word(&["rock", "jazz", "folk", "pop", "blues"])], "live", false),
    category!("Food", "recipe", "recipes", Dish, "cook": Person,
        ["calories": Whole(100, 900), "minutes": Whole(10, 180), "servings": Whole(1, 12), "rating": Tenths(10, 99)],
        "vegan", false),
    category!("Travel", "flight", "flights", Code, "destination": City,
        ["departure": Time, "gate": Whole(1, 80), "delay": Whole(1, 240), "price": Whole(40, 1900)],
        "direct", false),
    category!("Shopping", "shop", "shops", Firm, "city": City,
        ["opening": Time, "phone": Whole(1000, 9999), "rating": Tenths(10, 99),
         "kind": Word(&["bakery", "pharmacy", "butcher", "florist", "grocery"])], "open", false),
    category!("Sports", "team", "teams", Firm, "coach": Person,
        ["wins": Whole(0, 60), "points": Whole(0, 180), "rank": Whole(1, 200), "color": Word(COLORS)],
        "national", false),
    category!("Hotels", "hotel", "hotels", Firm, "city": City,
        ["price": Whole(30, 900), "rooms": Whole(5, 600), "stars": Whole(1, 7), "phone": Whole(1000, 9999)],
        "quiet", false),
    category!("Events", "event", "events", Title, "city": City,
        ["day": Word(&["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"]), "seats": Whole(50, 9000),
         "start": Time, "price": Whole(5, 250)], "public", false),
    category!("Games", "game", "games", Title, "studio": Firm,
        ["score": Tenths(10, 99), "price": Tenths(50, 999), "players": Whole(1, 64), "year": Whole(1980, 2024)],
        "online", false),
    category!("Cars", "car", "cars", Model, "maker": Firm,
        ["speed": Whole(120, 390), "power": Whole(40, 900), "weight": Whole(700, 2900), "color": Word(COLORS)],
        "electric", false),
    category!("Museums", "museum", "museums", Firm, "city": City,
        ["rooms": Whole(3, 120), "year": Whole(1700, 2020), "ticket": Whole(2, 45), "closing": Time],
        "modern", false),
];

/// Words of which one chooses a thing that an API without arguments returns.
pub(crate) const LABELS: [&str; 14] = [
    "featured", "newest", "favorite", "lucky", "famous", "special", "popular", "random", "oldest",
    "hidden", "daily", "weekly", "best", "latest",
];
