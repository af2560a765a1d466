//! What waits for one client: bounded in frames and bytes, with a policy when full.
//!
//! Durable frames: the connection is doomed with a resumable code, so nothing is lost silently.
//! Droppable frames are dropped from half full on. Any task may push; only the connection's own task drains.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::time::Instant;

use super::Parcel;
use super::pacer::Pacer;
use crate::dialect::Answer;
use crate::words::{CloseReason, ConnectionId, Limits, Position, RoomId};

/// One thing to show a client.
#[derive(Debug, Clone)]
pub enum Item {
    /// A room event, shared with the room's other members.
    Parcel(Arc<Parcel>),
    /// Something that the node itself has to say.
    Notice(Arc<Answer>),
    /// Something for this connection, whatever it is in.
    Direct(Arc<Parcel>),
    /// The client's user was given a role.
    Assigned,
    /// Everything of the room up to here is committed.
    Stored(RoomId, Position),
    /// The user belongs to this room: join it, where the door joins such rooms. `anew`: since just now; otherwise a client
    /// that left it stays away.
    Enter {
        /// The room.
        room: RoomId,
        /// Since just now.
        anew: bool,
    },
    /// The user does not belong to this room any more; the hub has let go of the connection.
    Expelled(RoomId),
}

impl Item {
    fn weight(&self) -> usize {
        match self {
            Self::Parcel(parcel) | Self::Direct(parcel) => parcel.weight(),
            Self::Notice(_) | Self::Assigned | Self::Stored(..) | Self::Enter { .. } | Self::Expelled(_) => {
                64
            }
        }
    }
}

/// What happens to a frame when the queue fills up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Never dropped: the connection is closed instead, and the client resumes.
    Durable,
    /// Dropped from half full on: typing, presence, stats.
    Droppable,
}

#[derive(Debug, Default)]
struct State {
    queue: VecDeque<Item>,
    bytes: usize,
    doom: Option<CloseReason>,
    waker: Option<Waker>,
    // When the client was written to last; known on a busy node only.
    written: Option<Instant>,
}

/// The queue of one connection.
#[derive(Debug)]
pub struct Outbound {
    id: ConnectionId,
    frames: usize,
    bytes: usize,
    pacer: Arc<Pacer>,
    // A std mutex: held for a push or a swap, never across an await.
    state: Mutex<State>,
}

/// How long a write may still take once the connection is to end.
const LAST_WRITE: Duration = Duration::from_secs(2);
/// An idle queue keeps no more room than this; 10,000 idle connections are 10,000 queues.
const IDLE_CAPACITY: usize = 8;

impl Outbound {
    /// An empty queue for `id`, with the limits' frames and bytes, written at the node's pace.
    pub(super) fn new(id: ConnectionId, limits: &Limits, pacer: Arc<Pacer>) -> Self {
        let or_all = |limit: usize| if limit == 0 { usize::MAX } else { limit };
        Self {
            id,
            frames: or_all(limits.outbound_frames),
            bytes: or_all(limits.outbound_bytes),
            pacer,
            state: Mutex::default(),
        }
    }

    /// Whose queue it is.
    pub fn id(&self) -> ConnectionId {
        self.id
    }

    /// Adds an item, or applies the class's policy when there is no room for it.
    pub fn push(&self, item: Item, class: Class) {
        let mut state = self.state();
        if state.doom.is_some() {
            return;
        }
        let weight = item.weight();
        let (frames, bytes) = (state.queue.len() + 1, state.bytes + weight);
        match class {
            Class::Droppable if frames > self.frames / 2 || bytes > self.bytes / 2 => {
                metrics::counter!("hubbub_outbound_dropped_total").increment(1);
                return;
            }
            Class::Durable if frames > self.frames || bytes > self.bytes => {
                state.queue = VecDeque::new();
                state.doom = Some(CloseReason::SlowConsumer);
            }
            Class::Durable | Class::Droppable => {
                state.bytes = bytes;
                state.queue.push_back(item);
                if self.waits(&state) {
                    return self.put_off(state);
                }
            }
        }
        wake(state);
    }

    /// Whether the client was written to so lately that more can wait for the node's next beat, as long as little waits.
    fn waits(&self, state: &State) -> bool {
        let Some(beat) = self.pacer.beat() else { return false };
        state.queue.len() < self.frames / 4
            && state.bytes < self.bytes / 4
            && state.written.is_some_and(|written| written.elapsed() < beat)
    }

    fn put_off(&self, mut state: MutexGuard<'_, State>) {
        let waker = state.waker.take();
        drop(state);
        if let Some(waker) = waker {
            self.pacer.put_off(waker);
        }
    }

    /// Ends the connection once what waits is written. The first reason stands.
    pub fn doom(&self, reason: CloseReason) {
        let mut state = self.state();
        state.doom.get_or_insert(reason);
        wake(state);
    }

