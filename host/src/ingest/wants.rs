//! Which repos shall be read, because something may be in them that nobody told us.
//!
//! A wish is durable with the batch that makes it, and stays until a batch holds all that was read for it. Who reads is not
//! this module's business, and neither is when. Wishes don't add up: the last one of a repo is the one that counts.

use serde::{Deserialize, Serialize};

use super::facts::Outcome;
use crate::community::showing;
use crate::event::{Found, MAX_DID, Read};
use crate::store::{Span, StoreError, Table, View};

/// That a repo shall be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Want {
    /// The edition of the batch that last asked for it.
    pub asked: u64,
}

/// How far repos have been looked for at one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Discovery {
    /// Where to go on; `None` once all was listed.
    pub cursor: Option<String>,
}

/// The repo shall be read.
pub fn want(view: &mut View, did: &str) -> Result<Outcome, StoreError> {
    if did.is_empty() || did.len() > MAX_DID {
        return Ok(Outcome::Bounded);
    }
    let asked = showing::edition(view)?;
    view.write(Table::Wants, did, &Want { asked });
    Ok(Outcome::Applied)
}

/// The repo has been read, as it was asked for; a later wish stays.
pub fn fulfilled(view: &mut View, did: &str, read: &Read) -> Result<Outcome, StoreError> {
    match view.read::<Want>(Table::Wants, did.as_bytes())? {
        Some(want) if want.asked == read.asked => {
            view.delete(Table::Wants, did);
            Ok(Outcome::Applied)
        }
        Some(_) | None => Ok(Outcome::Repeated),
    }
}

/// Repos were found, and the place where the search goes on.
pub fn found(view: &mut View, found: &Found) -> Result<Outcome, StoreError> {
    for did in &found.dids {
        want(view, did)?;
    }
    view.write(Table::Discoveries, found.source.as_bytes(), &Discovery { cursor: found.cursor.clone() });
    Ok(Outcome::Applied)
}

/// Events were missed: every member's repo shall be read, and repos be looked for anew.
pub fn gap(view: &mut View) -> Result<Outcome, StoreError> {
    view.clear(Table::Discoveries, &Span::all())?;
    view.walk(Table::Members, &Span::all(), |view, key, _| {
        if let Some(Ok(did)) = key.get(4..).map(std::str::from_utf8) {
            let did = did.to_owned();
            want(view, &did)?;
        }
        Ok(true)
    })?;
    Ok(Outcome::Applied)
}
