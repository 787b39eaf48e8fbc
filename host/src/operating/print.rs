//! What an operator's question is answered, as text for a terminal.

use std::fmt::Write;

use crate::dashboard::views::DeadLetter;
use crate::store::upkeep::TableStats;
use crate::upkeep::communities::{Details, Line};
use crate::upkeep::letters::LetterAndRecord;
use crate::upkeep::{Answer, FileStats};

/// Letters of a text in a table's column.
const WIDE: usize = 40;

pub(super) fn answer(answer: &Answer) -> String {
    match answer {
        Answer::Letters(letters) if letters.is_empty() => "There are no dead letters.".to_owned(),
        Answer::Letters(letters) => table(&["ID", "COMMUNITY", "SUBJECT", "SINCE", "CAUSE"], letters.iter().map(row_of_letter)),
        Answer::Letter(letter) => show_letter(letter),
        Answer::Communities(lines) if lines.is_empty() => "There are no communities.".to_owned(),
        Answer::Communities(lines) => table(&["COMMUNITY", "NAME", "HASHTAG", "MEMBERS", "POSTS", "LETTERS", "LOAD"], lines.iter().map(row_of_community)),
        Answer::Community(community) => show_community(community),
        Answer::Stats(files) => files.iter().map(stats).collect::<Vec<_>>().join("\n"),
        Answer::Done { number: 0, .. } => "There was nothing to do.".to_owned(),
        Answer::Done { later: false, .. } => "Done.".to_owned(),
        Answer::Done { later: true, .. } => "It will be done when the server starts.".to_owned(),
    }
}

fn row_of_letter(letter: &DeadLetter) -> Vec<String> {
    vec![letter.id.clone(), letter.community.clone(), letter.subject.clone(), letter.since.clone(), letter.cause.lines().next().unwrap_or_default().to_owned()]
}

fn show_letter(LetterAndRecord { letter, record }: &LetterAndRecord) -> String {
    let record = serde_json::to_string_pretty(record).unwrap_or_default();
    pairs(&[
        ("id", &letter.id),
        ("community", &letter.community),
        ("subject", &letter.subject),
        ("since", &letter.since),
        ("cause", &letter.cause),
        ("record", &record),
    ])
}

fn row_of_community(line: &Line) -> Vec<String> {
    vec![
        line.id.clone(),
        shortened(&line.name),
        line.hashtag.clone(),
        line.members.to_string(),
        line.posts.to_string(),
        line.dead_letters.to_string(),
        line.load.map_or_else(|| "-".to_owned(), percent),
    ]
}

fn show_community(Details { line, owner, moderators, stage, parent, shares, held_posts, object_rows, object_bytes, denied, retries }: &Details) -> String {
    let [own, of_parent, global] = shares;
    pairs(&[
        ("community", &line.id),
        ("config", &line.uri),
        ("name", &line.name),
        ("hashtag", &line.hashtag),
        ("owner", owner),
        ("moderators", &moderators.join(", ")),
        ("stage", stage),
        ("parent", parent.as_deref().unwrap_or("-")),
        ("feed mix", &format!("own {own} %, parent {of_parent} %, global {global} %")),
        ("members", &line.members.to_string()),
        ("posts", &line.posts.to_string()),
        ("held posts", &held_posts.to_string()),
        ("denied", &denied.to_string()),
        ("object", &format!("{object_rows} rows, {} KiB", object_bytes.div_ceil(1 << 10))),
        ("dead letters", &line.dead_letters.to_string()),
        ("retries", &retries.to_string()),
        ("load", &line.load.map_or_else(|| "- (the server doesn't run)".to_owned(), percent)),
    ])
}

fn stats(FileStats { file, tables }: &FileStats) -> String {
    let kib = |bytes: u64| bytes.div_ceil(1 << 10).to_string();
    let row = |table: &TableStats| vec![table.name.clone(), table.rows.to_string(), kib(table.stored_bytes), kib(table.metadata_bytes), kib(table.empty_bytes)];
    table(&[file, "ROWS", "KiB", "TREE KiB", "EMPTY KiB"], tables.iter().map(row))
}

/// Of one processor.
fn percent(share: f64) -> String {
    format!("{:.2} %", share * 100.0)
}

fn shortened(text: &str) -> String {
    // What somebody calls their community must not move an operator's terminal.
    let clean: String = text.chars().filter(|letter| !letter.is_control()).collect();
    match clean.char_indices().nth(WIDE) {
        Some((at, _)) => format!("{}…", &clean[..at]),
        None => clean,
    }
}

fn pairs(pairs: &[(&str, &str)]) -> String {
    let width = pairs.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
    pairs.iter().fold(String::new(), |mut text, (name, value)| {
        let lines: Vec<String> = value.lines().map(|line| line.chars().filter(|letter| !letter.is_control()).collect()).collect();
        let value = lines.join(&format!("\n{}", " ".repeat(width + 2)));
        // Writing to a string can't fail.
        let _ = writeln!(text, "{name:width$}  {value}");
        text
    })
}

/// Columns that are as wide as what is in them.
fn table(heads: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![heads.iter().map(ToString::to_string).collect::<Vec<_>>()];
    lines.extend(rows.map(|row| row.iter().map(|cell| cell.chars().filter(|letter| !letter.is_control()).collect()).collect()));
    let width = |column: usize| lines.iter().filter_map(|line| line.get(column)).map(|cell| cell.chars().count()).max().unwrap_or_default();
    let widths: Vec<usize> = (0..heads.len()).map(width).collect();
    let line = |cells: &Vec<String>| {
        let padded = cells.iter().zip(&widths).map(|(cell, width)| format!("{cell}{}", " ".repeat(width - cell.chars().count())));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    lines.iter().map(line).collect::<Vec<_>>().join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_columns_whatever_somebody_calls_their_community() {
        let line = |id: &str, name: &str| Line {
            id: id.to_owned(),
            uri: String::new(),
            name: name.to_owned(),
            hashtag: "#atrarium_0123abcd".to_owned(),
            members: 12,
            posts: 3,
            dead_letters: 0,
            load: Some(0.125),
        };
        let text = answer(&Answer::Communities(vec![line("moths", "Motten \u{1b}[2J und Falter"), line("a-much-longer-id", &"é".repeat(60))]));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 3, "{text}");
        assert!(!text.contains('\u{1b}') && lines[1].contains("12.50 %"), "{text}");
        let column = |line: &str| line.chars().position(|letter| letter == '#');
        assert_eq!(column(lines[1]), column(lines[2]), "{text}");
        assert!(lines[2].contains(&format!("{}…", "é".repeat(WIDE))), "{text}");
    }
}
