//! `atrarium demo`: the real program, fed by a Jetstream server of its own.
//!
//! * [`story`]: three made-up communities, their people, and what they do from second to second.
//! * [`traffic`]: captured production events that run past beside them.
//! * [`server`]: the Jetstream server, over a real WebSocket with zstd; tests and benchmarks use it too.
//! * [`script`]: what that server does to a client when it is told to misbehave.
//!
//! Only the network is made up: everything behind the socket is what `serve` runs. All that is made up says so in its text, and
//! its DIDs are of a kind that no directory has. Nothing here is reached by `serve`.

pub mod script;
pub mod server;
pub mod story;
pub mod traffic;

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Visitor;
use server::Server;
use story::Story;
use traffic::Traffic;

/// The pause between two made-up events.
const PACE: Duration = Duration::from_millis(1_000);

/// Captured events a second: the network's mean on the day of the capture was about 480, of all collections.
const TRAFFIC_PER_SECOND: u32 = 100;

/// The demo's network. It goes on until this is dropped.
pub struct Demo {
    server: Server,
    stop: CancellationToken,
    feeds: Vec<(String, String)>,
}

impl Demo {
    /// Starts the firehose on a free port of loopback, with the communities' past already in it.
    pub async fn start() -> std::io::Result<Self> {
        let server = Server::start(TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0))).await?)?;
        let clock = Clock::system();
        let mut story = Story::beginning_at(clock.now_ms());
        for event in story.past() {
            server.publish(event);
        }
        Ok(Self { server, stop: CancellationToken::new(), feeds: story.feeds() })
    }

    /// For the configuration's `jetstream`.
    pub fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// The name and the feed URI of every community.
    pub fn feeds(&self) -> &[(String, String)] {
        &self.feeds
    }

    /// Whom somebody may look around as: the owner of the community that has both a parent and moderators.
    pub fn visitor() -> Visitor {
        story::owner_of_moths()
    }

    /// Lets the story and the traffic go on until the demo is dropped.
    pub async fn play(&self) {
        let clock = Clock::system();
        let mut story = Story::beginning_at(clock.now_ms());
        let mut traffic = Traffic::new();
        let mut pace = tokio::time::interval(PACE);
        let mut passing = tokio::time::interval(Duration::from_secs(1) / TRAFFIC_PER_SECOND);
        loop {
            tokio::select! {
                () = self.stop.cancelled() => return,
                _ = pace.tick() => for event in story.goes_on(clock.now_ms()) {
                    self.server.publish(event);
                },
                _ = passing.tick() => self.server.publish(traffic.next(clock.now_ms())),
            }
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}
