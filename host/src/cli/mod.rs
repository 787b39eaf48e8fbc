//! The command line: what the program is asked to do, and with which configuration.
//!
//! ```text
//! atrarium serve [--config FILE] [OPTIONS]     follows the network and serves feeds
//! atrarium backfill [OPTIONS]                  reads repos until nothing is left to be read, and ends
//! atrarium demo [OPTIONS]                      the same on a replay, with data of its own
//! atrarium doctor [OPTIONS]                    looks for what would keep feeds from being seen
//! atrarium dead-letters|communities|db …       what an operator asks, of a server that runs or of its data
//! atrarium backup|restore|log-level …
//! atrarium mix new|check|run|bench …           what an author of a mix does at home
//! atrarium completions SHELL | man DIR | --version | --help
//! ```
//!
//! The flags are made from `config::keys`. clap only takes the words apart: it checks no value, since it stops at the first wrong
//! one; and what it can't take apart is one mistake among the others. `demo` reads flags alone: an operator's environment and file are
//! meant for `serve`, and a demo must not write into the data that they name.
//!
//! Nothing is printed here and the process goes on: `main` decides what to do with a [`Command`] or with [`Mistakes`].

pub mod mix;
pub mod operate;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches};

use crate::config::keys::{self, Key, Takes};
use crate::config::{self, Config, Flags, Given, Mistakes, Source};
use crate::sandbox::strangers::confined;
use crate::version;

/// What the program shall do.
#[derive(Debug)]
pub enum Command {
    Serve(Box<Config>),
    /// With the options of `serve`.
    Backfill(Box<Config>),
    Demo(Demo),
    /// Look for what would keep feeds from being seen.
    Doctor {
        config: Box<Config>,
        json: bool,
    },
    /// What an operator asks.
    Operate(operate::Operate),
    /// What authors of mixes do at home.
    Mix(mix::Mix),
    /// Look at a component in a process that has nothing else to do; only the program itself asks for it.
    Admit(confined::Task),
    /// Write the manual's pages into this folder.
    Man(PathBuf),
    /// Show this text on stdout and end: help, or the version.
    Show(String),
}

/// A demo's configuration; its `jetstream` is for the demo to replace.
#[derive(Debug)]
pub struct Demo {
    pub config: Box<Config>,
    /// Whether `config.data_dir` is a directory to be removed at the end; it doesn't exist yet.
    pub temporary: bool,
}

/// The options of `demo`.
const DEMO: &[&Key] = &[&keys::LISTEN, &keys::ADMIN_LISTEN, &keys::PUBLIC_URL, &keys::DATA_DIR, &keys::COMPONENTS, &keys::LOG_LEVEL, &keys::LOG_FORMAT];

/// What these arguments (the program's name first) and this environment ask for.
pub fn parse(arguments: impl IntoIterator<Item = OsString>, environment: impl IntoIterator<Item = (OsString, OsString)>) -> Result<Command, Mistakes> {
    let mut mistakes = Mistakes::default();
    let matches = match understand(arguments.into_iter().collect(), &mut mistakes) {
        Understood::Words(matches) => matches,
        Understood::Show(text) => return Ok(Command::Show(text)),
        Understood::Nothing => return Err(mistakes),
    };
    match matches.subcommand() {
        Some((name @ ("serve" | "backfill"), matches)) => {
            let flags = flags(matches, keys::ALL.iter().copied().chain([&keys::CONFIG]));
            let given = Given::collect(&flags, environment, &mut mistakes);
            let config = Box::new(config::validate(&given, mistakes)?);
            Ok(if name == "serve" { Command::Serve(config) } else { Command::Backfill(config) })
        }
        Some(("doctor", matches)) => {
            let flags = flags(matches, keys::ALL.iter().copied().chain([&keys::CONFIG]));
            let given = Given::collect(&flags, environment, &mut mistakes);
            Ok(Command::Doctor { config: Box::new(config::validate(&given, mistakes)?), json: matches.get_flag("json") })
        }
        Some(("demo", matches)) => demo(flags(matches, DEMO.iter().copied()), mistakes),
        Some((name, matches)) if operate::NAMES.contains(&name) => {
            let flags = flags(operate::innermost(matches), operate::OPTIONS.iter().copied());
            let given = Given::collect(&flags, environment, &mut mistakes);
            operate::parse(name, matches, Box::new(config::validate(&given, mistakes)?)).map(Command::Operate)
        }
        Some(("mix", matches)) => mix::parse(matches, mistakes).map(Command::Mix),
        Some(("completions", matches)) => {
            let shell = matches.get_one::<String>("shell").map(String::as_str).unwrap_or_default();
            match shell.parse::<clap_complete::Shell>() {
                Ok(shell) => Ok(Command::Show(completions(shell))),
                Err(_) => {
                    mistakes.add("", Source::Flag, Some(shell), SHELLS);
                    Err(mistakes)
                }
            }
        }
        Some(("man", matches)) => Ok(Command::Man(matches.get_one::<String>("folder").map(PathBuf::from).unwrap_or_default())),
        Some(("admit", matches)) => admit(matches).map(Command::Admit).ok_or(mistakes),
        _ => Err(mistakes),
    }
}

