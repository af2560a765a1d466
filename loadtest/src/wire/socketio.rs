//! The `socketio` dialect as its clients speak it: Engine.IO v4 and Socket.IO v5 packets, in the words of live rooms.
//!
//! Owns the shapes of packets, in both directions; what carries them is `connection.rs`. A join asks for acknowledgement
//! 0, the client's message number n for acknowledgement n + 1, leaving for one beyond all of those, so an answer says by
//! itself what it answers. Of an event only the first argument is read.

use serde::{Deserialize, Serialize};

use crate::wire::{
    act::Act,
    dialect::{Accepted, Incoming},
    message::{Author, Heard, Item, Run, Text, Unreadable, id},
};

/// The acknowledgement that a join asks for.
const JOIN: u64 = 0;
/// The acknowledgement that leaving asks for: above those of all messages.
const LEAVE: u64 = JOIN + 2 + u32::MAX as u64;

/// The dialect, bound to one run.
#[derive(Debug, Clone)]
pub(crate) struct SocketIo {
    pub(crate) run: Run,
    /// The server gives messages positions and ids that mean something.
    pub(crate) numbered: bool,
}

#[derive(Serialize)]
struct Introduction<'a> {
    token: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Join<'a> {
    room_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u64>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Leave<'a> {
    room_id: &'a str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Send<'a> {
    room_id: &'a str,
    text: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Received<'a> {
    #[serde(borrow)]
    room_id: Text<'a>,
    #[serde(borrow)]
    text: Text<'a>,
    #[serde(borrow)]
    client_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Text<'a>,
    seq: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Resync<'a> {
    #[serde(borrow)]
    room_id: Text<'a>,
    epoch: u64,
    seq: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Refusal<'a> {
    #[serde(borrow)]
    code: Text<'a>,
    retry_after_ms: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Reconnect {
    #[serde(default)]
    retry_after_ms: u64,
}

/// What keeps a client out; servers that give no reason in words of their own give the message alone.
#[derive(Deserialize)]
struct Bar<'a> {
    #[serde(borrow)]
    message: Text<'a>,
    #[serde(borrow)]
    data: Option<Reason<'a>>,
}

#[derive(Deserialize)]
struct Reason<'a> {
    #[serde(borrow)]
    code: Option<Text<'a>>,
}

/// Every field of every acknowledgement.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Answer<'a> {
    #[serde(borrow)]
    room_id: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    seq: Option<u64>,
    epoch: Option<u64>,
    recovered: Option<bool>,
    #[serde(borrow)]
    error: Option<Refusal<'a>>,
}

impl SocketIo {
    /// The answer to the server's ping.
    pub(crate) const PONG: &'static str = "3";

    /// Enters the main namespace.
    pub(crate) fn connect(token: &str) -> String {
        format!("40{}", json(&Introduction { token }))
    }

    pub(crate) fn join(&self, room: &str, resume: Option<(u64, u64)>) -> String {
        let (since, epoch) = resume.filter(|_| self.numbered).unzip();
        event(JOIN, "join_room", &Join { room_id: room, since, epoch })
    }

    pub(crate) fn chat(&self, room: &str, author: Author, text: &str) -> String {
        let client_id = self.run.client_id(author);
        let send = Send { room_id: room, text, client_id: client_id.as_deref() };
        event(JOIN + 1 + u64::from(author.number), "send_message", &send)
    }

    /// None where live rooms have no word for it.
    pub(crate) fn act(&self, room: &str, act: Act<'_>) -> Option<String> {
        match act {
            Act::Leave => Some(event(LEAVE, "leave_room", &Leave { room_id: room })),
            Act::Typing(_) | Act::Read { .. } | Act::React { .. } | Act::ScrollBack { .. } => None,
            Act::Edit { .. } | Act::Delete { .. } => None,
        }
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        let mut rest = text.chars();
        match rest.next() {
            Some('0') => Ok(Incoming::Greeted),
            Some('2') => Ok(Incoming::Heartbeat),
            Some('4') => self.packet(rest.as_str()).ok_or(Unreadable),
            // A farewell, which the end of the transport follows, or nothing.
            Some('1' | '6') => Ok(Incoming::Other),
            Some(_) | None => Err(Unreadable),
        }
    }

