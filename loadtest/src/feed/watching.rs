//! A viewer: connects to an event's feed, judges every frame, and comes back until the run closes.
//!
//! Owns the connection and what a frame means. The branches of its loop are cancel-safe: reading a frame, a stage
//! change, the deadline of silence.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::StreamExt;
use serde::Deserialize;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::{
    client::backoff,
    feed::{
        board::{Arrival, What, Word},
        closing,
        eye::{Eye, Sight},
        shows::{Show, contradiction, lock, measure},
    },
    run::{control::Stage, world::World},
    wire::{
        connection::{self, OpenError, Socket},
        message::Text,
        transport::Transport,
    },
};

const GOODBYE: Duration = Duration::from_secs(1);

/// Every field of every frame that a viewer reads.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    event_id: Option<u64>,
    #[serde(borrow)]
    booking_id: Option<Text<'a>>,
    available_seats: Option<i64>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    #[serde(default)]
    retry_after_ms: u64,
}

struct Viewer<'a> {
    world: &'a World,
    show: &'a Show,
    user: usize,
    eye: Arc<Mutex<Eye>>,
    ever_watched: bool,
    retries: u32,
    return_after: Duration,
}

/// How a connection ended.
#[derive(Debug, PartialEq, Eq)]
enum Ending {
    Done,
    Closed(u16),
    Broken,
    Silent,
}

/// The whole life.
pub(super) async fn live(world: &World, user: usize, token: &str) {
    let Some(show) = world.shows.at(user) else { return };
    let eye = Arc::new(Mutex::new(Eye::default()));
    show.admit(&eye);
    let mut viewer =
        Viewer { world, show, user, eye, ever_watched: false, retries: 0, return_after: Duration::ZERO };
    let mut turn = user;
    loop {
        match viewer.connect(turn, token).await {
            Ok(mut socket) => {
                let standing = world.tally.stand();
                let ending = viewer.watch(&mut socket).await;
                drop(standing);
                if ending == Ending::Done {
                    let _ = timeout(GOODBYE, socket.close(None)).await;
                    return;
                }
                lock(&viewer.eye).closes();
                if viewer.count(&ending) {
                    return;
                }
            }
            Err(error) => world.tally.error(error.code()),
        }
        turn += 1;
        if viewer.wait().await {
            return;
        }
    }
}

impl Viewer<'_> {
    async fn connect(&self, turn: usize, token: &str) -> Result<Socket, OpenError> {
        let address = &self.world.addresses[turn % self.world.addresses.len()];
        let source = connection::source_address(self.world.scenario.source_addresses, self.user);
        let url = format!("ws://{address}/ws/events/{}?token={token}", self.show.id);
        connection::open(address, source, &url, Transport::WebSocket).await
    }

    async fn watch(&mut self, socket: &mut Socket) -> Ending {
        let mut stages = self.world.control.stages();
        let silence = self.world.scenario.silence;
        let mut deadline = std::pin::pin!(sleep_until(Instant::now() + silence));
        loop {
            tokio::select! {
                frame = socket.next() => {
                    deadline.as_mut().reset(Instant::now() + silence);
                    if let Some(ending) = self.take(frame) {
                        return ending;
                    }
                }
                () = closing(&mut stages) => return Ending::Done,
                () = &mut deadline => return Ending::Silent,
            }
        }
    }

    fn take(&mut self, frame: Option<Result<Message, Error>>) -> Option<Ending> {
        match frame {
            Some(Ok(Message::Text(text))) => self.read(text.as_str()),
            Some(Ok(Message::Close(frame))) => {
                return Some(Ending::Closed(frame.map_or(1005, |frame| frame.code.into())));
            }
            // Signs of life; this door says nothing in bytes.
            Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => {}
            Some(Err(_)) | None => return Some(Ending::Broken),
        }
        None
    }

    fn read(&mut self, text: &str) {
        let Ok(frame) = serde_json::from_str::<Frame<'_>>(text) else {
            return self.world.tally.error("unreadable frame");
        };
        match &*frame.kind.0 {
            "booking_created" => self.see(&frame, What::Created),
            "booking_cancelled" => self.see(&frame, What::Cancelled),
            "connection_established" if frame.event_id == Some(self.show.id) => self.begin(),
            "connection_established" => self.world.tally.error("feed of another event"),
            "reconnect" => self.return_after = Duration::from_millis(frame.retry_after_ms),
            "error" => self.world.tally.error(frame.code.as_ref().map_or("error", |code| &code.0)),
            _ => {}
        }
    }

    /// The subscription stands. Nobody books while everybody connects for the first time.
    fn begin(&mut self) {
        let untouched = *self.world.control.stages().borrow() == Stage::Joining && !self.ever_watched;
        let seats = self.show.board().seats();
        lock(&self.eye).opens(untouched.then_some(seats));
        self.retries = 0;
        if std::mem::replace(&mut self.ever_watched, true) {
            self.world.tally.reconnects.add(1);
        } else {
            self.world.tally.joined.add(1);
        }
    }

    fn see(&mut self, frame: &Frame<'_>, what: What) {
        let (world, now) = (self.world, self.world.clock.now());
        let (Some(Text(booking)), Some(available)) = (&frame.booking_id, frame.available_seats) else {
            return world.tally.error("unreadable frame");
        };
        if frame.event_id != Some(self.show.id) {
            return world.tally.error("frame of a foreign event");
        }
        let word = Word { booking, what, available: Some(available) };
        let (index, agrees) = self.show.board().told(word);
        if !agrees {
            contradiction(world, self.show.id, &word, "a frame");
        }
        let sight = lock(&self.eye).see(index, what, available);
        self.judge(sight, booking, available);
        if sight == Sight::Repeat {
            return;
        }
        world.tally.delivered.add(1);
        if let Some(stamp) = self.show.board().arrived(index, Arrival { user: self.user, at: now }) {
            measure(world, self.user, stamp, now);
        }
    }

    fn judge(&self, sight: Sight, booking: &str, available: i64) {
        let (counter, what) = match sight {
            Sight::Next => return,
            Sight::Jump => (&self.world.tally.gaps, "does not follow the seats before it"),
            Sight::Repeat => (&self.world.tally.repeated, "was told before"),
        };
        counter.add(1);
        let (event, user) = (self.show.id, self.user);
        self.world.tally.finding(|| {
            format!(
                "event {event}: user {user} was told that {booking} leaves {available} seats, which {what}"
            )
        });
    }

    /// Counts a lost connection; true if the server wants this viewer to stay away.
    fn count(&self, ending: &Ending) -> bool {
        self.world.tally.cuts.add(1);
        let (code, stays_away) = match ending {
            Ending::Done => return true,
            Ending::Closed(code) => {
                (format!("close {code}"), !matches!(code, 1000..=1007 | 1009..=1999 | 4000..=4499))
            }
            Ending::Broken => ("transport".into(), false),
            Ending::Silent => ("silence".into(), false),
        };
        self.world.tally.error(&code);
        if stays_away {
            self.world.tally.finding(|| format!("viewer {} was told to stay away: {code}", self.user));
        }
        stays_away
    }

    /// Waits until the next attempt; true if the run closes meanwhile.
    async fn wait(&mut self) -> bool {
        let wait = backoff::wait(self.retries) + std::mem::take(&mut self.return_after);
        self.retries += 1;
        let mut stages = self.world.control.stages();
        tokio::select! {
            () = closing(&mut stages) => true,
            () = sleep(wait) => false,
        }
    }
}
