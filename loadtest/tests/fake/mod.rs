//! A small `rooms` server that misbehaves on request, so that the judge can be judged.
//!
//! Owns one shared state behind any number of listeners ("nodes"). Not a model of the real server: it is as simple as
//! the wire allows, and every misdeed is one named switch.

// Each test file uses its own part of it; a panic here is a failed test.
#![allow(dead_code, unreachable_pub, clippy::unwrap_used)]

pub mod events;
mod http;
pub mod hub;
pub mod polling;
mod room;
mod socket;
mod socketio;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use room::Room;
use sqlx::SqlitePool;
use swarm::{Options, Report, Scenario};
use tokio::{net::TcpListener, task::JoinSet};

pub const SECRET: &str = "a secret of at least thirty-two bytes";
/// The member that the misdeeds are done to.
pub const VICTIM: &str = "u1";

/// What the server does wrong, or does in its awkward but legal way.
#[derive(Debug, Clone, Default)]
pub struct Habits {
    /// The victim never hears this number live.
    pub drops: Option<u64>,
    /// The victim hears this number twice.
    pub repeats: Option<u64>,
    /// The victim hears this number after the next one.
    pub swaps: Option<u64>,
    /// The victim hears another id at this number.
    pub contradicts: Option<u64>,
    /// A repeated client id becomes a second message.
    pub doubles: bool,
    /// The author does not hear the first frame of every message of this number per room (and must repeat it).
    pub swallows: Option<u64>,
    /// Every n-th chat command of the server is refused as overloaded.
    pub refuses_every: Option<u64>,
    /// Every n-th chat command of the server closes its connection with this code, after the message was accepted.
    pub closes_every: Option<(u64, u16)>,
    /// Rejoins are answered with `recovered: false` and a page of one message.
    pub forgets: bool,
    /// Rejoins are answered with `recovered: true` and no history.
    pub lies: bool,
    /// Rejoins get their replay as frames before `joined`.
    pub replays_as_frames: bool,
    /// At this number an epoch begins, a thousand above.
    pub new_epoch_at: Option<u64>,
    /// Socket.IO alone: the author does not get the first acknowledgement of this number.
    pub swallows_ack: Option<u64>,
    /// Socket.IO alone: the acknowledgement of this number names another message.
    pub contradicts_ack: Option<u64>,
    /// Socket.IO alone: every message is acknowledged twice.
    pub doubles_acks: bool,
    /// Socket.IO alone: ids are not what ours are, and numbers mean nothing.
    pub numbers_nothing: bool,
    /// This number is not written to the database.
    pub loses_row: Option<u64>,
    /// This number is written to the database twice.
    pub doubles_row: Option<u64>,
}

pub struct Fake {
    pub targets: Vec<String>,
    _tasks: JoinSet<()>,
}

pub struct Shared {
    pub habits: Habits,
    pub rooms: Mutex<HashMap<String, Room>>,
    pub chats: AtomicU64,
    pub connections: AtomicU64,
    pub database: Option<SqlitePool>,
}

impl Fake {
    pub async fn start(habits: Habits) -> Self {
        Self::with_database(habits, None).await
    }

    /// Two listeners over one state, like two nodes.
    pub async fn with_database(habits: Habits, database: Option<SqlitePool>) -> Self {
        let shared = Arc::new(Shared {
            habits,
            rooms: Mutex::default(),
            chats: AtomicU64::new(0),
            connections: AtomicU64::new(0),
            database,
        });
        let (mut targets, mut tasks) = (Vec::new(), JoinSet::new());
        for _ in 0..2 {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            targets.push(listener.local_addr().unwrap().to_string());
            tasks.spawn(accept(listener, Arc::clone(&shared)));
        }
        Self { targets, _tasks: tasks }
    }

    /// Four users in two rooms, all of whom hear what two of them say in each.
    pub fn scenario(&self) -> Scenario {
        Scenario {
            name: "fake".into(),
            targets: self.targets.clone(),
            users: 4,
            rooms: 2,
            rooms_per_user: 2,
            rate: 200.0,
            duration: std::time::Duration::from_millis(500),
            settle: std::time::Duration::from_secs(2),
            repeat_after: std::time::Duration::from_millis(200),
            catch_up_spacing: std::time::Duration::from_millis(2),
            ..Scenario::default()
        }
    }

    pub async fn run(&self) -> Report {
        self.run_scenario(self.scenario()).await
    }

    pub async fn run_scenario(&self, scenario: Scenario) -> Report {
        swarm::run(scenario, Options { secret: SECRET.into(), ..Options::default() }).await.unwrap()
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else { return };
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            let mut start = [0; 9];
            // A request line is longer than this, and arrives whole on loopback.
            match stream.peek(&mut start).await {
                Ok(9) if &start == b"GET /api/" => http::answer(stream, &shared).await,
                _ => socket::serve(stream, &shared).await,
            }
        });
    }
}

impl Shared {
    /// True for every n-th call over all connections.
    pub fn is_turn(&self, count: u64, every: Option<u64>) -> bool {
        every.is_some_and(|every| count.is_multiple_of(every))
    }

    pub fn next_chat(&self) -> u64 {
        self.chats.fetch_add(1, Relaxed) + 1
    }
}