    fn packet<'a>(&self, text: &'a str) -> Option<Incoming<'a>> {
        let mut rest = text.chars();
        match rest.next()? {
            '0' => Some(Incoming::Admitted),
            '1' => Some(Incoming::Dismissed),
            '2' => self.event(rest.as_str()),
            '3' => self.answer(rest.as_str()),
            '4' => Some(barred(first(rest.as_str())?)),
            _ => None,
        }
    }

    fn event<'a>(&self, text: &'a str) -> Option<Incoming<'a>> {
        let (name, arguments) = text.strip_prefix("[\"")?.split_once('"')?;
        let object = arguments.strip_prefix(',').unwrap_or("{}");
        let incoming = match name {
            "receive_message" => self.received(first(object)?)?,
            "resync" => {
                let Resync { room_id, epoch, seq } = first(object)?;
                Incoming::Resync { room: room_id.0, epoch, seq }
            }
            "error" => refused(first(object)?),
            "reconnect" => Incoming::Reconnect { retry_after_ms: first::<Reconnect>(object)?.retry_after_ms },
            _ => Incoming::Other,
        };
        Some(incoming)
    }

    fn received<'a>(&self, said: Received<'a>) -> Option<Incoming<'a>> {
        let Received { room_id, text, client_id, id, seq } = said;
        if self.numbered {
            let heard = self.run.heard(&Item { seq, id, client_id, message: Some(text) })?;
            return Some(Incoming::Chat { room: room_id.0, heard });
        }
        // What the server numbers is not judged; without an author there is nothing to tell a message by.
        let (author, stamp) = self.run.marks(client_id.as_ref(), Some(&text));
        if author.is_none() {
            return Some(Incoming::Other);
        }
        let heard = Heard { seq: 0, id: 0, author, stamp };
        Some(Incoming::Chat { room: room_id.0, heard })
    }

    fn answer<'a>(&self, text: &'a str) -> Option<Incoming<'a>> {
        let (reference, arguments) = text.split_once('[')?;
        let answer: Answer<'a> = first(arguments)?;
        if let Some(error) = answer.error {
            return Some(refused(error));
        }
        match reference.parse().ok()? {
            JOIN => self.joined(answer),
            LEAVE => Some(Incoming::Left { room: None }),
            message => {
                let number = u32::try_from(message - JOIN - 1).ok()?;
                Some(Incoming::Accepted { number, accepted: self.accepted(&answer)? })
            }
        }
    }

    fn joined<'a>(&self, answer: Answer<'a>) -> Option<Incoming<'a>> {
        let (seq, epoch) = if self.numbered { (answer.seq?, answer.epoch?) } else { (0, 1) };
        let room = answer.room_id?.0;
        Some(Incoming::Joined { room, seq, epoch, recovered: answer.recovered, history: Vec::new() })
    }

    fn accepted(&self, answer: &Answer<'_>) -> Option<Accepted> {
        if !self.numbered {
            return Some(Accepted { seq: 0, id: 0, epoch: None });
        }
        Some(Accepted { seq: answer.seq?, id: id(&answer.id.as_ref()?.0)?, epoch: answer.epoch })
    }
}

