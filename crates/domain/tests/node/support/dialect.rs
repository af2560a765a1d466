//! A dialect of plain words, one frame a line: `join r since 5 epoch 1 history 0`, `leave r`, `say r text`;
//! back come `message r 1-5 text`, `resync r 9-100`, `joined r 1-5 recovered members=1 1-4,1-5 texts` and the like.

use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Request};
use domain::{Code, Command, Content, Event, Fault, Form, Join, Position, RoomRef, Say};

use super::room;

pub(crate) struct Words;

impl Dialect for Words {
    fn slot(&self) -> usize {
        0
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        let misread =
            || Misread { fault: Fault::new(Code::InvalidMessage, "no such words"), reference: None };
        let frame = std::str::from_utf8(frame).map_err(|_| misread())?;
        let mut words = frame.splitn(3, ' ');
        let (verb, name, rest) = (words.next(), words.next(), words.next().unwrap_or_default());
        let room = RoomRef { id: room(name.ok_or_else(misread)?), form: Form::Text };
        let command = match verb {
            Some("join") => Command::Join(join(room, rest)),
            Some("leave") => Command::Leave(room),
            Some("say") => Command::Say(Say { room, content: Content::text(rest), client_id: None }),
            _ => return Err(misread()),
        };
        Ok(Request { command, reference: None })
    }

    fn event(&self, event: &Event, _: Form) -> Option<Bytes> {
        let (room, position) = (event.room().name(), event.position());
        let frame = match event {
            Event::Resync { .. } => format!("resync {room} {position}"),
            _ => format!("message {room} {position} {}", text(event)),
        };
        Some(frame.into())
    }

    fn answer(&self, answer: &Answer, _: Option<&str>) -> Option<Bytes> {
        let frame = match answer {
            Answer::Joined { room, head, recovered, history, members } => {
                let recovered = match recovered {
                    None => "fresh",
                    Some(true) => "recovered",
                    Some(false) => "unrecovered",
                };
                let places: Vec<String> = history.iter().map(|event| event.position().to_string()).collect();
                let texts: Vec<String> = history.iter().map(text).collect();
                let (room, places, texts) = (room.id.name(), places.join(","), texts.join("|"));
                format!("joined {room} {head} {recovered} members={members} {places} {texts}")
            }
            Answer::Left { room } => format!("left {}", room.id.name()),
            Answer::Accepted { published } => format!("accepted {}", published.position),
            Answer::Refused(fault) => format!("refused {}", fault.code.as_str()),
            Answer::Reconnect { .. } => "reconnect".to_owned(),
            Answer::TokenExpiring { .. } => "expiring".to_owned(),
        };
        Some(frame.into())
    }
}

fn join(room: RoomRef, options: &str) -> Join {
    let options: Vec<&str> = options.split_whitespace().collect();
    let number = |name: &str| {
        let value = options.iter().position(|option| *option == name).map(|index| options[index + 1]);
        value.map(|value| value.parse::<u64>().unwrap())
    };
    let history = number("history").map(|history| usize::try_from(history).unwrap());
    Join { room, since: number("since"), epoch: number("epoch"), history }
}

/// Control characters take six bytes, as they do in JSON.
fn text(event: &Event) -> String {
    let Event::Message(message) = event else { return String::new() };
    let escape = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    message
        .content
        .as_ref()
        .map_or_else(|_| "?".to_owned(), |content| content.text.chars().map(escape).collect())
}

/// The places of all messages that a client was shown by these frames, in order.
pub(crate) fn shown(frames: &[String]) -> Vec<Position> {
    let place = |text: &str| {
        let (epoch, seq) = text.split_once('-').unwrap();
        Position { epoch: epoch.parse().unwrap(), seq: seq.parse().unwrap() }
    };
    let mut places = Vec::new();
    for frame in frames {
        let words: Vec<&str> = frame.splitn(7, ' ').collect();
        match words[0] {
            "message" => places.push(place(words[2])),
            "joined" => places.extend(words[5].split(',').filter(|place| !place.is_empty()).map(place)),
            _ => {}
        }
    }
    places
}
