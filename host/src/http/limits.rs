//! How often somebody may ask: a number of requests within a time, for a DID that is known or else for an address.
//!
//! An address of IPv6 is counted twice: as the network of a household (/64), and in a wider share as that of a site (/48), since who has
//! a site has 65,536 households for the asking.
//!
//! Counted by the cells of the generic cell rate algorithm (`governor`): a whole hour's requests may come at once, after
//! which one more is let in every 3600/limit seconds. It keeps one number for each who has asked lately, and forgets who has
//! not; it refuses, and never delays.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use governor::clock::{Clock, DefaultClock};
use governor::middleware::StateInformationMiddleware;
use governor::state::keyed::DashMapStateStore;
use governor::{Quota, RateLimiter};
use hyper::header::{HeaderMap, HeaderName, HeaderValue, RETRY_AFTER};

const LIMIT: HeaderName = HeaderName::from_static("ratelimit-limit");
const REMAINING: HeaderName = HeaderName::from_static("ratelimit-remaining");
const RESET: HeaderName = HeaderName::from_static("ratelimit-reset");
const POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// After so many requests those are forgotten who could ask their whole share again.
const TIDY: u64 = 10_000;

/// Households' shares in that of their site: more than ask at one time in a house with many flats, too few to be worth collecting.
const SITE: u32 = 16;

/// Requests within a time, for each who asks.
pub(super) struct Limit {
    counted: RateLimiter<String, DashMapStateStore<String>, DefaultClock, StateInformationMiddleware>,
    clock: DefaultClock,
    most: u32,
    within: Duration,
    asked: AtomicU64,
}

/// How much of a share is left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Share {
    pub(super) most: u32,
    pub(super) remaining: u32,
    pub(super) within: Duration,
    /// Until the whole share is there again; until one more is let in, if none remains.
    pub(super) reset: Duration,
}

impl Limit {
    pub(super) fn new(most: u32, within: Duration) -> Self {
        let most = most.max(1);
        let each = (within / most).max(Duration::from_nanos(1));
        let quota = Quota::with_period(each).unwrap_or(Quota::per_hour(NonZeroU32::MIN)).allow_burst(NonZeroU32::new(most).unwrap_or(NonZeroU32::MIN));
        let clock = DefaultClock::default();
        let counted = RateLimiter::dashmap_with_clock(quota, clock.clone()).with_middleware::<StateInformationMiddleware>();
        Self { counted, clock, most, within, asked: AtomicU64::new(0) }
    }

    /// Counts a request; an error if it is one too many.
    pub(super) fn ask(&self, who: &str) -> Result<Share, Share> {
        if self.asked.fetch_add(1, Ordering::Relaxed) % TIDY == TIDY - 1 {
            self.counted.retain_recent();
            self.counted.shrink_to_fit();
        }
        let share = |remaining, reset| Share { most: self.most, remaining, within: self.within, reset };
        match self.counted.check_key(&who.to_owned()) {
            Ok(state) => {
                let remaining = state.remaining_burst_capacity();
                Ok(share(remaining, self.within / self.most * self.most.saturating_sub(remaining)))
            }
            Err(not_until) => Err(share(0, not_until.wait_time_from(self.clock.now()))),
        }
    }
}

/// Requests within a time, for each address.
pub(super) struct Addresses {
    households: Limit,
    sites: Limit,
}

impl Addresses {
    pub(super) fn new(most: u32, within: Duration) -> Self {
        Self { households: Limit::new(most, within), sites: Limit::new(most.saturating_mul(SITE), within) }
    }

    /// Counts a request from there; an error if it is one too many. What a household is refused uses up nothing of its site's.
    pub(super) fn ask(&self, address: &Address) -> Result<Share, Share> {
        let share = self.households.ask(&address.household)?;
        match &address.site {
            Some(site) => self.sites.ask(site).map(|_| share),
            None => Ok(share),
        }
    }
}

impl Share {
    /// Says it in the headers that the network's servers use.
    pub(super) fn tell(&self, headers: &mut HeaderMap, refused: bool) {
        let seconds = self.reset.as_secs_f64().ceil() as u64;
        headers.insert(LIMIT, HeaderValue::from(self.most));
        headers.insert(REMAINING, HeaderValue::from(self.remaining));
        headers.insert(RESET, HeaderValue::from(seconds));
        if let Ok(policy) = HeaderValue::from_str(&format!("{};w={}", self.most, self.within.as_secs())) {
            headers.insert(POLICY, policy);
        }
        if refused {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds.max(1)));
        }
    }
}

