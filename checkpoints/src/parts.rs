//! Models in several files: `NAME-00001-of-00003.EXTENSION`, as safetensors and GGUF files are split alike.

use std::collections::BTreeSet;

/// Far more parts than any model has.
const MOST: u32 = 1 << 12;

/// What the name of a part says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part<'a> {
    /// What stands before the numbers.
    before: &'a str,
    /// Which part, from 1.
    pub number: u32,
    /// Of how many.
    pub count: u32,
    /// The extension, with its dot.
    extension: &'a str,
}

impl<'a> Part<'a> {
    /// Reads a file's name; `None` where it is not that of a part.
    pub fn of(name: &'a str) -> Option<Self> {
        let (stem, extension) = name.split_at(name.rfind('.')?);
        let (stem, count) = stem.rsplit_once("-of-")?;
        let (before, number) = stem.rsplit_once('-')?;
        let number_of = |digits: &str| {
            let five = digits.len() == 5 && digits.bytes().all(|byte| byte.is_ascii_digit());
            five.then(|| digits.parse::<u32>().ok()).flatten()
        };
        let (number, count) = (number_of(number)?, number_of(count)?);
        let sensible = (1..=count).contains(&number) && count <= MOST;
        sensible.then_some(Self {
            before,
            number,
            count,
            extension,
        })
    }

    /// The name of another part of the same model.
    pub fn name(&self, number: u32) -> String {
        let (before, count, extension) = (self.before, self.count, self.extension);
        format!("{before}-{number:05}-of-{count:05}{extension}")
    }
}

/// The first part that is not among `names`, where these are parts of one model.
pub(crate) fn missing(names: &[&String]) -> Option<String> {
    let parts: Vec<Part<'_>> = names.iter().filter_map(|name| Part::of(name)).collect();
    let first = parts.first()?;
    let numbers: BTreeSet<u32> = parts
        .iter()
        .filter(|part| (part.before, part.count) == (first.before, first.count))
        .map(|part| part.number)
        .collect();
    let missing = (1..=first.count).find(|number| !numbers.contains(number))?;
    Some(first.name(missing))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_which_part_of_how_many() {
        let part = Part::of("a-b-00002-of-00003.gguf").expect("a part");
        assert_eq!((part.number, part.count), (2, 3));
        assert_eq!(part.name(1), "a-b-00001-of-00003.gguf");
        for name in [
            "model.safetensors",
            "a-00004-of-00003.gguf",
            "a-00000-of-00003.gguf",
            "a-1-of-3.gguf",
            "a-00001-of-99999.gguf",
            "a-0000x-of-00003.gguf",
        ] {
            assert_eq!(Part::of(name), None, "{name}");
        }
        let names = [
            "m-00001-of-00003.safetensors",
            "m-00003-of-00003.safetensors",
        ];
        let names = names.map(str::to_owned);
        let names: Vec<&String> = names.iter().collect();
        assert_eq!(
            missing(&names).as_deref(),
            Some("m-00002-of-00003.safetensors")
        );
        assert_eq!(missing(&[]), None);
    }
}
