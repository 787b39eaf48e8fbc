//! How often somebody may ask, and try to sign in: who is counted for what, and what the operator does about it.
//!
//! ```text
//! a request      of somebody      their DID                                     as configured
//!                of nobody        the address                                   the same
//!                with a token of  the address, before anybody is asked for      ten times that, since a user's server
//!                one's own server the key; then the DID                         may forward the calls of many
//! a sign-in      however          the address                                   30 in five minutes
//!                by a password    the account, as tried from this address       10 in five minutes
//!                                 the account, as tried from where nobody       100 in five minutes
//!                                 has signed in to it
//! ```
//!
//! Anybody can try to sign in to anybody's account. So what is counted for an account alone keeps nobody out who signs in from an address
//! from which they did before, and its owner can be shut out only by who shares their address.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use moka::sync::Cache;

use crate::dashboard::Problem;
use crate::http::limits::{Address, Addresses, Limit, Share};

const AN_HOUR: Duration = Duration::from_secs(3_600);

/// Callers whose shares an address has that brings tokens of users' servers.
const CALLERS_BEHIND_ONE: u32 = 10;

/// Attempts to sign in, which cost a user's server work and tell a guesser something.
const SIGN_INS: u32 = 30;
const OF_ONE_ACCOUNT: u32 = 10;
const FROM_EVERYWHERE: u32 = 100;
const SIGN_INS_WITHIN: Duration = Duration::from_secs(300);

/// Addresses from which somebody has signed in to an account, and how long they are remembered.
const USUAL: u64 = 100_000;
const USUAL_FOR: Duration = Duration::from_secs(30 * 24 * 3_600);

/// Whose counts were lifted and are remembered one by one: operators do it now and then.
const LIFTED: usize = 10_000;

pub(super) struct Counts {
    callers: Limit,
    addresses: Addresses,
    tokens: Addresses,
    sign_ins: Addresses,
    attempts: Limit,
    accounts: Limit,
    /// Accounts and addresses from which somebody has signed in to them by password.
    usual: Cache<String, ()>,
    /// How often the count of somebody was lifted: whoever is counted anew is counted under another name.
    lifted: Mutex<HashMap<String, u32>>,
}

impl Counts {
    pub(super) fn new(requests_per_hour: u32) -> Self {
        Self {
            callers: Limit::new(requests_per_hour, AN_HOUR),
            addresses: Addresses::new(requests_per_hour, AN_HOUR),
            tokens: Addresses::new(requests_per_hour.saturating_mul(CALLERS_BEHIND_ONE), AN_HOUR),
            sign_ins: Addresses::new(SIGN_INS, SIGN_INS_WITHIN),
            attempts: Limit::new(OF_ONE_ACCOUNT, SIGN_INS_WITHIN),
            accounts: Limit::new(FROM_EVERYWHERE, SIGN_INS_WITHIN),
            usual: Cache::builder().max_capacity(USUAL).time_to_idle(USUAL_FOR).build(),
            lifted: Mutex::default(),
        }
    }

    /// A request by who has proved to be this DID.
    pub(super) fn caller(&self, did: &str) -> Result<Share, Share> {
        self.callers.ask(&self.name(did))
    }

    /// A request by nobody.
    pub(super) fn nobody(&self, from: &Address) -> Result<Share, Share> {
        self.addresses.ask(&self.named(from))
    }

    /// A request for which somebody's server may have to be asked.
    pub(super) fn token(&self, from: &Address) -> Result<Share, Share> {
        self.tokens.ask(&self.named(from))
    }

    /// An attempt to sign in.
    pub(super) fn sign_in(&self, from: &Address) -> Result<(), Problem> {
        enough(self.sign_ins.ask(&self.named(from)), "too many attempts to sign in")
    }

    /// An attempt to sign in to this account by a password.
    pub(super) fn password(&self, account: &str, from: &Address) -> Result<(), Problem> {
        let account = self.name(account);
        enough(self.attempts.ask(&format!("{account} {}", self.name(&from.household))), "too many attempts to sign in to this account")?;
        if self.usual.contains_key(&at(&account, from)) {
            return Ok(());
        }
        enough(self.accounts.ask(&account), "too many attempts to sign in to this account, from many places: sign in by OAuth, or wait")
    }

