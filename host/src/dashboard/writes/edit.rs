//! Changing a record of the caller's that is there.
//!
//! It is read from the caller's server and written back with everything in it that nobody asked to change, known here or not. Who is
//! slower than somebody else reads again, and in the end is told so.

use serde_json::{Map, Value};

use super::ATTEMPTS;
use super::applied::{deleted, written};
use super::pen::{Failed, Pen};
use crate::dashboard::Problem;
use crate::event::{Collection, Event, Operation};
use crate::pds::RepoError;

/// How it ended.
#[derive(Debug)]
pub(super) enum Edit {
    Written(Edited),
    /// There is no such record.
    Gone(Event),
}

/// A record that says what it should.
#[derive(Debug)]
pub(super) struct Edited {
    /// Tells the index, which may not know of what was so already.
    pub(super) event: Event,
    pub(super) record: Map<String, Value>,
    /// `None` if it was so already.
    pub(super) before: Option<Before>,
}

/// How an edit is taken back.
#[derive(Debug)]
pub(super) struct Before {
    /// Of what is there now.
    pub(super) cid: String,
    /// What was there.
    pub(super) record: Map<String, Value>,
}

/// Makes a record what `change` makes of it.
pub(super) async fn edit(
    pen: &Pen,
    collection: Collection,
    rkey: &str,
    change: impl Fn(&mut Map<String, Value>) -> Result<(), Problem>,
) -> Result<Edit, Problem> {
    let update = |rev, record: &Map<String, Value>| written(pen.did(), collection, rkey, rev, Operation::Update, record);
    for _ in 0..ATTEMPTS {
        let Some(found) = pen.get(collection.nsid(), rkey).await? else {
            match pen.look(collection.nsid(), rkey).await? {
                (rev, None) => return Ok(Edit::Gone(deleted(pen.did(), collection, rkey, rev))),
                (_, Some(_)) => continue,
            }
        };
        let mut record = found.value.clone();
        change(&mut record)?;
        if record == found.value {
            match pen.look(collection.nsid(), rkey).await? {
                (rev, Some(still)) if still.cid == found.cid => {
                    return Ok(Edit::Written(Edited { event: update(rev, &record), record, before: None }));
                }
                _ => continue,
            }
        }
        match pen.put(collection.nsid(), rkey, &record, &found.cid).await {
            Ok(done) => {
                let before = Some(Before { cid: done.cid, record: found.value });
                return Ok(Edit::Written(Edited { event: update(done.rev, &record), record, before }));
            }
            Err(Failed::Refused(RepoError::Conflict(_))) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(RepoError::Conflict(String::new()).into())
}
