//! Everything that the clients of one run share. Owned by `run`, handed out behind one `Arc`.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::{
    client::history::History,
    judge::room::Room,
    measure::clock::Clock,
    measure::latency::Latency,
    measure::tally::Tally,
    run::control::Control,
    run::course::SwarmError,
    run::options::Options,
    scenario::load::Scenario,
    wire::dialect::Dialect,
    wire::message::{Run, Stamp},
};

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    /// The targets as `host:port`.
    pub(crate) addresses: Vec<String>,
    pub(crate) run: Run,
    pub(crate) dialect: Dialect,
    pub(crate) rooms: Vec<Room>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) latency: Latency,
    pub(crate) clock: Clock,
    pub(crate) control: Control,
    pub(crate) history: History,
    pub(crate) secret: String,
    /// Messages intended from here on are measured.
    measured_from: AtomicU64,
}

impl World {
    pub(crate) fn build(scenario: Scenario, options: &Options) -> Result<Self, SwarmError> {
        let id = format!("{:08x}", rand::random::<u32>());
        let run = Run { id, client_ids: scenario.client_ids };
        let name = |index| format!("{}-{}-{index}", scenario.room_prefix, run.id);
        let numbered = !scenario.peer;
        let mut rooms: Vec<Room> =
            (0..scenario.rooms).map(|index| Room::new(name(index), numbered)).collect();
        for user in 0..scenario.users {
            scenario.rooms_of(user).for_each(|room| rooms[room].admit(user));
        }
        let addresses = scenario.addresses()?;
        Ok(Self {
            history: History::new(&addresses, run.clone())?,
            addresses,
            rooms,
            dialect: Dialect::new(scenario.dialect, run.clone(), numbered),
            run,
            tally: Arc::clone(&options.control.tally),
            latency: Latency::new(),
            clock: Clock::start(),
            control: options.control.clone(),
            secret: options.secret.clone(),
            measured_from: AtomicU64::new(u64::MAX),
            scenario,
        })
    }

    /// What all room keys of this run begin with.
    pub(crate) fn key_prefix(&self) -> String {
        format!("room:{}-{}-", self.scenario.room_prefix, self.run.id)
    }

    pub(crate) fn measure_from(&self, moment: tokio::time::Instant) {
        self.measured_from.store(self.clock.at(moment), Relaxed);
    }

    pub(crate) fn is_measured(&self, stamp: Stamp) -> bool {
        stamp.intended >= self.measured_from.load(Relaxed)
    }
}
