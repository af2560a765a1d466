//! A standing connection: join, listen, send what is due, notice silence.
//!
//! Owns the select loop, its one timer and everything that goes out. All branches are cancel-safe: reading a frame,
//! waiting for the timer, a stage change, a finished walk.

use std::time::Duration;

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{
    client::life::{Client, Ending},
    client::outbox::{Draft, Parcel},
    client::pace::Schedule,
    run::control::Stage,
    wire::connection::Socket,
    wire::message::{Author, Stamp},
};

/// A join that is not answered within this time costs the connection.
const JOIN_PATIENCE: Duration = Duration::from_secs(10);
/// A server that takes nothing for this long is gone.
const SEND_PATIENCE: Duration = Duration::from_secs(5);
/// Frames handled in one go before the timer is looked at again.
const BATCH: usize = 64;

/// The clocks of one connection.
pub(crate) struct Conversation {
    /// When the connection stood, in microseconds of the run's clock.
    since: u64,
    last_frame: Instant,
    join_deadline: Instant,
    /// When refused joins are sent again.
    pub(crate) rejoin_at: Option<Instant>,
    /// Every place is joined: sending may begin.
    pub(crate) complete: bool,
    /// What the server is owed at once: an introduction, a sign of life.
    pub(crate) owed: Option<String>,
}

/// Whether the connection goes on.
pub(crate) type Flow = Result<(), Ending>;

impl Client {
    /// Talks until the connection ends, and says how it ended.
    pub(crate) async fn converse(&mut self, socket: &mut Socket) -> Ending {
        let now = Instant::now();
        let mut conversation = Conversation {
            since: self.world.clock.now(),
            last_frame: now,
            join_deadline: now + JOIN_PATIENCE,
            rejoin_at: self.world.dialect.admits_at_once().then_some(now),
            complete: false,
            owed: None,
        };
        for place in &mut self.places {
            place.joined = false;
            place.replay.clear();
        }
        match self.talk(socket, &mut conversation).await {
            Ok(()) => Ending::Done,
            Err(ending) => ending,
        }
    }

    async fn talk(&mut self, socket: &mut Socket, conversation: &mut Conversation) -> Flow {
        let mut timer = std::pin::pin!(sleep_until(Instant::now()));
        loop {
            if self.take_stage() {
                return Ok(());
            }
            self.pump(socket, conversation).await?;
            let wake = self.next_wake(conversation);
            if timer.deadline() != wake {
                timer.as_mut().reset(wake);
            }
            tokio::select! {
                frame = socket.next() => self.listen(socket, frame, conversation)?,
                () = &mut timer => self.check_patience(conversation)?,
                _ = self.stages.changed() => {}
                Some(walk) = self.walks.join_next(), if !self.walks.is_empty() => self.merge_walk(walk),
            }
        }
    }

    /// Takes in where the run is; true when it closes.
    fn take_stage(&mut self) -> bool {
        let stage = *self.stages.borrow_and_update();
        let since = match stage {
            Stage::Joining => return false,
            Stage::Closing => return true,
            Stage::Sending { since } | Stage::Settling { since, .. } | Stage::Sweeping { since, .. } => since,
        };
        let scenario = &self.world.scenario;
        let senders = scenario.sender_count();
        if self.schedule.is_none() && self.user < senders {
            self.schedule = Some(Schedule::new(since, scenario.rate, senders, self.user));
        }
        false
    }

    /// Handles a frame and whatever else has already arrived.
    fn listen(
        &mut self,
        socket: &mut Socket,
        first: Option<Result<Message, Error>>,
        conversation: &mut Conversation,
    ) -> Flow {
        conversation.last_frame = Instant::now();
        let mut frame = Some(first);
        for _ in 0..BATCH {
            match frame {
                Some(Some(Ok(message))) => self.take_message(&message, conversation)?,
                Some(Some(Err(_)) | None) => return Err(Ending::Broken),
                None => break,
            }
            frame = socket.next().now_or_never();
        }
        Ok(())
    }

    fn take_message(&mut self, message: &Message, conversation: &mut Conversation) -> Flow {
        match message {
            Message::Text(text) => self.hear(text.as_str(), conversation)?,
            Message::Binary(bytes) => {
                self.hear(std::str::from_utf8(bytes).unwrap_or_default(), conversation)?
            }
            Message::Close(frame) => {
                let code = frame.as_ref().map_or(1005, |frame| u16::from(frame.code));
                return Err(Ending::Closed(code));
            }
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
        }
        Ok(())
    }

    fn check_patience(&self, conversation: &Conversation) -> Flow {
        let now = Instant::now();
        if now >= conversation.last_frame + self.world.scenario.silence {
            return Err(Ending::Silent);
        }
        if !conversation.complete && now >= conversation.join_deadline {
            return Err(Ending::Unanswered);
        }
        Ok(())
    }

