//! A community's week in numbers.
//!
//! The authors of a week can only be counted by reading its posts, some milliseconds for ten thousand. So the numbers are kept until the
//! community changes, or until a post's time comes or is over.

use std::collections::{BTreeMap, HashSet};

use moka::sync::Cache;

use super::{Dashboard, Problem, Reading, communities, find, views};
use crate::clock::datetime;
use crate::community::Community;
use crate::community::showing::{DAY_MS, Edition, Showing};
use crate::feed::sources::Window;
use crate::record::{AHEAD_MS, RETENTION_MS};
use crate::store::schema::{count, place_parts};
use crate::store::{CommunityId, Key, Snapshot, Span, Table};

/// Communities whose week is kept.
const KEPT: u64 = 1_000;

/// Days that are shown: those which a window of a week touches.
const DAYS: usize = 8;

/// Weeks that were read a moment ago.
#[derive(Debug)]
pub(super) struct Kept(Cache<CommunityId, Week>);

impl Kept {
    pub(super) fn new() -> Self {
        Self(Cache::new(KEPT))
    }
}

#[derive(Debug, Clone)]
struct Week {
    /// What changed after this is not in it.
    edition: Edition,
    /// From when to when it is so, if nothing changes.
    from: i64,
    until: i64,
    authors: u64,
    days: Vec<views::Day>,
}

impl Dashboard {
    /// A community in numbers.
    pub fn stats(&self, id: &str) -> Result<views::Stats, Problem> {
        let reading = self.reading()?;
        let (number, community) = find::find(&reading.snapshot, id)?;
        let week = self.week(&reading, number)?;
        Ok(views::Stats {
            member_count: communities::members(&reading.snapshot, number)?,
            post_count: communities::posts(&reading.snapshot, number, Window::at(reading.now))?,
            author_count: week.authors,
            held_count: held(&reading.snapshot, &community)?,
            days: week.days,
        })
    }

    fn week(&self, reading: &Reading, id: CommunityId) -> Result<Week, Problem> {
        let changed = self.0.parts.changes.changed(id);
        let kept = self.0.stats.0.get(&id).filter(|week| changed <= week.edition && (week.from..week.until).contains(&reading.now));
        match kept {
            Some(week) => Ok(week),
            None => {
                let week = read(reading, id)?;
                self.0.stats.0.insert(id, week.clone());
                Ok(week)
            }
        }
    }
}

/// Posts with the community's hashtag by members of none of its communities.
fn held(snapshot: &Snapshot, community: &Community) -> Result<u64, Problem> {
    Ok(snapshot.count(count::held(community.config.hashtag).as_ref())?)
}

fn read(reading: &Reading, id: CommunityId) -> Result<Week, Problem> {
    let window = Window::at(reading.now);
    let last = window.newest.div_euclid(DAY_MS);
    let midnight = (reading.now + AHEAD_MS).div_euclid(DAY_MS) * DAY_MS + DAY_MS - AHEAD_MS;
    let mut week = Week { edition: reading.edition, from: reading.now, until: midnight, authors: 0, days: Vec::new() };
    let mut of_day: BTreeMap<i64, (u64, HashSet<String>)> = (0..DAYS as i64).map(|ago| (last - ago, Default::default())).collect();
    let mut authors = HashSet::new();
    let own = Key::community(id);
    let span = Span::between(own.clone().time(window.oldest), own.clone().time(i64::MAX));
    reading.snapshot.scan(Table::Visible, &span, false, |key, value| {
        let Some((sort_time, _, author)) = place_parts(&key[own.as_ref().len()..]) else { return true };
        if !Showing::is_shown(value) {
            return true;
        }
        if sort_time > window.newest {
            week.until = week.until.min(sort_time - AHEAD_MS);
            return false;
        }
        week.until = week.until.min(sort_time + RETENTION_MS);
        if let Some((posts, authors)) = of_day.get_mut(&sort_time.div_euclid(DAY_MS)) {
            *posts += 1;
            if !authors.contains(author) {
                authors.insert(author.to_owned());
            }
        }
        if !authors.contains(author) {
            authors.insert(author.to_owned());
        }
        true
    })?;
    week.authors = authors.len() as u64;
    let day = |day: i64| datetime(day * DAY_MS).split('T').next().unwrap_or_default().to_owned();
    week.days = of_day.into_iter().map(|(at, (posts, authors))| views::Day { day: day(at), posts, authors: authors.len() as u64 }).collect();
    Ok(week)
}
