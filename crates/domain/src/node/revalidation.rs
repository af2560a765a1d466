//! Whether those who are connected still may be: rulings that went unheard, and accounts that are gone. Looked at when the
//! node begins, at an interval, and whenever deliveries were in doubt. A directory that is away ends no connection.

use std::collections::HashSet;
use std::future::pending;
use std::time::Duration;

use tokio::time::sleep;

use super::Node;
use crate::ports::PortError;
use crate::words::UserId;

/// Users asked for in one query.
const AT_ONCE: usize = 1000;
/// Pause before a look that failed is repeated.
const PAUSE: Duration = Duration::from_secs(1);

impl Node {
    /// Looks again and again, for as long as the node lives.
    pub(super) async fn revalidate_forever(&self) {
        // Users who were connected and had an account at the last look.
        let mut known = HashSet::new();
        loop {
            while let Err(error) = self.revalidate(&mut known).await {
                tracing::warn!(%error, "it cannot be looked up who may still be connected");
                sleep(PAUSE).await;
            }
            tokio::select! {
                () = self.revalidation_is_due() => {}
                () = self.bars().doubted() => {}
            }
        }
    }

    async fn revalidation_is_due(&self) {
        let interval = self.limits().revalidation;
        if interval.is_zero() {
            return pending().await;
        }
        // Never later than the interval, and not on all nodes at once.
        sleep(interval.mul_f64(0.75 + rand::random::<f64>() / 4.0)).await;
    }

    async fn revalidate(&self, known: &mut HashSet<UserId>) -> Result<(), PortError> {
        self.heed_rulings().await?;
        self.dismiss_deleted(known).await
    }

    async fn heed_rulings(&self) -> Result<(), PortError> {
        self.bars().begin_look();
        let (now, before) = self.bars().replace(self.directory().rulings().await?);
        self.population().kick("user_disabled", |owner| now.disables(&owner.user));
        self.population().kick("token_revoked", |owner| now.revokes(&owner.token));
        for user in now.assigned_since(&before) {
            self.population().assign(user);
        }
        Ok(())
    }

    /// Whoever never had an account may stay: a good token is enough where no account is asked for.
    async fn dismiss_deleted(&self, known: &mut HashSet<UserId>) -> Result<(), PortError> {
        let here: Vec<UserId> = self.population().users().into_iter().collect();
        let mut found = HashSet::new();
        for users in here.chunks(AT_ONCE) {
            found.extend(self.directory().known_among(users).await?);
        }
        let deleted: HashSet<UserId> =
            here.into_iter().filter(|user| known.contains(user) && !found.contains(user)).collect();
        if !deleted.is_empty() {
            self.population().kick("user_deleted", |owner| deleted.contains(&owner.user));
        }
        *known = found;
        Ok(())
    }
}
