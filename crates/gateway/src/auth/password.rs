//! Passwords: argon2id in a bounded pool.
//!
//! Owns the parameters and how many hashes are computed at once. Each takes a core for some ten
//! milliseconds and 19 MiB: without a bound, logins would starve the messages. Invariant: a check costs the
//! same whether or not there is a hash to compare with.

use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::telemetry;

/// Memory in KiB, passes, lanes: the first choice of OWASP's Password Storage Cheat Sheet (2024).
const COST: (u32, u32, u32) = (19 * 1024, 2, 1);
/// Passwords that may wait for a core; one more is told that we are busy.
const WAITING: usize = 64;
/// Longest wait for a core.
const PATIENCE: Duration = Duration::from_secs(5);

/// No core became free in time, or too many wait for one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Busy;

/// The pool.
pub(crate) struct Passwords {
    cores: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Passwords {
    pub(super) fn new() -> Self {
        Self::sized(available_parallelism().map_or(1, usize::from), WAITING)
    }

    fn sized(cores: usize, waiting: usize) -> Self {
        Self { cores: Arc::new(Semaphore::new(cores)), places: Arc::new(Semaphore::new(cores + waiting)) }
    }

    /// The hash of a new password, in PHC string format.
    pub(crate) async fn hash(&self, password: String) -> Result<String, Busy> {
        self.run(move || fresh(&password)).await
    }

    /// Whether the password is the one behind `hash`. Where there is none, one is computed and thrown away, so that
    /// the answer comes as late as any other.
    pub(crate) async fn matches(&self, password: String, hash: Option<String>) -> Result<bool, Busy> {
        self.run(move || match hash.as_deref().map(PasswordHash::new) {
            Some(Ok(hash)) => hasher().verify_password(password.as_bytes(), &hash).is_ok(),
            Some(Err(error)) => {
                tracing::error!(%error, "a stored password hash cannot be read");
                fresh(&password);
                false
            }
            None => {
                fresh(&password);
                false
            }
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, Busy> {
        let place = Arc::clone(&self.places).try_acquire_owned().map_err(|_| Busy)?;
        let core = timeout(PATIENCE, Arc::clone(&self.cores).acquire_owned()).await;
        let core = core.map_err(|_| Busy)?.map_err(|_| Busy)?;
        // The permits move with the work: a client that hangs up frees no core that is still computing.
        let work = move || {
            let _held = (place, core);
            work()
        };
        let outcome = spawn_blocking(work).await.map_err(|_| Busy);
        telemetry::password_hashed();
        outcome
    }
}

fn hasher() -> Argon2<'static> {
    let (memory, passes, lanes) = COST;
    let params = Params::new(memory, passes, lanes, None).expect("the cost lies within argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

fn fresh(password: &str) -> String {
    let hash = hasher().hash_password(password.as_bytes());
    hash.expect("the cost is legal, and the system has randomness for the salt").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_password_matches_its_own_hash_alone() {
        let passwords = Passwords::new();
        let hash = passwords.hash("correct horse".to_owned()).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        for (password, against, expected) in [
            ("correct horse", Some(&hash), true),
            ("correct horsf", Some(&hash), false),
            ("", Some(&hash), false),
            ("correct horse", Some(&"not a hash".to_owned()), false),
            ("correct horse", None, false),
        ] {
            let outcome = passwords.matches(password.to_owned(), against.cloned()).await;
            assert_eq!(outcome, Ok(expected), "{password:?} {against:?}");
        }
    }

    #[tokio::test]
    async fn the_same_password_never_has_the_same_hash() {
        let passwords = Passwords::new();
        let (one, two) = tokio::join!(passwords.hash("p".to_owned()), passwords.hash("p".to_owned()));
        assert_ne!(one.unwrap(), two.unwrap());
    }

    #[tokio::test]
    async fn more_than_may_wait_are_told_so_at_once() {
        let passwords = Passwords::sized(1, 2);
        let core = passwords.cores.acquire().await.unwrap();
        let waiting = [passwords.hash("a".to_owned()), passwords.hash("b".to_owned())];
        let mut waiting = Box::pin(futures::future::join_all(waiting));
        let third = [passwords.hash("c".to_owned())];
        let mut third = Box::pin(futures::future::join_all(third));
        assert!(futures::poll!(&mut waiting).is_pending());
        assert!(futures::poll!(&mut third).is_pending(), "the pool's own place is free still");
        assert_eq!(passwords.hash("d".to_owned()).await, Err(Busy));
        drop(core);
        assert!(waiting.await.iter().chain(&third.await).all(Result::is_ok));
    }

    #[tokio::test(start_paused = true)]
    async fn nobody_waits_for_a_core_for_ever() {
        let passwords = Passwords::sized(1, 2);
        let _core = passwords.cores.acquire().await.unwrap();
        assert_eq!(passwords.hash("a".to_owned()).await, Err(Busy));
    }
}
