//! What the object asks of its surroundings: the imports of its world as one trait, so that natively a test can stand in.
//!
//! The promises are those of `wit/community`; nothing is added here.

use crate::bindings::atrarium::community::{
    index::{Entry, Role},
    moderation::{Ruling, SignedAction, Standing},
    storage::Error,
};

pub trait Host {
    fn get(&self, key: &str) -> Option<Vec<u8>>;
    fn put(&mut self, key: &str, value: &[u8]) -> Result<(), Error>;
    fn delete(&mut self, key: &str);
    /// In ascending order, at most 1,000.
    fn list(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<(String, Vec<u8>)>;
    fn alarm(&self) -> Option<i64>;
    fn set_alarm(&mut self, at: Option<i64>);

    fn publish(&mut self, entry: &Entry);
    fn retract(&mut self, author: &str, rkey: &str, sort_time: i64);
    fn admit(&mut self, did: &str, role: Role);
    fn dismiss(&mut self, did: &str);
    fn deny(&mut self, target: &str);
    fn allow(&mut self, target: &str);

    fn warn(&mut self, message: &str);

    fn judge(&self, standing: &Standing, subject: &str, actions: &[SignedAction], now: i64) -> Ruling;
}

/// The real imports.
#[cfg(target_arch = "wasm32")]
pub struct Imports;

#[cfg(target_arch = "wasm32")]
mod imports {
    use super::*;
    use crate::bindings::atrarium::community::{index, log, moderation, storage};

    impl Host for Imports {
        fn get(&self, key: &str) -> Option<Vec<u8>> {
            storage::get(key)
        }

        fn put(&mut self, key: &str, value: &[u8]) -> Result<(), Error> {
            storage::put(key, value)
        }

        fn delete(&mut self, key: &str) {
            storage::delete(key);
        }

        fn list(&self, prefix: &str, after: Option<&str>, limit: u32) -> Vec<(String, Vec<u8>)> {
            storage::list(&storage::Query { prefix: prefix.to_owned(), after: after.map(str::to_owned), reverse: false, limit })
        }

        fn alarm(&self) -> Option<i64> {
            storage::alarm()
        }

        fn set_alarm(&mut self, at: Option<i64>) {
            storage::set_alarm(at);
        }

        fn publish(&mut self, entry: &Entry) {
            index::publish(entry);
        }

        fn retract(&mut self, author: &str, rkey: &str, sort_time: i64) {
            index::retract(author, rkey, sort_time);
        }

        fn admit(&mut self, did: &str, role: Role) {
            index::admit(did, role);
        }

        fn dismiss(&mut self, did: &str) {
            index::dismiss(did);
        }

        fn deny(&mut self, target: &str) {
            index::deny(target);
        }

        fn allow(&mut self, target: &str) {
            index::allow(target);
        }

        fn warn(&mut self, message: &str) {
            log::log(log::Level::Warn, message);
        }

        fn judge(&self, standing: &Standing, subject: &str, actions: &[SignedAction], now: i64) -> Ruling {
            moderation::judge(standing, subject, actions, now)
        }
    }
}
