//! What operators have ruled against tokens that are good by themselves, as this node knows: who is kept out, and who goes
//! on in another role. Told at once by whispers; what was not heard is found out at the next look (`revalidation`).

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use crate::ports::{Assignment, Rulings};
use crate::words::{Identity, Role, Timestamp, Token, UserId};

/// The rulings that stand. As many as the directory keeps.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    disabled: HashSet<UserId>,
    revoked: HashSet<Arc<str>>,
    assigned: HashMap<UserId, (Role, Timestamp)>,
}

#[derive(Debug, Clone)]
enum Ruling {
    Disabled(UserId),
    Readmitted(UserId),
    Revoked(Arc<str>),
    Assigned(Assignment),
}

#[derive(Debug, Default)]
struct State {
    // Shared with whoever compares connections with it; copied when it changes meanwhile.
    known: Arc<Known>,
    // What was told while a look is under way, which may be older. As many as are told during one look.
    told: Option<Vec<Ruling>>,
}

/// The rulings, and what is told of them.
#[derive(Debug, Default)]
pub(super) struct Bars {
    // Held for a look, never across an await.
    state: Mutex<State>,
    /// Something may have changed unheard.
    called: Notify,
}

impl Known {
    fn of(rulings: Rulings) -> Self {
        let Rulings { disabled, revoked, assigned } = rulings;
        Self {
            disabled: disabled.into_iter().collect(),
            revoked: revoked.into_iter().collect(),
            assigned: assigned.into_iter().map(|given| (given.user, (given.role, given.at))).collect(),
        }
    }

    /// Whether the user is kept out.
    pub(super) fn disables(&self, user: &UserId) -> bool {
        self.disabled.contains(user)
    }

    /// Whether the token is good for nothing any more.
    pub(super) fn revokes(&self, token: &Token) -> bool {
        token.id.as_ref().is_some_and(|token| self.revoked.contains(token))
    }

    /// Users who have another role, or have it since another time, than in `before`.
    pub(super) fn assigned_since<'a>(&'a self, before: &'a Self) -> impl Iterator<Item = &'a UserId> {
        let is_new = |(user, given): &(&UserId, _)| before.assigned.get(*user) != Some(*given);
        self.assigned.iter().filter(is_new).map(|(user, _)| user)
    }

    fn take(&mut self, ruling: Ruling) {
        match ruling {
            Ruling::Disabled(user) => drop(self.disabled.insert(user)),
            Ruling::Readmitted(user) => drop(self.disabled.remove(&user)),
            Ruling::Revoked(token) => drop(self.revoked.insert(token)),
            Ruling::Assigned(Assignment { user, role, at }) => {
                // Two nodes' whispers may overtake each other: the newest one counts, as it does in the directory.
                if self.assigned.get(&user).is_none_or(|(_, known)| *known <= at) {
                    self.assigned.insert(user, (role, at));
                }
            }
        }
    }
}

impl Bars {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known(&self) -> Arc<Known> {
        self.state().known.clone()
    }

    /// Why this identity may not come in, if it may not.
    pub(super) fn against(&self, identity: &Identity) -> Option<&'static str> {
        let known = self.known();
        if known.disables(&identity.user) {
            return Some("user_disabled");
        }
        known.revokes(&identity.token).then_some("token_revoked")
    }

    /// The role that this identity acts in: the one it was given after its token was issued, else its own. A token that
    /// does not say when it was issued is taken for older than every ruling.
    pub(super) fn role_of(&self, identity: &Identity) -> Role {
        match self.known().assigned.get(&identity.user) {
            Some((role, at)) if identity.token.issued_at.is_none_or(|issued| issued < *at) => *role,
            Some(_) | None => identity.role,
        }
    }

    /// The user stays out.
    pub(super) fn disable(&self, user: UserId) {
        self.take(Ruling::Disabled(user));
    }

    /// The user may come in again.
    pub(super) fn readmit(&self, user: UserId) {
        self.take(Ruling::Readmitted(user));
    }

    /// The token is good for nothing any more.
    pub(super) fn revoke(&self, token: Arc<str>) {
        self.take(Ruling::Revoked(token));
    }

    /// The user was given a role.
    pub(super) fn assign(&self, assignment: Assignment) {
        self.take(Ruling::Assigned(assignment));
    }

    fn take(&self, ruling: Ruling) {
        let mut state = self.state();
        if let Some(told) = &mut state.told {
            told.push(ruling.clone());
        }
        Arc::make_mut(&mut state.known).take(ruling);
    }

    /// A look at all rulings begins: what is told from now on may not be in it.
    pub(super) fn begin_look(&self) {
        self.state().told = Some(Vec::new());
    }

    /// Everything that stood when the look was taken. Returns what stands now, and what was known before.
    pub(super) fn replace(&self, rulings: Rulings) -> (Arc<Known>, Arc<Known>) {
        let mut known = Known::of(rulings);
        let mut state = self.state();
        // Each is written down before it is told, and told in that order: repeating one that the look has seen changes
        // nothing, or what comes behind it changes it back.
        state.told.take().into_iter().flatten().for_each(|ruling| known.take(ruling));
        let before = std::mem::replace(&mut state.known, Arc::new(known));
        (state.known.clone(), before)
    }

    /// What was told may have been lost: look again.
    pub(super) fn doubt(&self) {
        self.called.notify_one();
    }

    /// Waits until somebody doubts what is known.
    pub(super) async fn doubted(&self) {
        self.called.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_role_counts_in_whatever_order_it_is_told() {
        let (bars, user) = (Bars::default(), UserId::text("ann").unwrap());
        let given = |role, at| Assignment { user: user.clone(), role, at: Timestamp(at) };
        let known = || bars.known().assigned[&user];
        bars.begin_look();
        bars.assign(given(Role::User, 2));
        bars.assign(given(Role::Admin, 1));
        assert_eq!(known(), (Role::User, Timestamp(2)));
        // The look is newer than what was told meanwhile.
        let rulings = Rulings { assigned: vec![given(Role::Moderator, 3)], ..Rulings::default() };
        bars.replace(rulings);
        assert_eq!(known(), (Role::Moderator, Timestamp(3)));
    }
}
