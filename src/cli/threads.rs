//! How many threads compute.

use glpft::Error;

use super::{OutputArgs, complain};

/// What programs that compute are told their threads with, this one's own first.
const VARIABLES: [&str; 2] = ["RAYON_NUM_THREADS", "OMP_NUM_THREADS"];

/// Gives rayon the threads asked for, and runs the command, whose notices are shown. Only once, before anything uses them: threads that cannot be
/// started are an error here, and a panic later.
pub(super) fn with_threads(
    output: &OutputArgs,
    command: impl FnOnce() -> Result<(), Error>,
) -> Result<(), Error> {
    let set = |name: &&str| from_variable(&std::env::var(name).ok()?);
    let asked = output.threads.map(usize::from);
    // As many as the cores that this process may use: affinity and a control group's quota count.
    let threads = asked
        .or_else(|| VARIABLES.iter().find_map(set))
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build_global()
        .map_err(|error| Error::Threads {
            threads,
            reason: error.to_string(),
        })?;
    if !output.quiet {
        glpft::notice::listen(|notice| complain(&format!("warning: {notice}")));
    }
    command()
}

/// `4`, or OpenMP's `4,2` for nested work. Nothing else is taken for a number.
fn from_variable(text: &str) -> Option<usize> {
    let first = text.split(',').next()?.trim();
    let number: u16 = first.parse().ok()?;
    (number > 0).then_some(number.into())
}

#[cfg(test)]
mod tests {
    use super::from_variable;

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
            assert_eq!(from_variable(text), is, "{text:?}");
        }
    }
}