enum Understood {
    Words(ArgMatches),
    /// Somebody asked for help, or for the version.
    Show(String),
    Nothing,
}

/// Takes the words apart. What is unknown is written down and left out, so that the rest can be looked at all the same.
fn understand(mut words: Vec<OsString>, mistakes: &mut Mistakes) -> Understood {
    loop {
        let error = match grammar().try_get_matches_from(&words) {
            Ok(matches) => return Understood::Words(matches),
            Err(error) => error,
        };
        if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
            return Understood::Show(error.render().to_string());
        }
        mistakes.add("", Source::Flag, None, sentence(&error));
        if !leave_out(&error, &mut words) {
            let rest = grammar().ignore_errors(true).try_get_matches_from(&words);
            return rest.map_or(Understood::Nothing, Understood::Words);
        }
    }
}

/// Removes the unknown word that the error is about, and its value if it was a flag with one.
fn leave_out(error: &clap::Error, words: &mut Vec<OsString>) -> bool {
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return false };
    if error.kind() != ErrorKind::UnknownArgument {
        return false;
    }
    let is_flag = |word: &OsString| word.as_encoded_bytes().starts_with(b"-");
    let with_value = format!("{unknown}=");
    let same = |word: &OsString| *word == **unknown || word.to_str().is_some_and(|word| word.starts_with(&with_value));
    let Some(at) = words.iter().skip(1).position(same).map(|after_name| after_name + 1) else { return false };
    let removed = words.remove(at);
    if removed == **unknown && is_flag(&removed) && words.get(at).is_some_and(|next| !is_flag(next)) {
        words.remove(at);
    }
    true
}

fn demo(mut flags: Flags, mut mistakes: Mistakes) -> Result<Command, Mistakes> {
    let temporary = !flags.contains_key(keys::DATA_DIR.name);
    if temporary {
        let directory = std::env::temp_dir().join(format!("atrarium-demo-{}", std::process::id()));
        flags.insert(keys::DATA_DIR.name, vec![directory.to_string_lossy().into_owned()]);
    }
    // Nobody hosts the repos of made-up people.
    flags.insert(keys::FIREHOSE_ONLY.name, vec!["true".to_owned()]);
    let given = Given::collect(&flags, [], &mut mistakes);
    Ok(Command::Demo(Demo { config: Box::new(config::validate(&given, mistakes)?), temporary }))
}

fn grammar() -> clap::Command {
    let layers = "Each option --a-b can also be given as the environment variable ATRARIUM_A_B or as the key a-b of the file;\n\
                  flags win over the environment, and the environment over the file.";
    let command =
        |name, about| clap::Command::new(name).about(about).after_help(layers).arg(argument(&keys::CONFIG)).args(keys::ALL.iter().copied().map(argument));
    let serve = command("serve", "Follow the network and serve the feeds of its communities");
    let backfill = command("backfill", "Read the repos of all communities' people, and end; the server must not be running");
    let doctor = command("doctor", "Look for what would keep feeds from being seen; with the options of serve");
    let doctor = doctor.arg(Arg::new("json").long("json").action(ArgAction::SetTrue).help("Answer in JSON"));
    let demo = clap::Command::new("demo")
        .about("Serve a few made-up communities beside captured traffic")
        .after_help("A demo reads no environment variables. Without --data-dir its data lie in a temporary directory.")
        .args(DEMO.iter().copied().map(argument));
    clap::Command::new("atrarium")
        .bin_name("atrarium")
        .version(version::LONG)
        .about("Community feeds for Bluesky")
        .subcommand_required(true)
        .disable_help_subcommand(true)
        .subcommands([serve, backfill, demo, doctor])
        .subcommands(operate::grammar())
        .subcommands([mix::grammar(), completing(), manual(), admission()])
}

