//! What changes in a community, told as it happens: server-sent events.
//!
//! Each event has an id; a listener that comes back with the last one it saw (`Last-Event-ID`) gets what it missed, or a `reset`
//! if that is no longer known: then it reads anew. How many may listen is bounded in `community/changes.rs`. A comment every
//! quarter of a minute keeps proxies and our own patience from taking silence for death; the stream ends with the program.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::Stream;
use futures_util::stream::unfold;
use hyper::header::HeaderMap;

use super::Api;
use super::caller::Caller;
use super::error::{ApiError, ErrorBody};
use super::input::Named;
use crate::community::changes::Change;
use crate::dashboard::access::Deed;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How soon a browser comes back after the connection broke.
const RETRY: Duration = Duration::from_secs(2);

/// Live changes of a community
///
/// A stream of `post`, `member`, `moderation`, `community` and `reset` events.
#[utoipa::path(get, path = "/api/communities/{id}/events", tag = "communities",
    params(("id" = String, Path, description = "The community's id"), ("last-event-id" = Option<String>, Header, description = "The last event that was seen")), responses(
    (status = 200, body = String, content_type = "text/event-stream"),
    (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 503, body = ErrorBody),
))]
pub(super) async fn follow(
    State(api): State<Api>,
    caller: Caller,
    Named(id): Named<String>,
    headers: HeaderMap,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let last = headers.get("last-event-id").and_then(|value| value.to_str().ok()).filter(|text| text.len() <= 64);
    api.dashboard.may(&caller.who, Deed::Read, &id)?;
    let subscription = api.dashboard.listen(&caller.who.did, &id, last)?;
    let stop = api.stop.clone();
    let stream = unfold((subscription, stop, true), |(mut subscription, stop, first)| async move {
        if first {
            // Something at once, so that a browser knows that it is connected.
            return Some((Ok(Event::default().retry(RETRY).comment("connected")), (subscription, stop, false)));
        }
        let change = stop.run_until_cancelled(subscription.next()).await.flatten()?;
        Some((Ok(event(&change)), (subscription, stop, false)))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn event(change: &Change) -> Event {
    Event::default().id(change.id.to_string()).event(change.kind.name()).data(&*change.data)
}
