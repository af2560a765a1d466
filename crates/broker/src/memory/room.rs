//! One room: its head, its hot log, and the nodes that listen to it.
//!
//! Invariant: the log holds neighbouring positions of one epoch, the last of which is the head.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use domain::ports::{Delivery, Inbox, Span};
use domain::words::{Draft, Entry, Position, Sealed};

/// A node's inbox, under the handle that ends it.
pub(super) struct Listener {
    pub(super) handle: u64,
    pub(super) inbox: Arc<dyn Inbox>,
}

/// What is known of one room.
pub(super) struct Room {
    head: Position,
    // At most the configured number of entries.
    log: VecDeque<Entry>,
    // At most one per node.
    listeners: Vec<Listener>,
}

impl Room {
    pub(super) fn new(head: Position) -> Self {
        Self { head, log: VecDeque::new(), listeners: Vec::new() }
    }

    /// Gives the draft the next place and logs it.
    pub(super) fn append(&mut self, draft: Draft, hot_log: usize) -> Entry {
        self.head = self.head.next();
        let entry = Entry { position: self.head, draft };
        self.log.push_back(entry.clone());
        while self.log.len() > hot_log {
            self.log.pop_front();
        }
        entry
    }

    /// Hands it to every listener.
    pub(super) fn deliver(&self, delivery: &Delivery) {
        for listener in &self.listeners {
            listener.inbox.deliver(delivery.clone());
        }
    }

    /// Empties the body of the entry at `position`, if the log holds it.
    pub(super) fn erase(&mut self, position: Position) {
        if let Ok(index) = self.log.binary_search_by_key(&position, |entry| entry.position) {
            self.log[index].draft.body = Sealed { key: None, bytes: Bytes::new() };
        }
    }

    /// Drops what the log holds up to `through`.
    pub(super) fn forget(&mut self, through: Position) {
        let gone = self.log.partition_point(|entry| entry.position <= through);
        self.log.drain(..gone);
    }

    pub(super) fn listen(&mut self, listener: Listener) {
        if self.listeners.iter().all(|other| other.handle != listener.handle) {
            self.listeners.push(listener);
        }
    }

    pub(super) fn hush(&mut self, handle: u64) {
        self.listeners.retain(|listener| listener.handle != handle);
    }

    /// Whether nothing distinguishes it from a room that was never heard of.
    pub(super) fn is_untouched(&self, head: Position) -> bool {
        self.listeners.is_empty() && self.log.is_empty() && self.head == head
    }

    pub(super) fn after(&self, after: Position, limit: usize) -> Span {
        let first = self.log.partition_point(|entry| entry.position <= after);
        self.span(first, first.saturating_add(limit).min(self.log.len()))
    }

    pub(super) fn newest(&self, before: Option<u64>, limit: usize) -> Span {
        let end = self.log.partition_point(|entry| before.is_none_or(|before| entry.position.seq < before));
        self.span(end.saturating_sub(limit), end)
    }

    fn span(&self, first: usize, end: usize) -> Span {
        Span {
            head: self.head,
            oldest: self.log.front().map(|entry| entry.position),
            entries: self.log.range(first..end).cloned().collect(),
        }
    }
}
