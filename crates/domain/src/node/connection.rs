//! The whole life of one connection, in one task: it reads commands one at a time, and it alone writes what
//! the client sees (invariant 6). While a command is under way, the room flow goes on.

use std::collections::VecDeque;
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use tokio::time::{Instant, sleep_until};

use super::bucket::{Bucket, Strikes};
use super::lifetime::{Due, Lifetime};
use super::outbound::Item;
use super::patience::{Over, patiently};
use super::replay::Catch;
use super::seats::Seats;
use super::session::{Outcome, Session};
use super::{Door, Inbound, Parcel, Transport};
use crate::dialect::{Answer, Misread, Request};
use crate::words::{CloseReason, Code, Command, Event, Fault, Form, RoomId};

/// Replay up to this size is part of the answer to the join; more comes as ordinary frames before it.
/// Also the most that is written between two flushes, since a write buffer never shrinks.
const PIECE: usize = 16 * 1024;

type Work = Pin<Box<dyn Future<Output = Outcome> + Send>>;

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

/// One client.
pub(super) struct Connection<T> {
    transport: T,
    door: Arc<Door>,
    session: Arc<Session>,
    seats: Seats,
    underway: Underway,
    // The client's next command, decoded, while one is under way. No further one is read.
    next: Option<Result<Request, Misread>>,
    bucket: Bucket,
    bad_frames: Strikes,
    refusals: Strikes,
    lifetime: Lifetime,
}

impl<T: Transport> Connection<T> {
    pub(super) fn new(transport: T, door: Arc<Door>, session: Arc<Session>) -> Self {
        let limits = session.node.limits();
        Self {
            transport,
            seats: Seats::new(session.outbound.id()),
            underway: Underway::default(),
            next: None,
            bucket: Bucket::new(limits.commands_per_second, limits.commands_burst, Instant::now()),
            bad_frames: Strikes::default(),
            refusals: Strikes::default(),
            lifetime: Lifetime::new(limits, session.identity.expires_at, door.profile.warns_of_expiry),
            door,
            session,
        }
    }

    /// Runs until the connection is over, closes the transport, and returns the reason and the rooms still joined.
    pub(super) async fn run(mut self) -> (CloseReason, Vec<RoomId>) {
        let Over(reason) = self.live().await;
        // Boxed like everything that an idle connection does not do: its future lies in memory all the time.
        Box::pin(self.transport.close(reason)).await;
        (reason, self.seats.into_rooms())
    }

    async fn live(&mut self) -> Over {
        let mut tick = Box::pin(sleep_until(self.lifetime.next_due()));
        let outbound = self.session.outbound.clone();
        let mut batch = Vec::new();
        loop {
            let step = tokio::select! {
                doom = outbound.drain(&mut batch) => match doom {
                    None => self.write(&mut batch).await,
                    Some(reason) => Err(Over(reason)),
                },
                outcome = progress(&mut self.underway.work) => {
                    self.underway.work = None;
                    Box::pin(self.settle(outcome)).await
                }
                // One frame further: pings are answered and an end is seen while a command is under way.
                inbound = self.transport.receive(), if self.next.is_none() => self.hear(inbound),
                () = &mut tick => {
                    let done = Box::pin(self.tick()).await;
                    tick.as_mut().reset(self.lifetime.next_due());
                    done
                }
            };
            let step = match step {
                // Boxed, and only made when there is something to do: most wake-ups only write.
                Ok(()) if self.has_next() => Box::pin(self.go_on()).await,
                step => step,
            };
            if let Err(over) = step {
                return over;
            }
        }
    }

    // ---- what the client sees ----

    async fn write(&mut self, batch: &mut Vec<Item>) -> Result<(), Over> {
        let mut written = 0;
        for item in batch.drain(..) {
            let frame = match item {
                Item::Parcel(parcel) => self.admit(&parcel),
                Item::Notice(answer) => self.door.dialect.answer(&answer, None),
            };
            let Some(frame) = frame else { continue };
            written += frame.len();
            self.feed(frame).await?;
            if written >= PIECE {
                written = 0;
                self.flush().await?;
            }
        }
        if batch.capacity() > 64 {
            *batch = Vec::new();
        }
        self.flush().await
    }