/// An address, by the names under which it is counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    /// Of IPv6 the network of a household, since every machine has 2^64 of them.
    pub(super) household: String,
    /// Of IPv6 the network of a site.
    pub(super) site: Option<String>,
}

impl Address {
    /// Whoever has it has all of it.
    pub(super) fn widest(&self) -> &str {
        self.site.as_deref().unwrap_or(&self.household)
    }

    pub(super) fn unknown() -> Self {
        Self { household: "unknown".to_owned(), site: None }
    }
}

impl From<IpAddr> for Address {
    fn from(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self { household: address.to_string(), site: None },
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                Self { household: format!("{a:x}:{b:x}:{c:x}:{d:x}::/64"), site: Some(format!("{a:x}:{b:x}:{c:x}::/48")) }
            }
        }
    }
}

/// Who asks, where a proxy tells it: the last address in its header, which the proxy itself has written.
pub(super) fn told_by_proxy(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let last = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    last.rsplit(',').next()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_used_up_by_one_and_left_to_others() {
        let limit = Limit::new(3, Duration::from_secs(3_600));
        for remaining in [2, 1, 0] {
            assert_eq!(limit.ask("did:plc:a").map(|share| share.remaining), Ok(remaining));
        }
        let refused = limit.ask("did:plc:a").expect_err("one too many");
        assert!(refused.remaining == 0 && refused.reset <= Duration::from_secs(1_200) && refused.reset > Duration::from_secs(1_190), "{refused:?}");
        assert!(limit.ask("did:plc:b").is_ok());
        let mut headers = HeaderMap::new();
        refused.tell(&mut headers, true);
        let told = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        assert_eq!((told("ratelimit-limit"), told("ratelimit-remaining"), told("ratelimit-policy")), ("3".into(), "0".into(), "3;w=3600".into()));
        assert_eq!(told("retry-after"), told("ratelimit-reset"));
    }

    #[test]
    fn an_address_is_a_household() {
        let of = |text: &str| Address::from(text.parse::<IpAddr>().expect("an address"));
        for text in ["203.0.113.7", "::ffff:203.0.113.7"] {
            assert_eq!((of(text).household.as_str(), of(text).widest()), ("203.0.113.7", "203.0.113.7"));
        }
        assert_eq!(of("2001:db8:1:2:3:4:5:6"), of("2001:db8:1:2::1"));
        assert_ne!(of("2001:db8:1:2::1").household, of("2001:db8:1:3::1").household);
        assert_eq!(of("2001:db8:1:2::1").widest(), of("2001:db8:1:3::1").widest());
        assert_ne!(of("2001:db8:1:2::1").widest(), of("2001:db8:2:2::1").widest());
    }

    #[test]
    fn a_site_has_the_share_of_some_households_and_not_of_all_that_it_could_have() {
        let limit = Addresses::new(2, Duration::from_secs(3_600));
        let of = |household: u32| Address::from(IpAddr::from([0x2001, 0xdb8, 1, household as u16, 0, 0, 0, 1]));
        let let_in = |from: u32| (from..from + 100).filter(|household| limit.ask(&of(*household)).is_ok()).count() as u32;
        // One that asks too often uses up its own share alone.
        assert_eq!((0..100).filter(|_| limit.ask(&of(0)).is_ok()).count(), 2);
        assert_eq!(let_in(1), 2 * SITE - 2);
        assert_eq!(let_in(200), 0);
        assert!(limit.ask(&Address::from(IpAddr::from([0x2001, 0xdb8, 2, 0, 0, 0, 0, 1]))).is_ok());
    }

    #[test]
    fn of_a_proxys_header_only_what_it_wrote_itself_counts() {
        let check = |values: &[&'static str], expected: Option<&str>| {
            let mut headers = HeaderMap::new();
            for value in values {
                headers.append("x-forwarded-for", HeaderValue::from_static(value));
            }
            assert_eq!(told_by_proxy(&headers, "x-forwarded-for"), expected.map(|text| text.parse().expect("an address")), "{values:?}");
        };
        check(&["203.0.113.7"], Some("203.0.113.7"));
        check(&["127.0.0.1, 198.51.100.1, 203.0.113.7"], Some("203.0.113.7"));
        check(&["127.0.0.1", "2001:db8::1"], Some("2001:db8::1"));
        check(&["203.0.113.7, nonsense"], None);
        check(&[], None);
    }
}
