//! How many threads compute.

use serde::Serialize;

use crate::launch::share_of_cores;

/// What programs that compute are told their threads with, this one's own first.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"];

/// How many threads compute where `--threads` does not say, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DefaultThreads {
    /// How many.
    pub threads: usize,
    /// The environment variable that says so, and its value; none: they are the cores that this process may use.
    pub variable: Option<(&'static str, String)>,
    /// Variables of the kind that are set and not read: their values are no numbers of threads, or another one comes first.
    pub not_read: Vec<(&'static str, String)>,
}

/// How many threads compute where `--threads` does not say.
pub fn default_threads() -> DefaultThreads {
    // As many as the cores that this process may use: affinity and a control group's quota count.
    let usable = std::thread::available_parallelism().map_or(1, usize::from);
    let usable = share_of_cores(usable);
    choose(usable, |name| std::env::var(name).ok())
}

fn choose(usable: usize, variable: impl Fn(&str) -> Option<String>) -> DefaultThreads {
    let mut chosen = DefaultThreads {
        threads: usable,
        variable: None,
        not_read: Vec::new(),
    };
    for name in VARIABLES {
        let Some(text) = variable(name) else {
            continue;
        };
        match read(&text) {
            Some(threads) if chosen.variable.is_none() => {
                chosen.threads = threads;
                chosen.variable = Some((name, text));
            }
            _ => chosen.not_read.push((name, text)),
        }
    }
    chosen
}

/// `4`, or OpenMP's `4,2` for nested work. Nothing else is taken for a number.
fn read(text: &str) -> Option<usize> {
    let first = text.split(',').next()?.trim();
    let number: u16 = first.parse().ok()?;
    (number > 0).then_some(number.into())
}

#[cfg(test)]
mod tests {
    use super::{choose, read};

    #[test]
    fn a_variable_is_a_number_or_nothing() {
        for (text, is) in [
            ("4", Some(4)),
            (" 8 ", Some(8)),
            ("4,2", Some(4)),
            ("0", None),
            ("-1", None),
            ("", None),
            ("all", None),
            ("99999999", None),
        ] {
            assert_eq!(read(text), is, "{text:?}");
        }
    }

    #[test]
    fn the_first_variable_that_is_a_number_counts() {
        let set = |rayon: Option<&str>, omp: Option<&str>| {
            let chosen = choose(16, |name| {
                let value = if name.starts_with("RAYON") {
                    rayon
                } else {
                    omp
                };
                value.map(str::to_owned)
            });
            let name = chosen.variable.map(|(name, _)| name);
            (chosen.threads, name, chosen.not_read.len())
        };
        assert_eq!(set(None, None), (16, None, 0));
        assert_eq!(set(None, Some("1")), (1, Some("OMP_NUM_THREADS"), 0));
        assert_eq!(set(Some("4"), Some("1")), (4, Some("RAYON_NUM_THREADS"), 1));
        assert_eq!(set(Some("all"), Some("2")), (2, Some("OMP_NUM_THREADS"), 1));
        assert_eq!(set(Some("0"), None), (16, None, 1));
    }
}
