//! What changes in a community, told as it happens: server-sent events.
//!
//! Each event has an id; a listener that comes back with the last one it saw (`Last-Event-ID`) gets what it missed, or a `reset`
//! if that is no longer known: then it reads anew. How many may listen is bounded in `community/changes/`. A comment every
//! quarter of a minute keeps proxies and our own patience from taking silence for death.
//!
//! A stream ends with the program, with the community, and with what it was opened by: when the session has ended, or some minutes after a
//! token of a user's server was shown, since nobody tells us when such a one is taken back. One that gives way to a newer one of the same
//! caller tells the browser to take its time before it comes back.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, KeepAliveStream, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use hyper::header::HeaderMap;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::Api;
use super::caller::{Asking, Caller};
use super::error::{ApiError, ErrorBody};
use super::input::Named;
use crate::community::changes::{Change, Subscription};
use crate::dashboard::Problem;
use crate::dashboard::access::Deed;
use crate::session::Session;

pub(super) const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How soon a browser comes back after the connection broke.
const RETRY: Duration = Duration::from_secs(2);

/// The same after another stream of its user took the place.
const RETRY_LATER: Duration = Duration::from_secs(60);

/// How often a listener's session is looked at, beside whenever one has ended here.
const LOOK: Duration = Duration::from_secs(15);

/// How long a token of a user's server is good for a stream, in milliseconds.
const SIGNED_MS: i64 = 5 * 60_000;

/// Live changes of a community
///
/// A stream of `post`, `member`, `moderation`, `community`, `mix` and `reset` events. The eleventh stream of a caller takes the place of the first. It
/// ends with the session; with a token of the caller's own server it ends after five minutes.
#[utoipa::path(get, path = "/api/communities/{id}/events", tag = "communities",
    params(("id" = String, Path, description = "The community's id"), ("last-event-id" = Option<String>, Header, description = "The last event that was seen")), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn follow(
    State(api): State<Api>,
    axum::Extension(asking): axum::Extension<Asking>,
    Caller { who, session }: Caller,
    Named(id): Named<String>,
    headers: HeaderMap,
) -> Result<Sse<KeepAliveStream<impl Stream<Item = Result<Event, Infallible>>>>, ApiError> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).filter(|text| text.len() <= 64).map(str::to_owned);
    // What ends from now on is seen.
    let ended = api.ended.subscribe();
    let until_ms = session.is_none().then(|| api.clock.now_ms().saturating_add(SIGNED_MS));
    let listening = move |dashboard: &crate::dashboard::Dashboard| {
        dashboard.may(&who, Deed::Read, &id)?;
        dashboard.listen(&who.did, asking.address.widest(), &id, last.as_deref())
    };
    let subscription = api.read(listening).await?;
    let following = Following { subscription, api, session, until_ms, ended, look_at: Instant::now() + LOOK, told: Told::Nothing };
    Ok(kept_alive(unfold(following, Following::next)))
}

/// The stream as an answer that is never silent for long.
pub(super) fn kept_alive<S: Stream<Item = Result<Event, Infallible>> + Send + 'static>(stream: S) -> Sse<KeepAliveStream<S>> {
    Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

/// Somebody's listening, and by what right.
struct Following {
    subscription: Subscription,
    api: Api,
    session: Option<Session>,
    until_ms: Option<i64>,
    ended: watch::Receiver<()>,
    look_at: Instant,
    told: Told,
}

enum Told {
    Nothing,
    Something,
    Farewell,
}

impl Following {
    async fn next(mut self) -> Option<(Result<Event, Infallible>, Self)> {
        match self.told {
            Told::Nothing => {
                self.told = Told::Something;
                // Something at once, so that a browser knows that it is connected.
                return Some((Ok(Event::default().retry(RETRY).comment("connected")), self));
            }
            Told::Something => {}
            Told::Farewell => return None,
        }
        let stop = self.api.stop.clone();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return None,
                moved = self.ended.changed() => moved.ok()?,
                () = sleep_until(self.look_at) => self.look_at = Instant::now() + LOOK,
                change = self.subscription.next() => return match change {
                    Some(change) => Some((Ok(event(&change)), self)),
                    None if self.subscription.gave_way() => {
                        self.told = Told::Farewell;
                        Some((Ok(Event::default().retry(RETRY_LATER).comment("another stream of yours took this place")), self))
                    }
                    None => None,
                },
            }
            if !self.may_go_on().await {
                return None;
            }
        }
    }

    /// Whether what the stream was opened by would still open one.
    async fn may_go_on(&self) -> bool {
        if self.until_ms.is_some_and(|until_ms| until_ms <= self.api.clock.now_ms()) {
            return false;
        }
        let Some(session) = &self.session else { return true };
        match self.api.sessions_of(session.did.clone()).await {
            Ok(sessions) => sessions.iter().any(|other| other.id == session.id),
            // Nobody knows; it is asked again in a moment.
            Err(ApiError(Problem::Unavailable(_))) => true,
            Err(_) => false,
        }
    }
}

fn event(change: &Change) -> Event {
    Event::default().id(change.id.to_string()).event(change.kind.name()).data(&*change.data)
}
