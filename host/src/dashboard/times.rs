//! New record keys.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::event::Rev;

/// A new record key: a TID of this time, greater than all before it in this run.
pub(super) fn tid(now_ms: i64) -> String {
    static LAST_US: AtomicU64 = AtomicU64::new(0);
    let now_us = u64::try_from(now_ms).unwrap_or_default().saturating_mul(1_000);
    let next = |last: u64| Some(now_us.max(last + 1));
    let before = LAST_US.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).unwrap_or_default();
    Rev::last_of(now_us.max(before + 1)).as_str().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn record_keys_are_tids_and_each_is_new() {
        let keys: Vec<String> = (0..1_000).map(|_| tid(1_795_176_000_000)).collect();
        assert!(keys.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(keys.iter().all(|key| Rev::parse(key).is_some()));
    }
}
