//! Numbers at an axis.

/// How an axis writes its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Number {
    /// `0.25`, `12`, `40k`, `5e-5`.
    Plain,
    /// A share, 0 to 1, in percent.
    Percent,
}

impl Number {
    /// The text of a tick's value, where ticks are `step` apart.
    pub(super) fn text(self, value: f64, step: f64) -> String {
        match self {
            Self::Plain => plain(value, step),
            Self::Percent => format!("{} %", plain(100.0 * value, 100.0 * step)),
        }
    }
}

fn plain(value: f64, step: f64) -> String {
    let size = value.abs();
    if size < step.abs() * 1e-6 {
        return "0".to_owned();
    }
    if size >= 1e6 {
        return short(value / 1e6, 'M');
    }
    if size >= 1e4 {
        return short(value / 1e3, 'k');
    }
    if size < 1e-3 {
        return format!("{value:.1e}").replace(".0e", "e");
    }
    // As many digits as tell neighbours apart, or the value's own where ticks are not evenly apart.
    let digits = (0..=6).find(|&digits| {
        let unit = 10f64.powi(digits);
        [value, step]
            .iter()
            .all(|number| (number * unit - (number * unit).round()).abs() < 1e-3)
    });
    without_zeros(format!("{value:.*}", digits.unwrap_or(3).max(0) as usize))
}

fn short(value: f64, unit: char) -> String {
    let rounded = format!("{value:.2}");
    format!("{}{unit}", without_zeros(rounded))
}

fn without_zeros(text: String) -> String {
    match text.contains('.') {
        true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_short() {
        for (value, step, text) in [
            (0.0, 0.5, "0"),
            (1e-18, 0.5, "0"),
            (150.0, 50.0, "150"),
            (0.30000000000000004, 0.1, "0.3"),
            (1.5, 0.5, "1.5"),
            (0.125, 0.125, "0.125"),
            (40_000.0, 20_000.0, "40k"),
            (12_500.0, 2_500.0, "12.5k"),
            (1_500_000.0, 500_000.0, "1.5M"),
            (5e-5, 1e-5, "5e-5"),
            (0.0015, 0.0005, "0.0015"),
            (-2.0, 1.0, "-2"),
        ] {
            assert_eq!(Number::Plain.text(value, step), text);
        }
        assert_eq!(Number::Percent.text(0.75, 0.25), "75 %");
    }
}
