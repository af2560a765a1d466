//! The whole life of one connection, in one task: it reads commands one at a time, and it alone writes what
//! the client sees (invariant 6). While a command is under way, the room flow goes on.
//!
//! `asking`: what the client says. `settling`: what comes of it. `writing`: what the client sees. `opening`: what it is in
//! without a command, and what it comes back to.

mod asking;
mod opening;
mod settling;
mod writing;

use std::collections::VecDeque;
use std::future::pending;
use std::pin::Pin;
use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::time::{Instant, sleep_until};

use super::bucket::{Bucket, Strikes};
use super::core::Resume;
use super::lifetime::{Due, Lifetime};
use super::patience::{Over, patiently};
use super::recovery::Recovery;
use super::seats::{Places, Seats};
use super::session::{Outcome, Session};
use super::{Inbound, Parcel, Transport};
use crate::dialect::{Answer, Misread, Request};
use crate::ports::Attendance;
use crate::words::{CloseReason, Code, Event, Fault, RoomId, RoomRef};

/// Replay up to this size is part of the answer to the join; more comes as ordinary frames before it.
/// Also the most that is written between two flushes, since a write buffer never shrinks.
const PIECE: usize = 16 * 1024;

/// Announcements that wait for the welcome.
const EARLY: usize = 16;

type Work = BoxFuture<'static, Outcome>;
/// The writing of where a client stands, and what is kept of it then.
type Keeping = BoxFuture<'static, Option<Places>>;

/// The command under way.
#[derive(Default)]
struct Underway {
    work: Option<Work>,
    /// The client's mark, for the answer.
    reference: Option<Box<str>>,
    /// Missed events that fit into the answer so far; `None`: they go ahead as frames.
    inline: Option<Vec<Event>>,
    inline_bytes: usize,
}

/// Where a connection begins.
#[derive(Debug, Default)]
pub(super) struct Start {
    /// What the client comes back with.
    pub(super) resume: Option<Resume>,
    /// The room that its address names.
    pub(super) room: Option<RoomRef>,
}

/// One client.
pub(super) struct Connection<T> {
    transport: T,
    session: Arc<Session>,
    seats: Seats,
    underway: Underway,
    // The client's next command, decoded, while one is under way. No further one is read.
    next: Option<Result<Request, Misread>>,
    // Rooms to enter without a command; at most those that the user was added to since the last look.
    summons: VecDeque<RoomId>,
    // Set until the opening is under way; boxed like everything that an idle connection does not need.
    start: Option<Box<Start>>,
    // What the welcome needs, until it is said.
    attendance: Option<Box<Attendance>>,
    named: Option<Box<RoomRef>>,
    // Announcements that came ahead of the welcome; at most `EARLY`, older ones are dropped.
    early: Vec<Arc<Parcel>>,
    welcomed: bool,
    recovery: Option<Box<Recovery>>,
    // The client's past being written, and the answers to pings since it last was.
    keeping: Option<Keeping>,
    proofs: u32,
    // The clock was set anew.
    reset: bool,
    says_goodbye: bool,
    bucket: Bucket,
    bad_frames: Strikes,
    refusals: Strikes,
    lifetime: Lifetime,
}

impl<T: Transport> Connection<T> {
    pub(super) fn new(transport: T, session: Arc<Session>, start: Start) -> Self {
        let limits = session.node.limits();
        let (profile, tracks) = (&session.door.profile, session.recovers());
        Self {
            transport,
            seats: Seats::new(session.outbound.id(), session.identity.user.clone(), tracks),
            underway: Underway::default(),
            next: None,
            summons: VecDeque::new(),
            named: start.room.clone().map(Box::new),
            start: profile.opens().then(|| Box::new(start)),
            attendance: None,
            early: Vec::new(),
            welcomed: false,
            recovery: None,
            keeping: None,
            proofs: 0,
            reset: false,
            says_goodbye: false,
            bucket: Bucket::new(limits.commands_per_second, limits.commands_burst, Instant::now()),
            bad_frames: Strikes::default(),
            refusals: Strikes::default(),
            lifetime: Lifetime::new(limits, session.identity.expires_at, profile.warns_of_expiry),
            session,
        }
    }

    /// Runs until the connection is over, closes the transport, and returns the reason and the rooms still joined.
    pub(super) async fn run(mut self: Box<Self>) -> (CloseReason, Vec<RoomId>) {
        let Over(reason) = self.live().await;
        // Boxed like everything that an idle connection does not do: its future lies in memory all the time.
        Box::pin(self.part(reason)).await;
        (reason, self.seats.into_rooms())
    }

    async fn live(&mut self) -> Over {
        let mut tick = Box::pin(sleep_until(self.lifetime.next_due()));
        let outbound = self.session.outbound.clone();
        let mut batch = Vec::new();
        loop {
            let step = match self.has_next() {
                // Boxed, and only made when there is something to do: most wake-ups only write.
                true => Box::pin(self.go_on()).await,
                false => Ok(()),
            };
            if let Err(over) = step {
                return over;
            }
            let step = tokio::select! {
                doom = outbound.drain(&mut batch) => match doom {
                    None => self.write(&mut batch).await,
                    Some(reason) => Err(Over(reason)),
                },
                outcome = progress(&mut self.underway.work) => {
                    self.underway.work = None;
                    Box::pin(self.settle(outcome)).await
                }
                places = progress(&mut self.keeping) => {
                    self.keeping = None;
                    if let Some(places) = places {
                        self.proofs = 0;
                        self.seats.kept(places);
                    }
                    Ok(())
                }
                // One frame further: pings are answered and an end is seen while a command is under way.
                inbound = self.transport.receive(), if self.next.is_none() => self.hear(inbound),
                () = &mut tick => {
                    self.reset = true;
                    Box::pin(self.tick()).await
                }
            };
            if std::mem::take(&mut self.reset) {
                tick.as_mut().reset(self.lifetime.next_due());
            }
            if let Err(over) = step {
                return over;
            }
        }
    }

    async fn tick(&mut self) -> Result<(), Over> {
        match self.lifetime.due() {
            Due::Nothing => Ok(()),
            Due::Ping => {
                self.seats.pinged();
                let ping = self.transport.ping();
                patiently(&self.session.outbound, &self.lifetime, ping).await?;
                self.flush().await
            }
            Due::Warn(remaining) => self.say(&Answer::TokenExpiring { remaining }, None).await,
            Due::End(CloseReason::TokenExpired) => {
                let fault = Fault::new(Code::TokenExpired, "the token has expired");
                self.say(&Answer::Refused(fault), None).await?;
                Err(Over(CloseReason::TokenExpired))
            }
            Due::End(reason) => Err(Over(reason)),
        }
    }

    /// Says goodbye, and to the rooms that the client was writing in that it has stopped.
    async fn part(&mut self, reason: CloseReason) {
        self.transport.close(reason).await;
        for room in self.seats.typing() {
            self.session.stop_writing(room).await;
        }
        if let Some(recovery) = self.recovery.take()
            && (self.says_goodbye || reason == CloseReason::PositionLost)
        {
            recovery.forget(&self.session.node).await;
        }
    }
}

/// What is under way, or nothing for ever.
async fn progress<T>(work: &mut Option<Pin<Box<dyn Future<Output = T> + Send>>>) -> T {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}
