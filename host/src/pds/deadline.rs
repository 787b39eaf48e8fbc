//! A moment by which calls must have come to an end, for whoever waits for several of them.
//!
//! It can be brought forward while they are under way, as when the program ends; never put off.

use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

/// Such a moment. Cheap to clone; all clones are one.
#[derive(Debug, Clone)]
pub struct Deadline(watch::Sender<Instant>);

impl Deadline {
    pub fn at(moment: Instant) -> Self {
        Self(watch::Sender::new(moment))
    }

    /// From now on it is no later than this.
    pub fn bring_forward(&self, moment: Instant) {
        self.0.send_if_modified(|at| {
            let earlier = moment < *at;
            *at = moment.min(*at);
            earlier
        });
    }

    pub fn is_past(&self) -> bool {
        *self.0.borrow() <= Instant::now()
    }

    /// Waits until it has passed.
    pub async fn passed(&self) {
        let mut moment = self.0.subscribe();
        loop {
            let at = *moment.borrow_and_update();
            tokio::select! {
                () = sleep_until(at) => return,
                // Who would change it is `self`, so it isn't gone.
                _ = moment.changed() => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_is_brought_forward_under_way_and_never_put_off() {
        let began = Instant::now();
        let deadline = Deadline::at(began + Duration::from_secs(20));
        let waiting = tokio::spawn({
            let deadline = deadline.clone();
            async move { deadline.passed().await }
        });
        tokio::time::sleep(Duration::from_secs(2)).await;
        deadline.bring_forward(began + Duration::from_secs(30));
        deadline.bring_forward(began + Duration::from_secs(5));
        waiting.await.expect("it passes");
        assert_eq!(began.elapsed(), Duration::from_secs(5));
        deadline.passed().await;
        assert!(deadline.is_past());
        assert_eq!(began.elapsed(), Duration::from_secs(5), "it has passed for everybody, also for who comes later");
    }
}
