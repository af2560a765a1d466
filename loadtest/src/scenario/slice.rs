//! A part of a scenario, for one of several processes: some of the rooms with all of their members, so that each process
//! judges its own rooms completely.
//!
//! Owns the division. Invariant: the parts together have the scenario's users, rooms and rate; users and rooms keep
//! numbers of their own (`first_user`, `first_room`), so that no two processes log in as the same user.

use crate::scenario::{
    class::Class,
    error::{ScenarioError, demand},
    load::{Kind, Scenario},
    phase::{Phase, Sweep},
};

impl Scenario {
    /// Part number `part` (from 0) of `parts`.
    pub fn slice(&self, part: usize, parts: usize) -> Result<Self, ScenarioError> {
        self.validate()?;
        demand(part < parts, "parts", format!("there is no part {part} of {parts}"))?;
        let rooms = cut(self.rooms, part, parts);
        let reason = format!("{} rooms cannot be divided among {parts} processes", self.rooms);
        demand(!rooms.is_empty(), "rooms", reason)?;
        let share = |total: usize| total * rooms.start / self.rooms..total * rooms.end / self.rooms;
        let groups = self.groups()?;
        let few = groups.iter().any(|group| group.rooms_per_user > rooms.len());
        let reason = format!("a part of {} rooms has not enough for one user", rooms.len());
        demand(!few, "rooms_per_user", reason)?;
        let mut slice =
            Self { first_room: self.first_room + rooms.start, rooms: rooms.len(), ..self.clone() };
        slice.first_user += groups.iter().map(|group| share(group.users).start).sum::<usize>();
        slice.classes.clear();
        let mut rate_part = 0.0;
        for (index, group) in groups.iter().enumerate() {
            let users = share(group.users).len();
            let senders = share(group.senders).len();
            let rate = group.rate_part * senders as f64 / group.senders.max(1) as f64;
            let class = self.classes.get(index).cloned().unwrap_or_default();
            let rate_share = Some(if senders == 0 { 0.0 } else { rate });
            rate_part += rate;
            // Nobody of a class in this part: the class is not in it.
            if users > 0 {
                slice.classes.push(Class { users, senders, share: 0.0, rate_share, ..class });
            }
        }
        slice.users = slice.classes.iter().map(|class| class.users).sum();
        let reason = format!("{} users cannot be divided among {parts} processes", self.users);
        demand(slice.users > 0, "users", reason)?;
        let idle = self.kind == Kind::Idle;
        demand(rate_part > 0.0 || idle, "senders", format!("nobody sends in part {part} of {parts}"))?;
        slice.scale(rate_part, slice.users as f64 / self.users as f64, parts);
        slice.senders = 0;
        slice.validate()?;
        Ok(slice)
    }

    /// What belongs to all parts together becomes this part's.
    fn scale(&mut self, rate: f64, users: f64, parts: usize) {
        let scaled = |sweep: Sweep, by: f64| Sweep { from: sweep.from * by, to: sweep.to * by };
        if rate > 0.0 {
            self.rate *= rate;
        }
        self.connect_rate /= parts as f64;
        self.feed.rate /= parts as f64;
        for phase in &mut self.phases {
            if let Phase::Ramp { users: heads, rate: pace, .. } = phase {
                *heads = heads.map(|heads| scaled(heads, users));
                *pace = pace.map(|pace| scaled(pace, rate));
            }
        }
    }
}

/// The numbers that part `part` of `parts` gets out of `total`.
fn cut(total: usize, part: usize, parts: usize) -> std::ops::Range<usize> {
    total * part / parts..total * (part + 1) / parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(scenario: &Scenario, parts: usize) -> Vec<Scenario> {
        (0..parts).map(|part| scenario.slice(part, parts).unwrap()).collect()
    }

    #[test]
    fn the_parts_together_are_the_whole_and_share_no_user_and_no_room() {
        let scenario = Scenario { users: 103, rooms: 10, rate: 50.0, ..Scenario::default() };
        let slices = parts(&scenario, 3);
        let (mut user, mut room) = (0, 0);
        for slice in &slices {
            assert_eq!((slice.first_user, slice.first_room), (user, room));
            user += slice.users;
            room += slice.rooms;
        }
        assert_eq!((user, room), (103, 10));
        let rate: f64 = slices.iter().map(|slice| slice.rate).sum();
        assert!((rate - 50.0).abs() < 1e-9);
        assert_eq!(scenario.slice(0, 1).unwrap().rate, 50.0);
    }

    #[test]
    fn classes_and_phases_are_divided_like_the_whole() {
        let text = "users = 100\nrooms = 10\nrate = 40\n[[classes]]\nname = \"a\"\nshare = 0.2\nrate_share = 3\n\
                    [[classes]]\nname = \"b\"\nshare = 0.8\nrate_share = 1\n\
                    [[phases]]\nkind = \"ramp\"\nduration = \"1s\"\nusers = { from = 10, to = 100 }";
        for slice in parts(&Scenario::from_toml(text, &[]).unwrap(), 2) {
            let groups = slice.groups().unwrap();
            assert_eq!((groups[0].users, groups[1].users), (10, 40));
            assert!((slice.rate - 20.0).abs() < 1e-9 && (groups[0].rate_part - 0.75).abs() < 1e-9);
            let users = Some(Sweep { from: 5.0, to: 50.0 });
            assert!(matches!(&slice.phases[0], Phase::Ramp { users: heads, .. } if *heads == users));
        }
    }

    #[test]
    fn a_scenario_that_cannot_be_divided_names_the_key() {
        let table = [
            (Scenario { rooms: 2, ..Scenario::default() }, "rooms"),
            (Scenario { rooms: 6, rooms_per_user: 3, ..Scenario::default() }, "rooms_per_user"),
            (Scenario { rooms: 3, users: 2, ..Scenario::default() }, "users"),
            (Scenario { rooms: 3, senders: 1, ..Scenario::default() }, "senders"),
        ];
        for (scenario, key) in table {
            let errors = (0..3).filter_map(|part| scenario.slice(part, 3).err());
            let texts: Vec<String> = errors.map(|error| error.to_string()).collect();
            assert!(!texts.is_empty() && texts.iter().all(|text| text.starts_with(key)), "{key}: {texts:?}");
        }
    }
}
