//! A node between scripted ports and scripted clients. Time stands still while anything can move: no real sleeps.

mod bookings;
mod broker;
mod client;
mod dialect;
mod directory;
mod memory;
mod notes;
mod presence;
mod script;
mod security;
mod store;
mod uploads;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::node::{Door, Node, Ports, Resume, Visitor};
use domain::ports::PortError;
use domain::seal::Unsealed;
use domain::{Form, Identity, Joins, Limits, Namespace, NodeId, Policies, Position, Profile, Refusal};
use domain::{Role, RoomId, RoomRef, Timestamp, Token, UserId};
use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::sleep;

use bookings::ScriptedBookings;
use broker::ScriptedBroker;
pub(crate) use client::{Client, PING};
use dialect::Words;
pub(crate) use dialect::{shown, shown_of};
use directory::ScriptedDirectory;
use notes::{ScriptedNotes, ScriptedTokens};
use presence::ScriptedPresence;
pub(crate) use presence::seat;
pub(crate) use security::SecurityLog;
use store::ScriptedStore;
use uploads::ScriptedUploads;

/// What outlives every node, and is shared by all.
#[derive(Default)]
struct Kept {
    store: Arc<ScriptedStore>,
    directory: Arc<ScriptedDirectory>,
    notes: Arc<ScriptedNotes>,
    bookings: Arc<ScriptedBookings>,
    uploads: Arc<ScriptedUploads>,
}

/// A node and all that it knows of the world.
pub(crate) struct World {
    pub(crate) broker: Arc<ScriptedBroker>,
    pub(crate) presence: Arc<ScriptedPresence>,
    pub(crate) store: Arc<ScriptedStore>,
    pub(crate) directory: Arc<ScriptedDirectory>,
    pub(crate) notes: Arc<ScriptedNotes>,
    pub(crate) bookings: Arc<ScriptedBookings>,
    pub(crate) uploads: Arc<ScriptedUploads>,
    pub(crate) node: Arc<Node>,
    plain: Arc<Door>,
    full: Arc<Door>,
    hall: Arc<Door>,
    running: JoinHandle<()>,
    lives: Mutex<Vec<AbortHandle>>,
}

impl World {
    /// A node that runs, with the default limits, except that commands may come as fast as tests send them.
    pub(crate) async fn new() -> Self {
        Self::with(Limits::default()).await
    }

    /// The same with other limits.
    pub(crate) async fn with(limits: Limits) -> Self {
        Self::with_rates(Limits { commands_per_second: 0, ..limits }).await
    }

    /// The same, where commands may come only so fast.
    pub(crate) async fn with_rates(limits: Limits) -> Self {
        let broker = ScriptedBroker::new();
        let presence = Arc::new(ScriptedPresence::new(broker.clone()));
        Self::made_of(broker, presence, limits, Kept::default()).await
    }

    /// Another node of the same cluster.
    pub(crate) async fn beside(&self) -> Self {
        self.beside_with(self.broker.beside()).await
    }

    /// The same, which begins without hearing anything: its first subscription fails.
    pub(crate) async fn beside_and_deaf(&self) -> Self {
        let broker = self.broker.beside();
        broker.subscriptions.fail(PortError::Deadline);
        self.beside_with(broker).await
    }

    async fn beside_with(&self, broker: Arc<ScriptedBroker>) -> Self {
        let presence = Arc::new(self.presence.beside(broker.clone()));
        let kept = Kept {
            store: self.store.clone(),
            directory: self.directory.clone(),
            notes: self.notes.clone(),
            bookings: self.bookings.clone(),
            uploads: self.uploads.clone(),
        };
        Self::made_of(broker, presence, self.node.limits().clone(), kept).await
    }

    async fn made_of(
        broker: Arc<ScriptedBroker>,
        presence: Arc<ScriptedPresence>,
        limits: Limits,
        kept: Kept,
    ) -> Self {
        let Kept { store, directory, notes, bookings, uploads } = kept;
        let ports = Ports {
            broker: broker.clone(),
            presence: presence.clone(),
            store: store.clone(),
            directory: directory.clone(),
            notes: notes.clone(),
            bookings: bookings.clone(),
            uploads: uploads.clone(),
            tokens: Arc::new(ScriptedTokens),
            sealer: Arc::new(Unsealed),
        };
        let node = Node::new(NodeId::boot("node"), limits, Policies::default(), ports);
        let runner = node.clone();
        let running = tokio::spawn(async move { runner.run().await });
        calm().await;
        let (plain, full, hall) = (plain_door(), full_door(), hall_door());
        let lives = Mutex::default();
        Self {
            broker,
            presence,
            store,
            directory,
            notes,
            bookings,
            uploads,
            node,
            plain,
            full,
            hall,
            running,
            lives,
        }
    }

    /// A client whose token lasts for an hour, at a door where nothing happens that it does not ask for.
    pub(crate) fn client(&self, user: &str) -> Client {
        self.client_for(user, AN_HOUR)
    }

    /// A client whose token ends after this time.
    pub(crate) fn client_for(&self, user: &str, token: Duration) -> Client {
        self.visit(&self.plain, identity(user, token), None)
    }

    /// The same with another identity.
    pub(crate) fn client_as(&self, identity: Identity) -> Client {
        self.visit(&self.plain, identity, None)
    }