    fn next_wake(&self, conversation: &Conversation) -> Instant {
        let now = Instant::now();
        let silence = conversation.last_frame + self.world.scenario.silence;
        let sending = if conversation.complete {
            [self.outbox.due(now), self.next_draft()]
        } else {
            [Some(conversation.join_deadline), conversation.rejoin_at]
        };
        let walk = self.next_walk();
        sending.into_iter().flatten().chain(walk).fold(silence, Instant::min)
    }

    /// When the schedule has the next message; absent when it has none any more.
    fn next_draft(&self) -> Option<Instant> {
        let due = self.schedule.as_ref()?.due();
        match *self.stages.borrow() {
            Stage::Sending { .. } => Some(due),
            Stage::Settling { until, .. } | Stage::Sweeping { until, .. } => (due < until).then_some(due),
            Stage::Joining | Stage::Closing => None,
        }
    }

    /// Puts on the wire whatever is due: joins, new messages, repeats; starts walks through the history.
    async fn pump(&mut self, socket: &mut Socket, conversation: &mut Conversation) -> Flow {
        let now = Instant::now();
        self.start_walks(now);
        let mut frames = Vec::from_iter(conversation.owed.take());
        if conversation.complete {
            self.due_chats(now, conversation, &mut frames);
        } else {
            self.due_joins(now, conversation, &mut frames);
        }
        if frames.is_empty() {
            return Ok(());
        }
        let written = timeout(SEND_PATIENCE, write(socket, frames)).await;
        written.map_err(|_| Ending::Silent)?.map_err(|_| Ending::Broken)
    }

    fn due_joins(&self, now: Instant, conversation: &mut Conversation, frames: &mut Vec<String>) {
        if conversation.rejoin_at.is_none_or(|moment| moment > now) {
            return;
        }
        conversation.rejoin_at = None;
        let join = |place: &crate::client::life::Place| {
            let resume = crate::judge::room::lock(&place.seat).resume();
            self.world.dialect.join(&self.world.rooms[place.room].name, resume)
        };
        frames.extend(self.places.iter().filter(|place| !place.joined).map(join));
    }

    fn due_chats(&mut self, now: Instant, conversation: &Conversation, frames: &mut Vec<String>) {
        self.draft_due(now);
        while let Some(parcel) = self.outbox.next(now) {
            let (draft, frame, text) = match parcel {
                Parcel::Again { draft, text } => {
                    self.world.tally.resent.add(1);
                    (draft, self.chat_frame(draft, text), None)
                }
                Parcel::First(draft) => {
                    let text = self.first_text(draft, conversation);
                    (draft, self.chat_frame(draft, &text), Some(text))
                }
            };
            frames.push(frame);
            self.outbox.flown(draft, text, now);
        }
    }

    /// Moves what the schedule holds up to now into the outbox, with the moment at which it was due.
    fn draft_due(&mut self, now: Instant) {
        while self.next_draft().is_some_and(|due| due <= now) {
            let Some(schedule) = &mut self.schedule else { return };
            let intended = self.world.clock.at(schedule.take());
            let number = self.next_number;
            self.next_number += 1;
            let place = self.place_of_number(number);
            if !self.outbox.push(Draft { number, place, intended }) {
                self.world.tally.shed.add(1);
            }
        }
    }

    /// The place that a message of this client goes to: all in turn.
    pub(crate) fn place_of_number(&self, number: u32) -> usize {
        number as usize % self.places.len()
    }

    fn first_text(&self, draft: Draft, conversation: &Conversation) -> String {
        let stamp = Stamp { intended: draft.intended, sent: self.world.clock.now() };
        self.world.tally.sent.add(1);
        if conversation.since <= stamp.intended && self.world.is_measured(stamp) {
            self.world.latency.lag(self.user, stamp.sent.saturating_sub(stamp.intended));
        }
        self.world.run.text(self.author(draft.number), stamp, self.world.scenario.text_bytes)
    }

    fn chat_frame(&self, draft: Draft, text: &str) -> String {
        let room = &self.world.rooms[self.places[draft.place].room].name;
        self.world.dialect.chat(room, self.author(draft.number), text)
    }

    /// The mark of this client's message of that number.
    pub(crate) fn author(&self, number: u32) -> Author {
        Author { user: u32::try_from(self.user).unwrap_or(u32::MAX), number }
    }
}

/// Many frames, one flush.
async fn write(socket: &mut Socket, frames: Vec<String>) -> Result<(), Error> {
    for frame in frames {
        socket.feed(Message::text(frame)).await?;
    }
    socket.flush().await
}
