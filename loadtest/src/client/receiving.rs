//! What a client makes of what it hears: every frame goes to the judge, its own messages also to the outbox.

use std::{sync::Arc, time::Duration};

use tokio::time::Instant;

use crate::{
    client::conversation::{Conversation, Flow},
    client::ending::Ending,
    client::life::Client,
    judge::room::lock,
    judge::seat::{Rejoined, Step},
    wire::dialect::{Accepted, Change, Incoming},
    wire::message::{Author, Heard, Stamp},
};

/// How long to wait after a refusal that does not say.
const DEFAULT_RETRY: Duration = Duration::from_secs(1);

/// A `joined` frame without its room.
struct Answer {
    seq: u64,
    epoch: u64,
    recovered: Option<bool>,
}

impl Client {
    /// Takes one text frame.
    pub(crate) fn hear(&mut self, text: &str, conversation: &mut Conversation) -> Flow {
        let world = Arc::clone(&self.world);
        let dialect = &world.parties[self.membership.party].dialect;
        match dialect.read(text) {
            Ok(Incoming::Greeted) => conversation.owed = dialect.introduction(&self.token),
            Ok(Incoming::Heartbeat) => conversation.owed = dialect.sign_of_life(),
            Ok(Incoming::Admitted) => conversation.rejoin_at = Some(Instant::now()),
            Ok(Incoming::Barred { code }) => {
                world.tally.error(&code);
                return Err(Ending::Unwanted);
            }
            Ok(Incoming::Dismissed) => return Err(Ending::Unwanted),
            Ok(Incoming::Accepted { number, accepted }) => self.on_accepted(number, accepted),
            Ok(Incoming::Chat { room, heard }) => self.on_chat(&room, heard),
            Ok(Incoming::Joined { room, seq, epoch, recovered, history }) => {
                self.on_joined(&room, &Answer { seq, epoch, recovered }, history);
                self.check_complete(conversation);
            }
            Ok(Incoming::Changed { room, heard, change }) => self.on_changed(&room, heard, change),
            Ok(Incoming::Page { room, messages, next_before }) => {
                if let Some(index) = self.place_of(&room) {
                    self.take_page(index, &messages, next_before);
                }
            }
            Ok(Incoming::Left { room }) => self.on_left(room.as_deref(), conversation),
            Ok(Incoming::Passing { room }) => drop(self.place_of(&room)),
            Ok(Incoming::Resync { room, epoch, seq }) => self.on_resync(&room, epoch, seq),
            Ok(Incoming::Error { code, retry_after_ms }) => {
                self.on_error(&code, retry_after_ms, conversation)
            }
            Ok(Incoming::Reconnect { retry_after_ms }) => {
                self.return_after = Some(Duration::from_millis(retry_after_ms));
            }
            Ok(Incoming::Other) => {}
            Err(_) => self.world.tally.error("unreadable frame"),
        }
        Ok(())
    }

    fn place_of(&self, room: &str) -> Option<usize> {
        let place = self.by_name.get(room).copied();
        if place.is_none() {
            self.world.tally.error("frame of a foreign room");
        }
        place
    }

    fn on_chat(&mut self, room: &str, heard: Heard) {
        let Some(index) = self.place_of(room) else { return };
        let heard = self.world.rooms[self.places[index].room].number(heard);
        if self.places[index].joined {
            self.hear_live(index, heard);
        } else {
            self.places[index].replay.push(heard);
        }
    }

    /// A change has a number like a message, and is judged like one; it counts as no delivery.
    fn on_changed(&mut self, room: &str, heard: Heard, change: Change) {
        let Some(index) = self.place_of(room) else { return };
        if !self.places[index].joined {
            return self.places[index].replay.push(heard);
        }
        let (world, place) = (&self.world, &self.places[index]);
        let room = &world.rooms[place.room];
        let (epoch, step) = {
            let mut seat = lock(&place.seat);
            (seat.epoch(), seat.live(heard.seq))
        };
        room.witness_change(self.user, &heard, epoch, change, &world.tally);
        room.count_step(self.user, heard.seq, &step, &world.tally);
    }

