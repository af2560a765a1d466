//! Who came online or went offline, told to everybody who shares a chat with them: to each of them once, in their
//! user's own room, however many chats they share.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use ahash::RandomState;
use futures::StreamExt;
use tokio::sync::Notify;
use tokio::time::sleep;

use super::Node;
use crate::ports::PortError;
use crate::words::{Author, ConnectionId, RoomId, Sign, Timestamp, UserId, Whisper};

/// Users whose peers are asked for in one query.
const AT_ONCE: usize = 256;
/// Whispers under way at the same time.
const WHISPERS: usize = 64;
/// Pause before what could not be told is told again.
const PAUSE: Duration = Duration::from_secs(1);

struct Turn {
    who: Author,
    online: bool,
    at: Timestamp,
    // The connection that made them so, where it is known.
    cause: Option<ConnectionId>,
}

type Turns = HashMap<UserId, Turn, RandomState>;

/// What is to be told; of each user only the newest turn.
#[derive(Default)]
pub(super) struct News {
    // Bounded by the users of the cluster. Held to add or take, never across an await.
    turns: Mutex<Turns>,
    called: Notify,
}

impl News {
    fn turns(&self) -> MutexGuard<'_, Turns> {
        self.turns.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The user came online, or went offline, just now.
    pub(super) fn tell(&self, who: Author, online: bool, cause: Option<ConnectionId>) {
        let turn = Turn { online, at: Timestamp::now(), who, cause };
        self.turns().insert(turn.who.user.clone(), turn);
        self.called.notify_one();
    }

    fn take(&self) -> Vec<Turn> {
        let mut turns = self.turns();
        let some: Vec<UserId> = turns.keys().take(AT_ONCE).cloned().collect();
        some.iter().filter_map(|user| turns.remove(user)).collect()
    }

    /// What could not be told is told later, unless something newer is known by then.
    fn put_back(&self, untold: Vec<Turn>) {
        let mut turns = self.turns();
        for turn in untold {
            turns.entry(turn.who.user.clone()).or_insert(turn);
        }
    }
}

impl Node {
    /// Tells the news for as long as the node lives.
    pub(super) async fn tell_news_forever(&self) {
        loop {
            let turns = self.news().take();
            if turns.is_empty() {
                self.news().called.notified().await;
                continue;
            }
            if let Err(error) = self.tell_news(&turns).await {
                tracing::debug!(%error, users = turns.len(), "status cannot be told now");
                self.news().put_back(turns);
                sleep(PAUSE).await;
            }
        }
    }

    async fn tell_news(&self, turns: &[Turn]) -> Result<(), PortError> {
        let users: Vec<UserId> = turns.iter().map(|turn| turn.who.user.clone()).collect();
        let gone: Vec<UserId> =
            turns.iter().filter(|turn| !turn.online).map(|turn| turn.who.user.clone()).collect();
        if !gone.is_empty() {
            self.directory().seen(&gone, Timestamp::now()).await?;
        }
        let by_user: HashMap<&UserId, &Turn> = turns.iter().map(|turn| (&turn.who.user, turn)).collect();
        let peers = self.directory().peers(&users).await?;
        // Another node may have more recent news of the same user, and may have told them already.
        let mut current = HashSet::new();
        for turn in turns {
            if self.is_online(&turn.who.user).await? == turn.online {
                current.insert(&turn.who.user);
            }
        }
        let mut told = Vec::with_capacity(peers.len());
        for (user, peer) in &peers {
            let Some(turn) = by_user.get(user) else { continue };
            if !current.contains(user) {
                continue;
            }
            let last_seen = (!turn.online).then_some(turn.at);
            let sign = Sign::Status { who: turn.who.clone(), online: turn.online, last_seen };
            told.push(self.whisper(RoomId::of_user(peer), None, Whisper::Show(sign)));
        }
        if self.limits().user_status {
            let users = self.presence().tally().await?.users;
            for turn in turns.iter().filter(|turn| current.contains(&turn.who.user)) {
                let sign = Sign::Attendance { who: turn.who.clone(), online: turn.online, users };
                told.push(self.whisper(RoomId::lobby(), turn.cause, Whisper::Show(sign)));
            }
        }
        // Told to the rest whatever becomes of one: it is news only while it is new.
        futures::stream::iter(told).buffer_unordered(WHISPERS).for_each(|_| async {}).await;
        Ok(())
    }
}
