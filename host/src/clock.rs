//! The time, as an argument.
//!
//! The program reads the wall clock at its edges only, through this type; a test holds the hands itself. Nothing here sleeps.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};

/// A time as it is written outside: RFC 3339 in UTC, with milliseconds. Years that it has no digits for become the first or last
/// that it has.
pub fn datetime(ms: i64) -> String {
    const FIRST: i64 = -62_167_219_200_000;
    const LAST: i64 = 253_402_300_799_999;
    let time = DateTime::<Utc>::from_timestamp_millis(ms.clamp(FIRST, LAST)).unwrap_or_default();
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// A wall clock. Cheap to clone; clones show the same time.
#[derive(Debug, Clone, Default)]
pub struct Clock {
    /// Milliseconds since the Unix epoch; `None` for the system's clock.
    hands: Option<Arc<AtomicI64>>,
}

impl Clock {
    pub fn system() -> Self {
        Self::default()
    }

    /// A clock that stands still until it is set.
    pub fn standing_at(now_ms: i64) -> Self {
        Self { hands: Some(Arc::new(AtomicI64::new(now_ms))) }
    }

    /// Sets a standing clock. The system's clock is nobody's to set: there it does nothing.
    pub fn set(&self, now_ms: i64) {
        if let Some(hands) = &self.hands {
            hands.store(now_ms, Ordering::SeqCst);
        }
    }

    /// Milliseconds since the Unix epoch.
    pub fn now_ms(&self) -> i64 {
        match &self.hands {
            Some(hands) => hands.load(Ordering::SeqCst),
            // A clock before 1970 or after the year 292 million is no clock; 0 makes every post wait and none vanish.
            None => SystemTime::now().duration_since(UNIX_EPOCH).ok().and_then(|since| i64::try_from(since.as_millis()).ok()).unwrap_or(0),
        }
    }

    /// Microseconds since the Unix epoch, as servers stamp their events; a whole number of milliseconds.
    pub fn now_us(&self) -> u64 {
        u64::try_from(self.now_ms()).unwrap_or(0).saturating_mul(1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_time_has_a_date_of_four_digits() {
        let check = |ms, expected: &str| assert_eq!(datetime(ms), expected);
        check(0, "1970-01-01T00:00:00.000Z");
        check(1_795_176_000_001, "2026-11-20T12:00:00.001Z");
        check(-1, "1969-12-31T23:59:59.999Z");
        check(i64::MAX, "9999-12-31T23:59:59.999Z");
        check(i64::MIN, "0000-01-01T00:00:00.000Z");
    }
}
