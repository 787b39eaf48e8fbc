//! What the world can ask this host over HTTP/1.1, on two listeners.
//!
//! ```text
//! public    GET /                                                the dashboard; what this is, as text, to who doesn't want a page
//!           GET /.well-known/did.json                            the service's DID document
//!           GET /xrpc/_health                                    the version
//!           GET /xrpc/app.bsky.feed.describeFeedGenerator        the feeds
//!           GET /xrpc/app.bsky.feed.getFeedSkeleton              a page of one
//!           /api/… /oauth/…                                      the dashboard API, on axum
//!           anything else, in a browser                          a page of the dashboard
//! admin     GET /metrics /live /ready                            for the operator; loopback by default
//! socket    POST /ask  GET /backup                               for the operator's commands, in the data directory
//!
//! server.rs    accepts, limits, ends         skeleton.rs   from a query to a page
//! patience.rs  how long a peer may take      query.rs      parameters, strictly
//! public.rs    the public routes             reply.rs      answers and errors, as responses
//! admin.rs     the operator's routes         documents.rs  the JSON in them
//! work.rs      on which thread a feed is read             api/      the dashboard API
//! limits.rs    how often somebody may ask                 payload.rs   bodies, whole or streamed
//! pages.rs     the dashboard's files                       control/     the operator's socket, both its ends
//! room.rs      how many connections, and who must go           pressure.rs  whether all that is asked can be answered
//! turns.rs     who of the API's callers is worked for
//! ```
//!
//! The feeds' five routes are matched by hand: they are what is asked thousands of times a second. Everything else is axum's.
//!
//! Nothing here writes the index. A token is judged by `identity`; without one, or before its key is known, a reader is anonymous. A
//! request that is wrong gets an answer that says why; a peer that is slow, silent or greedy loses its connection; a feed
//! that can't be read is a 503. None of it ends the listener.

mod admin;
mod api;
pub mod control;
mod documents;
mod limits;
mod pages;
mod patience;
mod payload;
mod pressure;
mod public;
mod query;
mod reply;
mod room;
mod server;
mod skeleton;
mod turns;
mod work;

#[cfg(test)]
mod tests;

use std::panic::resume_unwind;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use self::pressure::Pressure;
use self::room::{CONNECTIONS, Shares};
use crate::identity::ServiceAuth;
use crate::machine;
use crate::telemetry::Numbers;

pub use admin::{Firehose, Gauges, Readiness};
pub use api::Parts as ApiParts;
pub use public::{FeedSource, Service};

/// Serves the public routes until `stop`, then for at most `server::DRAIN` what was asked before it.
pub async fn serve_public(listener: TcpListener, feeds: impl FeedSource, auth: ServiceAuth, service: Service, api: Option<ApiParts>, stop: CancellationToken) {
    let pressure = Arc::new(Pressure::default());
    let public = public::Public::new(feeds, auth, service, api, Arc::clone(&pressure));
    let files = machine::open_files();
    let shares = Shares::of(files);
    if shares.public < CONNECTIONS {
        tracing::info!(files, public = shares.public, admin = shares.admin, "few files may be open at once, so there is room for fewer connections");
    }
    let mut watching = AbortOnDropHandle::new(tokio::spawn(async move { pressure.watch().await }));
    tokio::select! {
        () = server::serve(listener, public, shares.public, stop) => {}
        // It never ends, and nobody else ends it: this is a panic.
        ended = &mut watching => ended.unwrap_or_else(|ended| resume_unwind(ended.into_panic())),
    }
}

/// Serves the operator's routes until `stop`. Also does the recorder's upkeep, without which histograms would grow for as long as nobody
/// reads the metrics.
pub async fn serve_admin(listener: TcpListener, numbers: Numbers, gauges: Gauges, stop: CancellationToken) {
    let upkeep = stop.run_until_cancelled(admin::upkeep(numbers.clone()));
    tokio::join!(upkeep, server::serve(listener, admin::Admin::new(numbers, gauges), Shares::of(machine::open_files()).admin, stop.clone()));
}
