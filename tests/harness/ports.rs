//! Ports that a test gives to processes, and that are still theirs after they were killed and started again.
//!
//! They lie below those that the system hands out by itself, so that no outgoing connection takes one in between.

use std::collections::BTreeSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Mutex, PoisonError};

const FIRST: u16 = 12_000;
const COUNT: u16 = 20_000;

static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());

/// A port on which nobody listens, and that no other test in this process gets. The start is left to chance, so that another
/// process's tests hardly ever look at the same one.
pub fn free_port() -> u16 {
    let mut given = GIVEN.lock().unwrap_or_else(PoisonError::into_inner);
    let start = (RandomState::new().hash_one(std::process::id()) % u64::from(COUNT)) as u16;
    let mut candidates = (0..COUNT).map(|step| FIRST + (start + step) % COUNT);
    let is_free = |port: &u16| !given.contains(port) && TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    let port = candidates.find(is_free).expect("of twenty thousand ports one is free");
    given.insert(port);
    port
}
