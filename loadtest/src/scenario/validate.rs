//! Whether the values of a scenario fit together. Owns the rules that need more than one key; what a table of its own
//! (`[feed]`, `[[phases]]`, …) can say by itself, it says itself.

use std::time::Duration;

use crate::{
    scenario::{
        error::{ScenarioError, demand},
        group::Group,
        load::{Kind, Scenario},
    },
    wire::{
        dialect::{Dialect, Language},
        transport::Transport,
    },
};

impl Scenario {
    /// Whether the values fit together; the first mistake is named.
    pub fn validate(&self) -> Result<(), ScenarioError> {
        self.validate_numbers()?;
        let groups = self.groups()?;
        groups.iter().try_for_each(|group| self.validate_group(group))?;
        demand(
            self.kind != Kind::Chat || groups.iter().any(Group::sends),
            "classes.rate_share",
            "nobody sends",
        )?;
        self.validate_phases()?;
        self.feed.validate()?;
        self.capacity.iter().try_for_each(crate::scenario::capacity::Capacity::validate)?;
        demand(!self.targets.is_empty(), "targets", "at least one")?;
        self.addresses().map(drop)
    }

    fn validate_numbers(&self) -> Result<(), ScenarioError> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        let prefix = &self.room_prefix;
        let is_prefix = (1..=64).contains(&prefix.len()) && prefix.bytes().all(is_plain);
        let is_rate = |rate: f64| rate.is_finite() && rate > 0.0;
        let has_end = self.kind == Kind::Chat || !self.duration.is_zero() || !self.phases.is_empty();
        demand(self.users > 0, "users", "at least one user is needed")?;
        demand(self.rooms > 0, "rooms", "at least one room is needed")?;
        demand(self.senders <= self.users, "senders", "cannot exceed `users`")?;
        demand(is_rate(self.rate), "rate", "must be above zero")?;
        demand(is_rate(self.connect_rate), "connect_rate", "must be above zero")?;
        demand(self.text_bytes <= 8192, "text_bytes", "at most 8192")?;
        demand(is_prefix, "room_prefix", "1 to 64 of a-z, 0-9 and `-`")?;
        demand(has_end, "duration", "without one only a chat scenario can end")
    }

    fn validate_group(&self, group: &Group) -> Result<(), ScenarioError> {
        let here = |reason: &str| match group.name.as_str() {
            "" => reason.to_owned(),
            name => format!("class `{name}`: {reason}"),
        };
        let several = group.rooms_per_user > 1;
        let fits = (1..=self.rooms).contains(&group.rooms_per_user);
        demand(fits, "rooms_per_user", here("must lie between 1 and `rooms`"))?;
        let reason = here("clients of this dialect are in one room at a time");
        demand(!several || Dialect::joins_several(group.language), "rooms_per_user", reason)?;
        let reason = here("only in the `socketio` dialect can messages be told without positions");
        demand(!self.peer || group.language == Language::SocketIo, "peer", reason)?;
        let carried = group.transport == Transport::WebSocket || group.language == Language::SocketIo;
        demand(carried, "transport", here("only the `socketio` dialect has a choice"))?;
        demand(group.senders <= group.users, "classes.senders", here("cannot exceed its users"))?;
        let is_share = group.rate_part.is_finite() && group.rate_part >= 0.0;
        demand(is_share, "classes.rate_share", here("must be 0 or more"))?;
        group.behaviour.validate()?;
        let busy = group.behaviour.is_empty() || !group.think.most.is_zero();
        demand(busy, "think", here("must be above zero where something is done"))?;
        group.reading.validate()
    }

    fn validate_phases(&self) -> Result<(), ScenarioError> {
        self.phases.iter().try_for_each(|phase| phase.validate(self.users))?;
        let whole: Duration = self.phases.iter().map(crate::scenario::phase::Phase::duration).sum();
        let inside = self.phases.is_empty() || self.warmup < whole;
        demand(inside, "warmup", "must be shorter than all phases together")
    }
}

impl Group {
    fn sends(&self) -> bool {
        self.rate_part > 0.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_that_do_not_fit_are_refused_by_name() {
        let table = [
            ("users = 0", "users"),
            ("rooms = 2\nrooms_per_user = 3", "rooms_per_user"),
            ("rate = 0", "rate"),
            ("targets = []", "targets"),
            ("targets = [\"wss://x:1\"]", "targets"),
            ("room_prefix = \"A_b\"", "room_prefix"),
            ("senders = 11", "senders"),
            ("dialect = \"socketio\"\nrooms = 2\nrooms_per_user = 2", "rooms_per_user"),
            ("peer = true", "peer"),
            ("transport = \"polling\"", "transport"),
            ("kind = \"idle\"\nduration = \"0s\"", "duration"),
            ("think = \"0s\"\n[behaviour]\nread = 1", "think"),
            ("[behaviour]\nread = -1", "behaviour"),
            ("[feed]\nseats = 0", "feed.seats"),
            ("[capacity]\nraise = \"rate\"\nfrom = 1\nto = 0", "capacity.to"),
            ("[reading]\nstops_after = \"1s\"", "reading.stops_for"),
            ("warmup = \"1s\"\n[[phases]]\nkind = \"steady\"\nduration = \"1s\"", "warmup"),
            ("[[phases]]\nkind = \"storm\"\nduration = \"1s\"\nshare = 2", "phases.share"),
            ("[[classes]]\nshare = 0.5", "classes.share"),
            ("users = 10\n[[classes]]\nusers = 3", "users"),
            ("[[classes]]\nusers = 3\nsenders = 4", "classes.senders"),
            ("[[classes]]\nusers = 3\nrate_share = 0", "classes.rate_share"),
            ("[[classes]]\nusers = 3\nrate_share = -1\n[[classes]]\nusers = 3", "classes.rate_share"),
            ("[[classes]]\nname = \"a\"\nusers = 3\nrooms_per_user = 2", "rooms_per_user: class `a`"),
        ];
        for (text, key) in table {
            let error = Scenario::from_toml(text, &[]).unwrap_err().to_string();
            assert!(error.starts_with(key), "{text}: {error}");
        }
    }
}
