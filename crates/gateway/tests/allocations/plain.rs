//! Members of the node's own: a transport that counts what it is fed, and nothing else. Benchmarks use them too.
#![allow(dead_code, reason = "each binary uses its own part")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use bytes::Bytes;
use domain::node::{Gone, Inbound, Transport, Visitor};
use domain::words::CloseReason;

use super::client::PATIENCE;
use super::edge::{self, Edge};

struct Counter {
    asked: bool,
    heard: Arc<AtomicUsize>,
}

impl Transport for Counter {
    async fn receive(&mut self) -> Inbound {
        if !std::mem::replace(&mut self.asked, true) {
            return Inbound::Frame(Bytes::from_static(br#"{"type":"join_room","roomId":"lounge"}"#));
        }
        std::future::pending().await
    }

    async fn feed(&mut self, frame: Bytes) -> Result<(), Gone> {
        let counts = frame.starts_with(br#"{"type":"chat""#) || frame.starts_with(br#"{"type":"joined""#);
        self.heard.fetch_add(usize::from(counts), Ordering::Relaxed);
        Ok(())
    }

    async fn flush(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), Gone> {
        Ok(())
    }

    async fn close(&mut self, _: CloseReason) {}
}

/// Some of them in the one room.
pub(crate) struct Members {
    count: usize,
    wanted: AtomicUsize,
    heard: Arc<AtomicUsize>,
}

impl Members {
    /// As many members; they are in once they have heard one frame each.
    pub(crate) fn join(edge: &Edge, count: usize) -> Self {
        let heard = Arc::new(AtomicUsize::new(0));
        for number in 0..count {
            let transport = Counter { asked: false, heard: heard.clone() };
            let visitor = Visitor::new(edge::identity(number));
            edge.runtime.spawn(edge.node.clone().serve(transport, edge.rooms.clone(), visitor));
        }
        Self { count, wanted: AtomicUsize::new(0), heard }
    }

    /// Waits, on a thread of its own, until each of them has heard so many more.
    pub(crate) fn hear(&self, frames: usize) {
        let wanted = self.want(frames);
        let begun = Instant::now();
        while self.heard.load(Ordering::Relaxed) < wanted {
            assert!(begun.elapsed() < PATIENCE, "all members hear it in time");
            std::thread::yield_now();
        }
    }

    /// The same as a task among theirs.
    pub(crate) async fn heard(&self, frames: usize) {
        let wanted = self.want(frames);
        while self.heard.load(Ordering::Relaxed) < wanted {
            tokio::task::yield_now().await;
        }
    }

    fn want(&self, frames: usize) -> usize {
        let more = frames * self.count;
        self.wanted.fetch_add(more, Ordering::Relaxed) + more
    }
}