    fn admit(&mut self, parcel: &Arc<Parcel>) -> Option<Bytes> {
        let form = self.seats.admit(parcel)?;
        parcel.frame(&*self.door.dialect, form)
    }

    async fn say(&mut self, answer: &Answer, reference: Option<&str>) -> Result<(), Over> {
        let Some(frame) = self.door.dialect.answer(answer, reference) else { return Ok(()) };
        self.feed(frame).await?;
        self.flush().await
    }

    async fn show(&mut self, events: Vec<Event>, form: Form) -> Result<(), Over> {
        let mut written = 0;
        for event in events {
            let Some(frame) = self.door.dialect.event(&event, form) else { continue };
            written += frame.len();
            self.feed(frame).await?;
            if written >= PIECE {
                written = 0;
                self.flush().await?;
            }
        }
        self.flush().await
    }

    /// Puts a frame into the transport's buffer.
    async fn feed(&mut self, frame: Bytes) -> Result<(), Over> {
        patiently(&self.session.outbound, &self.lifetime, self.transport.feed(frame)).await
    }

    /// Writes the transport's buffer out.
    async fn flush(&mut self) -> Result<(), Over> {
        patiently(&self.session.outbound, &self.lifetime, self.transport.flush()).await
    }

    // ---- what the client says ----

    fn hear(&mut self, inbound: Inbound) -> Result<(), Over> {
        self.lifetime.heard();
        match inbound {
            Inbound::Alive => Ok(()),
            Inbound::Gone => Err(Over(CloseReason::Normal)),
            Inbound::TooLarge => Err(Over(CloseReason::FrameTooLarge)),
            Inbound::Frame(frame) => {
                self.next = Some(self.door.dialect.decode(&frame));
                Ok(())
            }
        }
    }

    fn has_next(&self) -> bool {
        self.underway.work.is_none() && (self.next.is_some() || self.seats.is_ailing())
    }

    /// Takes up what comes next, when no command is under way: healing first, then the client's next command.
    async fn go_on(&mut self) -> Result<(), Over> {
        if self.heal_next() {
            return Ok(());
        }
        match self.next.take() {
            None => Ok(()),
            Some(Ok(request)) => self.ask(request).await,
            Some(Err(misread)) => self.refuse(misread.fault, misread.reference.as_deref()).await,
        }
    }

    async fn ask(&mut self, request: Request) -> Result<(), Over> {
        let Request { command, reference } = request;
        let begun = match self.bucket.take(Instant::now()) {
            Ok(()) => self.begin(command),
            Err(wait) => Err(Fault::retry(Code::RateLimited, "too many commands", wait)),
        };
        match begun {
            Ok(work) => {
                let inline = Some(Vec::new());
                self.underway = Underway { work: Some(work), reference, inline, inline_bytes: 0 };
                Ok(())
            }
            Err(fault) => self.refuse(fault, reference.as_deref()).await,
        }
    }

    fn begin(&mut self, command: Command) -> Result<Work, Fault> {
        let session = self.session.clone();
        match command {
            Command::Join(join) => {
                session.may_join(&join.room.id)?;
                let seen = self.seats.take(&join.room, session.node.limits().rooms)?;
                Ok(Box::pin(session.join(join, seen)))
            }
            Command::Leave(room) => {
                self.seats.begin_leave(&room.id);
                Ok(Box::pin(session.leave(room)))
            }
            Command::Say(say) => {
                if !self.seats.contains(&say.room.id) {
                    return Err(Fault::new(Code::NotInRoom, "join the room first"));
                }
                Ok(Box::pin(session.say(say)))
            }
        }
    }

    /// Answers a "no", and ends the connection of a client that does not take it.
    async fn refuse(&mut self, fault: Fault, reference: Option<&str>) -> Result<(), Over> {
        let (now, limits) = (Instant::now(), self.session.node.limits());
        let (bad_frames, refusals) = (limits.bad_frames, limits.rate_limited);
        let code = fault.code;
        metrics::counter!("hubbub_refused_commands_total", "code" => code.as_str()).increment(1);
        self.say(&Answer::Refused(fault), reference).await?;
        if code.is_bad_frame() && self.bad_frames.add(bad_frames, now) {
            return Err(Over(CloseReason::BadFrames));
        }
        if code == Code::RateLimited && self.refusals.add(refusals, now) {
            return Err(Over(CloseReason::RateAbused));
        }
        Ok(())
    }

