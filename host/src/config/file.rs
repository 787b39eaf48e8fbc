//! The layer that is a file: one flat TOML table.
//!
//! Takes strings, whole numbers, booleans and, for lists, arrays of strings; each text keeps its line. A file that can't be read, each error of
//! syntax, each key that is no option and each value of the wrong kind is a mistake, and the rest of the file still counts, so
//! that one run shows everything.

use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::given::Text;
use super::keys::{self, Key, Takes};
use super::mistake::{Mistakes, Source};
use super::nearest::nearest;

/// Every option in the file, with its texts.
pub(crate) fn read(path: &Path, mistakes: &mut Mistakes) -> Vec<(&'static Key, Vec<Text>)> {
    match std::fs::read_to_string(path) {
        Ok(text) => parse(path, &text, mistakes),
        Err(error) => {
            let source = Source::File { path: path.to_owned(), line: None };
            mistakes.add("", source, None, format!("can't be read: {error}"));
            Vec::new()
        }
    }
}

fn parse(path: &Path, text: &str, mistakes: &mut Mistakes) -> Vec<(&'static Key, Vec<Text>)> {
    let at = |offset: usize| {
        let line = text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1;
        Source::File { path: path.to_owned(), line: Some(line) }
    };
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in &errors {
        mistakes.add("", at(error.span().map_or(0, |span| span.start)), None, error.message());
    }
    let mut options = Vec::new();
    let mut entries: Vec<_> = table.into_inner().into_iter().collect();
    entries.sort_by_key(|(name, _)| name.span().start);
    for (name, value) in entries {
        let source = at(name.span().start);
        let name = name.into_inner();
        let Some(key) = keys::named(&name) else {
            mistakes.add(&name, source, None, no_such_key(&name));
            continue;
        };
        match texts(key, &value) {
            Ok(texts) => {
                let texts = texts.into_iter().map(|(text, offset)| Text { text, source: at(offset) });
                options.push((key, texts.collect()));
            }
            // After an error of syntax a value may be a stand-in for what wasn't understood.
            Err(_) if !errors.is_empty() => {}
            Err(wanted) => mistakes.add(key.name, source, None, format!("is {}, needs {wanted}", value.get_ref().type_str())),
        }
    }
    options
}

fn no_such_key(name: &str) -> String {
    if name == keys::CONFIG.name {
        return "a file can't name another".to_owned();
    }
    match nearest(name) {
        Some(near) => format!("no such option; {near} may be meant"),
        None => "no such option".to_owned(),
    }
}

/// The value as texts with their places in the file, or what it would have to be.
fn texts(key: &Key, value: &Spanned<DeValue<'_>>) -> Result<Vec<(String, usize)>, &'static str> {
    let start = value.span().start;
    match (value.get_ref(), &key.takes) {
        (DeValue::String(text), _) => Ok(vec![(text.to_string(), start)]),
        (DeValue::Integer(number), Takes::Number(_)) => Ok(vec![(number.to_string(), start)]),
        (DeValue::Boolean(switch), Takes::Switch) => Ok(vec![(switch.to_string(), start)]),
        (DeValue::Array(items), Takes::List { .. }) => {
            let text = |item: &Spanned<DeValue<'_>>| Some((item.get_ref().as_str()?.to_owned(), item.span().start));
            items.iter().map(text).collect::<Option<_>>().ok_or("an array of nothing but strings")
        }
        (_, Takes::Number(_)) => Err("a whole number"),
        (_, Takes::List { .. }) => Err("an array of strings"),
        (_, Takes::Switch) => Err("true or false"),
        (_, Takes::Text { .. } | Takes::Optional) => Err("a string"),
    }
}