    /// The password was right.
    pub(super) fn signed_in(&self, account: &str, from: &Address) {
        self.usual.insert(at(&self.name(account), from), ());
    }

    /// Forgets what was counted for a DID or an address; answers whether it is either.
    pub(super) fn lift(&self, who: &str) -> bool {
        if who.starts_with("did:") {
            self.count_anew(who);
            return true;
        }
        let Ok(address) = who.parse::<IpAddr>() else { return false };
        let address = Address::from(address);
        self.count_anew(&address.household);
        address.site.iter().for_each(|site| self.count_anew(site));
        true
    }

    fn count_anew(&self, who: &str) {
        let mut lifted = self.lifted.lock().unwrap_or_else(PoisonError::into_inner);
        if lifted.len() >= LIFTED {
            lifted.clear();
        }
        *lifted.entry(who.to_owned()).or_default() += 1;
    }

    /// The name under which somebody is counted now. Neither a DID, an address nor a handle has a space.
    fn name(&self, who: &str) -> String {
        let lifted = self.lifted.lock().unwrap_or_else(PoisonError::into_inner).get(who).copied();
        lifted.map_or_else(|| who.to_owned(), |times| format!("{who} {times}"))
    }

    fn named(&self, address: &Address) -> Address {
        Address { household: self.name(&address.household), site: address.site.as_deref().map(|site| self.name(site)) }
    }
}

fn at(account: &str, from: &Address) -> String {
    format!("{account} {}", from.household)
}

fn enough(counted: Result<Share, Share>, message: &str) -> Result<(), Problem> {
    counted.map(drop).map_err(|share| {
        metrics::counter!("atrarium_limited_total", "limit" => "sign-in").increment(1);
        Problem::TooMany { message: message.to_owned(), again_in: Some(share.reset) }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: &str = "did:plc:ann";

    fn address(last: u8) -> Address {
        Address::from(IpAddr::from([203, 0, 113, last]))
    }

    fn tried(counts: &Counts, account: &str, from: &Address) -> u32 {
        (0..1_000).take_while(|_| counts.password(account, from).is_ok()).count() as u32
    }

    #[test]
    fn who_guesses_shuts_out_themself_and_not_the_owner() {
        let counts = Counts::new(1_000);
        counts.signed_in(ANN, &address(1));
        assert_eq!(tried(&counts, ANN, &address(2)), OF_ONE_ACCOUNT);
        assert_eq!(tried(&counts, "did:plc:ben", &address(2)), OF_ONE_ACCOUNT, "another account is another's");
        let elsewhere: u32 = (10..40).map(|last| tried(&counts, ANN, &address(last))).sum();
        assert_eq!(elsewhere, FROM_EVERYWHERE - OF_ONE_ACCOUNT);
        assert!(counts.password(ANN, &address(50)).is_err());
        assert!(counts.password(ANN, &address(1)).is_ok(), "the owner, from where they have been before");
    }

    #[test]
    fn what_was_counted_is_lifted_for_one_and_for_nobody_else() {
        let counts = Counts::new(1);
        let v6 = |household: u16| Address::from(IpAddr::from([0x2001, 0xdb8, 1, household, 0, 0, 0, 1]));
        let usual = |account: &str, from: &Address| (counts.caller(account).is_ok(), counts.nobody(from).is_ok(), counts.password(account, from).is_ok());
        for (account, from) in [(ANN, address(1)), ("did:plc:ben", v6(1))] {
            assert_eq!(usual(account, &from), (true, true, true));
            assert_eq!(tried(&counts, account, &from), OF_ONE_ACCOUNT - 1);
            assert_eq!(usual(account, &from), (false, false, false));
        }
        assert!(counts.lift(ANN));
        assert_eq!((usual(ANN, &address(1)), usual("did:plc:ben", &v6(1))), ((true, false, true), (false, false, false)));
        assert!(counts.lift("2001:db8:1:1::7"));
        assert_eq!((usual(ANN, &address(1)), usual("did:plc:ben", &v6(1))), ((false, false, true), (false, true, true)));
        for nobody in ["", "ann", "ann.example.com", "203.0.113", "2001:db8:1:1::/64"] {
            assert!(!counts.lift(nobody), "{nobody}");
        }
    }
}
