//! What a user does between messages: reads, types, reacts, edits, withdraws, scrolls, opens a room anew, drops the
//! connection, logs out, books a seat.
//!
//! Owns when and on what. How it is said is the dialect's; what a dialect has no word for is done over HTTP or not at all.
//! Deeds are drawn by weight with a wait between them (a closed loop): they are the life around the messages, not the load
//! that is measured.

use std::{collections::VecDeque, sync::Arc};

use rand::Rng;
use tokio::time::Instant;

use crate::{
    client::{
        catchup::Walk,
        conversation::Conversation,
        ending::Ending,
        history::{HistoryError, Stretch},
        life::{Client, micros},
    },
    feed,
    judge::room::lock,
    scenario::{
        behaviour::{Behaviour, Deed},
        group::Group,
        range::Range,
    },
    wire::{
        act::Act,
        dialect::Change,
        message::{Heard, Page},
    },
};

/// Messages of a room that a client remembers, of everybody and of its own each.
const REMEMBERED: usize = 32;
/// Messages in a page that somebody scrolls to.
const PAGE: usize = 50;
const EMOJI: [&str; 4] = ["👍", "🎉", "❤️", "👀"];

/// The rhythm of one client.
#[derive(Debug)]
pub(crate) struct Habit {
    behaviour: Behaviour,
    /// Nothing is ever done.
    idle: bool,
    think: Range,
    away: Range,
    /// Absent: nothing is ever done, or sending has not begun.
    next: Option<Instant>,
    /// Wants to log out as soon as nothing is under way.
    pub(crate) logging_out: bool,
}

/// What a client remembers of a room, to refer to it.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    heard: VecDeque<(u64, u128)>,
    own: VecDeque<(u64, u128)>,
    /// How far back it has scrolled.
    before: Option<u64>,
    /// When it asked for the page that is under way.
    asked: Option<Instant>,
    typing: bool,
}

/// What goes on beside the conversation.
pub(crate) enum Errand {
    /// Missing messages are looked for.
    Walk(Walk),
    /// A page that the user scrolled to.
    Page { place: usize, page: Result<Page, HistoryError> },
    /// A seat is booked.
    Booking,
}

impl Habit {
    pub(crate) fn new(group: &Group) -> Self {
        let Group { behaviour, think, away, .. } = *group;
        Self { behaviour, idle: behaviour.is_empty(), think, away, next: None, logging_out: false }
    }
}

impl Memory {
    /// A new connection: nothing that was asked for on the former one will come.
    pub(crate) fn reset(&mut self) {
        self.asked = None;
        self.typing = false;
    }

    fn keep(list: &mut VecDeque<(u64, u128)>, message: (u64, u128)) {
        if list.len() == REMEMBERED {
            list.pop_front();
        }
        list.push_back(message);
    }
}

impl Client {
    /// When the next deed is due; absent while none are done.
    pub(crate) fn next_deed(&self) -> Option<Instant> {
        self.habit.next.filter(|_| self.sending_since().is_some() && !self.habit.logging_out)
    }

    /// Keeps a live message in mind, for whoever does something with messages.
    pub(crate) fn remember(&mut self, index: usize, heard: &Heard, own: bool) {
        if self.habit.idle {
            return;
        }
        let memory = &mut self.places[index].memory;
        Memory::keep(&mut memory.heard, (heard.seq, heard.id));
        if own {
            Memory::keep(&mut memory.own, (heard.seq, heard.id));
        }
    }

    /// Does what is due. Only on a connection with all rooms joined.
    pub(crate) fn due_deeds(
        &mut self,
        now: Instant,
        conversation: &mut Conversation,
        frames: &mut Vec<String>,
    ) -> Result<(), Ending> {
        if self.habit.idle || self.sending_since().is_none() {
            return Ok(());
        }
        if self.habit.logging_out {
            return self.log_out(frames);
        }
        let due = *self.habit.next.get_or_insert_with(|| now + self.habit.think.draw());
        if due > now {
            return Ok(());
        }
        self.habit.next = Some(now + self.habit.think.draw());
        let Some(deed) = self.habit.behaviour.draw() else { return Ok(()) };
        let index = rand::rng().random_range(0..self.places.len());
        match deed {
            Deed::Kill => {
                self.world.tally.act(deed.name());
                Err(Ending::Cut { away: self.habit.away.draw(), struck: None })
            }
            Deed::Logout => {
                self.habit.logging_out = true;
                self.log_out(frames)
            }
            Deed::Open => {
                self.open_anew(index, conversation, frames);
                Ok(())
            }
            Deed::Scroll => {
                self.scroll(index, frames);
                Ok(())
            }
            Deed::Book => {
                self.book();
                Ok(())
            }
            Deed::Read | Deed::Typing | Deed::React | Deed::Edit | Deed::Delete => {
                frames.extend(self.act(deed, index));
                Ok(())
            }
        }
    }

