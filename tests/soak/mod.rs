//! `make soak`: the program that operators run, for half an hour, before ten times today's network and a thousand communities,
//! while parts of it and of what is around it are killed by chance. A shorter one is a test among the others (`tests/it/soak.rs`).
//!
//! ```text
//! story ──▶ firehose (thread) ──▶ atrarium (process) ◀── readers, owners
//!   │                                ▲        ▲
//!   │                              harm     watch
//!   └──▶ law: what every feed must be in the end ──▶ verdicts
//! ```
//!
//! Nothing here decides what is right: the feeds must be what the model of `tests/it/law` makes of all that was told, and what else
//! must hold is a [`Verdict`] each. What can't go on, such as a program that doesn't come back, is a panic that tells the log.

mod evidence; // all that was seen, and what follows from it
mod firehose; // all that happens in the network, at its pace, from any moment on
mod harm; // what is killed, and for how long one feels it
mod house; // the program, and whether one may count on it now
mod law; // whether every feed is what it must be
mod owners; // who upload mixes, good ones and others
mod plan; // how much of everything
mod readers; // of pages, walks, the API and its streams
mod run; // all of it in one
mod story; // what happens in the communities
mod verdict; // a promise, and whether it was kept
mod watch; // memory, files, numbers

pub(crate) use plan::Plan;
pub(crate) use run::run;
pub(crate) use verdict::{Outcome, Verdict};
