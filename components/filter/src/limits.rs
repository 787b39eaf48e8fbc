//! The bounds of the records' fields. Those of `net.atrarium.*` are the ones that `lexicons/` publishes, and a test
//! compares the two; those of posts are the ones of `app.bsky.feed.post`.

use unicode_segmentation::UnicodeSegmentation;

use crate::fault::Fault;

/// How long a text may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    /// In bytes of UTF-8.
    pub bytes: usize,
    /// In extended grapheme clusters: what a reader would call characters.
    pub graphemes: usize,
}

pub const POST_TEXT: Limit = Limit { bytes: 3_000, graphemes: 300 };
pub const POST_TAGS: usize = 8;
pub const POST_LANGUAGES: usize = 3;
pub const POST_LABELS: usize = 10;
/// `com.atproto.label.defs#selfLabel` has this bound, in bytes.
pub const LABEL_BYTES: usize = 128;
/// The longest language tag that anyone uses is under 20 bytes; RFC 5646 wants room for 35.
pub const LANGUAGE_BYTES: usize = 64;
/// How many communities one post may name. Each costs a delivery, so this bounds what one post can cost.
pub const POST_HASHTAGS: usize = 64;

pub const NAME: Limit = Limit { bytes: 1_000, graphemes: 100 };
pub const DESCRIPTION: Limit = Limit { bytes: 5_000, graphemes: 500 };
pub const REASON: Limit = Limit { bytes: 3_000, graphemes: 300 };
pub const MODERATORS: usize = 50;

/// The specification allows 2,048 bytes; real ones have 32 (did:plc) or are a host name.
pub const DID_BYTES: usize = 256;
/// Of those that a record names and of its own alike, or there would be posts that no action can name. A post's has 70 as a rule.
pub const URI_BYTES: usize = 512;

impl Limit {
    /// Whether the text is within both bounds.
    pub fn check(self, text: &str) -> Result<(), Fault> {
        if text.len() > self.bytes || !self.within_graphemes(text) {
            return Err(Fault::TooLong);
        }
        Ok(())
    }

    /// Segmentation is slow, and a grapheme has at least one character, a character at least one byte: so nearly every
    /// text is settled by one of the two cheaper counts.
    fn within_graphemes(self, text: &str) -> bool {
        text.len() <= self.graphemes || text.chars().count() <= self.graphemes || text.graphemes(true).nth(self.graphemes).is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_measured_in_bytes_and_in_graphemes() {
        let limit = Limit { bytes: 40, graphemes: 4 };
        let family = "👨‍👩‍👧‍👦"; // one grapheme, seven characters, 25 bytes
        check(limit, "", true);
        check(limit, "abcd", true);
        check(limit, "abcde", false);
        check(limit, "ｱｲｳｴ", true);
        check(limit, "e\u{301}e\u{301}e\u{301}e\u{301}", true);
        check(limit, "e\u{301}e\u{301}e\u{301}e\u{301}e", false);
        check(limit, &format!("{family}abc"), true);
        check(limit, &family.repeat(2), false);
        check(limit, "\r\n\r\n\r\n\r\n", true);
    }

    fn check(limit: Limit, text: &str, fits: bool) {
        assert_eq!(limit.check(text).is_ok(), fits, "{text:?}");
    }
}
