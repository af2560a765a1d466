//! The `rooms` dialect as its clients speak it: raw JSON frames over one WebSocket.
//!
//! Owns the shapes on the wire, in both directions, and what the swarm hides inside them (the author in the client
//! id, the time stamps in the text). Reads frames into typed, borrowed fields; there is no JSON tree.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// Who wrote a message: the user's index and the number of the message among theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Author {
    pub(crate) user: u32,
    pub(crate) number: u32,
}

/// When a message should have left and when it first did, in microseconds of the run's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) intended: u64,
    pub(crate) sent: u64,
}

/// One message as a member hears it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Heard {
    pub(crate) seq: u64,
    pub(crate) id: u128,
    /// Absent for messages that this run did not write.
    pub(crate) author: Option<Author>,
    pub(crate) stamp: Option<Stamp>,
}

/// What a server frame means to the swarm.
#[derive(Debug)]
pub(crate) enum Incoming<'a> {
    Chat { room: Cow<'a, str>, heard: Heard },
    Joined { room: Cow<'a, str>, seq: u64, epoch: u64, recovered: Option<bool>, history: Vec<Heard> },
    Resync { room: Cow<'a, str>, epoch: u64, seq: u64 },
    Error { code: Cow<'a, str>, retry_after_ms: Option<u64> },
    Reconnect { retry_after_ms: u64 },
    Other,
}

/// The dialect, bound to one run's id.
#[derive(Debug, Clone)]
pub(crate) struct Rooms {
    pub(crate) run: String,
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
        client_id: &'a str,
    },
}

/// Borrowed where the text has no escapes, owned where it has.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

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

/// One message inside a page.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Item<'a> {
    seq: u64,
    #[serde(borrow)]
    id: Text<'a>,
    #[serde(borrow)]
    client_id: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

/// A page of `GET /api/rooms/{key}/messages`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageBody<'a> {
    #[serde(borrow)]
    messages: Vec<Item<'a>>,
    next_before: Option<u64>,
}

/// A history page, read.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) messages: Vec<Heard>,
    pub(crate) next_before: Option<u64>,
}

/// A frame that is not JSON or lacks a field that its type must have.
#[derive(Debug)]
pub(crate) struct Unreadable;

impl Rooms {
    pub(crate) fn join(&self, room: &str, resume: Option<(u64, u64)>) -> String {
        let (since, epoch) = resume.unzip();
        let history = since.is_none().then_some(0);
        write(&Outgoing::JoinRoom { room_id: room, since, epoch, history })
    }

    pub(crate) fn chat(&self, room: &str, author: Author, text: &str) -> String {
        let client_id = format!("{}-{}-{}", self.run, author.user, author.number);
        write(&Outgoing::Chat { room_id: room, message: text, client_id: &client_id })
    }

    /// The text of a message: its stamp, padded to `bytes`.
    pub(crate) fn text(stamp: Stamp, bytes: usize) -> String {
        let mut text = format!("{} {} ", stamp.intended, stamp.sent);
        let missing = bytes.saturating_sub(text.len());
        text.extend(std::iter::repeat_n('x', missing));
        text.truncate(text.trim_end().len());
        text
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        let frame: Frame<'a> = serde_json::from_str(text).map_err(|_| Unreadable)?;
        self.understand(frame).ok_or(Unreadable)
    }

    pub(crate) fn page(&self, body: &[u8]) -> Result<Page, Unreadable> {
        let page: PageBody<'_> = serde_json::from_slice(body).map_err(|_| Unreadable)?;
        let messages = self.heard_all(&page.messages).ok_or(Unreadable)?;
        Ok(Page { messages, next_before: page.next_before })
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
                Incoming::Chat { room: frame.room_id?.0, heard: self.heard(&item)? }
            }
            "joined" => Incoming::Joined {
                room: frame.room_id?.0,
                seq: frame.seq?,
                epoch: frame.epoch?,
                recovered: frame.recovered,
                history: self.heard_all(&frame.history.unwrap_or_default())?,
            },
            "resync" => Incoming::Resync { room: frame.room_id?.0, epoch: frame.epoch?, seq: frame.seq? },
            "error" => Incoming::Error { code: frame.code?.0, retry_after_ms: frame.retry_after_ms },
            "reconnect" => Incoming::Reconnect { retry_after_ms: frame.retry_after_ms.unwrap_or(0) },
            _ => Incoming::Other,
        };
        Some(incoming)
    }

    fn heard_all(&self, items: &[Item<'_>]) -> Option<Vec<Heard>> {
        items.iter().map(|item| self.heard(item)).collect()
    }

    fn heard(&self, item: &Item<'_>) -> Option<Heard> {
        let id = uuid::Uuid::try_parse(&item.id.0).ok()?.as_u128();
        let author = item.client_id.as_ref().and_then(|text| self.author(&text.0));
        let stamp = item.message.as_ref().filter(|_| author.is_some()).and_then(|text| stamp(&text.0));
        Some(Heard { seq: item.seq, id, author, stamp })
    }

    /// The author inside a client id of this run.
    pub(crate) fn author(&self, client_id: &str) -> Option<Author> {
        let rest = client_id.strip_prefix(&*self.run)?.strip_prefix('-')?;
        let (user, number) = rest.split_once('-')?;
        Some(Author { user: user.parse().ok()?, number: number.parse().ok()? })
    }
}

fn stamp(text: &str) -> Option<Stamp> {
    let mut words = text.split(' ');
    Some(Stamp { intended: words.next()?.parse().ok()?, sent: words.next()?.parse().ok()? })
}

fn write(frame: &Outgoing<'_>) -> String {
    serde_json::to_string(frame).expect("a frame of strings and numbers is always valid JSON")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dialect() -> Rooms {
        Rooms { run: "abc".into() }
    }

    #[test]
    fn a_join_asks_for_no_history_at_first_and_resumes_later() {
        assert_eq!(dialect().join("r", None), r#"{"type":"join_room","roomId":"r","history":0}"#);
        let resumed = dialect().join("r", Some((7, 2)));
        assert_eq!(resumed, r#"{"type":"join_room","roomId":"r","since":7,"epoch":2}"#);
    }

    #[test]
    fn what_a_sender_hides_in_a_message_is_found_again() {
        let (author, stamp) = (Author { user: 3, number: 9 }, Stamp { intended: 12, sent: 34 });
        let text = Rooms::text(stamp, 100);
        assert_eq!(text.len(), 100);
        let sent = dialect().chat("r", author, &text);
        let heard =
            sent.replacen('{', r#"{"seq":5,"id":"018f0000-0000-7000-8000-000000000001","userId":"u3","#, 1);
        let Ok(Incoming::Chat { room, heard }) = dialect().read(&heard) else {
            panic!("not a chat: {heard}")
        };
        assert_eq!(room, "r");
        assert_eq!((heard.seq, heard.author, heard.stamp), (5, Some(author), Some(stamp)));
    }

    #[test]
    fn a_foreign_client_id_has_no_author() {
        for foreign in ["", "abc", "abd-1-1", "abc-1", "abc-x-1", "abc1-1"] {
            assert_eq!(dialect().author(foreign), None, "{foreign}");
        }
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
