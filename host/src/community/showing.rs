//! A post's row in a community's feed: since when it is shown, and when it lately was.
//!
//! A post that several communities show has a row for each, and comes and goes in each by itself. A walk through a feed must
//! not meet it twice for that, so a row stays for [`TRACE_MS`] after its post has gone, and says during which editions the
//! post was there. An edition is the number of a commit; readers learn it from the snapshot that they read.
//!
//! ```text
//! edition     4      7         12     15
//! shown       ├──────┤          ├──────────▶      since = 12, earlier = [4, 7)
//! ```
//!
//! Both feed tables hold the same value. Nothing here judges: guests publish and retract, [`super::desk`] writes it down.

use serde::{Deserialize, Serialize};

use super::directory;
use crate::store::schema::{count, time_of};
use crate::store::view::encode;
use crate::store::{CommunityId, Key, Snapshot, Span, StoreError, Table, View};

/// The number of a commit; the first is 1.
pub type Edition = u64;

/// How long what was withdrawn leaves a trace, in milliseconds: longer than anyone reads on in one walk.
pub const TRACE_MS: i64 = 60 * 60 * 1_000;

/// Posts are counted by the day of their date, in milliseconds.
pub const DAY_MS: i64 = 24 * 60 * 60 * 1_000;

/// Earlier times that a row remembers; of more, the first are forgotten.
const EARLIER: usize = 8;

/// What a mix may want to know of a post, beside its place.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub reply: bool,
    pub languages: Vec<String>,
    pub labels: Vec<String>,
}

/// A row of the feed tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Showing {
    /// `None`: it isn't shown now.
    pub since: Option<Edition>,
    /// When it was shown before: from the first edition on, until before the second. In ascending order.
    earlier: Vec<(Edition, Edition)>,
    pub entry: Entry,
}

impl Showing {
    /// The first edition at which a reader who began with `begun` could have met it, if any.
    pub fn first_from(&self, begun: Edition) -> Option<Edition> {
        let earlier = self.earlier.iter().find(|(_, until)| *until > begun).map(|(since, _)| *since);
        earlier.or(self.since).map(|since| since.max(begun))
    }

    /// Whether a row in this form is shown now, without reading all of it: `since` comes first.
    pub fn is_shown(row: &[u8]) -> bool {
        row.first() == Some(&1)
    }

    fn published(before: Option<Self>, edition: Edition, entry: Entry) -> Self {
        let (since, mut earlier) = before.map_or((None, Vec::new()), |before| (before.since, before.earlier));
        // What went and came back in one commit was never away.
        let unbroken = earlier.pop_if(|(_, until)| since.is_none() && *until == edition).map(|(since, _)| since);
        Self { since: since.or(unbroken).or(Some(edition)), earlier, entry }
    }

    fn retracted(mut self, edition: Edition) -> Self {
        if let Some(since) = self.since.take().filter(|since| *since < edition) {
            if self.earlier.len() == EARLIER {
                self.earlier.remove(0);
            }
            self.earlier.push((since, edition));
        }
        self
    }

    /// Without what ended by this edition.
    fn faded(mut self, edition: Edition) -> Self {
        self.earlier.retain(|(_, until)| *until > edition);
        self
    }

    fn says_nothing(&self) -> bool {
        self.since.is_none() && self.earlier.is_empty()
    }
}

/// The edition that a snapshot holds.
pub fn edition_of(snapshot: &Snapshot) -> Result<Edition, StoreError> {
    let found = snapshot.get(Table::Counts, count::editions().as_ref())?;
    Ok(found.and_then(|bytes| bytes.try_into().ok()).map_or(0, Edition::from_be_bytes))
}

/// Begins the edition of a batch.
pub fn begin_edition(view: &mut View) -> Result<Edition, StoreError> {
    view.add(count::editions().build(), 1)
}

/// The edition that this batch is going to be.
pub fn edition(view: &View) -> Result<Edition, StoreError> {
    view.count(count::editions().as_ref())
}

/// The community shows the post from here on, or shows it with another entry.
pub fn publish(view: &mut View, id: CommunityId, place: &[u8], edition: Edition, entry: Entry) -> Result<(), StoreError> {
    let before: Option<Showing> = view.read(Table::Visible, &own_row(id, place))?;
    if before.as_ref().is_none_or(|before| before.since.is_none()) {
        move_count(view, id, place, 1)?;
    }
    write(view, id, place, &Showing::published(before, edition, entry));
    Ok(())
}

