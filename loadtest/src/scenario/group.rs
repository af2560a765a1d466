//! Classes, worked out: every user belongs to one group, and a group knows everything about its users.
//!
//! Invariant: the groups' users are numbered one after the other, from the scenario's first to its last.

use crate::{
    scenario::{
        behaviour::Behaviour,
        class::{Class, Reading, sizes},
        error::ScenarioError,
        load::Scenario,
        range::Range,
    },
    wire::{dialect::Language, transport::Transport},
};

/// The users of one class.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// Its first user, counted from the scenario's first.
    pub(crate) first: usize,
    pub(crate) users: usize,
    pub(crate) language: Language,
    pub(crate) transport: Transport,
    pub(crate) rooms_per_user: usize,
    /// How many of them send: those in front.
    pub(crate) senders: usize,
    /// Its part of the scenario's rate, 0 to 1.
    pub(crate) rate_part: f64,
    pub(crate) behaviour: Behaviour,
    pub(crate) think: Range,
    pub(crate) away: Range,
    pub(crate) reading: Reading,
    pub(crate) measured: bool,
}

impl Scenario {
    /// The groups of this scenario, in the order of its classes.
    pub(crate) fn groups(&self) -> Result<Vec<Group>, ScenarioError> {
        if self.classes.is_empty() {
            let whole = Class { users: self.users, senders: self.senders, ..Class::default() };
            return Ok(vec![self.group(&whole, 0, self.users, 1.0)]);
        }
        let sizes = sizes(&self.classes, self.users)?;
        let weight = |(class, size): (&Class, &usize)| class.rate_share.unwrap_or(*size as f64);
        let total: f64 = self.classes.iter().zip(&sizes).map(weight).sum();
        let mut first = 0;
        let group = |(class, size): (&Class, &usize)| {
            let part = if total > 0.0 { weight((class, size)) / total } else { 0.0 };
            let group = self.group(class, first, *size, part);
            first += size;
            group
        };
        Ok(self.classes.iter().zip(&sizes).map(group).collect())
    }

    fn group(&self, class: &Class, first: usize, users: usize, rate_part: f64) -> Group {
        Group {
            name: class.name.clone(),
            first,
            users,
            language: class.dialect.unwrap_or(self.dialect),
            transport: class.transport.unwrap_or(self.transport),
            rooms_per_user: class.rooms_per_user.unwrap_or(self.rooms_per_user),
            senders: if class.senders == 0 { users } else { class.senders },
            rate_part,
            behaviour: class.behaviour.unwrap_or(self.behaviour),
            think: class.think.unwrap_or(self.think),
            away: class.away.unwrap_or(self.away),
            reading: class.reading.unwrap_or(self.reading),
            measured: class.measured.unwrap_or(true),
        }
    }
}

impl Group {
    /// The rooms of one user: neighbours on the ring of rooms, so that every room has the same number of members.
    pub(crate) fn rooms_of(&self, user: usize, rooms: usize) -> impl Iterator<Item = usize> + use<> {
        (0..self.rooms_per_user).map(move |step| (user + step) % rooms)
    }

    /// How many of its users send while this part of them is there.
    pub(crate) fn senders_of(&self, part: f64) -> usize {
        self.senders.min((part * self.users as f64).round() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_classes_there_is_one_group_of_everybody() {
        let scenario = Scenario { users: 30, senders: 4, ..Scenario::default() };
        let groups = scenario.groups().unwrap();
        assert_eq!(groups.len(), 1);
        assert_eq!((groups[0].users, groups[0].senders, groups[0].rate_part), (30, 4, 1.0));
    }

    #[test]
    fn a_class_takes_what_it_does_not_say_from_the_scenario() {
        let text = "users = 10\nthink = \"3s\"\n[behaviour]\nread = 1\n[[classes]]\nname = \"web\"\nshare = 0.6\n\
                    dialect = \"socketio\"\n[[classes]]\nname = \"bots\"\nshare = 0.4\nrate_share = 0\nthink = \"1s\"";
        let groups = Scenario::from_toml(text, &[]).unwrap().groups().unwrap();
        let numbered: Vec<(usize, usize)> = groups.iter().map(|group| (group.first, group.users)).collect();
        assert_eq!(numbered, [(0, 6), (6, 4)]);
        assert_eq!((groups[0].language, groups[1].language), (Language::SocketIo, Language::Rooms));
        assert_eq!((groups[0].rate_part, groups[1].rate_part), (1.0, 0.0));
        assert_eq!((groups[0].think, groups[1].think), ("3s".parse().unwrap(), "1s".parse().unwrap()));
        assert_eq!(groups[0].behaviour.read, 1.0);
    }

    #[test]
    fn the_rate_is_shared_by_heads_unless_the_classes_say_otherwise() {
        let class = |users, rate_share| Class { users, rate_share, ..Class::default() };
        let parts = |classes: Vec<Class>| {
            let groups = Scenario { classes, ..Scenario::default() }.groups().unwrap();
            groups.iter().map(|group| group.rate_part).collect::<Vec<_>>()
        };
        assert_eq!(parts(vec![class(30, None), class(10, None)]), [0.75, 0.25]);
        assert_eq!(parts(vec![class(30, Some(1.0)), class(10, Some(3.0))]), [0.25, 0.75]);
    }

    #[test]
    fn every_room_gets_the_same_number_of_members() {
        let scenario = Scenario { users: 100, rooms: 50, rooms_per_user: 2, ..Scenario::default() };
        let group = scenario.groups().unwrap().remove(0);
        let mut members = [0; 50];
        (0..100).for_each(|user| group.rooms_of(user, 50).for_each(|room| members[room] += 1));
        assert!(members.iter().all(|count| *count == 4));
    }
}
