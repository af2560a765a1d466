//! From an identity to an account: a good token opens nothing to a user whom the directory does not let in.
//!
//! Owns the memory of who was let in, which keeps the directory off the way of most requests. Invariant:
//! only a yes is remembered, and for a moment only.

use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use domain::ports::{Directory, PortError};
use domain::security::Incident;
use domain::words::{Account, Identity, UserId};
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout};

use super::Authenticator;
use super::recent::Recent;
use crate::telemetry;

/// Most users who are remembered.
const USERS: usize = 50_000;
/// Questions to the directory at once. Each takes several KiB while it waits for a connection of the pool, and a storm of
/// arrivals is thousands of them: the others wait here for less.
const AT_ONCE: usize = 64;
/// How long a question waits for its turn; as long as a handshake may take.
const TURN: Duration = Duration::from_secs(10);
/// How long a request that can do without the directory waits for it.
const PROMPTLY: Duration = Duration::from_millis(500);
/// How long such requests do not ask a directory that was away.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a user with a good token may not come in.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Barred {
    /// Nobody has this id, and nobody is made from a token.
    #[error("unknown_user")]
    Unknown,
    /// The account is disabled.
    #[error("disabled_user")]
    Disabled,
    /// The directory cannot tell now.
    #[error("the directory does not answer: {0}")]
    Away(PortError),
}

/// Where somebody comes from, and to which door; for the log.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Whence {
    pub(crate) address: Option<IpAddr>,
    pub(crate) door: Option<&'static str>,
}

/// Who was let in a moment ago.
pub(super) struct Admissions {
    ttl: Duration,
    known: Mutex<Recent<UserId, (Account, Instant)>>,
    away_until: Mutex<Option<Instant>>,
    asking: Semaphore,
}

impl Admissions {
    pub(super) fn new(ttl: Duration) -> Self {
        Self {
            ttl,
            known: Mutex::new(Recent::new(USERS)),
            away_until: Mutex::new(None),
            asking: Semaphore::new(AT_ONCE),
        }
    }

    fn recall(&self, user: &UserId) -> Option<Account> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let (account, until) = known.touch(user)?;
        if *until > Instant::now() {
            return Some(account.clone());
        }
        known.remove(user);
        None
    }

    fn remember(&self, account: &Account) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.put(account.user.clone(), (account.clone(), Instant::now() + self.ttl));
    }

    fn is_away(&self) -> bool {
        self.away_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .is_some_and(|until| Instant::now() < until)
    }

    fn note_away(&self) {
        *self.away_until.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now() + PAUSE);
    }
}

impl Authenticator {
    /// Counts and tells that somebody with a good token may not do something, or not come in.
    pub(crate) fn refuse(&self, whence: Whence, identity: &Identity, reason: &'static str) {
        let Whence { address, door } = whence;
        telemetry::refused(reason);
        if address.is_none_or(|address| self.may_tell(address)) {
            Incident { user: Some(&identity.user), connection: None, address, door, reason }.refused();
        }
    }

    /// The account of a verified user, made from the token where that is configured. A yes is remembered for the
    /// configured time; the same answer serves doors and the HTTP API.
    pub async fn admit(&self, directory: &dyn Directory, identity: &Identity) -> Result<Account, Barred> {
        self.admit_from(directory, identity, Whence::default()).await
    }

    /// The same, at a place that the security log is told.
    pub(crate) async fn admit_from(
        &self,
        directory: &dyn Directory,
        identity: &Identity,
        whence: Whence,
    ) -> Result<Account, Barred> {
        let admissions = &self.accounts.admissions;
        if let Some(account) = admissions.recall(&identity.user) {
            return Ok(account);
        }
        // An error would mean that the semaphore is closed; nobody closes it.
        let turn = timeout(TURN, admissions.asking.acquire()).await;
        let _turn = turn.map_err(|_| Barred::Away(PortError::Deadline))?;
        if let Some(account) = admissions.recall(&identity.user) {
            // Another connection of theirs has asked meanwhile.
            return Ok(account);
        }
        let provision = self.accounts.options.provision_users;
        let account =
            directory.admit(&identity.author(), identity.role, provision).await.map_err(Barred::Away)?;
        match account {
            None => {
                self.refuse(whence, identity, "unknown_user");
                Err(Barred::Unknown)
            }
            Some(account) if account.disabled => {
                self.refuse(whence, identity, "disabled_user");
                Err(Barred::Disabled)
            }
            Some(account) => {
                admissions.remember(&account);
                Ok(account)
            }
        }
    }

    /// The same for those who can do without an answer: they do not wait for a directory that is away.
    pub(crate) async fn admit_promptly(
        &self,
        directory: &dyn Directory,
        identity: &Identity,
    ) -> Result<Account, Barred> {
        let admissions = &self.accounts.admissions;
        if admissions.is_away() {
            let remembered = admissions.recall(&identity.user);
            return remembered.ok_or(Barred::Away(PortError::Deadline));
        }
        let outcome = timeout(PROMPTLY, self.admit(directory, identity)).await;
        let outcome = outcome.unwrap_or(Err(Barred::Away(PortError::Deadline)));
        if matches!(outcome, Err(Barred::Away(_))) {
            admissions.note_away();
        }
        outcome
    }
}
