//! What the layers say: for each option the texts of the highest layer that has any, each with its source.
//!
//! Knows no types: a number is text here. Never reads the process's environment, which is an argument. Names that are no option
//! go into the mistakes, except variables that resemble none: Kubernetes, for one, sets `ATRARIUM_PORT` beside a service of
//! that name.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;

use super::file;
use super::keys::{self, Key, Takes};
use super::mistake::{Mistakes, Source, variable};
use super::nearest::nearest;

/// What the command line gave: for each option name its values, in order.
pub type Flags = BTreeMap<&'static str, Vec<String>>;

/// One text and where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Text {
    pub(crate) text: String,
    pub(crate) source: Source,
}

/// The texts that count.
#[derive(Debug, Default)]
pub struct Given(BTreeMap<&'static str, Vec<Text>>);

impl Given {
    /// Lays flags over environment over file. Reads the file, if there is one.
    pub fn collect(flags: &Flags, environment: impl IntoIterator<Item = (OsString, OsString)>, mistakes: &mut Mistakes) -> Self {
        let variables = variables(environment, mistakes);
        let mut given = Self::default();
        for key in keys::ALL.iter().copied().chain([&keys::CONFIG]) {
            let flags = flags.get(key.name).map(|texts| from(texts.clone(), &Source::Flag));
            let variable = || variables.get(key.name).map(|text| from(vec![text.clone()], &Source::Environment));
            if let Some(texts) = flags.or_else(variable) {
                given.0.insert(key.name, split(key, texts));
            }
        }
        if let Some(path) = given.0.remove(keys::CONFIG.name) {
            for (key, texts) in path.last().map(|path| file::read(Path::new(&path.text), mistakes)).into_iter().flatten() {
                given.0.entry(key.name).or_insert_with(|| split(key, texts));
            }
        }
        given
    }

    /// All texts by option, but for the secret.
    pub(crate) fn told(&self) -> BTreeMap<&'static str, Vec<String>> {
        let texts = |texts: &Vec<Text>| texts.iter().map(|text| text.text.clone()).collect();
        self.0.iter().filter(|(name, _)| **name != keys::SECRET.name).map(|(name, found)| (*name, texts(found))).collect()
    }

    /// The texts of this option; empty if no layer gave any.
    pub(crate) fn texts(&self, key: &Key) -> &[Text] {
        self.0.get(key.name).map_or(&[], Vec::as_slice)
    }
}

/// The variables that are options, by the option's name.
fn variables(environment: impl IntoIterator<Item = (OsString, OsString)>, mistakes: &mut Mistakes) -> BTreeMap<&'static str, String> {
    let mut variables = BTreeMap::new();
    for (name, value) in environment {
        let Some(rest) = name.to_str().and_then(|name| name.strip_prefix("ATRARIUM_")) else { continue };
        let written = rest.to_ascii_lowercase().replace('_', "-");
        let key = keys::ALL.iter().copied().chain([&keys::CONFIG]).find(|key| name == *variable(key.name));
        match (key, value.to_str()) {
            (Some(_), Some("")) => {}
            (Some(key), Some(value)) => drop(variables.insert(key.name, value.to_owned())),
            (Some(key), None) => mistakes.add(key.name, Source::Environment, None, "is not UTF-8"),
            (None, _) => {
                if let Some(near) = nearest(&written) {
                    let wanted = format!("no such option; {} may be meant", variable(near));
                    mistakes.add(&written, Source::Environment, None, wanted);
                }
            }
        }
    }
    variables
}

fn from(texts: Vec<String>, source: &Source) -> Vec<Text> {
    texts.into_iter().map(|text| Text { text, source: source.clone() }).collect()
}

/// Takes lists apart at their commas; blanks around an item and empty items don't count.
fn split(key: &Key, texts: Vec<Text>) -> Vec<Text> {
    if !matches!(key.takes, Takes::List { .. }) {
        return texts;
    }
    let item = |text: &str, source: &Source| Text { text: text.trim().to_owned(), source: source.clone() };
    let items = texts.iter().flat_map(|Text { text, source }| text.split(',').map(|text| item(text, source)));
    items.filter(|item| !item.text.is_empty()).collect()
}
