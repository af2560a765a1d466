//! A sender's outbox: a message stays until its author has seen it back, and is repeated under the same client id.
//!
//! Pure rules over moments handed in; no clock, no I/O. Invariant: a number leaves the outbox only by `acknowledge`.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    time::Duration,
};

use tokio::time::Instant;

/// Unacknowledged messages on the way at once; more wait their turn.
const WINDOW: usize = 64;
/// Messages that wait at most; a client that is cut off for longer sheds, and the report says so.
const CAPACITY: usize = 100_000;

/// A message that should leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) number: u32,
    /// Index of the room among the client's places.
    pub(crate) place: usize,
    /// When it should have left, in microseconds of the run's clock.
    pub(crate) intended: u64,
}

#[derive(Debug)]
struct Flying {
    draft: Draft,
    text: String,
    attempts: u32,
    due: Instant,
}

/// What to put on the wire now.
#[derive(Debug)]
pub(crate) enum Parcel<'a> {
    /// Never sent before; its text is made now and handed to `flown`.
    First(Draft),
    /// A repeat, text unchanged.
    Again { draft: Draft, text: &'a str },
}

/// Timing rules of one outbox.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// Repeat after this silence.
    pub(crate) repeat_after: Duration,
    /// Least distance between sends while catching up.
    pub(crate) spacing: Duration,
}

#[derive(Debug)]
pub(crate) struct Outbox {
    fresh: VecDeque<Draft>,
    flying: BTreeMap<u32, Flying>,
    /// Repeated messages that are acknowledged, with the number of answers that may still come.
    answers_due: HashMap<u32, u32>,
    patience: Patience,
    /// Set by an outage or a refusal, until nothing waits: sends keep their distance, so that the backlog does not
    /// run into the server's rate limit.
    catching_up: bool,
    not_before: Option<Instant>,
}

impl Outbox {
    pub(crate) fn new(patience: Patience) -> Self {
        Self {
            fresh: VecDeque::new(),
            flying: BTreeMap::new(),
            answers_due: HashMap::new(),
            patience,
            catching_up: false,
            not_before: None,
        }
    }

    /// Takes a new message; false if there is no room for it.
    pub(crate) fn push(&mut self, draft: Draft) -> bool {
        let room_left = self.fresh.len() < CAPACITY;
        if room_left {
            self.fresh.push_back(draft);
        }
        room_left
    }

    /// Nothing waits, nothing is on the way.
    pub(crate) fn is_empty(&self) -> bool {
        self.fresh.is_empty() && self.flying.is_empty()
    }

    /// When something may leave next; absent: nothing waits.
    pub(crate) fn due(&self, now: Instant) -> Option<Instant> {
        let again = self.flying.values().map(|flying| flying.due).min();
        let first = (self.flying.len() < WINDOW && !self.fresh.is_empty()).then_some(now);
        let next = [again, first].into_iter().flatten().min()?;
        Some(self.not_before.map_or(next, |earliest| next.max(earliest)))
    }