    /// Leaves all rooms and ends the connection, once all messages are acknowledged: nobody logs out while the last one
    /// is still being sent.
    fn log_out(&mut self, frames: &mut Vec<String>) -> Result<(), Ending> {
        if !self.outbox.is_empty() {
            return Ok(());
        }
        self.habit.logging_out = false;
        self.world.tally.act(Deed::Logout.name());
        frames.extend(self.places.iter().filter_map(|place| self.leave_frame(place.room)));
        Err(Ending::LoggedOut { away: self.habit.away.draw() })
    }

    pub(crate) fn leave_frame(&self, room: usize) -> Option<String> {
        self.dialect().act(&self.world.rooms[room].name, Act::Leave)
    }

    /// Leaves a room; when the server says that it is left, it is joined anew.
    fn open_anew(&mut self, index: usize, conversation: &mut Conversation, frames: &mut Vec<String>) {
        let Some(frame) = self.leave_frame(self.places[index].room) else { return };
        self.world.tally.act(Deed::Open.name());
        self.places[index].leaving = true;
        conversation.await_joins();
        frames.push(frame);
    }

    /// The server says that a room is left.
    pub(crate) fn on_left(&mut self, room: Option<&str>, conversation: &mut Conversation) {
        let named = |index: &usize| room.is_none_or(|room| self.by_name.get(room) == Some(index));
        let left = (0..self.places.len()).filter(named).find(|index| self.places[*index].leaving);
        let Some(place) = left.map(|index| &mut self.places[index]) else { return };
        place.leaving = false;
        place.joined = false;
        place.anew = true;
        conversation.rejoin_at = Some(Instant::now());
    }

    /// A page further back: asked of the dialect, or over HTTP where it has no word for it.
    fn scroll(&mut self, index: usize, frames: &mut Vec<String>) {
        let (last, _) = lock(&self.places[index].seat).resume().unwrap_or_default();
        let room = &self.world.rooms[self.places[index].room];
        let before = self.places[index].memory.before.unwrap_or(last + 1);
        if self.places[index].memory.asked.is_some() || last == 0 || !room.is_numbered() {
            return;
        }
        self.world.tally.act(Deed::Scroll.name());
        self.places[index].memory.asked = Some(Instant::now());
        if let Some(frame) = self.dialect().act(&room.name, Act::ScrollBack { before, limit: PAGE }) {
            return frames.push(frame);
        }
        let (world, turn) = (Arc::clone(&self.world), self.walk_turn);
        let stretch =
            Stretch { room: room.name.clone(), token: self.token.clone(), after: 0, upto: before - 1 };
        self.walk_turn += 1;
        self.errands.spawn(async move {
            let page = world.history.newest(&stretch, turn).await;
            Errand::Page { place: index, page }
        });
    }

    /// A page that was scrolled to. What is new in it has been missing, and is judged like every page.
    pub(crate) fn take_page(&mut self, index: usize, messages: &[Heard], next_before: Option<u64>) {
        messages.iter().for_each(|heard| self.hear_page(index, heard));
        let memory = &mut self.places[index].memory;
        memory.before = next_before;
        if let Some(asked) = memory.asked.take() {
            self.world.latency.acted(Deed::Scroll.name(), micros(asked.elapsed()));
        }
    }

    /// A frame about a message, or about nothing; none where there is no such message, or no word for it.
    fn act(&mut self, deed: Deed, index: usize) -> Option<String> {
        let place = &mut self.places[index];
        let room = &self.world.rooms[place.room];
        let standing = |message: &&(u64, u128)| !room.ledger().is_asked(Change::Deleted, message.1);
        let newest = place.memory.heard.iter().rev().find(standing).copied();
        let text;
        let act = match deed {
            Deed::Typing => {
                place.memory.typing = !place.memory.typing;
                Act::Typing(place.memory.typing)
            }
            Deed::Read => newest.map(|(seq, id)| Act::Read { seq, id })?,
            Deed::React => {
                let emoji = EMOJI[rand::rng().random_range(0..EMOJI.len())];
                newest.map(|(seq, id)| Act::React { seq, id, emoji })?
            }
            Deed::Edit => {
                let (seq, id) = place.memory.own.iter().rev().find(standing).copied()?;
                text = format!("edited by {}", self.user);
                Act::Edit { seq, id, text: &text }
            }
            // The oldest: others are less likely to refer to it just now.
            Deed::Delete => place.memory.own.pop_front().map(|(seq, id)| Act::Delete { seq, id })?,
            Deed::Open | Deed::Scroll | Deed::Kill | Deed::Logout | Deed::Book => return None,
        };
        let frame = self.world.parties[self.membership.party].dialect.act(&room.name, act)?;
        match act {
            Act::React { id, .. } => room.ledger().ask(Change::Reacted, id),
            Act::Edit { id, .. } => room.ledger().ask(Change::Edited, id),
            Act::Delete { id, .. } => room.ledger().ask(Change::Deleted, id),
            Act::Typing(_) | Act::Read { .. } | Act::ScrollBack { .. } | Act::Leave => {}
        }
        self.world.tally.act(deed.name());
        Some(frame)
    }

    fn book(&mut self) {
        let (world, user, token) = (Arc::clone(&self.world), self.user, self.token.clone());
        self.errands.spawn(async move {
            feed::book(world, user, token).await;
            Errand::Booking
        });
    }
}