    /// A client that is in these rooms, and was shown nothing of them.
    pub(crate) async fn member(&self, user: &str, rooms: &[&str]) -> Client {
        let mut client = self.client(user);
        for room in rooms {
            let answer = client.ask(&format!("join {room} history 0")).await;
            assert!(answer.starts_with("joined"), "{answer}");
        }
        client
    }

    /// A client at the door that opens: it joins its user's own room and chats, welcomes and recovers.
    pub(crate) fn guest_as(&self, identity: Identity, past: Option<Resume>) -> Client {
        self.visit(&self.full, identity, past)
    }

    /// The same, coming back with what it has.
    pub(crate) fn returning(&self, user: &str, past: Option<Resume>) -> Client {
        self.guest_as(identity(user, AN_HOUR), past)
    }

    /// A client that was welcomed at that door, and was shown nothing else.
    pub(crate) async fn guest(&self, user: &str) -> Client {
        let mut guest = self.returning(user, None);
        let welcome = guest.hear().await;
        assert!(welcome.starts_with("welcome "), "{welcome}");
        guest
    }

    /// A client at the door that joins the lobby and shows who is online; what it is welcomed with is heard first.
    pub(crate) fn caller_as(&self, identity: Identity) -> Client {
        self.visit(&self.hall, identity, None)
    }

    /// The same, for an ordinary user who was welcomed.
    pub(crate) async fn caller(&self, user: &str) -> Client {
        let mut caller = self.caller_as(identity(user, AN_HOUR));
        let welcome = caller.hear().await;
        assert!(welcome.starts_with("welcome "), "{welcome}");
        caller
    }

    /// A client at that door whose address names a room.
    pub(crate) fn watcher_as(&self, identity: Identity, name: &str) -> Client {
        let room = Some(RoomRef { id: room(name), form: Form::Text });
        self.bring(&self.hall, Visitor { room, ..Visitor::new(identity) })
    }

    fn visit(&self, door: &Arc<Door>, identity: Identity, resume: Option<Resume>) -> Client {
        self.bring(door, Visitor { resume, ..Visitor::new(identity) })
    }

    fn bring(&self, door: &Arc<Door>, visitor: Visitor) -> Client {
        let (node, door) = (self.node.clone(), door.clone());
        Client::new(|wire| {
            let life = tokio::spawn(node.serve(wire, door, visitor));
            self.lives.lock().unwrap().push(life.abort_handle());
            life
        })
    }

    /// The node dies without a further call.
    pub(crate) fn kill(&self) {
        self.broker.die();
        self.running.abort();
        self.lives.lock().unwrap().iter().for_each(AbortHandle::abort);
    }
}

fn plain_door() -> Arc<Door> {
    let profile = Profile {
        name: "plain",
        refusal: Refusal::Unauthorized,
        warns_of_expiry: false,
        joins: Joins::default(),
        welcomes: false,
        shows_members: false,
        recovers: false,
        tells_stored: true,
        shows_users: false,
    };
    Arc::new(Door { profile, dialect: Arc::new(Words { inlines: true }) })
}

fn full_door() -> Arc<Door> {
    let profile = Profile {
        name: "full",
        refusal: Refusal::Unauthorized,
        warns_of_expiry: false,
        joins: Joins { own: true, chats: true, lobby: false },
        welcomes: true,
        shows_members: true,
        recovers: true,
        tells_stored: true,
        shows_users: false,
    };
    Arc::new(Door { profile, dialect: Arc::new(Words { inlines: false }) })
}

fn hall_door() -> Arc<Door> {
    let profile = Profile {
        name: "hall",
        refusal: Refusal::Unauthorized,
        warns_of_expiry: true,
        joins: Joins { own: true, chats: false, lobby: true },
        welcomes: true,
        shows_members: true,
        recovers: false,
        tells_stored: true,
        shows_users: true,
    };
    Arc::new(Door { profile, dialect: Arc::new(Words { inlines: true }) })
}

pub(crate) const AN_HOUR: Duration = Duration::from_secs(3600);

pub(crate) fn user(name: &str) -> UserId {
    UserId::text(name).unwrap()
}

/// An ordinary user whose token ends after this time.
pub(crate) fn identity(user: &str, token: Duration) -> Identity {
    let expires_at = Timestamp(Timestamp::now().0 + i64::try_from(token.as_millis()).unwrap());
    let user = UserId::text(user).unwrap();
    Identity { user, name: None, role: Role::User, expires_at, rooms: None, token: Token::default() }
}

impl Drop for World {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// Lets everything go on that can: the paused clock moves only when nothing else does.
pub(crate) async fn calm() {
    sleep(Duration::from_millis(1)).await;
}

/// An open room by its name, any other by its key.
pub(crate) fn room(name: &str) -> RoomId {
    if name.contains(':') {
        RoomId::parse(name).unwrap()
    } else {
        RoomId::new(Namespace::Room, name).unwrap()
    }
}

pub(crate) fn at(epoch: u64, seq: u64) -> Position {
    Position { epoch, seq }
}

/// The places `first..=last` of an epoch.
pub(crate) fn places(epoch: u64, first: u64, last: u64) -> Vec<Position> {
    (first..=last).map(|seq| at(epoch, seq)).collect()
}
