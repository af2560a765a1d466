//! Being away: the plan's stays and storms, kills and logouts, and how long the way back takes.
//!
//! Owns the clocks of absence. A client that is away by its own will says nothing meanwhile: what its schedule holds for
//! that time is due when it may come back. What keeps it away after that is the servers', and counts.

use std::{collections::VecDeque, time::Duration};

use tokio::time::{Instant, sleep_until};

use crate::{
    client::ending::Ending,
    client::life::{Client, micros},
    run::control::Stage,
    run::herd::Struck,
    scenario::plan::{Stay, is_struck},
};

#[derive(Debug, Default)]
pub(crate) struct Absence {
    /// What the plan still holds for this client; the first is the present one.
    pub(crate) stays: VecDeque<Stay>,
    /// Storms that are over for this client, whether they struck it or not.
    storms_past: usize,
    /// Since when the client wants to be back and is not.
    wanting: Option<Instant>,
    /// The storm that it comes back from.
    struck: Option<Struck>,
    /// The end of the last absence by its own will, in microseconds of the run's clock.
    until: u64,
}

impl Absence {
    /// The servers, or the way to them, failed.
    pub(crate) fn begin_loss(&mut self) {
        self.wanting.get_or_insert_with(Instant::now);
    }

    /// When a message is intended that the schedule holds for this moment.
    pub(crate) fn intended(&self, due: u64) -> u64 {
        due.max(self.until)
    }
}

impl Client {
    /// When sending began; absent before.
    pub(crate) fn sending_since(&self) -> Option<Instant> {
        match *self.stages.borrow() {
            Stage::Sending { since } => Some(since),
            Stage::Joining | Stage::Settling { .. } | Stage::Sweeping { .. } | Stage::Closing => None,
        }
    }

    /// When the plan has something for this client next: a storm, or its departure.
    pub(crate) fn next_absence(&self) -> Option<Instant> {
        if !self.is_expected_away() {
            return None;
        }
        let since = self.sending_since()?;
        let storm = self.next_storm().map(|(_, at)| since + at);
        let depart = self.absence.stays.front().and_then(|stay| stay.until).map(|until| since + until);
        // Whatever keeps it from departing wakes the connection when it is over.
        let now = Instant::now();
        let depart = depart.filter(|moment| *moment > now || self.may_depart(now));
        storm.into_iter().chain(depart).min()
    }

    /// Most runs have no such plans, and ask after every frame.
    fn is_expected_away(&self) -> bool {
        let departs = self.absence.stays.front().is_some_and(|stay| stay.until.is_some());
        departs || !self.world.plan.cuts.is_empty()
    }

    /// Nobody departs with a message unsent or under way.
    fn may_depart(&self, now: Instant) -> bool {
        let all_said = self.outbox.is_empty() && self.next_draft().is_none_or(|due| due > now);
        all_said && self.places.iter().all(|place| place.joined && !place.leaving)
    }

    fn next_storm(&self) -> Option<(usize, Duration)> {
        let cuts = self.world.plan.cuts.iter().enumerate().skip(self.absence.storms_past);
        let mut mine = cuts.filter(|(_, cut)| is_struck(self.user, cut.share));
        mine.next().map(|(index, cut)| (index, cut.at))
    }

    /// Storms that broke while there was no connection do not strike the next one.
    pub(crate) fn skip_storms(&mut self, now: Instant) {
        let Some(since) = self.sending_since() else { return };
        while let Some((storm, at)) = self.next_storm()
            && since + at <= now
        {
            self.absence.storms_past = storm + 1;
        }
    }

    /// What is due of it now.
    pub(crate) fn due_absence(&mut self, now: Instant, frames: &mut Vec<String>) -> Result<(), Ending> {
        let since = self.sending_since().filter(|_| self.is_expected_away());
        let Some(since) = since else { return Ok(()) };
        if let Some((storm, at)) = self.next_storm()
            && since + at <= now
        {
            self.absence.storms_past = storm + 1;
            let away = self.world.plan.cuts[storm].away;
            return Err(Ending::Cut { away, struck: Some(Struck { storm }) });
        }
        let until = self.absence.stays.front().and_then(|stay| stay.until);
        match until {
            Some(until) if since + until <= now && self.may_depart(now) => {
                frames.extend(self.places.iter().filter_map(|place| self.leave_frame(place.room)));
                Err(Ending::Departed)
            }
            Some(_) | None => Ok(()),
        }
    }

    /// Waits for the next stay; false if there is none, or the run goes on without it.
    pub(crate) async fn await_stay(&mut self) -> bool {
        let is_back = self.ever_joined;
        if is_back {
            self.absence.stays.pop_front();
            self.leave_seats();
        }
        let Some(stay) = self.absence.stays.front().copied() else {
            self.leave_seats();
            return false;
        };
        if stay.from.is_zero() && !is_back {
            return true;
        }
        let sends = |stage: &Stage| *stage != Stage::Joining;
        let stage = self.stages.wait_for(sends).await.map(|stage| *stage);
        let Ok(Stage::Sending { since }) = stage else {
            self.leave_seats();
            return false;
        };
        let there = self.wait_while_sending(since + stay.from).await;
        if !there {
            self.leave_seats();
        }
        there
    }

    /// Stays away by its own will; false if the run closes meanwhile. When no new messages are due any more, everybody
    /// comes back to be judged.
    pub(crate) async fn stay_away(&mut self, away: Duration) -> bool {
        self.wait_while_sending(Instant::now() + away).await;
        let now = Instant::now();
        self.absence.until = self.world.clock.at(now);
        if self.absence.wanting.is_some() || self.absence.struck.is_some() {
            self.absence.wanting = Some(now);
        }
        *self.stages.borrow() != Stage::Closing
    }

    /// True if the moment came while messages are sent.
    async fn wait_while_sending(&mut self, moment: Instant) -> bool {
        let over = self.stages.wait_for(|stage| !matches!(stage, Stage::Joining | Stage::Sending { .. }));
        tokio::select! {
            _ = over => false,
            () = sleep_until(moment) => true,
        }
    }

    /// The connection was dropped without a word.
    pub(crate) fn begin_cut(&mut self, struck: Option<Struck>) {
        self.absence.wanting = Some(Instant::now());
        if let Some(struck) = struck {
            self.world.herd.cut(struck);
        }
        if let Some(former) = std::mem::replace(&mut self.absence.struck, struck) {
            self.world.herd.forget(former);
        }
    }

    /// All rooms are joined again.
    pub(crate) fn end_absence(&mut self) {
        self.places.iter().for_each(|place| crate::judge::room::lock(&place.seat).come_back());
        let Some(since) = self.absence.wanting.take() else { return };
        self.world.tally.reconnects.add(1);
        self.world.latency.reconnected(self.user, micros(since.elapsed()));
        if let Some(struck) = self.absence.struck.take() {
            self.world.herd.back(struck, since);
        }
    }
}