    /// The author, where it is this client and learns by its own message that it is accepted.
    fn own(&self, heard: &Heard) -> Option<Author> {
        let by_echo = self.dialect().acknowledges_by_echo();
        heard.author.filter(|_| by_echo).filter(|author| author.user as usize == self.user)
    }

    fn hear_live(&mut self, index: usize, heard: Heard) {
        let (world, place) = (&self.world, &self.places[index]);
        let room = &world.rooms[place.room];
        let (step, epoch) = {
            let seat = lock(&place.seat);
            (seat.judge(heard.seq), seat.epoch())
        };
        let own = self.own(&heard);
        if let Some(author) = own
            && step != Step::Next
            && self.outbox.was_repeated(author.number)
        {
            return self.hear_answer(index, heard, author, &step);
        }
        room.witness(self.user, &heard, Some(epoch), &world.tally);
        lock(&place.seat).live(heard.seq);
        if room.count_step(self.user, heard.seq, &step, &world.tally) {
            world.tally.delivered.add(1);
            let measured = |stamp: &Stamp| self.party().group.measured && world.is_measured(*stamp);
            if let Some(stamp) = heard.stamp.filter(measured) {
                world.latency.live(self.user, stamp, world.clock.now());
            }
        }
        if let Some(author) = own {
            self.acknowledge(index, author, heard.seq);
        }
        let is_own = heard.author.is_some_and(|author| author.user as usize == self.user);
        self.remember(index, &heard, is_own);
    }

    /// The server's answer to a repeated client id: the first message's own frame, to this socket alone. It may come
    /// before the message itself does (and then only acknowledges it), or long after.
    fn hear_answer(&mut self, index: usize, heard: Heard, author: Author, step: &Step) {
        let (world, place) = (&self.world, &self.places[index]);
        let room = &world.rooms[place.room];
        room.witness(self.user, &heard, None, &world.tally);
        if self.outbox.take_answer(author.number) {
            world.tally.repeat_answers.add(1);
        } else {
            room.count_step(self.user, heard.seq, step, &world.tally);
        }
        self.acknowledge(index, author, heard.seq);
    }

    /// The server's word that it has a message, which testifies to its position like a member does.
    fn on_accepted(&mut self, number: u32, Accepted { seq, id, epoch }: Accepted) {
        let (world, index) = (Arc::clone(&self.world), self.place_of_number(number));
        let room = &world.rooms[self.places[index].room];
        let author = self.author(number);
        let heard = room.number(Heard { seq, id, author: Some(author), stamp: None });
        room.witness(self.user, &heard, epoch, &world.tally);
        if self.acknowledge(index, author, heard.seq) {
            return;
        }
        if self.outbox.take_answer(number) {
            world.tally.repeat_answers.add(1);
        } else {
            world.tally.repeated.add(1);
            world.tally.finding(|| format!("{}: {author:?} is acknowledged more often than sent", room.name));
        }
    }

    /// True the first time.
    fn acknowledge(&mut self, index: usize, author: Author, seq: u64) -> bool {
        let first = self.outbox.acknowledge(author.number);
        if first {
            self.world.tally.acknowledged.add(1);
            self.world.rooms[self.places[index].room].ledger().acknowledge(seq);
        }
        first
    }

    fn on_joined(&mut self, room: &str, answer: &Answer, history: Vec<Heard>) {
        let Some(index) = self.place_of(room) else { return };
        let place = &mut self.places[index];
        let mut replayed = std::mem::take(&mut place.replay);
        replayed.extend(history);
        let again = std::mem::replace(&mut place.joined, true);
        place.anew = false;
        let mut seat = lock(&place.seat);
        if !seat.taken() {
            seat.take(answer.seq, answer.epoch);
        } else if again || !self.world.rooms[place.room].is_numbered() {
            // A join that was repeated after a refusal: the first answer counted, this one only adds. And where
            // nothing is numbered, nothing is replayed that could be judged as such.
            drop(seat);
            replayed.iter().for_each(|heard| self.hear_page(index, heard));
        } else {
            drop(seat);
            self.rejoin(index, answer, &replayed);
        }
    }

