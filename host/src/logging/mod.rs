//! The program's log: lines on stderr, as text for people or as JSON for machines.
//!
//! Never writes to stdout, which belongs to what a command answers, and never to a file. A level that isn't one is refused when
//! it is parsed, because the filter's own parser would take `inof` for a module's name and silence the program.
//!
//! Beside the log there are traces, for who names a collector ([`export`]): a span from each request to its answer, and one from the
//! first frame of an intake to the commit of its last event.

pub mod export;

use std::fmt;
use std::io::{IsTerminal, stderr};
use std::str::FromStr;
use std::sync::OnceLock;

use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::reload;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, Registry};

pub use export::{Export, Exporter};

/// What passes into the log: a level, or directives such as `info,atrarium::ingest=debug`.
#[derive(Debug, Clone)]
pub struct Level(Targets);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Text,
    Json,
}

impl FromStr for Level {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WANTED: &str = "error, warn, info, debug, trace or off, or a filter such as info,atrarium::ingest=debug";
        let mut targets = Targets::new();
        for directive in text.split(',').map(str::trim) {
            let (target, level) = match directive.split_once('=') {
                Some((target, level)) if is_target(target) => (Some(target), level),
                Some(_) => return Err(WANTED),
                None => (None, directive),
            };
            // Numbers are levels to `LevelFilter`, and so is nothing at all; people who write them mean something else.
            if !level.bytes().all(|byte| byte.is_ascii_alphabetic()) || level.is_empty() {
                return Err(WANTED);
            }
            let level: LevelFilter = level.parse().map_err(|_| WANTED)?;
            targets = match target {
                Some(target) => targets.with_target(target, level),
                None => targets.with_default(level),
            };
        }
        Ok(Self(targets))
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for Format {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "text" => Ok(Self::Text),
            "json" => Ok(Self::Json),
            _ => Err("text or json"),
        }
    }
}

fn is_target(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':' | b'-'))
}

/// What changes the level of the log that [`init`] has begun.
static FILTER: OnceLock<reload::Handle<Targets, Registry>> = OnceLock::new();

/// Lets another level pass from now on. `false` if the log isn't this module's: nothing has begun it, or somebody else has.
pub fn set(level: &Level) -> bool {
    FILTER.get().is_some_and(|filter| filter.reload(level.0.clone()).is_ok())
}

/// What is traced: this program's own spans, however little passes into the log.
const TRACED: (&str, LevelFilter) = ("atrarium", LevelFilter::DEBUG);

/// Sends the log to stderr from now on, and traces to their exporter. A second call changes nothing, so that tests can start the program twice.
pub fn init(level: &Level, format: Format, exporter: Option<&Exporter>) {
    let lines = tracing_subscriber::fmt::layer().with_writer(stderr);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match format {
        Format::Text => lines.with_ansi(stderr().is_terminal()).boxed(),
        Format::Json => lines.json().flatten_event(true).with_current_span(false).with_span_list(false).boxed(),
    };
    // The one error is that a subscriber is there already.
    let (filter, handle) = reload::Layer::new(level.0.clone());
    let traces = exporter.map(|exporter| {
        let layer = tracing_opentelemetry::layer().with_tracer(exporter.tracer()).with_location(false).with_threads(false).with_tracked_inactivity(false);
        layer.with_filter(Targets::new().with_target(TRACED.0, TRACED.1))
    });
    if tracing_subscriber::registry().with(lines.with_filter(filter)).with(traces).try_init().is_ok() {
        let _ = FILTER.set(handle);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_level_or_directives() {
        let check = |text: &str, right: bool| assert_eq!(text.parse::<Level>().is_ok(), right, "{text:?}");
        for text in ["error", "warn", "info", "debug", "trace", "off", "INFO", "info,atrarium::ingest=debug", "atrarium=trace, hyper=off"] {
            check(text, true);
        }
        for text in ["", "inof", "3", "atrarium", "atrarium=", "=info", "info,", "atrarium=loud", "[span]=info", "a b=info"] {
            check(text, false);
        }
    }

    #[test]
    fn a_directive_counts_for_its_target_alone() {
        let level: Level = "warn,atrarium::ingest=debug".parse().expect("two directives as the test above has them");
        let check = |target: &str, at: tracing::Level, passes: bool| assert_eq!(level.0.would_enable(target, &at), passes, "{target} {at}");
        check("atrarium::ingest", tracing::Level::DEBUG, true);
        check("atrarium::store", tracing::Level::INFO, false);
        check("hyper", tracing::Level::WARN, true);
    }
}
