//! Whether JSON may be handed to atrium's types.
//!
//! Those copy all that lies below each level of an `unknown` value, once for each level (`DataModel` in atrium-api 0.26), and an object of
//! one field takes nearly a kilobyte: sixty kilobytes of brackets have cost 1.2 GB. So depth and number are counted here, in one
//! pass over the bytes that keeps nothing. What isn't JSON passes, or not: the parser ends at the first byte that is wrong, and up
//! to there both see the same.

/// Levels. The records that we know have five; an answer has one or two around them.
const DEEPEST: usize = 16;

/// Objects and lists. The answer to a write of a hundred records has about three hundred.
const CONTAINERS: usize = 1_024;

/// All values, to the nearest few.
const VALUES: usize = 8_192;

/// What is wrong with it, as the end of a sentence.
pub(super) fn check(json: &[u8]) -> Result<(), &'static str> {
    let (mut depth, mut containers, mut values, mut in_text) = (0_usize, 0_usize, 1_usize, false);
    let mut bytes = json.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' if in_text => drop(bytes.next()),
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => (depth, containers, values) = (depth + 1, containers + 1, values + 1),
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' => values += 1,
            _ => {}
        }
        if depth > DEEPEST {
            return Err("is nested too deep");
        }
        if containers > CONTAINERS || values > VALUES {
            return Err("has too many values in it");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_servers_really_say_passes_and_brackets_without_end_do_not() {
        let moderators: Vec<_> = (0..50).map(|n| format!("did:plc:{n:a>24}")).collect();
        let facets: Vec<_> =
            (0..100).map(|n| json!({ "index": { "byteStart": n, "byteEnd": n + 1 }, "features": [{ "$type": "x", "tag": "[{,}]" }] })).collect();
        let record = json!({ "uri": "at://x", "cid": "x", "value": { "moderators": moderators, "facets": facets, "text": "\"[[[[[[[[[[[[[[[[[[[[[[\\" } });
        let results: Vec<_> = (0..100).map(|_| json!({ "$type": "x#createResult", "uri": "at://x", "cid": "x", "validationStatus": "valid" })).collect();
        let written = json!({ "commit": { "cid": "x", "rev": "x" }, "results": results });
        for good in [record.to_string(), written.to_string(), "[".repeat(16), String::new(), "\"[".to_owned() + &"[".repeat(99)] {
            assert_eq!(check(good.as_bytes()), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("[".repeat(17), "is nested too deep"),
            (r#"{"":"#.repeat(17), "is nested too deep"),
            (r#"["\\","#.repeat(17), "is nested too deep"),
            (r#"["\"","#.repeat(17), "is nested too deep"),
            (format!("[{}", "[],".repeat(1_024)), "has too many values in it"),
            (format!("[{}", "{},".repeat(1_024)), "has too many values in it"),
            (format!("[{}", "1,".repeat(8_192)), "has too many values in it"),
        ] {
            assert_eq!(check(bad.as_bytes()), Err(why), "{bad:.40}");
        }
    }
}