    /// Waits until there is something to write, then moves all of it into `batch`; or says, once the queue is
    /// empty, why the connection ends. Cancel-safe: nothing is taken before it is ready.
    pub async fn drain(&self, batch: &mut Vec<Item>) -> Option<CloseReason> {
        poll_fn(|context| {
            let mut state = self.state();
            if !state.queue.is_empty() {
                state.bytes = 0;
                self.pacer.stir();
                state.written = self.pacer.beat().map(|_| Instant::now());
                let taken = state.queue.len();
                batch.extend(state.queue.drain(..));
                // Not after every burst: the next one is likely as large.
                if taken < state.queue.capacity() / 4 {
                    state.queue.shrink_to(IDLE_CAPACITY);
                }
                return Poll::Ready(None);
            }
            if let Some(reason) = state.doom {
                return Poll::Ready(Some(reason));
            }
            register(&mut state, context.waker());
            Poll::Pending
        })
        .await
    }

    /// Waits until a write that is under way must be given up: at once when the client is too slow, and a little
    /// after any other end, so that a client that reads still gets what waited.
    pub async fn given_up(&self) -> CloseReason {
        let doom = poll_fn(|context| {
            let mut state = self.state();
            match state.doom {
                Some(reason) => Poll::Ready(reason),
                None => {
                    register(&mut state, context.waker());
                    Poll::Pending
                }
            }
        })
        .await;
        if doom != CloseReason::SlowConsumer {
            tokio::time::sleep(LAST_WRITE).await;
        }
        doom
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn register(state: &mut State, waker: &Waker) {
    if !state.waker.as_ref().is_some_and(|known| known.will_wake(waker)) {
        state.waker = Some(waker.clone());
    }
}

/// Wakes the writer after the lock is released, so that it does not run into it.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn notice() -> Item {
        Item::Notice(Arc::new(Answer::Reconnect { retry_after: Duration::from_secs(1) }))
    }

    fn queue(frames: usize, bytes: usize) -> Outbound {
        let limits = Limits { outbound_frames: frames, outbound_bytes: bytes, ..Limits::default() };
        Outbound::new(ConnectionId::new(), &limits, Arc::default())
    }

    #[tokio::test]
    async fn what_was_pushed_is_drained_in_order_and_at_once() {
        let outbound = queue(10, 0);
        for _ in 0..3 {
            outbound.push(notice(), Class::Durable);
        }
        let mut batch = Vec::new();
        assert_eq!(outbound.drain(&mut batch).await, None);
        assert_eq!(batch.len(), 3);
    }

    #[tokio::test]
    async fn a_full_queue_dooms_the_connection_rather_than_lose_a_durable_frame() {
        let outbound = queue(2, 0);
        for _ in 0..3 {
            outbound.push(notice(), Class::Durable);
        }
        assert_eq!(outbound.given_up().await, CloseReason::SlowConsumer);
        assert_eq!(outbound.drain(&mut Vec::new()).await, Some(CloseReason::SlowConsumer));
    }

    #[tokio::test(start_paused = true)]
    async fn a_write_under_way_is_given_up_soon_after_the_connection_is_to_end() {
        let outbound = queue(2, 0);
        outbound.doom(CloseReason::Draining);
        let start = tokio::time::Instant::now();
        assert_eq!(outbound.given_up().await, CloseReason::Draining);
        assert_eq!(start.elapsed(), LAST_WRITE);
    }

    #[tokio::test]
    async fn the_budget_of_bytes_binds_like_that_of_frames() {
        let outbound = queue(0, 100);
        outbound.push(notice(), Class::Durable);
        outbound.push(notice(), Class::Durable);
        assert_eq!(outbound.drain(&mut Vec::new()).await, Some(CloseReason::SlowConsumer));
    }

    #[tokio::test]
    async fn droppable_frames_are_dropped_from_half_full_on() {
        let outbound = queue(4, 0);
        for _ in 0..4 {
            outbound.push(notice(), Class::Droppable);
        }
        let mut batch = Vec::new();
        assert_eq!(outbound.drain(&mut batch).await, None);
        assert_eq!(batch.len(), 2);
    }

    #[tokio::test]
    async fn a_doomed_connection_still_gets_what_waited_and_the_first_reason() {
        let outbound = queue(4, 0);
        outbound.push(notice(), Class::Durable);
        outbound.doom(CloseReason::Draining);
        outbound.doom(CloseReason::Kicked);
        outbound.push(notice(), Class::Durable);
        let mut batch = Vec::new();
        assert_eq!(outbound.drain(&mut batch).await, None);
        assert_eq!(batch.len(), 1);
        assert_eq!(outbound.drain(&mut batch).await, Some(CloseReason::Draining));
    }
}
