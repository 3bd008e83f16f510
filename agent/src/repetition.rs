//! Texts that end in a loop: the same piece again and again.

/// Where the pieces together have so many bytes; less is what people write, too.
const LONG: usize = 60;
/// The longest piece, in bytes.
const LONGEST_PIECE: usize = 400;
/// The most bytes of a token that matter where one token more is looked at.
const TOKEN: usize = 256;

/// Where a text first ends with the same piece `times` times or more, one after the other: how many of its bytes, which are
/// whole characters. A piece has 400 bytes at most, all of them together 60 at least, and the last one may be cut.
///
/// `times` is 2 at least; less is taken for that.
pub fn loop_end(text: &str, times: usize) -> Option<usize> {
    let (bytes, times) = (text.as_bytes(), times.max(2));
    let end = (1..=LONGEST_PIECE.min(bytes.len() / times))
        .filter_map(|piece| {
            let enough = LONG.max(times * piece) - piece;
            let mut same = 0;
            let end = (piece..bytes.len()).find(|&at| {
                same = if bytes[at] == bytes[at - piece] {
                    same + 1
                } else {
                    0
                };
                same >= enough
            });
            end.map(|at| at + 1)
        })
        .min()?;
    (end..=text.len()).find(|&at| text.is_char_boundary(at))
}

/// Whether a text that grows by a token at a time loops now, where it did not before.
pub fn loops_now(text: &str, times: usize) -> bool {
    let seen = LONGEST_PIECE.saturating_mul(times.max(2)).max(LONG) + TOKEN;
    let start = text.len().saturating_sub(seen);
    let start = (start..=text.len()).find(|&at| text.is_char_boundary(at));
    loop_end(&text[start.unwrap_or(0)..], times).is_some()
}

/// Whether a text ends with the same piece `times` times or more; the last one may be cut.
pub fn loops(text: &str, times: usize) -> bool {
    let (bytes, times) = (text.as_bytes(), times.max(2));
    (1..=LONGEST_PIECE.min(bytes.len() / times)).any(|piece| {
        let same = bytes.iter().rev().zip(bytes.iter().rev().skip(piece));
        let same = same.take_while(|(one, other)| one == other).count();
        let length = same + piece;
        length >= LONG && length >= times * piece
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_does_not_loop() {
        for text in [
            "It rains in Oslo, in Bergen and in Malmo, and it will rain tomorrow as well.",
            "ha ha ha ha ha ha",
            "Yes. Yes. Yes. Yes.",
            "",
        ] {
            assert!(!loops(text, 4), "{text}");
            assert_eq!(loop_end(text, 4), None, "{text}");
        }
        for text in [
            "a".repeat(100),
            "\u{e9}t\u{e9} ".repeat(20),
            format!(
                "It rains.{}{}",
                "\n- Oslo: 7 degrees, rain".repeat(5),
                "\n- Oslo"
            ),
        ] {
            assert!(loops(text.trim_end(), 4), "{text}");
            assert!(loop_end(&text, 4).is_some(), "{text}");
        }
    }

    /// The end is the first beginning that loops, however the text is looked at.
    #[test]
    fn a_loop_ends_where_it_first_is_one() {
        let piece = "I ask \u{e9}nother tool. ";
        let text = format!("Hm:{}It rains.", piece.repeat(9));
        for times in [2, 3, 5, 8] {
            let end = loop_end(&text, times).unwrap_or_default();
            let first = (0..=text.len())
                .filter(|&at| text.is_char_boundary(at))
                .find(|&at| loops(&text[..at], times));
            assert_eq!(Some(end), first, "{times}");
            let grows = (0..=text.len())
                .filter(|&at| text.is_char_boundary(at))
                .find(|&at| loops_now(&text[..at], times));
            assert_eq!(grows, first, "{times}");
            // The least bytes count where the pieces are few.
            let pieces = (times * piece.len()).max(LONG);
            assert_eq!(end, "Hm:".len() + pieces, "{times}");
        }
        assert_eq!(loop_end(&text, 10), None);
        // Once where one is asked for is no repetition.
        assert_eq!(loop_end(&text, 0), loop_end(&text, 2));
        // A character is not cut in two.
        let wide = "\u{1f980}".repeat(40);
        let end = loop_end(&wide, 4).unwrap_or_default();
        assert!(wide.is_char_boundary(end) && end >= LONG);
    }
}
