//! Numbers for people.

/// `12 345`, the digits in threes.
pub(super) fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            // A narrow space that does not break.
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// `57.6k`, `1.2M`: three digits are enough.
pub(super) fn about(number: f64) -> String {
    match number {
        _ if number >= 999_500_000.0 => format!("{:.1}G", number / 1e9),
        _ if number >= 999_500.0 => format!("{:.1}M", number / 1e6),
        _ if number >= 99_950.0 => format!("{:.0}k", number / 1e3),
        _ if number >= 9_999.5 => format!("{:.1}k", number / 1e3),
        _ if number >= 99.5 => format!("{number:.0}"),
        _ => format!("{number:.1}"),
    }
}

/// `0.14 s`, `26 s`, `4 min 10 s`, `3 h 20 min`.
pub(super) fn time(seconds: f64) -> String {
    match seconds {
        _ if !seconds.is_finite() || seconds < 0.0 => "–".to_owned(),
        _ if seconds < 1.0 => format!("{seconds:.2} s"),
        _ if seconds < 9.95 => format!("{seconds:.1} s"),
        _ if seconds < 59.5 => format!("{seconds:.0} s"),
        _ => {
            let seconds = seconds.round() as u64;
            let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
            match hours {
                0 => format!("{minutes} min {} s", seconds % 60),
                _ => format!("{hours} h {minutes} min"),
            }
        }
    }
}

/// `72 MiB`, `1.4 GiB`.
pub(super) fn memory(bytes: u64) -> String {
    let mib = bytes as f64 / f64::from(1 << 20);
    match mib {
        _ if mib >= 1023.5 => format!("{:.1} GiB", mib / 1024.0),
        _ => format!("{mib:.0} MiB"),
    }
}

/// Three digits after the point of a loss.
pub(super) fn loss(nats: f64) -> String {
    format!("{nats:.3}")
}

/// `5.48`, `1302`, `2.1e9`.
pub(super) fn perplexity(value: f64) -> String {
    match value {
        _ if value >= 1e6 => format!("{value:.1e}"),
        _ if value >= 99.95 => count(value.round() as u64),
        _ => format!("{value:.2}"),
    }
}

/// A share in percent, without the sign.
pub(super) fn percent(share: f64) -> String {
    format!("{:.1}", 100.0 * share)
}

/// `1 step`, `2 steps`.
pub(super) fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(7), "7");
        assert_eq!(count(403_248), "403\u{202f}248");
        assert_eq!(count(1_403_248), "1\u{202f}403\u{202f}248");
        assert_eq!(about(57_637.0), "57.6k");
        assert_eq!(about(15_568.4), "15.6k");
        assert_eq!(about(717_036.0), "717k");
        assert_eq!(about(1_250_000.0), "1.2M");
        assert_eq!(time(0.138), "0.14 s");
        assert_eq!(time(26.4), "26 s");
        assert_eq!(time(59.6), "1 min 0 s");
        assert_eq!(time(12_000.0), "3 h 20 min");
        assert_eq!(time(f64::NAN), "–");
        assert_eq!(memory(72_208_384), "69 MiB");
        assert_eq!(memory(3 << 30), "3.0 GiB");
        assert_eq!(perplexity(1302.3), "1\u{202f}302");
        assert_eq!(percent(0.875), "87.5");
        assert_eq!(plural(1, "step", "steps"), "1 step");
    }
}
