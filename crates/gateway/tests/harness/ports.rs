//! A broker and a directory that do what the real ones behind them do, until they are told to fail.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use broker::memory::MemoryNode;
use domain::ports::{
    Added, Assignment, Broker, Created, Credentials, Directory, Inbox, PortError, Published, Removed,
    Rulings, Span, Touched,
};
use domain::words::{
    Account, Author, Chat, Draft, MessageId, NewAccount, NewChat, Passing, Position, Role, RoomId, Timestamp,
    UserId,
};

/// A directory that counts what it is asked, can be away, and can have disabled users.
pub(crate) struct Watched {
    inner: Arc<dyn Directory>,
    pub(crate) away: AtomicBool,
    pub(crate) silent: AtomicBool,
    pub(crate) admissions: AtomicUsize,
    pub(crate) disabled: Mutex<HashSet<String>>,
}

impl Watched {
    pub(crate) fn new(inner: Arc<dyn Directory>) -> Self {
        Self {
            inner,
            away: AtomicBool::new(false),
            silent: AtomicBool::new(false),
            admissions: AtomicUsize::new(0),
            disabled: Mutex::default(),
        }
    }

    async fn inner(&self) -> Result<&dyn Directory, PortError> {
        if self.silent.load(Ordering::SeqCst) {
            std::future::pending::<()>().await;
        }
        match self.away.load(Ordering::SeqCst) {
            true => Err(PortError::Unavailable("away".to_owned())),
            false => Ok(&*self.inner),
        }
    }

    fn judged(&self, account: Account) -> Account {
        let disabled = account.disabled || self.disabled.lock().unwrap().contains(account.user.as_str());
        Account { disabled, ..account }
    }
}

#[async_trait]
impl Directory for Watched {
    async fn admit(&self, who: &Author, role: Role, provision: bool) -> Result<Option<Account>, PortError> {
        self.admissions.fetch_add(1, Ordering::SeqCst);
        let account = self.inner().await?.admit(who, role, provision).await?;
        Ok(account.map(|account| self.judged(account)))
    }

    async fn register(&self, account: &NewAccount) -> Result<Option<Account>, PortError> {
        self.inner().await?.register(account).await
    }

    async fn credentials(&self, name: &str) -> Result<Option<Credentials>, PortError> {
        let found = self.inner().await?.credentials(name).await?;
        Ok(found.map(|found| Credentials { account: self.judged(found.account), ..found }))
    }

    async fn rooms_of(&self, user: &UserId) -> Result<Vec<RoomId>, PortError> {
        self.inner().await?.rooms_of(user).await
    }

    async fn chats_of(&self, user: &UserId) -> Result<Vec<Chat>, PortError> {
        self.inner().await?.chats_of(user).await
    }

    async fn chat(&self, room: &RoomId, reader: &UserId) -> Result<Option<Chat>, PortError> {
        self.inner().await?.chat(room, reader).await
    }

    async fn create_chat(&self, chat: &NewChat) -> Result<Created, PortError> {
        self.inner().await?.create_chat(chat).await
    }

    async fn retitle(&self, room: &RoomId, title: Option<&str>) -> Result<bool, PortError> {
        self.inner().await?.retitle(room, title).await
    }

    async fn add_participant(&self, room: &RoomId, user: &UserId) -> Result<Added, PortError> {
        self.inner().await?.add_participant(room, user).await
    }

    async fn remove_participant(&self, room: &RoomId, user: &UserId) -> Result<Removed, PortError> {
        self.inner().await?.remove_participant(room, user).await
    }

    async fn participants_among(&self, room: &RoomId, users: &[UserId]) -> Result<Vec<UserId>, PortError> {
        self.inner().await?.participants_among(room, users).await
    }

    async fn peers(&self, users: &[UserId]) -> Result<Vec<(UserId, UserId)>, PortError> {
        self.inner().await?.peers(users).await
    }

    async fn share_a_chat(&self, one: &UserId, other: &UserId) -> Result<bool, PortError> {
        self.inner().await?.share_a_chat(one, other).await
    }

    async fn touch(
        &self,
        room: &RoomId,
        reader: &UserId,
        message: MessageId,
        position: Position,
        sent_at: Timestamp,
    ) -> Result<Touched, PortError> {
        self.inner().await?.touch(room, reader, message, position, sent_at).await
    }

    async fn seen(&self, users: &[UserId], at: Timestamp) -> Result<(), PortError> {
        self.inner().await?.seen(users, at).await
    }

    async fn rulings(&self) -> Result<Rulings, PortError> {
        self.inner().await?.rulings().await
    }

    async fn known_among(&self, users: &[UserId]) -> Result<Vec<UserId>, PortError> {
        self.inner().await?.known_among(users).await
    }

    async fn set_disabled(&self, user: &UserId, disabled: bool) -> Result<(), PortError> {
        self.inner().await?.set_disabled(user, disabled).await
    }

    async fn assign(&self, assignment: &Assignment) -> Result<(), PortError> {
        self.inner().await?.assign(assignment).await
    }

    async fn revoke(&self, token: &str, until: Timestamp) -> Result<(), PortError> {
        self.inner().await?.revoke(token, until).await
    }
}

/// A broker that remembers where something passed, and can refuse to let anything pass.
pub(crate) struct Listening {
    inner: Arc<MemoryNode>,
    /// How many are refused before one passes.
    pub(crate) refusals: AtomicUsize,
    passed: Mutex<Vec<String>>,
}

impl Listening {
    pub(crate) fn new(inner: Arc<MemoryNode>) -> Self {
        Self { inner, refusals: AtomicUsize::new(0), passed: Mutex::default() }
    }

    /// The rooms in which something passed since the last call, sorted.
    pub(crate) fn passed(&self) -> Vec<String> {
        let mut passed = std::mem::take(&mut *self.passed.lock().unwrap());
        passed.sort();
        passed
    }
}

#[async_trait]
impl Broker for Listening {
    async fn publish(&self, draft: Draft) -> Result<Published, PortError> {
        self.inner.publish(draft).await
    }

    async fn pass(&self, passing: Passing) -> Result<(), PortError> {
        let refused = |left: usize| left.checked_sub(1);
        if self.refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refused).is_ok() {
            return Err(PortError::Unavailable("away".to_owned()));
        }
        // What nodes tell each other is no room's.
        if passing.room != RoomId::everywhere() {
            self.passed.lock().unwrap().push(passing.room.key().to_owned());
        }
        self.inner.pass(passing).await
    }

    async fn erase(&self, room: &RoomId, position: Position) -> Result<(), PortError> {
        self.inner.erase(room, position).await
    }

    async fn subscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.inner.subscribe(room).await
    }

    async fn unsubscribe(&self, room: &RoomId) -> Result<(), PortError> {
        self.inner.unsubscribe(room).await
    }

    async fn after(&self, room: &RoomId, after: Position, limit: usize) -> Result<Span, PortError> {
        self.inner.after(room, after, limit).await
    }

    async fn newest(&self, room: &RoomId, before: Option<u64>, limit: usize) -> Result<Span, PortError> {
        self.inner.newest(room, before, limit).await
    }

    fn attach(&self, inbox: Arc<dyn Inbox>) {
        self.inner.attach(inbox);
    }

    fn probe_age(&self) -> Option<Duration> {
        self.inner.probe_age()
    }
}
