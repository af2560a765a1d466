//! The keys of `[feed]`: users who watch events and book their seats. Owns the settings; watching and booking is `feed`.

use serde::Deserialize;

use crate::scenario::error::{ScenarioError, demand};

/// Events, their seats, and who comes.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Feed {
    /// Events that the run creates.
    pub events: usize,
    /// Seats of each.
    pub seats: u32,
    /// Part of the users who watch an event, 0 to 1.
    pub viewers: f64,
    /// Part of the users who book, 0 to 1; they watch as well where both parts meet.
    pub bookers: f64,
    /// Bookings per second of all bookers together, on a fixed schedule.
    pub rate: f64,
    /// Part of the bookings that are cancelled again, 0 to 1.
    pub cancel: f64,
}

impl Default for Feed {
    fn default() -> Self {
        Self { events: 1, seats: 1000, viewers: 1.0, bookers: 0.2, rate: 20.0, cancel: 0.0 }
    }
}

impl Feed {
    pub(crate) fn validate(&self) -> Result<(), ScenarioError> {
        let part = |value: f64| (0.0..=1.0).contains(&value);
        demand(self.events > 0, "feed.events", "at least one event is needed")?;
        demand(self.seats > 0, "feed.seats", "at least one seat is needed")?;
        demand(part(self.viewers), "feed.viewers", "0 to 1")?;
        demand(part(self.bookers), "feed.bookers", "0 to 1")?;
        demand(self.viewers + self.bookers > 0.0, "feed.viewers", "somebody must watch or book")?;
        demand(part(self.cancel), "feed.cancel", "0 to 1")?;
        demand(self.rate.is_finite() && self.rate > 0.0, "feed.rate", "must be above zero")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feed_without_seats_or_people_is_refused_by_name() {
        let fine = Feed::default();
        assert!(fine.validate().is_ok());
        let table = [
            (Feed { events: 0, ..fine }, "feed.events"),
            (Feed { seats: 0, ..fine }, "feed.seats"),
            (Feed { viewers: 1.1, ..fine }, "feed.viewers"),
            (Feed { viewers: 0.0, bookers: 0.0, ..fine }, "feed.viewers"),
            (Feed { bookers: f64::NAN, ..fine }, "feed.bookers"),
            (Feed { cancel: -0.1, ..fine }, "feed.cancel"),
            (Feed { rate: 0.0, ..fine }, "feed.rate"),
        ];
        for (feed, key) in table {
            assert!(feed.validate().unwrap_err().to_string().starts_with(key), "{feed:?}");
        }
    }
}
