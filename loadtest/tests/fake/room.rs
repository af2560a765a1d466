//! A room of the fake server: its log, its members, and the misdeeds that concern what they hear.

use serde_json::{Value, json};
use tokio::sync::mpsc;
use uuid::Uuid;

use super::{Habits, VICTIM};

#[derive(Clone)]
pub struct Said {
    pub epoch: u64,
    pub seq: u64,
    pub id: Uuid,
    pub user: String,
    pub client_id: String,
    pub text: String,
}

pub struct Member {
    pub connection: u64,
    pub user: String,
    /// Bounded; the tests never have as many frames under way, and a full queue would show as a loss.
    pub frames: mpsc::Sender<String>,
}

#[derive(Default)]
pub struct Room {
    pub epoch: u64,
    pub head: u64,
    pub log: Vec<Said>,
    pub members: Vec<Member>,
    held_back: Option<Said>,
}

impl Said {
    pub fn frame(&self, room: &str) -> Value {
        json!({"type": "chat", "roomId": room, "message": self.text, "userId": self.user, "id": self.id,
               "seq": self.seq, "clientId": self.client_id, "sentAt": "2026-01-01T00:00:00.000Z"})
    }
}

impl Room {
    pub fn known(&self, user: &str, client_id: &str) -> Option<&Said> {
        self.log.iter().find(|said| said.user == user && said.client_id == client_id)
    }

    pub fn epoch(&self) -> u64 {
        self.epoch + 1
    }

    /// Numbers a message, keeps it and tells everyone.
    pub fn say(&mut self, room: &str, user: &str, client_id: &str, text: &str, habits: &Habits) -> Said {
        if habits.new_epoch_at == Some(self.head) && self.epoch == 0 {
            self.begin_epoch(room);
        }
        self.head += 1;
        let said = Said {
            epoch: self.epoch(),
            seq: self.head,
            id: Uuid::now_v7(),
            user: user.into(),
            client_id: client_id.into(),
            text: text.into(),
        };
        self.log.push(said.clone());
        let held_back = self.held_back.take();
        for member in &self.members {
            tell(room, member, &said, held_back.as_ref(), habits);
        }
        self.held_back = (habits.swaps == Some(said.seq)).then(|| said.clone());
        said
    }

    fn begin_epoch(&mut self, room: &str) {
        self.epoch += 1;
        self.head += 1000;
        let frame = json!({"type": "resync", "roomId": room, "epoch": self.epoch(), "seq": self.head});
        for member in &self.members {
            let _ = member.frames.try_send(frame.to_string());
        }
    }
}

fn tell(room: &str, member: &Member, said: &Said, held_back: Option<&Said>, habits: &Habits) {
    let send = |said: &Said| {
        let _ = member.frames.try_send(said.frame(room).to_string());
    };
    let is_victim = member.user == VICTIM;
    let hits = |number: Option<u64>| is_victim && number == Some(said.seq);
    let swallowed = habits.swallows == Some(said.seq) && member.user == said.user;
    if hits(habits.drops) || hits(habits.swaps) || swallowed {
        return;
    }
    if hits(habits.contradicts) {
        return send(&Said { id: Uuid::now_v7(), ..said.clone() });
    }
    send(said);
    if hits(habits.repeats) {
        send(said);
    }
    if let Some(held_back) = held_back.filter(|_| is_victim) {
        send(held_back);
    }
}
