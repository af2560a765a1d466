//! Fills what a rejoin could not replay: walks through the history, one at a time per place, until nothing is missing.
//!
//! The history may lag behind the live flow (persistence is another process), so a walk that finds too little is
//! repeated. Owned by the client: the walks live in its `JoinSet` and end with it.

use std::{sync::Arc, time::Duration};

use tokio::{task::JoinError, time::Instant};

use crate::{
    client::deeds::Errand,
    client::history::{HistoryError, Stretch},
    client::life::Client,
    judge::room::lock,
    wire::message::Heard,
};

const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A finished walk.
pub(crate) struct Walk {
    place: usize,
    after: u64,
    upto: u64,
    found: Result<Vec<Heard>, HistoryError>,
}

impl Client {
    /// When the next walk may begin; absent if nothing is missing.
    pub(crate) fn next_walk(&self) -> Option<Instant> {
        let wanting =
            self.places.iter().filter(|place| !place.walking && !lock(&place.seat).holes().is_empty());
        wanting.map(|place| place.walk_at).min()
    }

    pub(crate) fn start_walks(&mut self, now: Instant) {
        for index in 0..self.places.len() {
            let place = &self.places[index];
            if place.walking || place.walk_at > now {
                continue;
            }
            let bounds = {
                let seat = lock(&place.seat);
                let after = seat.holes().iter().map(|hole| hole.after).min();
                after.zip(seat.holes().iter().map(|hole| hole.upto).max())
            };
            if let Some((after, upto)) = bounds {
                self.start_walk(index, after, upto);
            }
        }
    }

    fn start_walk(&mut self, index: usize, after: u64, upto: u64) {
        let place = &mut self.places[index];
        place.walking = true;
        let room = self.world.rooms[place.room].name.clone();
        let stretch = Stretch { room, token: self.token.clone(), after, upto };
        let (world, turn) = (Arc::clone(&self.world), self.walk_turn);
        self.walk_turn += 1;
        self.errands.spawn(async move {
            let found = world.history.walk(&stretch, turn).await;
            Errand::Walk(Walk { place: index, after, upto, found })
        });
    }

    /// Takes what an errand brought back.
    pub(crate) fn take_errand(&mut self, errand: Result<Errand, JoinError>) {
        match errand {
            Ok(Errand::Walk(walk)) => self.merge_walk(&walk),
            Ok(Errand::Page { place, page: Ok(page) }) => {
                self.take_page(place, &page.messages, page.next_before)
            }
            Ok(Errand::Page { place, page: Err(code) }) => {
                self.world.tally.error(&code);
                self.take_page(place, &[], None);
            }
            Ok(Errand::Booking) => {}
            // Only a panic ends an errand early; the places it left open show as incomplete at the end.
            Err(_) => self.world.tally.error("errand died"),
        }
    }

    fn merge_walk(&mut self, walk: &Walk) {
        match &walk.found {
            Ok(found) => found.iter().for_each(|heard| self.hear_page(walk.place, heard)),
            Err(code) => self.world.tally.error(code),
        }
        let place = &mut self.places[walk.place];
        place.walking = false;
        place.walk_at = Instant::now() + AGAIN_AFTER;
        let ledger = self.world.rooms[place.room].ledger();
        let mut seat = lock(&place.seat);
        if walk.found.is_ok() {
            seat.walked(walk.after, walk.upto);
        }
        seat.forget_filled(&ledger);
    }
}
