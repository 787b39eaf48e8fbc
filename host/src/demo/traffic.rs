//! Captured production events, over and over, as if they happened now.
//!
//! Only the time that Jetstream stamps is changed; `host/data/README.md` says where the events are from.

const CAPTURED: &str = include_str!("../../data/captured-events.jsonl");

/// The captured events, without an end.
#[derive(Debug)]
pub struct Traffic {
    events: Vec<&'static str>,
    next: usize,
}

impl Default for Traffic {
    fn default() -> Self {
        Self::new()
    }
}

impl Traffic {
    pub fn new() -> Self {
        Self { events: CAPTURED.lines().filter(|line| !line.is_empty()).collect(), next: 0 }
    }

    /// The next event, stamped with this time.
    pub fn next(&mut self, now_ms: i64) -> String {
        let event = self.events[self.next % self.events.len()];
        self.next += 1;
        restamp(event, now_ms)
    }
}

fn restamp(event: &str, now_ms: i64) -> String {
    const FIELD: &str = "\"time_us\":";
    let Some(start) = event.find(FIELD).map(|at| at + FIELD.len()) else { return event.to_owned() };
    let digits = event[start..].bytes().take_while(u8::is_ascii_digit).count();
    format!("{}{}{}", &event[..start], now_ms * 1_000, &event[start + digits..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stamp_changes() {
        let mut traffic = Traffic::new();
        for captured in CAPTURED.lines() {
            let mut before: serde_json::Value = serde_json::from_str(captured).expect("the capture is JSON");
            let after: serde_json::Value = serde_json::from_str(&traffic.next(1_795_176_000_123)).expect("still JSON");
            before["time_us"] = 1_795_176_000_123_000_u64.into();
            assert_eq!(before, after);
        }
    }
}
