//! A standing connection: join, listen, send what is due, notice silence.
//!
//! Owns the select loop, its one timer and everything that goes out. All branches are cancel-safe: reading a frame,
//! waiting for the timer, a stage change, a finished walk.

use std::{sync::Arc, time::Duration};

use futures::{FutureExt, SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{
    client::ending::Ending,
    client::life::Client,
    client::outbox::{Draft, Parcel},
    client::pace::Schedule,
    run::control::Stage,
    scenario::class::Reading,
    wire::connection::Socket,
    wire::message::{Author, Stamp},
};

/// A join that is not answered within this time costs the connection.
const JOIN_PATIENCE: Duration = Duration::from_secs(10);
/// A server that takes nothing for this long is gone.
const SEND_PATIENCE: Duration = Duration::from_secs(5);
/// Messages that a client wants to see when it opens a room.
const OPENING_PAGE: u32 = 50;
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
    /// A slow reader, or one that has stopped, takes nothing before this moment.
    deaf_until: Option<Instant>,
    /// When this client stops to read, if it is of that kind.
    stops_at: Option<Instant>,
}

/// Whether the connection goes on.
pub(crate) type Flow = Result<(), Ending>;

impl Conversation {
    fn begin(since: u64, rejoin_at: Option<Instant>, stops_after: Option<Duration>) -> Self {
        let now = Instant::now();
        Self {
            since,
            last_frame: now,
            join_deadline: now + JOIN_PATIENCE,
            rejoin_at,
            complete: false,
            owed: None,
            deaf_until: None,
            stops_at: stops_after.map(|after| now + after),
        }
    }

    /// Not every place is joined any more.
    pub(crate) fn await_joins(&mut self) {
        self.complete = false;
        self.join_deadline = Instant::now() + JOIN_PATIENCE;
    }
}

impl Client {
    /// Talks until the connection ends, and says how it ended.
    pub(crate) async fn converse(&mut self, socket: &mut Socket) -> Ending {
        let rejoin_at = self.dialect().admits_at_once().then(Instant::now);
        let stops_after = self.party().group.reading.stops_after;
        let mut conversation = Conversation::begin(self.world.clock.now(), rejoin_at, stops_after);
        self.skip_storms(Instant::now());
        for place in &mut self.places {
            place.joined = false;
            place.leaving = false;
            place.anew = false;
            place.replay.clear();
            place.memory.reset();
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
            if self.sending_since().is_none() {
                // At the end everybody listens, or the judgement would have to wait for the slowest.
                conversation.deaf_until = None;
            }
            self.pump(socket, conversation).await?;
            let wake = self.next_wake(conversation);
            if timer.deadline() != wake {
                timer.as_mut().reset(wake);
            }
            tokio::select! {
                frame = socket.next(), if conversation.deaf_until.is_none() => {
                    self.listen(socket, frame, conversation)?
                }
                () = &mut timer => {
                    hear_again(conversation);
                    self.check_patience(conversation)?
                }
                _ = self.stages.changed() => {}
                Some(errand) = self.errands.join_next(), if !self.errands.is_empty() => self.take_errand(errand),
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
        let (party, place) = (self.party(), self.membership.place);
        if self.schedule.is_none() && place < party.group.senders && party.group.rate_part > 0.0 {
            self.schedule = Some(Schedule::new(since, Arc::clone(&party.tempo), place));
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
        let reading = self.party().group.reading;
        let batch = if reading.is_prompt() { BATCH } else { 1 };
        let mut frame = Some(first);
        for taken in 0..batch {
            match frame {
                Some(Some(Ok(message))) => self.take_message(&message, conversation)?,
                Some(Some(Err(_)) | None) => return Err(Ending::Broken),
                None => break,
            }
            // A frame that was taken would be lost at the end of the batch.
            let more = taken + 1 < batch;
            frame = if more { socket.next().now_or_never() } else { None };
        }
        if self.sending_since().is_some() {
            fall_deaf(conversation, &reading);
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
        let others =
            [self.next_walk(), self.next_absence(), self.next_deed().filter(|_| conversation.complete)];
        let reading = [conversation.deaf_until, conversation.stops_at];
        let all = sending.into_iter().chain(others).chain(reading);
        all.flatten().fold(silence, Instant::min)
    }

    /// When the schedule has the next message; absent when it has none any more, and for who is about to log out: what
    /// is due now is said when they are back.
    pub(crate) fn next_draft(&self) -> Option<Instant> {
        if self.habit.logging_out && self.sending_since().is_some() {
            return None;
        }
        let due = self.schedule.as_ref()?.due()?;
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
        let mut flow = Ok(());
        if conversation.complete {
            self.due_chats(now, conversation, &mut frames);
            flow = self.due_deeds(now, conversation, &mut frames);
        } else {
            self.due_joins(now, conversation, &mut frames);
        }
        flow = flow.and_then(|()| self.due_absence(now, &mut frames));
        if !frames.is_empty() {
            let written = timeout(SEND_PATIENCE, write(socket, frames)).await;
            written.map_err(|_| Ending::Silent)?.map_err(|_| Ending::Broken)?;
        }
        flow
    }

    fn due_joins(&self, now: Instant, conversation: &mut Conversation, frames: &mut Vec<String>) {
        if conversation.rejoin_at.is_none_or(|moment| moment > now) {
            return;
        }
        conversation.rejoin_at = None;
        let join = |place: &crate::client::life::Place| {
            let name = &self.world.rooms[place.room].name;
            if place.anew {
                return self.dialect().open(name, OPENING_PAGE);
            }
            self.dialect().join(name, crate::judge::room::lock(&place.seat).resume())
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
            let Some(due) = self.schedule.as_mut().and_then(Schedule::take) else { return };
            let intended = self.absence.intended(self.world.clock.at(due));
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
        self.dialect().chat(room, self.author(draft.number), text)
    }

    /// The mark of this client's message of that number.
    pub(crate) fn author(&self, number: u32) -> Author {
        Author { user: u32::try_from(self.user).unwrap_or(u32::MAX), number }
    }
}

/// After a frame a slow reader pauses, and one that stops does so when its time has come.
fn fall_deaf(conversation: &mut Conversation, reading: &Reading) {
    let now = Instant::now();
    conversation.deaf_until = (!reading.pause.is_zero()).then(|| now + reading.pause);
    if conversation.stops_at.is_some_and(|moment| moment <= now) {
        conversation.stops_at = None;
        conversation.deaf_until = Some(now + reading.stops_for.draw());
    }
}

/// Who did not listen cannot say that the server was silent.
fn hear_again(conversation: &mut Conversation) {
    let now = Instant::now();
    if conversation.deaf_until.is_some_and(|moment| moment <= now) {
        conversation.deaf_until = None;
        conversation.last_frame = now;
    }
}

/// Many frames, one flush.
async fn write(socket: &mut Socket, frames: Vec<String>) -> Result<(), Error> {
    for frame in frames {
        socket.feed(Message::text(frame)).await?;
    }
    socket.flush().await
}
