//! The bounds of names, descriptions and reasons, as the lexicons have them: counted in graphemes, what people call letters.

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
pub(super) const DISPLAY_NAME: usize = 24;
pub(super) const FEED_DESCRIPTION: usize = 300;

impl Bound {
    /// The text without blanks around it, if it is within its bounds.
    pub(super) fn check(self, text: &str) -> Result<&str, Problem> {
        let Self { field, least, graphemes, bytes } = self;
        let text = text.trim();
        let count = text.graphemes(true).take(graphemes + 1).count();
        if text.len() > bytes || count > graphemes {
            return Err(Problem::Unprocessable(format!("{field} may have {graphemes} letters")));
        }
        if count < least {
            return Err(Problem::Unprocessable(format!("{field} must not be empty")));
        }
        Ok(text)
    }
}

/// The text, or its beginning with `…` where it is longer than so many graphemes.
pub(super) fn shortened(text: &str, graphemes: usize) -> String {
    let mut letters = text.grapheme_indices(true);
    match letters.nth(graphemes) {
        None => text.to_owned(),
        Some(_) => {
            let end = text.grapheme_indices(true).nth(graphemes - 1).map_or(text.len(), |(at, _)| at);
            format!("{}…", text[..end].trim_end())
        }
    }
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
        let check = |text: &str, expected: &str| assert_eq!(shortened(text, 5), expected);
        check("", "");
        check("moths", "moths");
        check("moths!", "moth…");
        check("ab  cd", "ab…");
        check("🇯🇵🇯🇵🇯🇵🇯🇵🇯🇵🇯🇵", "🇯🇵🇯🇵🇯🇵🇯🇵…");
    }
}