const SHELLS: &str = "bash, zsh, fish, elvish or powershell";

fn completing() -> clap::Command {
    let shell = Arg::new("shell").value_name("SHELL").required(true).help(SHELLS);
    clap::Command::new("completions").about("Print what lets a shell complete this program's commands").arg(shell)
}

fn completions(shell: clap_complete::Shell) -> String {
    let mut text = Vec::new();
    clap_complete::generate(shell, &mut grammar(), "atrarium", &mut text);
    String::from_utf8_lossy(&text).into_owned()
}

fn manual() -> clap::Command {
    let folder = Arg::new("folder").value_name("DIR").required(true).help("A folder that is there, such as /usr/local/share/man/man1");
    clap::Command::new("man").about("Write the manual's pages: atrarium(1), and one for each command").arg(folder)
}

/// Writes the manual's pages.
pub fn write_manual(folder: &Path) -> std::io::Result<()> {
    clap_mangen::generate_to(grammar(), folder)
}

/// What the server starts for each upload. No person is meant to type it, so it is in no help.
fn admission() -> clap::Command {
    let arguments = ["input", "output", "fuel", "time-ms", "memory", "compile-secs", "compile-memory"];
    clap::Command::new("admit").hide(true).args(arguments.map(|name| Arg::new(name).long(name).required(true)))
}

fn admit(matches: &ArgMatches) -> Option<confined::Task> {
    let text = |name: &str| matches.get_one::<String>(name);
    let number = |name: &str| text(name)?.parse().ok();
    Some(confined::Task {
        input: text("input")?.into(),
        output: text("output")?.into(),
        allowance: confined::allowance(number("fuel")?, number("time-ms")?, number("memory")?),
        compile_secs: number("compile-secs")?,
        compile_memory: number("compile-memory")?,
    })
}

/// Every option may be repeated as far as clap is concerned; what that means is `config`'s to judge.
fn argument(key: &'static Key) -> Arg {
    let default = match &key.takes {
        Takes::Text { default } => format!(" [default: {default}]"),
        Takes::Number(number) => format!(" [default: {}; {} to {}]", number.default, number.least, number.most),
        Takes::List { default: [] } => "; repeatable".to_owned(),
        Takes::List { default } => format!("; repeatable [default: {}]", default.join(",")),
        Takes::Optional | Takes::Switch => String::new(),
    };
    let help = format!("{}{default}", key.help);
    let argument = Arg::new(key.name).long(key.name).value_name(key.value).help(help).action(ArgAction::Append);
    match key.takes {
        // With an equals sign or not at all, so that it never takes the word behind it.
        Takes::Switch => argument.num_args(0..=1).require_equals(true).default_missing_value("true"),
        _ => argument,
    }
}

fn flags(matches: &ArgMatches, keys: impl Iterator<Item = &'static Key>) -> Flags {
    let values = |key: &'static Key| {
        let values = matches.try_get_many::<String>(key.name).ok()??;
        Some((key.name, values.cloned().collect()))
    };
    keys.filter_map(values).collect()
}

/// What clap has to say, in one line and without the usage.
fn sentence(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("Usage:").next().unwrap_or_default();
    let text = text.split("For more information").next().unwrap_or_default();
    let lines = text.lines().map(|line| line.trim().trim_start_matches("error: ")).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_manual_has_a_page_for_each_command() {
        let folder = tempfile::tempdir().expect("tests need a temporary directory");
        write_manual(folder.path()).expect("a folder of the test's own");
        let page = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_else(|cause| panic!("{name}: {cause}"));
        assert!(page("atrarium.1").contains("Community feeds for Bluesky"));
        assert!(page("atrarium-serve.1").contains("public\\-url"));
        assert!(page("atrarium-dead-letters-retry.1").contains("Try them again"));
        assert!(!folder.path().join("atrarium-admit.1").exists(), "nobody is meant to type that");
        write_manual(&folder.path().join("nowhere")).expect_err("there is no such folder");
    }
}
