//! The `hub` dialect as its clients speak it: raw JSON frames, a welcome, and an answer to everything.
//!
//! Owns the shapes on the wire, in both directions. The mark on a message is its number, so an acknowledgement says by
//! itself what it answers; whatever else the client does carries none.

use serde::Serialize;

use crate::wire::{
    act::Act,
    dialect::{Accepted, Change, Incoming},
    frame::{self, Frame},
    message::{Author, Heard, Run, Unreadable, id},
};

/// The dialect, bound to one run.
#[derive(Debug, Clone)]
pub(crate) struct Hub {
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
    LeaveRoom {
        room_id: &'a str,
    },
    Chat {
        room_id: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
        #[serde(rename = "ref")]
        reference: u32,
    },
    Edit {
        room_id: &'a str,
        id: &'a str,
        message: &'a str,
    },
    Delete {
        room_id: &'a str,
        id: &'a str,
    },
    React {
        room_id: &'a str,
        id: &'a str,
        emoji: &'a str,
    },
    Read {
        room_id: &'a str,
        id: &'a str,
    },
    Typing {
        room_id: &'a str,
        active: bool,
    },
    History {
        room_id: &'a str,
        before: u64,
        limit: usize,
    },
}

impl Hub {
    pub(crate) fn join(&self, room: &str, resume: Option<(u64, u64)>) -> String {
        let (since, epoch) = resume.unzip();
        let history = since.is_none().then_some(0);
        frame::write(&Outgoing::JoinRoom { room_id: room, since, epoch, history })
    }

    /// A join that asks for a page instead of resuming.
    pub(crate) fn open(&self, room: &str, history: u32) -> String {
        let history = Some(history);
        frame::write(&Outgoing::JoinRoom { room_id: room, since: None, epoch: None, history })
    }

    pub(crate) fn chat(&self, room: &str, author: Author, text: &str) -> String {
        let client_id = self.run.client_id(author);
        let client_id = client_id.as_deref();
        frame::write(&Outgoing::Chat { room_id: room, message: text, client_id, reference: author.number })
    }

    pub(crate) fn act(&self, room_id: &str, act: Act<'_>) -> String {
        let name = |id: u128| uuid::Uuid::from_u128(id).to_string();
        match act {
            Act::Typing(active) => frame::write(&Outgoing::Typing { room_id, active }),
            Act::Read { seq: _, id } => frame::write(&Outgoing::Read { room_id, id: &name(id) }),
            Act::React { seq: _, id, emoji } => {
                frame::write(&Outgoing::React { room_id, id: &name(id), emoji })
            }
            Act::Edit { seq: _, id, text } => {
                frame::write(&Outgoing::Edit { room_id, id: &name(id), message: text })
            }
            Act::Delete { seq: _, id } => frame::write(&Outgoing::Delete { room_id, id: &name(id) }),
            Act::ScrollBack { before, limit } => frame::write(&Outgoing::History { room_id, before, limit }),
            Act::Leave => frame::write(&Outgoing::LeaveRoom { room_id }),
        }
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        self.understand(frame::read(text)?).ok_or(Unreadable)
    }

    fn understand<'a>(&self, frame: Frame<'a>) -> Option<Incoming<'a>> {
        let incoming = match &*frame.kind.0 {
            "welcome" => Incoming::Admitted,
            "ack" => acknowledged(&frame)?,
            "edited" => changed(frame, Change::Edited)?,
            "deleted" => changed(frame, Change::Deleted)?,
            "reaction" => changed(frame, Change::Reacted)?,
            "typing" | "read" => Incoming::Passing { room: frame.room_id?.0 },
            "history" => Incoming::Page {
                room: frame.room_id?.0,
                messages: frame::page(frame.messages.unwrap_or_default(), &self.run)?,
                next_before: frame.next_before,
            },
            _ => frame::understood(frame, &self.run)?,
        };
        Some(incoming)
    }
}

