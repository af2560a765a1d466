//! One user: connects, joins, lives through faults, and comes back until the run closes.
//!
//! Owns the life between connections. What happens on a standing one is `conversation.rs`; what is heard is judged in
//! `receiving.rs`. Invariant: one task per client owns its outbox and is the only writer of its seats.

use std::{collections::HashMap, sync::Arc, time::Duration};

use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    client::backoff,
    client::catchup::Walk,
    client::outbox::{Outbox, Patience},
    client::pace::Schedule,
    judge::room::SharedSeat,
    run::control::Stage,
    run::world::World,
    wire::connection::{self, OpenError, Socket},
    wire::message::Heard,
};

const GOODBYE: Duration = Duration::from_secs(1);

/// A room that this client is a member of.
pub(crate) struct Place {
    /// Index among the run's rooms.
    pub(crate) room: usize,
    pub(crate) seat: SharedSeat,
    /// Joined on the present connection.
    pub(crate) joined: bool,
    /// Frames of a long replay, which come before `joined` says what they are. At most the server's `max_replay`.
    pub(crate) replay: Vec<Heard>,
    /// A walk through the history is under way.
    pub(crate) walking: bool,
    /// When the next walk may begin.
    pub(crate) walk_at: Instant,
}

pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    pub(crate) user: usize,
    pub(crate) token: String,
    pub(crate) places: Vec<Place>,
    pub(crate) by_name: HashMap<String, usize>,
    pub(crate) outbox: Outbox,
    /// Absent for users that never send, and before sending begins.
    pub(crate) schedule: Option<Schedule>,
    pub(crate) next_number: u32,
    pub(crate) stages: watch::Receiver<Stage>,
    pub(crate) walks: JoinSet<Walk>,
    /// Which target is next, for connections and for history pages.
    pub(crate) turn: usize,
    pub(crate) walk_turn: usize,
    pub(crate) retries: u32,
    pub(crate) ever_joined: bool,
    /// What the server asked to wait before coming back.
    pub(crate) return_after: Option<Duration>,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The run is over; the client hangs up.
    Done,
    /// The server closed with this code.
    Closed(u16),
    /// The transport failed.
    Broken,
    /// Nothing was heard for too long.
    Silent,
    /// A join was not answered in time.
    Unanswered,
    /// The server did not let the client in, or parted from it for good.
    Unwanted,
}

impl Ending {
    fn code(self) -> String {
        match self {
            Self::Done => "done".into(),
            Self::Closed(code) => format!("close {code}"),
            Self::Broken => "transport".into(),
            Self::Silent => "silence".into(),
            Self::Unanswered => "join timeout".into(),
            Self::Unwanted => "unwanted".into(),
        }
    }

    /// The bands of the wire: below 2000 and 4000 to 4499 come back, all other codes stay away.
    fn is_terminal(self) -> bool {
        match self {
            Self::Closed(code) => !matches!(code, 1000..=1999 | 4000..=4499),
            Self::Unwanted => true,
            Self::Done | Self::Broken | Self::Silent | Self::Unanswered => false,
        }
    }
}

impl Client {
    pub(crate) fn new(world: Arc<World>, user: usize, token: String) -> Self {
        let scenario = &world.scenario;
        let patience = Patience { repeat_after: scenario.repeat_after, spacing: scenario.catch_up_spacing };
        let place = |room: usize| Place {
            room,
            seat: world.rooms[room].seat_of(user),
            joined: false,
            replay: Vec::new(),
            walking: false,
            walk_at: Instant::now(),
        };
        let places: Vec<Place> = scenario.rooms_of(user).map(place).collect();
        let names = places.iter().map(|place| world.rooms[place.room].name.clone());
        Self {
            by_name: names.zip(0..).collect(),
            outbox: Outbox::new(patience),
            schedule: None,
            next_number: 0,
            stages: world.control.stages(),
            walks: JoinSet::new(),
            turn: user,
            walk_turn: user,
            retries: 0,
            ever_joined: false,
            return_after: None,
            places,
            token,
            user,
            world,
        }
    }

    /// The whole life; returns when the run closes or the server tells the client to stay away.
    pub(crate) async fn live(mut self) {
        loop {
            if let Ok(mut socket) = self.connect().await {
                let ending = self.converse(&mut socket).await;
                if ending == Ending::Done {
                    return hang_up(&mut socket).await;
                }
                self.count_ending(ending);
                if ending.is_terminal() {
                    return;
                }
            }
            if self.wait_before_return().await {
                return;
            }
        }
    }

    async fn connect(&mut self) -> Result<Socket, OpenError> {
        let address = &self.world.addresses[self.turn % self.world.addresses.len()];
        let source = connection::source_address(self.world.scenario.source_addresses, self.user);
        let opened = connection::open(address, source, &self.world.dialect.url(address, &self.token)).await;
        opened.inspect_err(|error| self.world.tally.error(error.code()))
    }

    fn count_ending(&self, ending: Ending) {
        let tally = &self.world.tally;
        tally.cuts.add(1);
        tally.error(&ending.code());
        if ending.is_terminal() {
            tally.finding(|| format!("user {} was told to stay away: {}", self.user, ending.code()));
        }
    }

    /// Waits and moves on to the next target; true if the run closes meanwhile.
    async fn wait_before_return(&mut self) -> bool {
        let wait = backoff::wait(self.retries) + self.return_after.take().unwrap_or_default();
        self.retries += 1;
        self.turn += 1;
        let closing = self.stages.wait_for(|stage| *stage == Stage::Closing);
        tokio::select! {
            _ = closing => true,
            () = sleep(wait) => false,
        }
    }
}

/// Says goodbye; a server that does not answer is not waited for.
async fn hang_up(socket: &mut Socket) {
    let _ = timeout(GOODBYE, socket.close(None)).await;
}
