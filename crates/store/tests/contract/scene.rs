//! A fresh database and short words for entries.

use std::sync::Arc;

use bytes::Bytes;
use domain::ports::{Appended, Bookings, Created, Directory, ShardLease, Store, Uploads, Vault};
use domain::words::{
    Author, Chat, ClientId, Draft, Entry, KeyId, Kind, MessageId, NewChat, Position, Role, RoomId, Sealed,
    Timestamp, UserId,
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Opened, StoreOptions};
use testkit::{Folder, Postgres};

/// One test's database.
pub(crate) struct Scene {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) directory: Arc<dyn Directory>,
    pub(crate) bookings: Arc<dyn Bookings>,
    pub(crate) uploads: Arc<dyn Uploads>,
    pub(crate) vault: Arc<dyn Vault>,
    pub(crate) empty_url: String,
    url: String,
    // Deleted when the test ends.
    _folder: Option<Folder>,
}

impl Scene {
    /// A new database on the shared server, and a second one without a schema.
    pub(crate) async fn postgres() -> Self {
        let server = Postgres::shared().await;
        let (url, empty_url) = (server.create_database().await, server.create_database().await);
        Self::open(&url, empty_url, None).await
    }

    /// A new file, and the name of a second one.
    pub(crate) async fn sqlite() -> Self {
        let folder = Folder::new();
        let url = |name| format!("sqlite://{}", folder.path().join(name).display());
        Self::open(&url("history.db"), url("empty.db"), Some(folder)).await
    }

    async fn open(url: &str, empty_url: String, folder: Option<Folder>) -> Self {
        store::migrate(url).await.expect("a new database takes the schema");
        let opened = store::open(url, StoreOptions::default()).await.expect("the url is legible");
        let Opened { store, directory, bookings, uploads, vault } = opened;
        store.ready().await.expect("a migrated database is ready");
        Self { store, directory, bookings, uploads, vault, empty_url, url: url.to_owned(), _folder: folder }
    }

    /// Appends as the only holder there ever was.
    pub(crate) async fn append(&self, entries: &[Entry]) -> Vec<Appended> {
        self.store.append(&[lease(0, 1)], entries).await.expect("the database takes the batch")
    }
}

/// What most tests of the directory begin with, and what no port tells.
impl Scene {
    pub(crate) fn is_postgres(&self) -> bool {
        self.url.starts_with("postgres")
    }

    /// What another process has before it. A SQLite file belongs to one process.
    pub(crate) async fn another_process(&self) -> Arc<dyn Bookings> {
        if !self.is_postgres() {
            return Arc::clone(&self.bookings);
        }
        store::open(&self.url, StoreOptions::default()).await.unwrap().bookings
    }

    /// Changes what no port changes.
    pub(crate) async fn execute(&self, statement: &str) {
        let statement = AssertSqlSafe(statement.to_owned());
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query(statement).execute(&mut connection).await.unwrap();
        }
    }

    /// The one number that a query gives.
    pub(crate) async fn count(&self, query: &'static str) -> i64 {
        if self.is_postgres() {
            let mut connection = PgConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
        } else {
            let mut connection = SqliteConnection::connect(&self.url).await.unwrap();
            sqlx::query_scalar(query).fetch_one(&mut connection).await.unwrap()
        }
    }

    /// When the users were last here, their milliseconds added.
    pub(crate) async fn last_seen(&self) -> i64 {
        self.count(if self.is_postgres() {
            "SELECT sum(extract(epoch FROM last_seen) * 1000)::bigint FROM users"
        } else {
            "SELECT sum(last_seen) FROM users"
        })
        .await
    }

    /// Users of whom a token is known, each called as their id.
    pub(crate) async fn users(&self, ids: &[&str]) {
        for id in ids {
            let who = Author { user: user(id), name: Some((*id).into()) };
            self.directory.admit(&who, Role::User, true).await.unwrap().expect("the user is made");
        }
    }

    /// A group of these users, of which the first one is the owner.
    pub(crate) async fn group(&self, id: &str, users: &[&str]) -> Chat {
        let new = NewChat {
            room: chat(id),
            title: Some(format!("about {id}")),
            owner: user(users[0]),
            others: users[1..].iter().map(|id| user(id)).collect(),
            direct: false,
        };
        let created = self.directory.create_chat(&new).await.unwrap();
        let Created::New(chat) = created else { panic!("{created:?}") };
        chat
    }

    /// The chat as `reader` sees it.
    pub(crate) async fn view(&self, id: &str, reader: &str) -> Chat {
        self.directory.chat(&chat(id), &user(reader)).await.unwrap().expect("the chat is there")
    }
}

