//! One user: comes, connects, joins, lives through faults, stays away for a while and comes back until the run closes.
//!
//! Owns the life between connections. What happens on a standing one is `conversation.rs`; what is heard is judged in
//! `receiving.rs`. Invariant: one task per client owns its outbox and is the only writer of its seats.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::StreamExt;
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep, timeout},
};

use crate::{
    client::absence::Absence,
    client::backoff,
    client::deeds::{Errand, Habit, Memory},
    client::ending::Ending,
    client::outbox::{Outbox, Patience},
    client::pace::Schedule,
    judge::room::{SharedSeat, lock},
    measure::tally::Standing,
    run::control::Stage,
    run::world::{Membership, Party, World},
    scenario::plan::Stay,
    wire::connection::{self, OpenError, Socket},
    wire::dialect::Dialect,
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
    /// Left, to be opened again once the server has said so.
    pub(crate) leaving: bool,
    /// Opened anew: the next join asks for a page instead of resuming.
    pub(crate) anew: bool,
    /// Frames of a long replay, which come before `joined` says what they are. At most the server's `max_replay`.
    pub(crate) replay: Vec<Heard>,
    /// A walk through the history is under way.
    pub(crate) walking: bool,
    /// When the next walk may begin.
    pub(crate) walk_at: Instant,
    /// What this client could refer to.
    pub(crate) memory: Memory,
}

pub(crate) struct Client {
    pub(crate) world: Arc<World>,
    pub(crate) membership: Membership,
    /// The user's number, which no other process has.
    pub(crate) user: usize,
    pub(crate) token: String,
    pub(crate) places: Vec<Place>,
    pub(crate) by_name: HashMap<String, usize>,
    pub(crate) outbox: Outbox,
    /// Absent for users that never send, and before sending begins.
    pub(crate) schedule: Option<Schedule>,
    pub(crate) next_number: u32,
    pub(crate) stages: watch::Receiver<Stage>,
    pub(crate) errands: JoinSet<Errand>,
    /// Which target is next, for connections and for history pages.
    pub(crate) turn: usize,
    pub(crate) walk_turn: usize,
    pub(crate) retries: u32,
    pub(crate) ever_joined: bool,
    /// What the server asked to wait before coming back.
    pub(crate) return_after: Option<Duration>,
    pub(crate) habit: Habit,
    pub(crate) absence: Absence,
}

impl Client {
    /// The `index`th user of this process.
    pub(crate) fn new(world: Arc<World>, index: usize, token: String) -> Self {
        let membership = world.membership(index);
        let user = world.scenario.first_user + index;
        let scenario = &world.scenario;
        let group = &world.parties[membership.party].group;
        let patience = Patience { repeat_after: scenario.repeat_after, spacing: scenario.catch_up_spacing };
        let place = |room: usize| Place {
            room,
            seat: world.rooms[room].seat_of(user),
            joined: false,
            leaving: false,
            anew: false,
            replay: Vec::new(),
            walking: false,
            walk_at: Instant::now(),
            memory: Memory::default(),
        };
        let places: Vec<Place> = group.rooms_of(index, scenario.rooms).map(place).collect();
        let names = places.iter().map(|place| world.rooms[place.room].name.clone());
        Self {
            by_name: names.zip(0..).collect(),
            outbox: Outbox::new(patience),
            schedule: None,
            next_number: 0,
            stages: world.control.stages(),
            errands: JoinSet::new(),
            turn: user,
            walk_turn: user,
            retries: 0,
            ever_joined: false,
            return_after: None,
            habit: Habit::new(group),
            absence: Absence::default(),
            places,
            token,
            user,
            membership,
            world,
        }
    }

    pub(crate) fn party(&self) -> &Party {
        &self.world.parties[self.membership.party]
    }

    pub(crate) fn dialect(&self) -> &Dialect {
        &self.party().dialect
    }

    /// The whole life; returns when the run closes or the server tells the client to stay away.
    pub(crate) async fn live(mut self, stays: Vec<Stay>) {
        self.absence.stays = stays.into();
        if !self.await_stay().await {
            return;
        }
        loop {
            let mut ending = Ending::Unreached;
            if let Ok((mut socket, _standing)) = self.connect().await {
                ending = self.converse(&mut socket).await;
                if ending.is_polite() {
                    hang_up(&mut socket).await;
                }
            }
            if !self.goes_on_after(ending).await {
                return;
            }
        }
    }

    /// Accounts for an ending and waits until the client may come back; false if it does not.
    async fn goes_on_after(&mut self, ending: Ending) -> bool {
        self.count_ending(ending);
        match ending {
            Ending::Done => false,
            _ if ending.is_terminal() => false,
            Ending::Departed => self.await_stay().await,
            Ending::Cut { away, .. } | Ending::LoggedOut { away } => {
                self.turn += 1;
                self.stay_away(away).await
            }
            Ending::Unreached
            | Ending::Closed(_)
            | Ending::Broken
            | Ending::Silent
            | Ending::Unanswered
            | Ending::Unwanted => self.wait_before_return().await,
        }
    }

    async fn connect(&mut self) -> Result<(Socket, Standing), OpenError> {
        let address = &self.world.addresses[self.turn % self.world.addresses.len()];
        let source = connection::source_address(self.world.scenario.source_addresses, self.user);
        let (began, url) = (Instant::now(), self.dialect().url(address, &self.token));
        let opened = connection::open(address, source, &url, self.party().group.transport).await;
        match opened {
            Ok(socket) => {
                self.world.latency.connected(self.user, micros(began.elapsed()));
                Ok((socket, self.world.tally.stand()))
            }
            Err(error) => {
                self.world.tally.error(error.code());
                Err(error)
            }
        }
    }

    fn count_ending(&mut self, ending: Ending) {
        let tally = &self.world.tally;
        if ending.is_loss() {
            tally.cuts.add(1);
        }
        if let Some(code) = ending.code() {
            tally.error(&code);
            self.absence.begin_loss();
        }
        if let Ending::Cut { struck, .. } = ending {
            self.begin_cut(struck);
        }
        let tally = &self.world.tally;
        if ending.is_terminal() {
            let code = ending.code().unwrap_or_default();
            tally.finding(|| format!("user {} was told to stay away: {code}", self.user));
        }
    }

    /// Waits and moves on to the next target; false if the run closes meanwhile.
    async fn wait_before_return(&mut self) -> bool {
        let wait = backoff::wait(self.retries) + self.return_after.take().unwrap_or_default();
        self.retries += 1;
        self.turn += 1;
        let closing = self.stages.wait_for(|stage| *stage == Stage::Closing);
        tokio::select! {
            _ = closing => false,
            () = sleep(wait) => true,
        }
    }

    /// Nothing more is expected of this client's places, until it comes back.
    pub(crate) fn leave_seats(&self) {
        self.places.iter().for_each(|place| lock(&place.seat).leave());
    }
}

/// Says goodbye and hears the server out: a goodbye by HTTP is lost with its connection if nobody waits for the answer.
/// A server that does not answer is not waited for.
async fn hang_up(socket: &mut Socket) {
    let goodbye = async {
        if socket.close(None).await.is_ok() {
            while let Some(Ok(_)) = socket.next().await {}
        }
    };
    let _ = timeout(GOODBYE, goodbye).await;
}

pub(crate) fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
