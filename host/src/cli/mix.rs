//! What an author of mixes asks for.
//!
//! ```text
//! atrarium mix new --lang rust|js|python DIR
//! atrarium mix check FILE
//! atrarium mix run FILE [--against FILE|URL] [--limit NUMBER]
//! atrarium mix bench FILE [--against FILE|URL]
//! ```

use std::path::PathBuf;

use clap::{Arg, ArgMatches};

use crate::config::{Mistakes, Source};

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Mix {
    New { template: Template, folder: PathBuf },
    Check { file: PathBuf },
    Run { file: PathBuf, against: Option<String>, limit: u32 },
    Bench { file: PathBuf, against: Option<String> },
}

/// Which language a new mix is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Template {
    Rust,
    JavaScript,
    Python,
}

impl Template {
    fn named(name: &str) -> Option<Self> {
        match name {
            "rust" => Some(Self::Rust),
            "js" => Some(Self::JavaScript),
            "python" => Some(Self::Python),
            _ => None,
        }
    }
}

pub(super) fn grammar() -> clap::Command {
    let file = || Arg::new("file").value_name("FILE").required(true).help("The component (.wasm)");
    let against = || {
        Arg::new("against")
            .long("against")
            .value_name("FILE|URL")
            .help("Posts as JSON, such as <server>/api/communities/<id>/feed-mix/candidates [default: made up]")
    };
    let limit = Arg::new("limit").long("limit").value_name("NUMBER").help("Posts of a page, 1 to 100 [default: 20]");
    let language = Arg::new("lang").long("lang").value_name("LANGUAGE").required(true).help("rust, js or python");
    let folder = Arg::new("folder").value_name("DIR").required(true).help("A folder that is empty or isn't there yet");
    let command = |name, about| clap::Command::new(name).about(about);
    clap::Command::new("mix").about("Write a feed mix: begin, check, try and measure it").subcommand_required(true).disable_help_subcommand(true).subcommands([
        command("new", "Write a mix to begin with, which is built with one command").args([language, folder]),
        command("check", "Say whether a server would take the component, just as it does itself").arg(file()),
        command("run", "Show the page that the mix makes beside the default mix's").args([file(), against(), limit]),
        command("bench", "Measure what a call takes").args([file(), against()]),
    ])
}

pub(super) fn parse(matches: &ArgMatches, mut mistakes: Mistakes) -> Result<Mix, Mistakes> {
    let Some((name, matches)) = matches.subcommand() else { return Err(mistakes) };
    let text = |name: &str| matches.try_get_one::<String>(name).ok().flatten().cloned();
    let path = |name: &str| text(name).unwrap_or_default().into();
    match name {
        "new" => {
            let language = text("lang").unwrap_or_default();
            let template = Template::named(&language);
            if template.is_none() && !language.is_empty() {
                mistakes.add("lang", Source::Flag, Some(&language), "rust, js or python");
            }
            mistakes.unless_any(Mix::New { template: template.unwrap_or(Template::Rust), folder: path("folder") })
        }
        "check" => mistakes.unless_any(Mix::Check { file: path("file") }),
        "bench" => mistakes.unless_any(Mix::Bench { file: path("file"), against: text("against") }),
        _ => {
            let limit = text("limit").unwrap_or_else(|| "20".to_owned());
            let number = limit.parse().ok().filter(|number| (1..=100).contains(number));
            if number.is_none() {
                mistakes.add("limit", Source::Flag, Some(&limit), "a whole number from 1 to 100");
            }
            mistakes.unless_any(Mix::Run { file: path("file"), against: text("against"), limit: number.unwrap_or(20) })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, Command};

    #[test]
    fn words_become_what_is_to_be_done() {
        check("new --lang js here", Ok(Mix::New { template: Template::JavaScript, folder: "here".into() }));
        check("new here --lang=python", Ok(Mix::New { template: Template::Python, folder: "here".into() }));
        check("check a.wasm", Ok(Mix::Check { file: "a.wasm".into() }));
        check("run a.wasm", Ok(Mix::Run { file: "a.wasm".into(), against: None, limit: 20 }));
        check("run a.wasm --against b.json --limit 100", Ok(Mix::Run { file: "a.wasm".into(), against: Some("b.json".to_owned()), limit: 100 }));
        check("bench a.wasm", Ok(Mix::Bench { file: "a.wasm".into(), against: None }));
    }

    #[test]
    fn what_is_wrong_is_said_with_what_would_be_right() {
        check("new --lang cobol here", Err("--lang: got \"cobol\" but needs rust, js or python"));
        check("new here", Err("--lang <LANGUAGE>"));
        check("new --lang rust", Err("<DIR>"));
        check("check", Err("<FILE>"));
        check("run a.wasm --limit 101", Err("--limit: got \"101\" but needs a whole number from 1 to 100"));
        check("", Err("subcommand"));
    }

    fn check(words: &str, expected: Result<Mix, &str>) {
        let words = ["atrarium", "mix"].into_iter().chain(words.split_whitespace());
        match (cli::parse(words.map(Into::into), []), expected) {
            (Ok(Command::Mix(mix)), Ok(expected)) => assert_eq!(mix, expected),
            (Err(mistakes), Err(expected)) => assert!(mistakes.to_string().contains(expected), "{mistakes}"),
            (got, expected) => panic!("{got:?} in place of {expected:?}"),
        }
    }
}
