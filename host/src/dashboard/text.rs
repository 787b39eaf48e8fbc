//! The bounds of names, descriptions and reasons, as the lexicons have them: counted in graphemes, what people call letters, and in
//! bytes, of which a letter may have dozens.

use unicode_segmentation::UnicodeSegmentation;

use super::problem::Problem;

/// A text's bounds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound {
    field: &'static str,
    least: usize,
    graphemes: usize,
    bytes: usize,
}

pub(super) const NAME: Bound = Bound { field: "name", least: 1, graphemes: 100, bytes: 1_000 };
pub(super) const DESCRIPTION: Bound = Bound { field: "description", least: 0, graphemes: 500, bytes: 5_000 };
pub(super) const REASON: Bound = Bound { field: "reason", least: 0, graphemes: 300, bytes: 3_000 };

/// Of `app.bsky.feed.generator`, whose limits are narrower.
pub(super) const DISPLAY_NAME: Bound = Bound { field: "displayName", least: 1, graphemes: 24, bytes: 240 };
pub(super) const FEED_DESCRIPTION: Bound = Bound { field: "description", least: 0, graphemes: 300, bytes: 3_000 };

/// Says that there is more.
const MORE: &str = "…";

impl Bound {
    /// The text without blanks around it, if it is within its bounds.
    pub(super) fn check(self, text: &str) -> Result<&str, Problem> {
        let Self { field, least, graphemes, bytes } = self;
        let text = text.trim();
        let count = text.graphemes(true).take(graphemes + 1).count();
        if text.len() > bytes || count > graphemes {
            let message = format!("{field} may have {graphemes} letters and {bytes} bytes in UTF-8, and has {} bytes", text.len());
            return Err(Problem::Unprocessable(message));
        }
        if count < least {
            return Err(Problem::Unprocessable(format!("{field} must not be empty")));
        }
        Ok(text)
    }
}

/// The text, or as much of its beginning as fits its bounds together with `…`.
pub(super) fn shortened(text: &str, Bound { graphemes, bytes, .. }: Bound) -> String {
    let ends = || text.grapheme_indices(true).map(|(at, letter)| at + letter.len());
    if text.len() <= bytes && ends().nth(graphemes).is_none() {
        return text.to_owned();
    }
    let end = ends().take(graphemes - 1).take_while(|end| end + MORE.len() <= bytes).last().unwrap_or(0);
    format!("{}{MORE}", text[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_counted_as_people_count_them() {
        let flags = "🏳️‍🌈".repeat(100);
        assert!(NAME.check(&"🇯🇵".repeat(100)).is_ok());
        assert!(NAME.check(&"🇯🇵".repeat(101)).is_err());
        assert!(NAME.check(&flags).is_err(), "too many bytes all the same: {}", flags.len());
        assert_eq!(NAME.check("  Night moths "), Ok("Night moths"));
        assert!(NAME.check("  ").is_err());
        assert_eq!(DESCRIPTION.check(" "), Ok(""));
    }

    #[test]
    fn what_is_too_long_is_shortened_and_says_so() {
        let five = Bound { field: "name", least: 0, graphemes: 5, bytes: 60 };
        let check = |text: &str, expected: &str| assert_eq!(shortened(text, five), expected);
        check("", "");
        check("moths", "moths");
        check("moths!", "moth…");
        check("ab  cd", "ab…");
        check("🇯🇵🇯🇵🇯🇵🇯🇵🇯🇵🇯🇵", "🇯🇵🇯🇵🇯🇵🇯🇵…");
        // 25 bytes each.
        check("👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦");
        check("👨‍👩‍👧‍👦👨‍👩‍👧‍👦👨‍👩‍👧‍👦", "👨‍👩‍👧‍👦👨‍👩‍👧‍👦…");
        check(&format!("a{}", "\u{301}".repeat(40)), "…");
    }

    #[test]
    fn a_text_that_is_refused_is_told_both_of_its_bounds() {
        let refused = NAME.check(&"👨‍👩‍👧‍👦".repeat(41)).expect_err("1,025 bytes");
        assert_eq!(refused.to_string(), "name may have 100 letters and 1000 bytes in UTF-8, and has 1025 bytes");
    }

    proptest::proptest! {
        #[test]
        fn what_is_shortened_is_a_beginning_within_both_bounds(text in "([a-z ]|\\PC|क्षि|👨‍👩‍👧‍👦|🇯🇵|e\u{301}){0,60}") {
            for bound in [DISPLAY_NAME, FEED_DESCRIPTION, Bound { field: "", least: 0, graphemes: 3, bytes: 12 }] {
                let short = shortened(&text, bound);
                let count = short.graphemes(true).count();
                assert!(short.len() <= bound.bytes && count <= bound.graphemes, "{short:?}");
                let fits = text.len() <= bound.bytes && text.graphemes(true).count() <= bound.graphemes;
                assert_eq!(short == text, fits, "{short:?}");
                if let Some(beginning) = short.strip_suffix(MORE).filter(|_| !fits) {
                    assert!(text.starts_with(beginning));
                    let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
                    assert!(boundaries.contains(&beginning.len()) || text[beginning.len()..].starts_with(char::is_whitespace), "{short:?}");
                }
            }
        }
    }
}
