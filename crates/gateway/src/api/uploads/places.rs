//! Who brings a file at the moment: so many at once, and no user all of them.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

use domain::words::UserId;
use tokio::sync::{Semaphore, SemaphorePermit};

/// Files that come in at the same time, on all nodes of this process; each takes about a megabyte.
static ALL: Semaphore = Semaphore::const_new(64);
/// Of those, as many as one user brings.
const EACH: usize = 16;
/// How many each user brings; as long as the places.
static BY_USER: LazyLock<Mutex<HashMap<UserId, usize>>> = LazyLock::new(Mutex::default);

fn by_user() -> MutexGuard<'static, HashMap<UserId, usize>> {
    BY_USER.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A user's place, until it is dropped.
pub(super) struct Place {
    user: UserId,
    _permit: SemaphorePermit<'static>,
}

impl Place {
    /// A place for the user; `None`: there is none left, or none for them.
    pub(super) fn take(user: &UserId) -> Option<Self> {
        let mut by_user = by_user();
        if by_user.get(user).is_some_and(|taken| *taken >= EACH) {
            return None;
        }
        let permit = ALL.try_acquire().ok()?;
        *by_user.entry(user.clone()).or_default() += 1;
        Some(Self { user: user.clone(), _permit: permit })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut by_user = by_user();
        if let Some(taken) = by_user.get_mut(&self.user) {
            *taken -= 1;
            if *taken == 0 {
                by_user.remove(&self.user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_user_takes_no_other_users_place_and_gives_each_back() {
        let user = |name: &str| UserId::text(name).unwrap();
        let taken: Vec<_> = std::iter::from_fn(|| Place::take(&user("greedy"))).collect();
        assert_eq!(taken.len(), EACH);
        let other = Place::take(&user("modest"));
        assert!(other.is_some());
        drop((taken, other));
        assert!(Place::take(&user("greedy")).is_some());
        assert!(by_user().is_empty());
    }
}