    fn rejoin(&mut self, index: usize, answer: &Answer, replayed: &[Heard]) {
        let recovered = answer.recovered.unwrap_or(false);
        let tally = &self.world.tally;
        match answer.recovered {
            Some(true) => tally.recovered_true.add(1),
            Some(false) => tally.recovered_false.add(1),
            // Opened anew, without a wish to resume.
            None => {}
        }
        let place = &self.places[index];
        let room = &self.world.rooms[place.room];
        let same_epoch = lock(&place.seat).epoch() == answer.epoch;
        let epoch = (recovered && same_epoch).then_some(answer.epoch);
        for heard in replayed {
            room.witness(self.user, heard, epoch, tally);
            self.count_recovered(heard, lock(&place.seat).lacks(heard.seq));
        }
        let numbers: Vec<u64> = replayed.iter().map(|heard| heard.seq).collect();
        let answer = Rejoined { seq: answer.seq, epoch: answer.epoch, recovered };
        let breaches = lock(&place.seat).rejoin(answer, &numbers);
        room.count_breaches(self.user, "rejoin", &breaches, tally);
        for heard in replayed {
            if let Some(author) = self.own(heard) {
                self.acknowledge(index, author, heard.seq);
            }
        }
    }

    /// Takes a message out of a page of the history.
    pub(crate) fn hear_page(&mut self, index: usize, heard: &Heard) {
        let place = &self.places[index];
        self.world.rooms[place.room].witness(self.user, heard, None, &self.world.tally);
        let new = lock(&place.seat).fill(heard.seq);
        self.count_recovered(heard, new);
        if let Some(author) = self.own(heard) {
            self.acknowledge(index, author, heard.seq);
        }
    }

    fn count_recovered(&self, heard: &Heard, new: bool) {
        if !new || heard.author.is_none() {
            return;
        }
        self.world.tally.delivered.add(1);
        self.world.tally.recovered.add(1);
        if let Some(stamp) = heard.stamp.filter(|stamp| self.world.is_measured(*stamp)) {
            self.world.latency.recovered(self.user, stamp, self.world.clock.now());
        }
    }

    fn check_complete(&mut self, conversation: &mut Conversation) {
        if conversation.complete || !self.places.iter().all(|place| place.joined && !place.leaving) {
            return;
        }
        conversation.complete = true;
        conversation.rejoin_at = None;
        self.retries = 0;
        self.outbox.reconnected(Instant::now());
        if !std::mem::replace(&mut self.ever_joined, true) {
            self.world.tally.joined.add(1);
        }
        self.end_absence();
    }

    fn on_resync(&mut self, room: &str, epoch: u64, seq: u64) {
        let Some(index) = self.place_of(room) else { return };
        let place = &self.places[index];
        if !place.joined {
            return; // the answer to the join says it all
        }
        self.world.tally.resyncs.add(1);
        let breaches = lock(&place.seat).resync(epoch, seq);
        self.world.rooms[place.room].count_breaches(self.user, "resync", &breaches, &self.world.tally);
    }

    fn on_error(&mut self, code: &str, retry_after_ms: Option<u64>, conversation: &mut Conversation) {
        self.world.tally.error(code);
        let now = Instant::now();
        let wait = retry_after_ms.map_or(DEFAULT_RETRY, Duration::from_millis);
        match code {
            _ if !conversation.complete => conversation.rejoin_at = Some(now + wait),
            "overloaded" | "rate_limited" | "internal" => self.outbox.refused(now, wait),
            // Any other refusal is counted; the message is repeated after the usual silence.
            _ => {}
        }
    }
}
