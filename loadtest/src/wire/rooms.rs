//! The `rooms` dialect as its clients speak it: raw JSON frames over one WebSocket.
//!
//! Owns the shapes on the wire, in both directions. Reads frames into typed, borrowed fields; there is no JSON tree.

use serde::{Deserialize, Serialize};

use crate::{
    wire::dialect::Incoming,
    wire::message::{Author, Item, Run, Text, Unreadable},
};

/// The dialect, bound to one run.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    pub(crate) run: Run,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case", rename_all_fields = "camelCase")]
enum Outgoing<'a> {
    JoinRoom {
        room_id: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        since: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        epoch: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        history: Option<u32>,
    },
    Chat {
        room_id: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
    },
}

/// Every field of every frame that the swarm reads; the rest is skipped without being built.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    kind: Text<'a>,
    #[serde(borrow)]
    room_id: Option<Text<'a>>,
    seq: Option<u64>,
    epoch: Option<u64>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    client_id: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
    recovered: Option<bool>,
    #[serde(borrow)]
    history: Option<Vec<Item<'a>>>,
    #[serde(borrow)]
    code: Option<Text<'a>>,
    retry_after_ms: Option<u64>,
}

impl Rooms {
    pub(crate) fn join(&self, room: &str, resume: Option<(u64, u64)>) -> String {
        let (since, epoch) = resume.unzip();
        let history = since.is_none().then_some(0);
        write(&Outgoing::JoinRoom { room_id: room, since, epoch, history })
    }

    pub(crate) fn chat(&self, room: &str, author: Author, text: &str) -> String {
        let client_id = self.run.client_id(author);
        write(&Outgoing::Chat { room_id: room, message: text, client_id: client_id.as_deref() })
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        let frame: Frame<'a> = serde_json::from_str(text).map_err(|_| Unreadable)?;
        self.understand(frame).ok_or(Unreadable)
    }

    fn understand<'a>(&self, frame: Frame<'a>) -> Option<Incoming<'a>> {
        let incoming = match &*frame.kind.0 {
            "chat" => {
                let item = Item {
                    seq: frame.seq?,
                    id: frame.id?,
                    client_id: frame.client_id,
                    message: frame.message,
                };
                Incoming::Chat { room: frame.room_id?.0, heard: self.run.heard(&item)? }
            }
            "joined" => Incoming::Joined {
                room: frame.room_id?.0,
                seq: frame.seq?,
                epoch: frame.epoch?,
                recovered: frame.recovered,
                history: self.run.heard_all(&frame.history.unwrap_or_default())?,
            },
            "resync" => Incoming::Resync { room: frame.room_id?.0, epoch: frame.epoch?, seq: frame.seq? },
            "error" => Incoming::Error { code: frame.code?.0, retry_after_ms: frame.retry_after_ms },
            "reconnect" => Incoming::Reconnect { retry_after_ms: frame.retry_after_ms.unwrap_or(0) },
            _ => Incoming::Other,
        };
        Some(incoming)
    }
}

fn write(frame: &Outgoing<'_>) -> String {
    serde_json::to_string(frame).expect("a frame of strings and numbers is always valid JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Stamp;

    fn dialect() -> Rooms {
        Rooms { run: Run { id: "abc".into(), client_ids: true } }
    }

    #[test]
    fn a_join_asks_for_no_history_at_first_and_resumes_later() {
        assert_eq!(dialect().join("r", None), r#"{"type":"join_room","roomId":"r","history":0}"#);
        let resumed = dialect().join("r", Some((7, 2)));
        assert_eq!(resumed, r#"{"type":"join_room","roomId":"r","since":7,"epoch":2}"#);
    }

    #[test]
    fn a_message_that_comes_back_is_the_one_that_was_sent() {
        let (author, stamp) = (Author { user: 3, number: 9 }, Stamp { intended: 12, sent: 34 });
        let sent = dialect().chat("r", author, &dialect().run.text(author, stamp, 100));
        let heard =
            sent.replacen('{', r#"{"seq":5,"id":"018f0000-0000-7000-8000-000000000001","userId":"u3","#, 1);
        let Ok(Incoming::Chat { room, heard }) = dialect().read(&heard) else {
            panic!("not a chat: {heard}")
        };
        assert_eq!(room, "r");
        assert_eq!((heard.seq, heard.author, heard.stamp), (5, Some(author), Some(stamp)));
    }

    #[test]
    fn a_joined_frame_carries_its_page() {
        let frame = r#"{"type":"joined","roomId":"r","seq":2,"epoch":1,"recovered":true,"members":3,"history":[
            {"type":"chat","seq":2,"id":"018f0000-0000-7000-8000-000000000001","message":"say \"hi\"","userId":7}]}"#;
        let Ok(Incoming::Joined { seq: 2, epoch: 1, recovered: Some(true), history, .. }) =
            dialect().read(frame)
        else {
            panic!("not understood")
        };
        assert_eq!(history.len(), 1);
    }

    #[test]
    fn errors_are_read_with_or_without_a_time_to_wait() {
        let frame = r#"{"type":"error","code":"overloaded","message":"say \"later\"","retryAfterMs":250}"#;
        let Ok(Incoming::Error { code, retry_after_ms }) = dialect().read(frame) else {
            panic!("not an error")
        };
        assert_eq!((&*code, retry_after_ms), ("overloaded", Some(250)));
    }

    #[test]
    fn frames_without_what_their_type_needs_are_unreadable() {
        for text in
            ["", "7", "{}", r#"{"type":"chat","roomId":"r","seq":1}"#, r#"{"type":"joined","roomId":"r"}"#]
        {
            assert!(dialect().read(text).is_err(), "{text}");
        }
    }
}
