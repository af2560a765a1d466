//! The long-polling sessions of one node, by their private id.
//!
//! Owns who is found under which id, and how many there may be. A session on a WebSocket alone is not listed:
//! nobody else asks for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::mailbox::Mailbox;

/// Every listed session.
#[derive(Default)]
pub(super) struct Registry {
    // A std mutex: held for one look, never across an await.
    sessions: Mutex<HashMap<Box<str>, Arc<Mailbox>>>,
}

impl Registry {
    pub(super) fn find(&self, sid: &str) -> Option<Arc<Mailbox>> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner).get(sid).cloned()
    }

    /// Lists a session under `sid`, until the entry is dropped; `None` when there are `most` already.
    pub(super) fn enter(
        self: &Arc<Self>,
        sid: Box<str>,
        mailbox: &Arc<Mailbox>,
        most: usize,
    ) -> Option<Entry> {
        let mut sessions = self.sessions.lock().unwrap_or_else(PoisonError::into_inner);
        if sessions.len() >= most {
            return None;
        }
        sessions.insert(sid.clone(), mailbox.clone());
        Some(Entry { registry: self.clone(), sid })
    }
}

/// A place in the registry.
pub(super) struct Entry {
    registry: Arc<Registry>,
    sid: Box<str>,
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.sessions.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.sid);
    }
}
