//! The `rooms` dialect as its clients speak it: raw JSON frames over one WebSocket.
//!
//! Owns the shapes that go out; what comes in is `frame.rs`. These clients join, speak and leave: there are no other
//! words.

use serde::Serialize;

use crate::wire::{
    act::Act,
    dialect::Incoming,
    frame,
    message::{Author, Run, Unreadable},
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
    LeaveRoom {
        room_id: &'a str,
    },
    Chat {
        room_id: &'a str,
        message: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        client_id: Option<&'a str>,
    },
}

impl Rooms {
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
        frame::write(&Outgoing::Chat { room_id: room, message: text, client_id: client_id.as_deref() })
    }

    /// None where these clients have no word for it.
    pub(crate) fn act(&self, room: &str, act: Act<'_>) -> Option<String> {
        match act {
            Act::Leave => Some(frame::write(&Outgoing::LeaveRoom { room_id: room })),
            Act::Typing(_) | Act::Read { .. } | Act::React { .. } | Act::ScrollBack { .. } => None,
            Act::Edit { .. } | Act::Delete { .. } => None,
        }
    }

    pub(crate) fn read<'a>(&self, text: &'a str) -> Result<Incoming<'a>, Unreadable> {
        frame::understood(frame::read(text)?, &self.run).ok_or(Unreadable)
    }
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
        assert_eq!(dialect().open("r", 50), r#"{"type":"join_room","roomId":"r","history":50}"#);
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
    fn of_all_that_clients_do_these_have_a_word_for_leaving_alone() {
        let left = dialect().act("r", Act::Leave);
        assert_eq!(left.as_deref(), Some(r#"{"type":"leave_room","roomId":"r"}"#));
        assert_eq!(dialect().act("r", Act::Typing(true)), None);
        assert!(matches!(
            dialect().read(r#"{"type":"left","roomId":"r"}"#),
            Ok(Incoming::Left { room: Some(room) }) if room == "r"
        ));
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
