//! What the whole-program tests are written with.
//!
//! * [`network`]: the events that a network of repos would send, as Jetstream writes them.
//! * [`jetstream_v2`]: a server of the other wire; that of the first is the demo's.
//! * [`records`]: the records in them.
//! * [`world`]: the very program, in this process, with a firehose and a clock in the test's hand.
//! * [`process`]: the binary that operators run, to be killed.
//! * [`scene`]: a community and its people in one line each, and what can be seen beside the feeds.
//! * [`numbers`]: what `/metrics` tells.
//! * [`walk`]: a reader of a feed, who may be interrupted.
//! * [`hosting`]: a server that hosts repos and tells where they live, in any mood.
//! * [`plc`]: a directory of DIDs, which can be slow, down, or lie.
//! * [`signer`]: accounts that sign the tokens of readers.
//! * [`http`]: a client that can also send what no client should.
//! * [`api`]: somebody who uses the dashboard's API, with a token or, as browsers do, with cookies.
//! * [`events`]: a reader of what happens in a community.
//! * [`mixes`]: mixes that mean harm; [`bombs`]: those that harm whoever compiles them; [`uploads`]: uploading one.
//! * [`peers`]: the real things beside the program: PLC directory, PDS, AppView; each a [`part`] on [`ports`] of its own.
//! * [`detour`]: a server between the program and a real PDS that misbehaves on command.
//! * [`repo`]: somebody with an account at a real PDS, and [`browser`]: their browser, where they sign in.
//!
//! Nothing here sleeps to let something happen: a test waits for the thing itself, with a limit.

pub mod api;
pub mod bombs;
pub mod browser;
pub mod detour;
pub mod events;
pub mod hosting;
pub mod http;
pub mod jetstream_v2;
pub mod mixes;
pub mod network;
pub mod numbers;
pub mod part;
pub mod peers;
pub mod plc;
pub mod ports;
pub mod process;
pub mod records;
pub mod repo;
pub mod scene;
pub mod signer;
pub mod uploads;
pub mod walk;
pub mod world;

pub use network::Network;
pub use world::{World, WorldOptions};