pub(crate) fn chat(id: &str) -> RoomId {
    RoomId::parse(&format!("chat:{id}")).unwrap()
}

pub(crate) fn user(id: &str) -> UserId {
    UserId::text(id).unwrap()
}

/// The same entry in a chat.
pub(crate) fn in_chat(mut entry: Entry, id: &str) -> Entry {
    entry.draft.room = chat(id);
    entry
}

/// The same entry by another user.
pub(crate) fn by(mut entry: Entry, id: &str) -> Entry {
    entry.draft.author = Author { user: user(id), name: Some(id.into()) };
    entry
}

pub(crate) fn lease(shard: u16, fence: u64) -> ShardLease {
    ShardLease { shard, fence }
}

pub(crate) fn room(name: &str) -> RoomId {
    RoomId::parse(&format!("room:{name}")).unwrap()
}

pub(crate) fn at(seq: u64) -> Position {
    Position { epoch: 1, seq }
}

/// A message of `anna` in `room:7`, without a clientId, whose body is its text.
pub(crate) fn message(seq: u64, text: &str) -> Entry {
    let draft = Draft {
        room: room("7"),
        id: MessageId::new(),
        kind: Kind::Message,
        target: None,
        author: Author { user: UserId::text("anna").unwrap(), name: Some("Anna".into()) },
        client_id: None,
        sent_at: Timestamp(1_790_000_000_000 + i64::try_from(seq).unwrap_or(0)),
        origin: None,
        body: sealed(text),
    };
    Entry { position: at(seq), draft }
}

/// What `kind` does to `target`, in its room.
pub(crate) fn change(seq: u64, kind: Kind, target: &Entry, text: &str) -> Entry {
    let mut entry = message(seq, text);
    entry.draft.kind = kind;
    entry.draft.room = target.draft.room.clone();
    entry.draft.target = Some(target.draft.id);
    entry
}

pub(crate) fn sealed(text: &str) -> Sealed {
    let key = (!text.is_empty()).then(|| KeyId::parse("k1").unwrap());
    Sealed { key, bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

/// The same entry under a sender's own name.
pub(crate) fn named(mut entry: Entry, client_id: &str) -> Entry {
    entry.draft.client_id = Some(ClientId::parse(client_id).unwrap());
    entry
}

/// The same entry in another room.
pub(crate) fn within(mut entry: Entry, name: &str) -> Entry {
    entry.draft.room = room(name);
    entry
}

/// Everything in `room:7`, as (seq, text).
pub(crate) async fn replay(store: &dyn Store) -> Vec<(u64, String)> {
    let entries = store.after(&room("7"), Position::START, 1000).await.unwrap();
    entries.into_iter().map(|entry| (entry.position.seq, text(&entry.draft.body))).collect()
}

/// The newest page of `room:7`, as (seq, text).
pub(crate) async fn page(store: &dyn Store) -> Vec<(u64, String)> {
    let messages = store.page(&room("7"), None, 100).await.unwrap();
    messages.into_iter().map(|message| (message.position.seq, text(&message.body))).collect()
}

/// (seq, text) pairs as [`replay`] and [`page`] give them.
pub(crate) fn texts(pairs: &[(u64, &str)]) -> Vec<(u64, String)> {
    pairs.iter().map(|(seq, text)| (*seq, (*text).to_owned())).collect()
}

fn text(body: &Sealed) -> String {
    String::from_utf8(body.bytes.to_vec()).unwrap()
}