/// An acknowledgement without a mark answers something that was not said.
fn acknowledged(frame: &Frame<'_>) -> Option<Incoming<'static>> {
    let Some(number) = frame.reference else { return Some(Incoming::Other) };
    let accepted = Accepted { seq: frame.seq?, id: id(&frame.id.as_ref()?.0)?, epoch: frame.epoch };
    Some(Incoming::Accepted { number, accepted })
}

fn changed(frame: Frame<'_>, change: Change) -> Option<Incoming<'_>> {
    let heard = Heard { seq: frame.seq?, id: id(&frame.id?.0)?, author: None, stamp: None };
    Some(Incoming::Changed { room: frame.room_id?.0, heard, change })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::message::Stamp;

    const ID: &str = "018f0000-0000-7000-8000-000000000001";

    fn dialect() -> Hub {
        Hub { run: Run { id: "abc".into(), client_ids: true } }
    }

    fn read(text: &str) -> Incoming<'_> {
        dialect().read(text).unwrap_or_else(|_| panic!("not understood: {text}"))
    }

    #[test]
    fn a_message_that_comes_back_is_the_one_that_was_sent_and_its_acknowledgement_names_its_number() {
        let (author, stamp) = (Author { user: 3, number: 9 }, Stamp { intended: 12, sent: 34 });
        let sent = dialect().chat("r", author, &dialect().run.text(author, stamp, 100));
        assert!(sent.contains(r#""ref":9"#), "{sent}");
        let heard = sent.replacen('{', &format!(r#"{{"seq":5,"id":"{ID}","userId":"u3","#), 1);
        let Incoming::Chat { room, heard } = read(&heard) else { panic!("not a chat: {heard}") };
        assert_eq!((&*room, heard.seq, heard.author, heard.stamp), ("r", 5, Some(author), Some(stamp)));
        let ack = format!(r#"{{"type":"ack","ref":9,"id":"{ID}","seq":5,"epoch":1}}"#);
        let Incoming::Accepted { number: 9, accepted } = read(&ack) else { panic!("{ack}") };
        assert_eq!((accepted.seq, accepted.id, accepted.epoch), (5, heard.id, Some(1)));
    }

    #[test]
    fn everything_that_a_client_does_has_a_word() {
        let id = uuid::Uuid::parse_str(ID).unwrap().as_u128();
        for (act, wanted) in [
            (Act::Typing(true), r#"{"type":"typing","roomId":"r","active":true}"#.to_owned()),
            (Act::Read { seq: 1, id }, format!(r#"{{"type":"read","roomId":"r","id":"{ID}"}}"#)),
            (
                Act::React { seq: 1, id, emoji: "👍" },
                format!(r#"{{"type":"react","roomId":"r","id":"{ID}","emoji":"👍"}}"#),
            ),
            (
                Act::Edit { seq: 1, id, text: "x" },
                format!(r#"{{"type":"edit","roomId":"r","id":"{ID}","message":"x"}}"#),
            ),
            (Act::Delete { seq: 1, id }, format!(r#"{{"type":"delete","roomId":"r","id":"{ID}"}}"#)),
            (
                Act::ScrollBack { before: 7, limit: 20 },
                r#"{"type":"history","roomId":"r","before":7,"limit":20}"#.to_owned(),
            ),
            (Act::Leave, r#"{"type":"leave_room","roomId":"r"}"#.to_owned()),
        ] {
            assert_eq!(dialect().act("r", act), wanted);
        }
    }

    #[test]
    fn changes_carry_their_own_number_and_the_id_of_what_they_change() {
        for (kind, wanted) in
            [("edited", Change::Edited), ("deleted", Change::Deleted), ("reaction", Change::Reacted)]
        {
            let frame = format!(r#"{{"type":"{kind}","roomId":"r","id":"{ID}","userId":"u1","seq":9}}"#);
            let Incoming::Changed { room, heard, change } = read(&frame) else { panic!("{frame}") };
            assert_eq!((&*room, heard.seq, heard.author, change), ("r", 9, None, wanted));
        }
    }

    #[test]
    fn a_page_holds_messages_tombstones_and_changes_but_no_announcements() {
        let items = format!(
            r#"[{{"type":"chat","seq":1,"id":"{ID}","message":"m","clientId":"abc-1-1"}},
                {{"type":"chat","seq":2,"id":"{ID}","deletedAt":"2026-01-01T00:00:00.000Z"}},
                {{"type":"resync","roomId":"r","seq":9,"epoch":2}},
                {{"type":"reaction","seq":10,"id":"{ID}","emoji":"x"}}]"#
        );
        let joined = format!(r#"{{"type":"joined","roomId":"r","seq":10,"epoch":2,"history":{items}}}"#);
        let page = format!(r#"{{"type":"history","roomId":"r","messages":{items},"nextBefore":1}}"#);
        for frame in [joined, page] {
            let heard = match read(&frame) {
                Incoming::Joined { history, .. } => history,
                Incoming::Page { messages, next_before: Some(1), .. } => messages,
                other => panic!("{other:?}"),
            };
            let numbers: Vec<_> = heard.iter().map(|heard| (heard.seq, heard.author.is_some())).collect();
            assert_eq!(numbers, [(1, true), (2, false), (10, false)]);
        }
    }

    #[test]
    fn what_comes_unasked_is_told_apart_from_what_is_judged() {
        assert!(matches!(read(r#"{"type":"welcome","connectionId":"c","users":[]}"#), Incoming::Admitted));
        assert!(matches!(read(r#"{"type":"ack"}"#), Incoming::Other), "of something without a number");
        assert!(matches!(read(r#"{"type":"left","roomId":"r"}"#), Incoming::Left { room: Some(_) }));
        for kind in ["typing", "read"] {
            let frame = format!(r#"{{"type":"{kind}","roomId":"r","userId":"u1","id":"{ID}"}}"#);
            assert!(matches!(read(&frame), Incoming::Passing { .. }), "{frame}");
        }
        for kind in ["members", "user_status", "stored", "pong", "announcement", "anything"] {
            let frame = format!(r#"{{"type":"{kind}","roomId":"r","seq":1,"message":"m"}}"#);
            assert!(matches!(read(&frame), Incoming::Other), "{frame}");
        }
    }
}
