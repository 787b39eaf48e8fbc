//! Where a walk through a feed goes on: an opaque text for the AppView, and all that the host keeps of a walk.
//!
//! A walk reads each source from newest to oldest and never turns back, so it is described by where each source was left and how
//! many posts of it were shown; and by the edition of the index with which it began, which settles the source of every post
//! for as long as the walk lasts. Posts that arrive later are newer than that, or lie ahead; so no page repeats a post, and
//! none skips one. The text is base64url, at most about 1.2 kB with the longest keys and 120 bytes with ordinary ones; it
//! doesn't grow over a walk. A forged one can only choose where to start reading what is public.
//!
//! A mix may pick more than a page takes. The rest lies in memory, under a name that the text has ([`super::orders`]); the
//! positions are those behind the whole block, so that a walk whose rest was lost goes on there and repeats nothing.
//!
//! ```text
//! version 3 u8 · begun varint · for each source: taken varint, position: 0 | 1 sort time i64, rkey, did
//!         · rest: 0 | 1 name 16 bytes, next varint
//! ```

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::community::showing::Edition;

const VERSION: u8 = 3;

/// The longest text that is looked at.
const MAX_TEXT: usize = 4 << 10;

/// The last post of a source that a walk is done with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    pub sort_time: i64,
    pub rkey: String,
    pub did: String,
}

/// How far a walk has come in one source.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Posts of this source that were picked.
    pub taken: u32,
    /// `None`: the walk hasn't begun here.
    pub position: Option<Position>,
}

/// What is left of a block that was picked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rest {
    pub name: [u8; 16],
    /// The first that hasn't been shown.
    pub next: u16,
}

/// How far a walk has come: own, parent, global.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Walk {
    /// The edition of the index that its first page was read from.
    pub begun: Edition,
    pub progress: [Progress; 3],
    /// What comes before that which lies behind `progress`.
    pub rest: Option<Rest>,
}

/// Why a text is no cursor; for the caller's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCursor {
    #[error("the cursor is too long to be one of ours")]
    Long,
    #[error("the cursor is not one that this server made")]
    Foreign,
    #[error("the cursor is of another version of this server: start again without it")]
    Version,
}

impl Walk {
    pub fn to_text(&self) -> String {
        let mut bytes = vec![VERSION];
        bytes.extend(crate::store::view::encode(self));
        URL_SAFE_NO_PAD.encode(bytes)
    }

    pub fn from_text(text: &str) -> Result<Self, BadCursor> {
        if text.len() > MAX_TEXT {
            return Err(BadCursor::Long);
        }
        let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadCursor::Foreign)?;
        let (version, rest) = bytes.split_first().ok_or(BadCursor::Foreign)?;
        if *version != VERSION {
            return Err(BadCursor::Version);
        }
        match postcard::take_from_bytes::<Self>(rest) {
            // There is one text for a place, or a page could be asked for, and kept, under thousands of names.
            Ok((walk, [])) if walk.to_text() == text => Ok(walk),
            Ok(_) | Err(_) => Err(BadCursor::Foreign),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn walk() -> Walk {
        let position = Position { sort_time: 1_783_175_888_085, rkey: "3mptbyplj5d2a".into(), did: "did:plc:wq4aajammjtxdomz3e23667t".into() };
        Walk {
            begun: 2_000_000,
            progress: [Progress { taken: 40, position: Some(position) }, Progress::default(), Progress { taken: 2, position: None }],
            rest: None,
        }
    }

    #[test]
    fn a_walk_survives_the_way_through_the_app_view() {
        let text = walk().to_text();
        assert!(text.len() <= 120, "{} {text}", text.len());
        assert!(text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
        assert_eq!(Walk::from_text(&text), Ok(walk()));
        let amid = Walk { rest: Some(Rest { name: [7; 16], next: 350 }), ..walk() };
        let text = amid.to_text();
        assert!(text.len() <= 150, "{} {text}", text.len());
        assert_eq!(Walk::from_text(&text), Ok(amid));
    }

    #[test]
    fn what_is_not_ours_is_refused() {
        let check = |text: &str, expected: BadCursor| assert_eq!(Walk::from_text(text), Err(expected), "{text}");
        check("", BadCursor::Foreign);
        check("1783175888085434", BadCursor::Version);
        check("2026-07-04T14:38:07Z::bafy", BadCursor::Foreign);
        check(&"A".repeat(MAX_TEXT + 1), BadCursor::Long);
        let ours = walk().to_text();
        check(&ours[..ours.len() - 4], BadCursor::Foreign);
        check(&format!("{ours}AAAA"), BadCursor::Foreign);
    }
}
