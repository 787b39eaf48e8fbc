//! What is wrong with what a caller sent, said for people who have never seen Rust.
//!
//! The library that reads JSON and parameters speaks of its own types and of lines and columns. Here its sentences are turned into ours; one
//! that isn't known is passed on as it is.

/// What is wrong with a body that is no JSON.
pub(super) fn no_json(line: usize, column: usize) -> String {
    format!("the body is not JSON: look at line {line}, column {column}")
}

/// What is wrong with JSON or parameters of another form than is wanted; `field` is where, if anywhere.
pub(super) fn of_form(field: &str, said: &str) -> String {
    let said = said.split(" at line ").next().unwrap_or(said);
    let subject = if field.is_empty() || field == "." { "it".to_owned() } else { format!("\"{field}\"") };
    if let Some(name) = said.strip_prefix("missing field ") {
        return format!("{} is missing", quoted(name));
    }
    if let Some(name) = said.strip_prefix("duplicate field ") {
        return format!("{} is given twice", quoted(name));
    }
    if let Some((name, known)) = said.strip_prefix("unknown field ").and_then(|rest| rest.split_once(", ")) {
        return match known.strip_prefix("expected ") {
            Some(known) => format!("there is no {} here; there is {}", quoted(name), choice(known)),
            None => format!("there is no {} here, nor anything else", quoted(name)),
        };
    }
    if let Some((_, known)) = said.strip_prefix("unknown variant ").and_then(|rest| rest.split_once(", expected ")) {
        return format!("{subject} must be {}", choice(known));
    }
    let wrong = ["invalid type: ", "invalid value: ", "invalid length "].iter().find_map(|prefix| said.strip_prefix(prefix));
    if let Some((_, wanted)) = wrong.and_then(|rest| rest.rsplit_once(", expected ")) {
        return format!("{subject} must be {}", kind(wanted));
    }
    match said {
        "invalid digit found in string" | "cannot parse integer from empty string" => format!("{subject} must be a whole number, and not below zero"),
        "number too large to fit in target type" => format!("{subject} is too large a number"),
        "provided string was not `true` or `false`" => format!("{subject} must be true or false"),
        other if subject == "it" => other.to_owned(),
        other => format!("{subject}: {other}"),
    }
}

/// A name as the library quotes it, as we do.
fn quoted(name: &str) -> String {
    format!("\"{}\"", name.trim_matches('`').chars().take(100).collect::<String>())
}

/// The names that it lists.
fn choice(listed: &str) -> String {
    let names = listed.strip_prefix("one of ").unwrap_or(listed).replace(" or ", ", ");
    let names: Vec<String> = names.split(", ").map(quoted).collect();
    match names.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, before)) => format!("{} or {last}", before.join(", ")),
        None => String::new(),
    }
}

/// What it calls its types.
fn kind(wanted: &str) -> &str {
    match wanted {
        "a string" | "str" => "a text",
        "a boolean" | "bool" => "true or false",
        "a sequence" => "a list",
        "a map" => "an object",
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, and not below zero",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number",
        "f32" | "f64" => "a number",
        other if other.starts_with("struct ") => "an object",
        other if other.starts_with("enum ") || other.starts_with("variant ") => "one of the names that it may have",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is said of it matters")]
    struct Wish {
        name: String,
        limit: Option<u32>,
        stage: Option<Stage>,
        feed_mix: Option<Mix>,
        moderators: Option<Vec<String>>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Stage {
        Theme,
        Community,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only what is said of it matters")]
    struct Mix {
        own: f64,
    }

    #[test]
    fn what_is_wrong_is_said_without_rust() {
        let check = |json: &str, expected: &str| {
            let wrong = super::super::input::read::<Wish>(json.as_bytes()).expect_err("it is wrong");
            assert_eq!(wrong.to_string(), format!("the body: {expected}"), "{json}");
        };
        check("{}", r#""name" is missing"#);
        check(r#"{"name": 7}"#, r#""name" must be a text"#);
        check(r#"{"name": null}"#, r#""name" must be a text"#);
        check(r#"{"name": "a", "limit": "x"}"#, r#""limit" must be a whole number, and not below zero"#);
        check(r#"{"name": "a", "limit": -1}"#, r#""limit" must be a whole number, and not below zero"#);
        check(r#"{"name": "a", "stage": "x"}"#, r#""stage" must be "theme" or "community""#);
        check(r#"{"name": "a", "feedMix": {"own": "all"}}"#, r#""feedMix.own" must be a number"#);
        check(r#"{"name": "a", "feedMix": {"ours": 1}}"#, r#"there is no "ours" here; there is "own""#);
        check(r#"{"name": "a", "moderators": ["b", 7]}"#, r#""moderators[1]" must be a text"#);
        check(r#"{"name": "a", "moderators": "b"}"#, r#""moderators" must be a list"#);
        check(r#"{"name": "a", "name": "b"}"#, r#""name" is given twice"#);
        check(r#"{"nom": "a"}"#, r#"there is no "nom" here; there is "name", "limit", "stage", "feedMix" or "moderators""#);
        check("[]", "it must be an object");
        check("7", "it must be an object");
        for (json, line, column) in [("{", 1, 1), ("{\"name\":\n x}", 2, 2), ("nothing", 1, 2), ("{\"name\":\"a\"} {}", 1, 14)] {
            let wrong = super::super::input::read::<Wish>(json.as_bytes()).expect_err("it is wrong");
            assert_eq!(wrong.to_string(), no_json(line, column), "{json}");
        }
    }

    #[test]
    fn of_parameters_too() {
        let check = |said: &str, expected: &str| assert_eq!(super::super::input::of_parameters(said), expected);
        check("Failed to deserialize query string: missing field `post`", r#"the parameters: "post" is missing"#);
        check(
            "Failed to deserialize query string: limit: invalid digit found in string",
            r#"the parameters: "limit" must be a whole number, and not below zero"#,
        );
        check("Failed to deserialize query string: hidden: provided string was not `true` or `false`", r#"the parameters: "hidden" must be true or false"#);
        check(
            "Failed to deserialize query string: role: unknown variant `king`, expected one of `owner`, `member`",
            r#"the parameters: "role" must be "owner" or "member""#,
        );
        check("Failed to deserialize query string: duplicate field `limit`", r#"the parameters: "limit" is given twice"#);
    }
}
