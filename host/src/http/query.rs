//! The parameters of a query string, read strictly.
//!
//! `+` and `%20` are blanks, as in every form. A `%` without two hexadecimal digits, text that isn't UTF-8, and a known parameter that
//! comes twice are refused, because readers would differ in what they take them for. Unknown parameters are ignored, as XRPC wants it.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

use super::reply::Fault;

/// The values of these parameters, in the order of the names; text without escapes is not copied.
pub(super) fn parameters<'a, const N: usize>(query: &'a str, names: [&str; N]) -> Result<[Option<Cow<'a, str>>; N], Fault> {
    let mut values = [const { None }; N];
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (name, value) = (decode(name)?, decode(value)?);
        let Some(at) = names.iter().position(|known| *known == name) else { continue };
        if values[at].replace(value).is_some() {
            return Err(Fault::invalid(format!("parameter \"{}\" is given more than once", names[at])));
        }
    }
    Ok(values)
}

fn decode(text: &str) -> Result<Cow<'_, str>, Fault> {
    if !text.bytes().any(|byte| byte == b'%' || byte == b'+') {
        return Ok(Cow::Borrowed(text));
    }
    let escapes = text.split('%').skip(1);
    let is_escape = |rest: &str| rest.len() >= 2 && rest.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
    if !escapes.into_iter().all(is_escape) {
        return Err(Fault::invalid("the query is not validly percent-encoded"));
    }
    let blanks = if text.contains('+') { Cow::Owned(text.replace('+', " ")) } else { Cow::Borrowed(text) };
    match percent_decode_str(&blanks).decode_utf8() {
        Ok(decoded) => Ok(Cow::Owned(decoded.into_owned())),
        Err(_) => Err(Fault::invalid("the query is not UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_strictly() {
        type Values<'a> = Option<[Option<&'a str>; 2]>;
        let check = |query: &str, expected: Values<'_>| {
            let values = parameters(query, ["feed", "limit"]);
            let values = values.as_ref().ok().map(|[feed, limit]| [feed.as_deref(), limit.as_deref()]);
            assert_eq!(values, expected, "{query:?}");
        };
        check("", Some([None, None]));
        check("feed=a&limit=5", Some([Some("a"), Some("5")]));
        check("&&limit=5&other=x&other=y&", Some([None, Some("5")]));
        check("feed", Some([Some(""), None]));
        check("feed==", Some([Some("="), None]));
        check("feed=at%3A%2f%2Fdid", Some([Some("at://did"), None]));
        check("f%65ed=a+b%2Bc", Some([Some("a b+c"), None]));
        check("feed=%E3%81%82", Some([Some("あ"), None]));
        check("feed=あ", Some([Some("あ"), None]));
        check("feed=a&feed=a", None);
        check("feed=a&f%65ed=a", None);
        check("feed=%", None);
        check("feed=%4", None);
        check("feed=%zz", None);
        check("feed=%+1", None);
        check("feed=%あ", None);
        check("feed=%ff", None);
        check("other=%ff", None);
        check("%=1", None);
    }
}
