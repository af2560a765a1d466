//! Everything that the clients of one run share. Owned by `run`, handed out behind one `Arc`.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use crate::{
    client::{history::History, tempo::Tempo},
    feed::{self, Shows},
    judge::{room::Room, seat::Numbers},
    measure::clock::Clock,
    measure::latency::Latency,
    measure::marks::Marks,
    measure::tally::Tally,
    run::control::Control,
    run::course::SwarmError,
    run::herd::Herd,
    run::options::Options,
    scenario::{behaviour::Deed, group::Group, load::Kind, load::Scenario, plan::Plan},
    wire::act::Act,
    wire::dialect::Dialect,
    wire::message::{Run, Stamp},
};

pub(crate) struct World {
    pub(crate) scenario: Scenario,
    pub(crate) plan: Plan,
    /// The users' groups, in the order of their numbers.
    pub(crate) parties: Vec<Party>,
    /// The targets as `host:port`.
    pub(crate) addresses: Vec<String>,
    pub(crate) run: Run,
    pub(crate) rooms: Vec<Room>,
    pub(crate) tally: Arc<Tally>,
    pub(crate) latency: Latency,
    pub(crate) clock: Clock,
    pub(crate) marks: Marks,
    pub(crate) herd: Herd,
    pub(crate) control: Control,
    pub(crate) history: History,
    /// The events of the feed.
    pub(crate) shows: Shows,
    pub(crate) secret: String,
    /// Commands by the name of the fault that they make.
    pub(crate) faults: BTreeMap<String, String>,
    /// Messages intended from here on are measured.
    measured_from: AtomicU64,
}

/// A group with what its users share.
pub(crate) struct Party {
    pub(crate) group: Group,
    pub(crate) dialect: Dialect,
    pub(crate) tempo: Arc<Tempo>,
}

/// Where a user belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Membership {
    /// Index of the party.
    pub(crate) party: usize,
    /// The user's place in it.
    pub(crate) place: usize,
}

impl Party {
    /// Whether its users hear of changes to messages, and can make them.
    fn tells_of_changes(&self) -> bool {
        self.dialect.act("", Act::Delete { seq: 0, id: 0 }).is_some()
    }

    fn makes_changes(&self) -> bool {
        let numbered = |deed: &&Deed| deed.is_numbered() && self.group.behaviour.weight(**deed) > 0.0;
        Deed::ALL.iter().find(numbered).is_some() && self.tells_of_changes()
    }
}

impl World {
    /// `scenario` is complete.
    pub(crate) fn build(scenario: Scenario, options: &Options) -> Result<Self, SwarmError> {
        let id = format!("{:08x}", rand::random::<u32>());
        let run = Run { id, client_ids: scenario.client_ids };
        let plan = scenario.plan();
        let party = |group: Group| Party {
            dialect: Dialect::new(group.language, run.clone(), !scenario.peer),
            tempo: Arc::new(Tempo::new(&plan, &group)),
            group,
        };
        let parties: Vec<Party> = scenario.groups()?.into_iter().map(party).collect();
        let addresses = scenario.addresses()?;
        Ok(Self {
            rooms: rooms(&scenario, &parties, &run),
            history: History::new(&addresses, run.clone())?,
            shows: Shows::new(&addresses)?,
            herd: Herd::new(plan.cuts.len()),
            parties,
            plan,
            addresses,
            run,
            tally: Arc::clone(&options.control.tally),
            latency: Latency::new(),
            clock: Clock::start(),
            marks: Marks::begin(),
            control: options.control.clone(),
            secret: options.secret.clone(),
            faults: options.faults.clone(),
            measured_from: AtomicU64::new(u64::MAX),
            scenario,
        })
    }

    /// What all room keys of this run begin with.
    pub(crate) fn key_prefix(&self) -> String {
        format!("room:{}-{}-", self.scenario.room_prefix, self.run.id)
    }

    /// Where the user belongs who is the `index`th of this process.
    pub(crate) fn membership(&self, index: usize) -> Membership {
        let inside =
            |party: &Party| (party.group.first..party.group.first + party.group.users).contains(&index);
        let party =
            self.parties.iter().position(inside).expect("the groups number all users of the scenario");
        Membership { party, place: index - self.parties[party].group.first }
    }

    /// How many messages, or bookings, the schedules call for before `span` has passed.
    pub(crate) fn due_before(&self, span: Duration) -> u64 {
        match self.scenario.kind {
            Kind::Chat => self.parties.iter().map(|party| party.tempo.due_before(span)).sum(),
            Kind::Feed => feed::due_before(self, span),
            Kind::Idle => 0,
        }
    }

    /// Whether anybody books a seat.
    pub(crate) fn books(&self) -> bool {
        let is_wanted = |party: &Party| party.group.behaviour.weight(Deed::Book) > 0.0;
        self.scenario.kind == Kind::Feed || self.parties.iter().any(is_wanted)
    }

    pub(crate) fn measure_from(&self, moment: tokio::time::Instant) {
        self.measured_from.store(self.clock.at(moment), Relaxed);
    }

    pub(crate) fn is_measured(&self, stamp: Stamp) -> bool {
        stamp.intended >= self.measured_from.load(Relaxed)
    }
}

/// The rooms with their members.
fn rooms(scenario: &Scenario, parties: &[Party], run: &Run) -> Vec<Room> {
    let name = |index| format!("{}-{}-{}", scenario.room_prefix, run.id, scenario.first_room + index);
    let mut rooms: Vec<Room> =
        (0..scenario.rooms).map(|index| Room::new(name(index), !scenario.peer)).collect();
    let changes = parties.iter().any(Party::makes_changes);
    for party in parties {
        let numbers = match (changes, party.tells_of_changes()) {
            (false, _) => Numbers::Messages,
            (true, true) => Numbers::Told,
            (true, false) => Numbers::Untold,
        };
        for index in party.group.first..party.group.first + party.group.users {
            let user = scenario.first_user + index;
            party.group.rooms_of(index, scenario.rooms).for_each(|room| rooms[room].admit(user, numbers));
        }
    }
    rooms
}
