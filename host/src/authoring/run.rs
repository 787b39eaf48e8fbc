//! `atrarium mix run FILE`: the page that a mix makes, beside the default mix's.

use std::fmt::Write;
use std::path::Path;

use super::{grouped, posts, read};
use crate::sandbox::mix::{Answer, Block, Mixes, Pick, Request, SourceKind};
use crate::sandbox::strangers::{Allowance, Strangers};
use crate::sandbox::{Components, Sandbox};

/// Letters of a post in a column.
const WIDTH: usize = 46;

/// Both pages, for the terminal. `against`: a file or a URL with posts; made-up ones without it.
pub async fn run(file: &Path, against: Option<&str>, limit: u32) -> Result<String, String> {
    let mut block = match against {
        Some(place) => posts::from(place).await?,
        None => posts::made_up(),
    };
    block.limit = limit;
    let guest = Strangers::new().map_err(|cause| cause.to_string())?.build(&read(file)?)?;
    let (request, allowance) = (Request::new(block.clone()), Allowance::default());
    let run = guest.run(&request, None, &allowance);
    let default = default_page(&request)?;
    let mut text = String::new();
    let (yours, taken) = match &run.outcome {
        Ok(answer) => (rows(&block, answer, limit), format!("{} picks of {} posts", answer.picks.len(), request.uris().len())),
        Err(failure) => (Vec::new(), format!("no page: it {failure}")),
    };
    let others = rows(&block, &default, limit);
    let _ = writeln!(text, "      {:<WIDTH$}  the default mix", "your mix");
    for place in 0..yours.len().max(others.len()) {
        let column = |rows: &[String]| rows.get(place).cloned().unwrap_or_default();
        let _ = writeln!(text, "{:>4}  {:<WIDTH$}  {}", place + 1, column(&yours), column(&others));
    }
    let _ = write!(
        text,
        "\n{taken}; {} of {} units of fuel, {} KiB of memory, {:.1} ms",
        grouped(run.fuel),
        grouped(allowance.fuel),
        grouped(run.memory as u64 >> 10),
        run.took.as_secs_f64() * 1_000.0
    );
    if !run.printed.is_empty() {
        let _ = write!(text, "\nit said: {}", run.printed);
    }
    if run.outcome.is_err() { Err(text) } else { Ok(text) }
}

fn default_page(request: &Request) -> Result<Answer, String> {
    let components = Components::load(None).map_err(|cause| cause.to_string())?;
    let sandbox = Sandbox::new(1).map_err(|cause| cause.to_string())?;
    let mut mix =
        Mixes::new(&sandbox, &components.feed_mix.bytes, true).map_err(|cause| cause.to_string())?.instantiate().map_err(|cause| cause.to_string())?;
    mix.mix(request, None).map_err(|cause| cause.to_string())
}

fn rows(block: &Block, answer: &Answer, limit: u32) -> Vec<String> {
    answer.picks.iter().take(limit as usize).filter_map(|pick| row(block, pick)).collect()
}

/// Source, whose, which, how old; and whether it is pinned.
fn row(block: &Block, pick: &Pick) -> Option<String> {
    let source = block.sources.get(pick.source)?;
    let candidate = source.candidates.get(pick.candidate)?;
    let kind = match source.kind {
        SourceKind::Own => "own",
        SourceKind::Parent => "parent",
        SourceKind::Global => "global",
    };
    let author = block.authors.get(candidate.author as usize)?;
    let end = |text: &str, letters: usize| text.chars().skip(text.chars().count().saturating_sub(letters)).collect::<String>();
    let minutes = (block.now - candidate.sort_time).max(0) / 60_000;
    let age = if minutes < 60 { format!("{minutes} min") } else { format!("{} h", minutes / 60) };
    let pinned = if pick.pinned { " pinned" } else { "" };
    let reply = if candidate.reply { " reply" } else { "" };
    Some(format!("{kind:<6} …{} …{} {age}{reply}{pinned}", end(&author.did, 8), end(&candidate.uri, 6)))
}