fn barred(Bar { message, data }: Bar<'_>) -> Incoming<'_> {
    Incoming::Barred { code: data.and_then(|reason| reason.code).unwrap_or(message).0 }
}

fn refused(Refusal { code, retry_after_ms }: Refusal<'_>) -> Incoming<'_> {
    Incoming::Error { code: code.0, retry_after_ms }
}

/// The first value of a text; what follows it is not looked at.
fn first<'a, T: Deserialize<'a>>(text: &'a str) -> Option<T> {
    T::deserialize(&mut serde_json::Deserializer::from_str(text)).ok()
}

fn event(acknowledgement: u64, name: &str, object: &impl Serialize) -> String {
    format!("42{acknowledgement}[\"{name}\",{}]", json(object))
}

fn json(object: &impl Serialize) -> String {
    serde_json::to_string(object).expect("an object of strings and numbers is always valid JSON")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Stamp;

    const ID: &str = "018f0000-0000-7000-8000-000000000001";

    fn dialect(numbered: bool) -> SocketIo {
        SocketIo { run: Run { id: "abc".into(), client_ids: true }, numbered }
    }

    fn read(text: &str) -> Incoming<'_> {
        dialect(true).read(text).unwrap_or_else(|_| panic!("not understood: {text}"))
    }

    #[test]
    fn a_client_enters_joins_and_resumes() {
        assert_eq!(SocketIo::connect("t"), r#"40{"token":"t"}"#);
        assert_eq!(dialect(true).join("r", None), r#"420["join_room",{"roomId":"r"}]"#);
        let resumed = dialect(true).join("r", Some((7, 2)));
        assert_eq!(resumed, r#"420["join_room",{"roomId":"r","since":7,"epoch":2}]"#);
        assert_eq!(dialect(false).join("r", Some((7, 2))), r#"420["join_room",{"roomId":"r"}]"#);
    }

    #[test]
    fn a_message_that_comes_back_is_the_one_that_was_sent_whatever_follows_it() {
        let (author, stamp) = (Author { user: 3, number: 9 }, Stamp { intended: 12, sent: 34 });
        let sent = dialect(true).chat("r", author, &dialect(true).run.text(author, stamp, 50));
        let object = sent.strip_prefix("4210[\"send_message\",{").expect(&sent);
        for end in ["]", ",\"0-1\"]", ",{}]"] {
            let heard = format!("42[\"receive_message\",{{\"id\":\"{ID}\",\"seq\":5,{object}");
            let heard = heard.replace("}]", &format!("}}{end}"));
            let Incoming::Chat { room, heard } = read(&heard) else { panic!("not a message: {heard}") };
            assert_eq!(room, "r");
            assert_eq!((heard.seq, heard.author, heard.stamp), (5, Some(author), Some(stamp)));
        }
    }

    #[test]
    fn of_a_server_that_numbers_nothing_the_author_alone_counts() {
        let frame =
            r#"42["receive_message",{"roomId":"r","text":"1 2","clientId":"abc-3-9","id":"x-1","seq":4}]"#;
        let Ok(Incoming::Chat { heard, .. }) = dialect(false).read(frame) else { panic!("not understood") };
        assert_eq!((heard.seq, heard.id, heard.author), (0, 0, Some(Author { user: 3, number: 9 })));
        assert!(dialect(true).read(frame).is_err(), "the id is none");
        let foreign = frame.replace("abc", "abd");
        assert!(matches!(dialect(false).read(&foreign), Ok(Incoming::Other)));
    }

    #[test]
    fn answers_say_what_they_answer() {
        let joined = r#"430[{"ok":true,"roomId":"r","seq":2,"epoch":1,"members":3,"recovered":true}]"#;
        let Incoming::Joined { seq: 2, epoch: 1, recovered: Some(true), .. } = read(joined) else {
            panic!("not understood")
        };
        let accepted = format!(r#"4310[{{"ok":true,"id":"{ID}","seq":7,"epoch":1}}]"#);
        let Incoming::Accepted { number: 9, accepted } = read(&accepted) else { panic!("not understood") };
        assert_eq!((accepted.seq, accepted.epoch), (7, Some(1)));
    }

    #[test]
    fn a_client_leaves_and_is_told_so_without_the_name_of_the_room() {
        let left = dialect(true).act("r", Act::Leave);
        assert_eq!(left.as_deref(), Some(r#"424294967297["leave_room",{"roomId":"r"}]"#));
        assert!(matches!(read(r#"434294967297[{"ok":true}]"#), Incoming::Left { room: None }));
        assert_eq!(dialect(true).act("r", Act::Delete { seq: 1, id: 1 }), None);
    }

    #[test]
    fn refusals_come_as_answers_and_as_events() {
        let error = r#"{"code":"overloaded","message":"say \"later\"","retryAfterMs":250}"#;
        let answer = format!(r#"433[{{"ok":false,"error":{error}}}]"#);
        for frame in [answer, format!(r#"42["error",{error}]"#)] {
            let Incoming::Error { code, retry_after_ms } = read(&frame) else { panic!("{frame}") };
            assert_eq!((&*code, retry_after_ms), ("overloaded", Some(250)));
        }
    }

    #[test]
    fn a_client_learns_why_it_is_kept_out() {
        for (frame, wanted) in [
            (r#"44{"message":"Authentication error","data":{"code":"unauthorized"}}"#, "unauthorized"),
            (r#"44{"message":"Authentication error"}"#, "Authentication error"),
        ] {
            let Incoming::Barred { code } = read(frame) else { panic!("{frame}") };
            assert_eq!(code, wanted);
        }
    }

    #[test]
    fn the_life_of_a_connection_is_understood() {
        assert!(matches!(read(r#"0{"sid":"a","upgrades":[],"pingInterval":25000}"#), Incoming::Greeted));
        assert!(matches!(read(r#"40{"sid":"b"}"#), Incoming::Admitted));
        assert!(matches!(read("2"), Incoming::Heartbeat));
        assert!(matches!(read("41"), Incoming::Dismissed));
        assert!(matches!(read(r#"42["room_members",{"count":3}]"#), Incoming::Other));
        assert!(matches!(read(r#"42["resync",{"roomId":"r","epoch":2,"seq":9}]"#), Incoming::Resync { .. }));
        let parting = read(r#"42["reconnect",{"retryAfterMs":40}]"#);
        assert!(matches!(parting, Incoming::Reconnect { retry_after_ms: 40 }));
    }

    #[test]
    fn packets_without_what_their_type_needs_are_unreadable() {
        let incomplete = r#"42["receive_message",{"roomId":"r","seq":1}]"#;
        for text in
            ["", "9", "4", "42", "42{}", "42[7]", "43[{}]", "430[{}]", "431[{\"ok\":true}]", incomplete]
        {
            assert!(dialect(true).read(text).is_err(), "{text}");
        }
    }
}
