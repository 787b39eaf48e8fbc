//! What each community has cost lately: the time of its object, and of the pages of its feed that were made.
//!
//! For an operator who asks who keeps the machine busy. Each number fades: of what was counted half is left after ten minutes, so a number tells
//! of about the last quarter of an hour, and one that was not added to is soon nothing and forgotten. It is in memory alone, and begins
//! anew with the program. Counting never fails and holds nobody up for longer than an addition takes.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After so long half of what was counted is left.
const HALF: Duration = Duration::from_secs(600);

/// Below this, in seconds or in calls, nothing is left.
const NOTHING: f64 = 0.001;

/// Parts of the table, so that readers of different feeds seldom meet.
const PARTS: usize = 16;

/// Communities in one part at which the faded ones are looked for: sixteen times that are more than a host has.
const MANY: usize = 2_000;

/// What was done for a community.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// Its object was told something.
    Object,
    /// A page of its feed was made.
    Page,
}

/// What a community costs, for a second.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Load {
    /// Calls of its object in a second.
    pub calls: f64,
    /// Of a processor, by its object.
    pub object_share: f64,
    /// Pages made in a second.
    pub pages: f64,
    /// Of a processor, for its pages.
    pub page_share: f64,
    /// Units of fuel that its uploaded mix uses in a second.
    pub fuel: f64,
}

#[derive(Debug, Clone, Copy)]
struct Counted {
    times: [f64; 2],
    seconds: [f64; 2],
    fuel: f64,
    at: Instant,
}

impl Counted {
    fn nothing(now: Instant) -> Self {
        Self { times: [0.0; 2], seconds: [0.0; 2], fuel: 0.0, at: now }
    }

    /// What is left of it.
    fn faded(self, now: Instant) -> Self {
        let left = 0.5_f64.powf(now.saturating_duration_since(self.at).as_secs_f64() / HALF.as_secs_f64());
        let fade = |numbers: [f64; 2]| numbers.map(|number| number * left);
        Self { times: fade(self.times), seconds: fade(self.seconds), fuel: self.fuel * left, at: now.max(self.at) }
    }

    fn is_nothing(&self) -> bool {
        self.times.iter().chain(&self.seconds).all(|left| *left < NOTHING)
    }

    /// What would have led here if it had always been the same.
    fn load(&self) -> Load {
        let each_second = std::f64::consts::LN_2 / HALF.as_secs_f64();
        let [calls, pages] = self.times.map(|times| times * each_second);
        let [object_share, page_share] = self.seconds.map(|seconds| seconds * each_second);
        Load { calls, object_share, pages, page_share, fuel: self.fuel * each_second }
    }
}

/// All communities' loads. Cheap to clone; all clones are one.
#[derive(Debug, Clone, Default)]
pub struct Loads(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    hasher: RandomState,
    parts: [Mutex<HashMap<String, Counted>>; PARTS],
}

impl Loads {
    /// Something was done for the community with this config's AT-URI.
    pub fn count(&self, uri: &str, work: Work, took: Duration) {
        self.count_at(uri, work, took, Instant::now());
    }

    /// Its uploaded mix has used so many units of fuel, in a page that is counted besides.
    pub fn burn(&self, uri: &str, fuel: u64) {
        self.at(uri, Instant::now(), |counted| counted.fuel += fuel as f64);
    }

    fn count_at(&self, uri: &str, work: Work, took: Duration, now: Instant) {
        self.at(uri, now, |counted| {
            counted.times[work as usize] += 1.0;
            counted.seconds[work as usize] += took.as_secs_f64();
        });
    }

    fn at(&self, uri: &str, now: Instant, add: impl FnOnce(&mut Counted)) {
        let part = usize::try_from(self.0.hasher.hash_one(uri)).unwrap_or_default() % PARTS;
        let mut part = lock(&self.0.parts[part]);
        if !part.contains_key(uri) {
            if part.len() >= MANY {
                part.retain(|_, counted| !counted.faded(now).is_nothing());
            }
            part.insert(uri.to_owned(), Counted::nothing(now));
        }
        if let Some(counted) = part.get_mut(uri) {
            *counted = counted.faded(now);
            add(counted);
        }
    }

    /// All communities that have cost anything lately, by their configs' AT-URIs, in no order.
    pub fn all(&self) -> Vec<(String, Load)> {
        self.all_at(Instant::now())
    }

    /// The communities that cost most, by their configs' AT-URIs, the dearest first.
    pub fn dearest(&self, most: usize) -> Vec<(String, Load)> {
        self.dearest_at(most, Instant::now())
    }

    fn dearest_at(&self, most: usize, now: Instant) -> Vec<(String, Load)> {
        let mut all = self.all_at(now);
        let cost = |load: &Load| load.object_share + load.page_share;
        all.sort_by(|(one, load), (other, others)| cost(others).total_cmp(&cost(load)).then_with(|| one.cmp(other)));
        all.truncate(most);
        all
    }

    fn all_at(&self, now: Instant) -> Vec<(String, Load)> {
        let mut all = Vec::new();
        for part in &self.0.parts {
            let mut part = lock(part);
            part.retain(|_, counted| !counted.faded(now).is_nothing());
            all.extend(part.iter().map(|(uri, counted)| (uri.clone(), counted.faded(now).load())));
        }
        all
    }
}

fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOTHS: &str = "at://did:plc:ann/net.atrarium.community.config/moths";
    const BEES: &str = "at://did:plc:bea/net.atrarium.community.config/bees";

    #[test]
    fn the_dearest_comes_first_and_what_is_over_fades() {
        let (loads, began) = (Loads::default(), Instant::now());
        let second = |second: u64| began + Duration::from_secs(second);
        // For an hour, each second: 20 ms of one's object, and two pages of 1 ms of the other's feed.
        for now in (0..3_600).map(second) {
            loads.count_at(MOTHS, Work::Object, Duration::from_millis(20), now);
            loads.count_at(BEES, Work::Page, Duration::from_millis(1), now);
            loads.count_at(BEES, Work::Page, Duration::from_millis(1), now);
        }
        let now = loads.dearest_at(10, second(3_600));
        let [(first, moths), (then, bees)] = now.as_slice() else { panic!("two communities: {now:?}") };
        assert_eq!((first.as_str(), then.as_str()), (MOTHS, BEES));
        let is_near = |found: f64, wanted: f64| assert!((found - wanted).abs() <= wanted / 20.0, "{found} instead of {wanted}");
        is_near(moths.object_share, 0.02);
        is_near(moths.calls, 1.0);
        is_near(bees.page_share, 0.002);
        is_near(bees.pages, 2.0);
        assert_eq!((moths.pages, moths.page_share, bees.calls, bees.object_share), (0.0, 0.0, 0.0, 0.0));
        assert_eq!(loads.dearest_at(1, second(3_600)).len(), 1);

        let later = loads.dearest_at(10, second(3_600 + 600));
        is_near(later[0].1.object_share, 0.01);
        assert_eq!(loads.dearest_at(10, second(3_600 + 24 * 3_600)), []);
    }

    #[test]
    fn however_many_communities_come_and_go_few_are_remembered() {
        let (loads, began) = (Loads::default(), Instant::now());
        for day in 0..20 {
            let now = began + Duration::from_secs(day * 86_400);
            for number in 0..10_000 {
                loads.count_at(&format!("at://did:plc:{day}/{number}"), Work::Object, Duration::from_millis(1), now);
            }
        }
        let remembered: usize = loads.0.parts.iter().map(|part| lock(part).len()).sum();
        assert!(remembered <= PARTS * MANY, "{remembered}");
    }
}
