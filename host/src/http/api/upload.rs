//! A component on its way in: from a body to a file, piece by piece, never whole in memory.
//!
//! ```text
//! body ─ a piece ─▶ a few pieces ahead ─▶ a thread that writes the file ─ end ─▶ kept as a version
//!   └ too much, too slow, cut off ─────────┴─▶ the file is gone
//! ```
//!
//! A body may come for as long as [`WHOLE`], which is more than any other request gets, but not fall silent for longer than [`QUIET`]; a few
//! may come at a time, one of a caller. The file is kept if its end was seen, though nobody waits for the answer any more. Who
//! sends too much is listened to for a moment longer before it is told so: most clients read an answer only once they have sent all.

use std::time::Duration;

use axum::body::Body;
use http_body_util::BodyExt;
use hyper::body::{Body as _, Bytes};
use hyper::header::{CONTENT_TYPE, EXPECT, HeaderMap};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use super::Api;
use super::error::ApiError;
use super::places::{Place, Taken};
use crate::dashboard::mixes::Destination;
use crate::dashboard::{Dashboard, Problem};
use crate::uploads::{Kept, Refused};

/// For a whole body. The largest of the default size takes so long at 84 KB/s.
pub(super) const WHOLE: Duration = Duration::from_secs(300);

/// Between two pieces of it.
pub(super) const QUIET: Duration = Duration::from_secs(30);

/// For listening to somebody who sends too much.
pub(super) const LISTENING: Duration = Duration::from_secs(10);

/// Bytes of it, beside those that may come.
const LISTENED_TO: u64 = 32 << 20;

/// For a place.
const PLACE: Duration = Duration::from_secs(1);

/// Uploads at a time. Each holds a thread for as long as it comes.
pub(super) const PLACES: usize = 4;

/// Pieces that have come and aren't in the file yet. One is what the connection reads at once, 16 KiB at most.
const AHEAD: usize = 16;

/// What is told to the thread that writes.
enum Piece {
    Bytes(Bytes),
    /// All of it has come. Without this the body was cut off.
    End,
}

impl Api {
    /// Takes a component and keeps it.
    pub(super) async fn take_upload(&self, to: &Destination, caller: &str, name: String, headers: &HeaderMap, mut body: Body) -> Result<Kept, ApiError> {
        is_component(headers)?;
        let place = self.uploading.take(caller, PLACE).await.map_err(|taken| match taken {
            Taken::ByCaller => Problem::TooMany { message: "another upload of yours is coming in: wait until it is done".to_owned(), again_in: None },
            Taken::ByOthers => Problem::Unavailable("others are uploading: try again in a moment".to_owned()),
        })?;
        let largest = self.dashboard.largest_upload();
        let mut coming = Coming::new(&mut body);
        // What is announced need not be waited for.
        if coming.announced() > largest {
            // Who asks first whether to send is told before.
            if !headers.contains_key(EXPECT) {
                coming.listen_on().await;
            }
            return Err(Problem::from(Refused::Large(largest >> 20)).into());
        }
        let (send, pieces) = mpsc::channel(AHEAD);
        let keeping = tokio::task::spawn_blocking({
            let (dashboard, to) = (self.dashboard.clone(), to.clone());
            move || keep(&dashboard, pieces, &to, &name, place)
        });
        let came = coming.hand_on(&send).await;
        drop(send);
        // In any case to its end, so that nothing is left of what isn't kept when that is told.
        let kept = keeping.await.map_err(|_| Problem::Unavailable("the upload can't be kept: try again".to_owned()))?;
        came?;
        match kept {
            Ok(Some(kept)) => Ok(kept),
            Ok(None) => Err(cut_off().into()),
            Err(problem) => {
                if matches!(problem, Problem::TooLarge(_)) {
                    coming.listen_on().await;
                }
                Err(problem.into())
            }
        }
    }
}

/// Writes the pieces to a file, and keeps it once the last has come.
fn keep(dashboard: &Dashboard, mut pieces: mpsc::Receiver<Piece>, to: &Destination, name: &str, _place: Place) -> Result<Option<Kept>, Problem> {
    let mut incoming = dashboard.take_upload()?;
    let mut any = false;
    while let Some(piece) = pieces.blocking_recv() {
        match piece {
            Piece::Bytes(bytes) => {
                any |= !bytes.is_empty();
                incoming.write(&bytes).map_err(Problem::from)?;
            }
            Piece::End if !any => return Err(Problem::Invalid("the body is empty: send the bytes of the component".to_owned())),
            Piece::End => return dashboard.keep_upload(incoming, to, name).map(Some),
        }
    }
    Ok(None)
}

fn is_component(headers: &HeaderMap) -> Result<(), Problem> {
    let given = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let given = given.split(';').next().unwrap_or_default().trim();
    match ["application/wasm", "application/octet-stream"].iter().any(|wanted| given.eq_ignore_ascii_case(wanted)) {
        true => Ok(()),
        false => Err(Problem::Invalid("the content-type must be application/wasm, and the body the component itself".to_owned())),
    }
}

fn cut_off() -> Problem {
    Problem::Invalid("the body ended before its end".to_owned())
}

/// A body that comes.
pub(super) struct Coming<'a> {
    body: &'a mut Body,
    until: Instant,
}

impl<'a> Coming<'a> {
    pub(super) fn new(body: &'a mut Body) -> Self {
        Self { body, until: Instant::now() + WHOLE }
    }

    /// Bytes that will come, as far as is known.
    fn announced(&self) -> u64 {
        self.body.size_hint().lower()
    }

    /// The next piece; `None` at the end.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, Problem> {
        loop {
            let until = self.until.min(Instant::now() + QUIET);
            match timeout_at(until, self.body.frame()).await {
                Ok(Some(Ok(frame))) => {
                    // What else there may be are trailers.
                    if let Ok(bytes) = frame.into_data() {
                        return Ok(Some(bytes));
                    }
                }
                Ok(Some(Err(_))) => return Err(cut_off()),
                Ok(None) => return Ok(None),
                Err(_) if until == self.until => {
                    return Err(Problem::Invalid(format!("the body did not come within {} minutes: a faster connection is needed", WHOLE.as_secs() / 60)));
                }
                Err(_) => return Err(Problem::Invalid(format!("nothing more of the body came for {} seconds", QUIET.as_secs()))),
            }
        }
    }

    /// Hands on all pieces, for as long as they are wanted.
    async fn hand_on(&mut self, to: &mpsc::Sender<Piece>) -> Result<(), Problem> {
        while let Some(bytes) = self.next().await? {
            if to.send(Piece::Bytes(bytes)).await.is_err() {
                return Ok(());
            }
        }
        // Who doesn't listen any more says why.
        drop(to.send(Piece::End).await);
        Ok(())
    }

    /// Lets some more come, for nothing.
    async fn listen_on(&mut self) {
        let passing = async {
            let mut passed = 0;
            while passed < LISTENED_TO
                && let Ok(Some(bytes)) = self.next().await
            {
                passed += bytes.len() as u64;
            }
        };
        drop(timeout(LISTENING, passing).await);
    }
}
