//! The whole program, tested from outside. One binary; each module is a part of what must hold.

mod api; // the dashboard: who may, and what must not happen
mod backfill; // repos are read where the firehose doesn't suffice
mod dashboard; // what the API can read
mod demo; // what who has just built it sees
mod disk; // fails, is full, and is well again
mod faults; // of wires, clocks, files: what is gone when they are
mod faults_of_others; // what went wrong elsewhere
mod firehose; // goes away, lies, stutters, falls silent
mod floods; // every bound, reached and passed
mod full; // a crowd has filled what a community may store
mod guests; // trap, loop, eat memory, break their contracts
mod house; // who may use whom
mod identity; // tokens, and a directory of keys that fails
mod journey; // a community's life, as its people live it
mod kill; // dies at any moment, and loses nothing
mod law; // the law of the feed, against chance
mod malformed; // what no lexicon allows
mod mixes; // what strangers may upload, and what each hostile one gets
mod operating; // what an operator is told, and can do
mod overload; // more is asked than can be answered
mod paging; // sizes, order, and the default mix
mod real_peers; // a PLC directory, a PDS and an AppView that others wrote
mod reload; // of components, while the program runs
mod requests; // bad ones, to the running program
mod soak; // half an hour in short: everything at once, and parts of it killed
mod templates; // of mixes, and what is built from them
mod uploads; // owners' mixes: to the feed, and out of it again
mod walks; // through a feed, while it changes
mod wires; // either of them, and the change between the two