    /// What leaves now, repeats first. Follow it up by `flown`.
    pub(crate) fn next(&self, now: Instant) -> Option<Parcel<'_>> {
        if self.due(now).is_none_or(|due| due > now) {
            return None;
        }
        let again = self.flying.values().find(|flying| flying.due <= now);
        match again {
            Some(flying) => Some(Parcel::Again { draft: flying.draft, text: &flying.text }),
            None => self.fresh.front().map(|draft| Parcel::First(*draft)),
        }
    }

    /// The message is on the wire; `text` is kept at the first flight.
    pub(crate) fn flown(&mut self, draft: Draft, text: Option<String>, now: Instant) {
        let due = now + self.patience.repeat_after;
        match self.flying.get_mut(&draft.number) {
            Some(flying) => {
                flying.attempts += 1;
                flying.due = due;
            }
            None => {
                self.fresh.pop_front();
                let text = text.unwrap_or_default();
                self.flying.insert(draft.number, Flying { draft, text, attempts: 1, due });
            }
        }
        self.space_out(now);
    }

    fn space_out(&mut self, now: Instant) {
        let backlog = !self.fresh.is_empty() || self.flying.values().any(|flying| flying.due <= now);
        self.catching_up &= backlog;
        self.not_before = self.catching_up.then(|| now + self.patience.spacing);
    }

    /// The server refused something without saying what: everything on the way is repeated after `wait`; what was
    /// accepted is acknowledged before that.
    pub(crate) fn refused(&mut self, now: Instant, wait: Duration) {
        self.flying.values_mut().for_each(|flying| flying.due = now + wait);
        self.catching_up = true;
        self.not_before = Some(now + wait);
    }

    /// A new connection stands and the replay is merged: what is still on the way is repeated now.
    pub(crate) fn reconnected(&mut self, now: Instant) {
        self.flying.values_mut().for_each(|flying| flying.due = now);
        self.catching_up = !self.flying.is_empty() || !self.fresh.is_empty();
        self.not_before = None;
    }

    /// The author saw the message. True the first time.
    pub(crate) fn acknowledge(&mut self, number: u32) -> bool {
        let Some(flying) = self.flying.remove(&number) else { return false };
        if flying.attempts > 1 {
            self.answers_due.insert(number, flying.attempts - 1);
        }
        true
    }

    /// Whether a message was repeated, so that its author may hear it again out of turn.
    pub(crate) fn was_repeated(&self, number: u32) -> bool {
        self.answers_due.contains_key(&number)
            || self.flying.get(&number).is_some_and(|flying| flying.attempts > 1)
    }

    /// Accounts for one answer to a repeat; false if more came than repeats were sent.
    pub(crate) fn take_answer(&mut self, number: u32) -> bool {
        match self.answers_due.get_mut(&number) {
            Some(left) if *left > 0 => {
                *left -= 1;
                true
            }
            Some(_) => false,
            None => self.flying.contains_key(&number),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Patience =
        Patience { repeat_after: Duration::from_secs(5), spacing: Duration::from_millis(60) };

    fn draft(number: u32) -> Draft {
        Draft { number, place: 0, intended: 0 }
    }

    fn fly(outbox: &mut Outbox, now: Instant) -> Option<u32> {
        let (draft, text) = match outbox.next(now)? {
            Parcel::First(draft) => (draft, Some("text".to_string())),
            Parcel::Again { draft, .. } => (draft, None),
        };
        outbox.flown(draft, text, now);
        Some(draft.number)
    }

    #[test]
    fn fresh_messages_leave_at_once_and_in_order() {
        let (mut outbox, now) = (Outbox::new(PATIENCE), Instant::now());
        (1..=3).for_each(|number| assert!(outbox.push(draft(number))));
        assert_eq!(
            [fly(&mut outbox, now), fly(&mut outbox, now), fly(&mut outbox, now)],
            [Some(1), Some(2), Some(3)]
        );
        assert_eq!(fly(&mut outbox, now), None);
        assert_eq!(outbox.due(now), Some(now + PATIENCE.repeat_after));
    }

    #[test]
    fn silence_repeats_a_message_until_it_is_acknowledged() {
        let (mut outbox, now) = (Outbox::new(PATIENCE), Instant::now());
        outbox.push(draft(1));
        fly(&mut outbox, now);
        let later = now + PATIENCE.repeat_after;
        assert_eq!(fly(&mut outbox, later), Some(1));
        assert!(outbox.was_repeated(1));
        assert!(outbox.acknowledge(1) && !outbox.acknowledge(1));
        assert_eq!(outbox.due(later), None);
    }

    #[test]
    fn one_answer_per_repeat_is_legal_and_no_more() {
        let (mut outbox, now) = (Outbox::new(PATIENCE), Instant::now());
        outbox.push(draft(1));
        fly(&mut outbox, now);
        assert!(!outbox.was_repeated(1));
        fly(&mut outbox, now + PATIENCE.repeat_after);
        outbox.acknowledge(1);
        assert!(outbox.take_answer(1));
        assert!(!outbox.take_answer(1) && !outbox.take_answer(2));
    }

    #[test]
    fn after_a_reconnect_the_backlog_leaves_at_a_distance() {
        let (mut outbox, now) = (Outbox::new(PATIENCE), Instant::now());
        outbox.push(draft(1));
        fly(&mut outbox, now);
        outbox.push(draft(2));
        outbox.push(draft(3));
        outbox.reconnected(now);
        assert_eq!(fly(&mut outbox, now), Some(1));
        assert_eq!(fly(&mut outbox, now), None);
        assert_eq!(outbox.due(now), Some(now + PATIENCE.spacing));
        assert_eq!(fly(&mut outbox, now + PATIENCE.spacing), Some(2));
        assert_eq!(fly(&mut outbox, now + PATIENCE.spacing * 2), Some(3));
        outbox.push(draft(4));
        assert_eq!(fly(&mut outbox, now + PATIENCE.spacing * 2), Some(4), "caught up: no distance any more");
    }

    #[test]
    fn a_refusal_waits_as_long_as_the_server_asks() {
        let (mut outbox, now) = (Outbox::new(PATIENCE), Instant::now());
        outbox.push(draft(1));
        fly(&mut outbox, now);
        outbox.push(draft(2));
        let wait = Duration::from_millis(700);
        outbox.refused(now, wait);
        assert_eq!(fly(&mut outbox, now + wait / 2), None);
        assert_eq!(outbox.due(now), Some(now + wait));
        assert_eq!(fly(&mut outbox, now + wait), Some(1));
    }

    #[test]
    fn no_more_than_a_window_is_on_the_way() {
        let (mut outbox, now) = (Outbox::new(PATIENCE), Instant::now());
        (0..100).for_each(|number| assert!(outbox.push(draft(number))));
        let flown = std::iter::from_fn(|| fly(&mut outbox, now)).count();
        assert_eq!(flown, WINDOW);
        outbox.acknowledge(0);
        assert_eq!(fly(&mut outbox, now), Some(64));
    }
}
