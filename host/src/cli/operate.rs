//! What an operator asks for, of a server that runs or of its data.
//!
//! ```text
//! atrarium dead-letters list [COMMUNITY] | show ID | retry ID… | retry --all | drop ID… | drop --all
//! atrarium communities list | show COMMUNITY | evict COMMUNITY | rebuild COMMUNITY
//! atrarium backup FILE        atrarium restore FILE
//! atrarium db check | compact | stats
//! atrarium log-level LEVEL
//! ```
//!
//! Each takes `--data-dir` and `--config`, and the environment, as `serve` does: they say whose data are meant.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches};

use crate::config::{Config, Mistakes, keys};
use crate::event::{ObjectWhat, What};
use crate::upkeep::Ask;

/// Something to be done, and how its answer is written.
#[derive(Debug)]
pub struct Operate {
    pub config: Box<Config>,
    pub task: Task,
    /// As JSON, for machines.
    pub json: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Task {
    /// Answered by the running server, or from its data.
    Ask(Ask),
    /// Copy `state.redb`.
    Backup(PathBuf),
    /// Put a copy in its place; the server must not run.
    Restore(PathBuf),
    /// Whether the databases are whole; the server must not run.
    Check,
    /// Make them smaller; the server must not run.
    Compact,
}

/// The commands' names.
pub(super) const NAMES: &[&str] = &["dead-letters", "communities", "backup", "restore", "db", "log-level"];

/// The options that say whose data are meant.
pub(super) const OPTIONS: &[&keys::Key] = &[&keys::DATA_DIR, &keys::CONFIG];

pub(super) fn grammar() -> [clap::Command; 6] {
    let group = |name, about| clap::Command::new(name).about(about).subcommand_required(true).disable_help_subcommand(true);
    let id = |help| Arg::new("id").value_name("COMMUNITY").required(true).help(help);
    let community = || id("What the community is called (`communities list`), or the AT-URI of its config");
    let letters = || {
        let ids = Arg::new("ids").value_name("ID").num_args(1..).required_unless_present("all").help("Ids of dead letters (`dead-letters list`)");
        let all = Arg::new("all").long("all").action(ArgAction::SetTrue).conflicts_with("ids").help("All that there are");
        [ids, all]
    };
    let file = |help| Arg::new("file").value_name("FILE").required(true).help(help);
    [
        group("dead-letters", "What could not be told to communities' objects").subcommands([
            command("list", "List them").arg(Arg::new("community").value_name("COMMUNITY").help("Of this community alone")),
            command("show", "Show one, with the record that it is about").arg(Arg::new("id").value_name("ID").required(true).help("Its id")),
            command("retry", "Try them again").args(letters()),
            command("drop", "Forget them").args(letters()),
        ]),
        group("communities", "The communities of this host").subcommands([
            command("list", "List them, with what they take up"),
            command("show", "Show one").arg(community()),
            command("evict", "Let its object go from memory; it is made anew when it is next told something").arg(community()),
            command("rebuild", "Throw away what its object has stored and tell it everything anew").arg(community()),
        ]),
        command("backup", "Copy state.redb, which can't be rebuilt, while the server runs or doesn't").arg(file("A file that isn't there yet")),
        command("restore", "Put a backup in the place of state.redb; the server must be stopped").arg(file("What `atrarium backup` has written")),
        group("db", "Look after the databases").subcommands([
            command("check", "Say whether they are whole; the server must be stopped"),
            command("compact", "Make their files smaller; the server must be stopped"),
            command("stats", "Say what is in them, and what it takes up"),
        ]),
        command("log-level", "Let another level pass into the log of the running server, until it ends")
            .arg(Arg::new("level").value_name("LEVEL").required(true).help(keys::LOG_LEVEL.help)),
    ]
}

fn command(name: &'static str, about: &'static str) -> clap::Command {
    let json = Arg::new("json").long("json").action(ArgAction::SetTrue).help("Answer in JSON");
    clap::Command::new(name).about(about).args(OPTIONS.iter().copied().map(super::argument)).arg(json)
}

/// The innermost words of a command of this module, where its options are.
pub(super) fn innermost(matches: &ArgMatches) -> &ArgMatches {
    matches.subcommand().map_or(matches, |(_, inner)| inner)
}

pub(super) fn parse(name: &str, matches: &ArgMatches, config: Box<Config>) -> Result<Operate, Mistakes> {
    let inner = innermost(matches);
    let text = |name: &str| inner.try_get_one::<String>(name).ok().flatten().cloned().unwrap_or_default();
    let ids = || inner.try_get_many::<String>("ids").ok().flatten().map(|ids| ids.cloned().collect()).unwrap_or_default();
    let object = |what| Task::Ask(Ask::Object { id: text("id"), what });
    let task = match (name, matches.subcommand_name().unwrap_or_default()) {
        ("dead-letters", "list") => Task::Ask(Ask::Letters { community: Some(text("community")).filter(|community| !community.is_empty()) }),
        ("dead-letters", "show") => Task::Ask(Ask::Letter { id: text("id") }),
        ("dead-letters", "retry") => Task::Ask(Ask::Order { letters: ids(), what: What::Retry }),
        ("dead-letters", "drop") => Task::Ask(Ask::Order { letters: ids(), what: What::Drop }),
        ("communities", "list") => Task::Ask(Ask::Communities),
        ("communities", "show") => Task::Ask(Ask::Community { id: text("id") }),
        ("communities", "evict") => object(ObjectWhat::Evict),
        ("communities", "rebuild") => object(ObjectWhat::Rebuild),
        ("backup", _) => Task::Backup(text("file").into()),
        ("restore", _) => Task::Restore(text("file").into()),
        ("db", "check") => Task::Check,
        ("db", "compact") => Task::Compact,
        ("db", "stats") => Task::Ask(Ask::Stats),
        ("log-level", _) => Task::Ask(Ask::LogLevel { level: text("level") }),
        _ => return Err(Mistakes::default()),
    };
    Ok(Operate { config, task, json: inner.get_flag("json") })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{self, Command};

    #[test]
    fn words_become_what_is_to_be_done() {
        let some = |ids: &[&str]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
        check("dead-letters list", Task::Ask(Ask::Letters { community: None }));
        check("dead-letters list moths", Task::Ask(Ask::Letters { community: Some("moths".to_owned()) }));
        check("dead-letters show AAAA", Task::Ask(Ask::Letter { id: "AAAA".to_owned() }));
        check("dead-letters retry A B", Task::Ask(Ask::Order { letters: some(&["A", "B"]), what: What::Retry }));
        check("dead-letters drop --all", Task::Ask(Ask::Order { letters: vec![], what: What::Drop }));
        check("communities list", Task::Ask(Ask::Communities));
        check("communities show moths", Task::Ask(Ask::Community { id: "moths".to_owned() }));
        check("communities evict moths", Task::Ask(Ask::Object { id: "moths".to_owned(), what: ObjectWhat::Evict }));
        check("communities rebuild moths", Task::Ask(Ask::Object { id: "moths".to_owned(), what: ObjectWhat::Rebuild }));
        check("backup a.redb", Task::Backup("a.redb".into()));
        check("restore a.redb", Task::Restore("a.redb".into()));
        check("db check", Task::Check);
        check("db compact", Task::Compact);
        check("db stats", Task::Ask(Ask::Stats));
        check("log-level debug", Task::Ask(Ask::LogLevel { level: "debug".to_owned() }));
    }

    fn check(words: &str, expected: Task) {
        let words = ["atrarium"].into_iter().chain(words.split_whitespace()).chain(["--data-dir", "/here", "--json"]);
        match cli::parse(words.clone().map(Into::into), [("ATRARIUM_DATA_DIR".into(), "/there".into())]) {
            Ok(Command::Operate(Operate { config, task, json })) => {
                assert_eq!((task, json, config.data_dir.to_str()), (expected, true, Some("/here")));
            }
            other => panic!("{other:?} in place of {expected:?}"),
        }
    }

    #[test]
    fn nothing_is_done_to_all_letters_by_leaving_a_word_out() {
        for words in
            ["dead-letters drop", "dead-letters retry", "dead-letters drop A --all", "communities evict", "db", "backup", "dead-letters list --queue-limit 5"]
        {
            let parsed = cli::parse(["atrarium"].into_iter().chain(words.split_whitespace()).map(Into::into), []);
            assert!(parsed.is_err(), "{words}: {parsed:?}");
        }
    }
}
