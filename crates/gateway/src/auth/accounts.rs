//! What logging in by name needs beside the directory: passwords, limits, and who was admitted a moment ago.

use std::hash::{BuildHasher, RandomState};
use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use super::admission::Admissions;
use super::limiter::Limiter;
use super::password::Passwords;

/// How accounts are treated.
#[derive(Debug, Clone)]
pub struct AccountOptions {
    /// Whether an unknown user with a good token is made at first sight; else they are refused.
    pub provision_users: bool,
    /// Whether anybody may register by name.
    pub registration: bool,
    /// How long the token of a login lives; `max_session` cuts it.
    pub login_ttl: Duration,
    /// Failed logins by one name from one address in a minute; 0: no limit.
    pub logins_per_minute: u32,
    /// Logins, and apart from them registrations, from one address in a minute; 0: no limit.
    pub logins_per_address: u32,
    /// How long a user who was found in the directory is not looked up again. A user who is disabled may go on over
    /// HTTP for as long; zero: each request asks.
    pub admission_ttl: Duration,
}

impl Default for AccountOptions {
    fn default() -> Self {
        Self {
            provision_users: true,
            registration: true,
            login_ttl: Duration::from_secs(12 * 60 * 60),
            logins_per_minute: 10,
            logins_per_address: 600,
            admission_ttl: Duration::from_secs(30),
        }
    }
}

/// The state behind the options.
pub(crate) struct Accounts {
    pub(super) options: AccountOptions,
    pub(super) admissions: Admissions,
    pub(crate) passwords: Passwords,
    by_name: Limiter<u64>,
    by_address: Limiter<IpAddr>,
    registrations: Limiter<IpAddr>,
    hasher: RandomState,
}

impl Accounts {
    pub(super) fn new(options: AccountOptions) -> Self {
        Self {
            admissions: Admissions::new(options.admission_ttl),
            passwords: Passwords::new(),
            by_name: Limiter::per_minute(options.logins_per_minute),
            by_address: Limiter::per_minute(options.logins_per_address),
            registrations: Limiter::per_minute(options.logins_per_address),
            hasher: RandomState::new(),
            options,
        }
    }

    /// Whether anybody may register.
    pub(crate) fn registration(&self) -> bool {
        self.options.registration
    }

    /// Takes a login of this name from this address, or says when there will be one.
    pub(crate) fn take_login(&self, name: &str, from: IpAddr) -> Result<(), Duration> {
        let network = network(from);
        self.by_address.take(network)?;
        // By its hash: a name is as long as a client likes.
        self.by_name.take(self.hasher.hash_one((name.to_lowercase(), network)))
    }

    /// The login was good: only failures count against the name.
    pub(crate) fn return_login(&self, name: &str, from: IpAddr) {
        self.by_name.give_back(&self.hasher.hash_one((name.to_lowercase(), network(from))));
    }

    /// Takes a registration from this address, or says when there will be one.
    pub(crate) fn take_registration(&self, from: IpAddr) -> Result<(), Duration> {
        self.registrations.take(network(from))
    }
}

/// What counts as one address: whoever has an IPv6 address has 2^64 of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accounts(logins_per_minute: u32, logins_per_address: u32) -> Accounts {
        Accounts::new(AccountOptions { logins_per_minute, logins_per_address, ..AccountOptions::default() })
    }

    #[test]
    fn a_name_is_limited_whatever_its_case_but_only_from_that_address() {
        let (accounts, here, there) =
            (accounts(1, 0), "192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap());
        assert!(accounts.take_login("anna", here).is_ok());
        assert!(accounts.take_login("ANNA", here).is_err());
        accounts.return_login("Anna", here);
        assert!(accounts.take_login("anna", here).is_ok(), "a good login does not count");
        assert!(accounts.take_login("bob", here).is_ok());
        assert!(accounts.take_login("anna", there).is_ok(), "nobody locks another one out");
    }

    #[test]
    fn an_address_is_limited_whatever_the_name() {
        let (accounts, here) = (accounts(0, 2), "2001:db8::1".parse().unwrap());
        let beside = "2001:db8::ffff:0:1".parse().unwrap();
        assert!(accounts.take_login("anna", here).is_ok());
        assert!(accounts.take_login("bob", beside).is_ok());
        assert!(accounts.take_login("carl", here).is_err());
        assert!(accounts.take_login("carl", "2001:db8:0:1::1".parse().unwrap()).is_ok());
        assert!(accounts.take_registration(here).is_ok(), "registrations are counted apart");
    }
}