    // ---- what comes of it ----

    async fn settle(&mut self, outcome: Outcome) -> Result<(), Over> {
        match outcome {
            Outcome::Quiet => Ok(()),
            Outcome::Answer(Answer::Refused(fault)) => {
                let reference = self.underway.reference.take();
                self.refuse(fault, reference.as_deref()).await
            }
            Outcome::Answer(answer) => {
                let reference = self.underway.reference.take();
                self.say(&answer, reference.as_deref()).await
            }
            Outcome::Show(event) => {
                let form = self.seats.form(event.room());
                self.show(vec![event], form).await
            }
            Outcome::Left(room) => {
                self.seats.remove(&room.id);
                let reference = self.underway.reference.take();
                self.say(&Answer::Left { room }, reference.as_deref()).await
            }
            Outcome::NotJoined(room, fault) => {
                let reference = self.underway.reference.take();
                self.refuse(fault, reference.as_deref()).await?;
                let waited = self.seats.abandon(&room);
                self.catch_up_with(waited).await
            }
            Outcome::Caught(catch, events) => self.replay(catch, events).await,
            Outcome::CaughtUp(catch, page) => self.arrive(catch, page).await,
            Outcome::Extend(catch) => {
                self.extend(catch);
                Ok(())
            }
            Outcome::Lost => Err(Over(CloseReason::PositionLost)),
        }
    }

    /// Takes one piece of a replay: into the answer while that is small, else onto the wire at the client's pace.
    async fn replay(&mut self, catch: Catch, events: Vec<Event>) -> Result<(), Over> {
        let form = catch.room.form;
        let mut early = self.underway.inline.take().unwrap_or_default();
        let fits = catch.is_inline() && self.underway.inline_bytes <= PIECE;
        early.extend(events);
        if fits {
            let length = |event: &Event| self.door.dialect.event(event, form).map_or(0, |frame| frame.len());
            self.underway.inline_bytes = early.iter().map(length).sum();
        }
        if fits && self.underway.inline_bytes <= PIECE {
            self.underway.inline = Some(early);
        } else {
            self.show(early, form).await?;
        }
        let session = self.session.clone();
        self.underway.work = Some(Box::pin(async move { session.catch_up(catch).await }));
        Ok(())
    }

    /// The replay has reached the head: answer, let go of what was held, and go live.
    async fn arrive(&mut self, catch: Catch, page: Vec<Event>) -> Result<(), Over> {
        if !self.seats.advance(&catch.room.id, catch.at) {
            self.extend(catch);
            return Ok(());
        }
        let inline = catch.is_inline();
        let Catch { room, head, join, .. } = catch;
        let id = room.id.clone();
        if let Some(joining) = join {
            let underway = std::mem::take(&mut self.underway);
            let history = if inline { underway.inline.unwrap_or_default() } else { page };
            let (recovered, members) = (joining.recovered, joining.members);
            let answer = Answer::Joined { room, head, recovered, history, members };
            self.say(&answer, underway.reference.as_deref()).await?;
        }
        let waited = self.seats.release(&id);
        self.catch_up_with(waited).await
    }

    async fn catch_up_with(&mut self, waited: VecDeque<Arc<Parcel>>) -> Result<(), Over> {
        self.write(&mut waited.into_iter().map(Item::Parcel).collect()).await
    }

    /// Starts the replay of a room whose live flow met a hole, if there is one.
    fn heal_next(&mut self) -> bool {
        let Some((room, at)) = self.seats.next_ailing() else { return false };
        self.underway = Underway::default();
        self.extend(Catch { room, at, head: at, join: None });
        true
    }

    fn extend(&mut self, catch: Catch) {
        let session = self.session.clone();
        self.underway.work = Some(Box::pin(async move { session.extend(catch).await }));
    }

    async fn tick(&mut self) -> Result<(), Over> {
        match self.lifetime.due() {
            Due::Nothing => Ok(()),
            Due::Ping => {
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
}

/// The command under way, or nothing for ever.
async fn progress(work: &mut Option<Work>) -> Outcome {
    match work {
        Some(work) => work.await,
        None => pending().await,
    }
}
