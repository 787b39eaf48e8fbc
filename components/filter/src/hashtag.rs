//! The communities' hashtags: `#atrarium_` and eight lower-case hexadecimal digits.
//!
//! In a post's text, `#` or its full-width form `＃` begins one. Before it is the text's start or anything but an ASCII
//! letter, digit, `_` or `/`, so that a fragment in a web address doesn't count; after it the end, or anything but an ASCII
//! letter, digit or `_`. In facets and `tags` the words stand alone, without `#`. Case counts everywhere.

const PREFIX: &str = "atrarium_";
const DIGITS: usize = 8;

/// Whether the text is a hashtag without its `#`, and nothing else.
pub fn is_tag(text: &str) -> bool {
    text.strip_prefix(PREFIX).is_some_and(|rest| rest.len() == DIGITS && digits(rest))
}

/// Whether the text is a hashtag with an ASCII `#`, and nothing else.
pub fn is_hashtag(text: &str) -> bool {
    text.strip_prefix('#').is_some_and(is_tag)
}

/// The hashtags in a post's text, without `#`, as often as they occur.
pub fn find(text: &str) -> impl Iterator<Item = &str> {
    text.match_indices(PREFIX).filter_map(|(start, _)| {
        let end = start + PREFIX.len() + DIGITS;
        let tag = text.get(start..end).filter(|tag| is_tag(tag))?;
        let before = text[..start].strip_suffix(['#', '＃'])?;
        let bounded = !before.ends_with(|c: char| is_word(c) || c == '/') && !text[end..].starts_with(is_word);
        bounded.then_some(tag)
    })
}

fn digits(text: &str) -> bool {
    text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hashtag_stands_between_boundaries() {
        check("#atrarium_0123abcd", &["atrarium_0123abcd"]);
        check("hello #atrarium_0123abcd!", &["atrarium_0123abcd"]);
        check("＃atrarium_0123abcdです", &["atrarium_0123abcd"]);
        check("日本#atrarium_0123abcd語", &["atrarium_0123abcd"]);
        check("##atrarium_0123abcd#", &["atrarium_0123abcd"]);
        check("(#atrarium_0123abcd)-", &["atrarium_0123abcd"]);
        check("\n#atrarium_0123abcd\n", &["atrarium_0123abcd"]);
        check("é#atrarium_0123abcdé", &["atrarium_0123abcd"]);
        check("#atrarium_00000000#atrarium_11111111", &["atrarium_00000000"]);
        check("#atrarium_00000000 #atrarium_11111111", &["atrarium_00000000", "atrarium_11111111"]);
        check("#atrarium_00000000＃atrarium_11111111", &["atrarium_00000000"]);
        check("#atrarium_00000000 #atrarium_00000000", &["atrarium_00000000", "atrarium_00000000"]);
    }

    #[test]
    fn what_only_looks_like_a_hashtag_is_none() {
        for text in [
            "",
            "#",
            "atrarium_0123abcd",
            "#atrarium_",
            "#atrarium_0123abc",
            "#atrarium_0123abcde",
            "#atrarium_0123abcd_",
            "#atrarium_0123abcdZ",
            "#atrarium_0123ABCD",
            "#Atrarium_0123abcd",
            "#atrarium_0123abcg",
            "#atrarium_0123abc日",
            "#atrarium_012日abcd",
            "x#atrarium_0123abcd",
            "9#atrarium_0123abcd",
            "_#atrarium_0123abcd",
            "https://example.com/#atrarium_0123abcd",
            "x＃atrarium_0123abcd",
            "# atrarium_0123abcd",
            "#xatrarium_0123abcd",
        ] {
            check(text, &[]);
        }
    }

    #[test]
    fn a_tag_is_the_whole_word() {
        for (text, tag, hashtag) in [
            ("atrarium_0123abcd", true, false),
            ("#atrarium_0123abcd", false, true),
            ("＃atrarium_0123abcd", false, false),
            ("atrarium_0123abcd ", false, false),
            ("atrarium_0123abcde", false, false),
            ("ATRARIUM_0123abcd", false, false),
        ] {
            assert_eq!((is_tag(text), is_hashtag(text)), (tag, hashtag), "{text}");
        }
    }

    fn check(text: &str, expected: &[&str]) {
        assert_eq!(find(text).collect::<Vec<_>>(), expected, "{text:?}");
    }
}