/// The community doesn't show the post any more. `now` is when the trace begins that it leaves, in
/// milliseconds; `None` for a post that leaves none.
pub fn retract(view: &mut View, id: CommunityId, place: &[u8], edition: Edition, now: Option<i64>) -> Result<(), StoreError> {
    let before: Option<Showing> = view.read(Table::Visible, &own_row(id, place))?;
    let Some(before) = before.filter(|before| before.since.is_some()) else { return Ok(()) };
    move_count(view, id, place, -1)?;
    let after = before.retracted(edition);
    match now.filter(|_| !after.says_nothing()) {
        Some(now) => {
            view.write(Table::Traces, trace(now, id, place), &edition);
            write(view, id, place, &after);
        }
        None => remove(view, id, place),
    }
    Ok(())
}

/// Forgets what was withdrawn up to `limit`, at most `rows` of it; answers how many there were.
pub fn fade(view: &mut View, limit: i64, rows: usize) -> Result<usize, StoreError> {
    let faded = view.range(Table::Traces, &Span::between(Key::new(), Key::new().time(limit + 1)), false, rows)?;
    for (key, value) in &faded {
        view.delete(Table::Traces, key.clone());
        let Some((id, place)) = key.get(8..).and_then(|rest| rest.split_first_chunk::<4>()) else { continue };
        let id = CommunityId::from_be_bytes(*id);
        let edition = crate::store::view::decode(Table::Traces, key, value)?;
        let Some(showing) = view.read::<Showing>(Table::Visible, &own_row(id, place))? else { continue };
        let showing = showing.faded(edition);
        if showing.says_nothing() {
            remove(view, id, place);
        } else {
            write(view, id, place, &showing);
        }
    }
    Ok(faded.len())
}

/// Moves the number of posts that the community shows on a post's day.
fn move_count(view: &mut View, id: CommunityId, place: &[u8], by: i64) -> Result<(), StoreError> {
    let Some(time) = place.first_chunk::<8>().map(|time| time_of(*time)) else { return Ok(()) };
    view.add(count::shown(id, time.div_euclid(DAY_MS)).build(), by).map(drop)
}

fn write(view: &mut View, id: CommunityId, place: &[u8], showing: &Showing) {
    let value = encode(showing);
    view.put(Table::Global, directory::global_row(place, id), value.clone());
    view.put(Table::Visible, own_row(id, place), value);
}

fn remove(view: &mut View, id: CommunityId, place: &[u8]) {
    view.delete(Table::Global, directory::global_row(place, id));
    view.delete(Table::Visible, own_row(id, place));
}

fn own_row(id: CommunityId, place: &[u8]) -> Vec<u8> {
    Key::community(id).bytes(place).build()
}

fn trace(now: i64, id: CommunityId, place: &[u8]) -> Vec<u8> {
    Key::new().time(now).u32(id).bytes(place).build()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry { reply: false, languages: Vec::new(), labels: Vec::new() }
    }

    /// Published and retracted at these editions, in turn.
    fn after(changes: &[Edition]) -> Showing {
        let mut showing = None;
        for (n, edition) in changes.iter().enumerate() {
            showing = Some(match showing {
                Some(before) if n % 2 == 1 => Showing::retracted(before, *edition),
                before => Showing::published(before, *edition, entry()),
            });
        }
        showing.expect("there was a change")
    }

    #[test]
    fn a_reader_who_began_then_could_have_met_it_first_at() {
        let check = |changes: &[Edition], begun, expected| assert_eq!(after(changes).first_from(begun), expected, "{changes:?} for {begun}");
        check(&[4], 3, Some(4));
        check(&[4], 4, Some(4));
        check(&[4], 9, Some(9));
        check(&[4, 7], 3, Some(4));
        check(&[4, 7], 6, Some(6));
        check(&[4, 7], 7, None);
        check(&[4, 7, 12], 5, Some(5));
        check(&[4, 7, 12], 7, Some(12));
        check(&[4, 7, 12], 13, Some(13));
        check(&[4, 7, 12, 15], 13, Some(13));
        check(&[4, 7, 12, 15], 15, None);
    }

    #[test]
    fn whether_a_row_is_shown_is_read_from_its_first_byte() {
        for changes in [&[4][..], &[4, 7], &[4, 7, 12], &[4, 7, 12, 13]] {
            let showing = after(changes);
            assert_eq!(Showing::is_shown(&encode(&showing)), showing.since.is_some(), "{changes:?}");
        }
    }

    #[test]
    fn what_lasts_for_no_commit_leaves_nothing_and_interrupts_nothing() {
        assert!(after(&[4, 4]).says_nothing());
        assert_eq!(after(&[4, 7, 7]), after(&[4]));
        assert_eq!(after(&[4, 7, 7, 9]).first_from(8), Some(8));
    }

    #[test]
    fn a_row_remembers_a_few_times_and_no_more() {
        let changes: Vec<Edition> = (1..=40).collect();
        let showing = after(&changes);
        assert_eq!(showing.earlier.len(), EARLIER);
        assert_eq!(showing.first_from(39), Some(39));
        assert_eq!(showing.clone().faded(38).earlier, [(39, 40)]);
        assert!(showing.faded(40).says_nothing());
    }
}
