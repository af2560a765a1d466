//! What a room's channel carries: frames `WORD LENGTH\n<body>`, any number in one payload.
//!
//! The word is an entry's position (`publish.lua`), `pass`, or `came` and `left` (`census.lua`). Any other word was
//! said by a newer version and is passed over.

use bytes::{Buf, Bytes};
use domain::RoomId;
use domain::ports::{CensusChange, Delivery};
use domain::words::Passing;

use super::{codec, people};

const PASS: &str = "pass";
const CAME: &str = "came";
const LEFT: &str = "left";

/// The payload that carries something passing.
pub(super) fn passing(passing: &Passing) -> Vec<u8> {
    let body = codec::encode_passing(passing);
    let mut payload = format!("{PASS} {}\n", body.len()).into_bytes();
    payload.extend_from_slice(&body);
    payload
}

/// Reads a payload of `room`'s channel. Stops at the first damaged frame.
pub(super) fn deliveries(room: &RoomId, mut payload: Bytes) -> Result<Vec<Delivery>, String> {
    let mut deliveries = Vec::with_capacity(1);
    while !payload.is_empty() {
        let end = payload.iter().position(|byte| *byte == b'\n').ok_or("a frame without a head")?;
        let head = payload.split_to(end);
        payload.advance(1);
        let head = std::str::from_utf8(&head).map_err(|_| "a frame's head is not text")?;
        let (word, length) = head.split_once(' ').ok_or("a frame's head has two parts")?;
        let length: usize = length.parse().map_err(|_| "a frame's head has no length")?;
        if length > payload.len() {
            return Err("a frame is cut short".to_owned());
        }
        deliveries.extend(delivery(room, word, &payload.split_to(length))?);
    }
    Ok(deliveries)
}

fn delivery(room: &RoomId, word: &str, body: &Bytes) -> Result<Option<Delivery>, String> {
    match word {
        PASS => Ok(Some(Delivery::Passing(codec::decode_passing(room, body)?))),
        CAME | LEFT => Ok(Some(Delivery::Census(census(room, word == CAME, body)?))),
        newer if newer.starts_with(|first: char| first.is_ascii_lowercase()) => Ok(None),
        place => {
            let position = codec::position(place).ok_or("a frame's head has no position")?;
            Ok(Some(Delivery::Entry(codec::entry(room, position, body))))
        }
    }
}

/// Reads `count NUL user NUL name`; a name may hold NUL as well.
fn census(room: &RoomId, entered: bool, body: &[u8]) -> Result<CensusChange, String> {
    let body = std::str::from_utf8(body).map_err(|_| "a census is not text")?;
    let (count, who) = body.split_once('\0').ok_or("a census has three parts")?;
    let (user, name) = who.split_once('\0').ok_or("a census has three parts")?;
    let count = count.parse().map_err(|_| "a census has no count")?;
    let who = people::unpacked(user, name).ok_or("a census has no user")?;
    Ok(CensusChange { room: room.clone(), who, entered, count })
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::words::{Author, Draft, Kind, MessageId, Position, Sealed, Timestamp, UserId};

    fn room() -> RoomId {
        RoomId::parse("room:7").unwrap()
    }

    fn draft() -> Draft {
        Draft {
            room: room(),
            id: MessageId::new(),
            kind: Kind::Message,
            target: None,
            author: Author { user: UserId::text("anna").unwrap(), name: None },
            client_id: None,
            sent_at: Timestamp(0),
            origin: None,
            body: Sealed { key: None, bytes: Bytes::from_static(b"\0\xff\n") },
        }
    }

    fn framed(word: &str, body: &[u8]) -> Vec<u8> {
        [format!("{word} {}\n", body.len()).as_bytes(), body].concat()
    }

    #[test]
    fn a_payload_carries_any_number_of_frames() {
        let (first, second) = (draft(), draft());
        let passed = Passing { room: room(), id: MessageId::new(), origin: None, body: draft().body };
        let payload =
            [framed("3-4", &codec::encode(&first)), passing(&passed), framed("3-5", &codec::encode(&second))];
        let heard = deliveries(&room(), payload.concat().into()).unwrap();
        let at = |seq| Position { epoch: 3, seq };
        assert!(matches!(&heard[..], [
            Delivery::Entry(one), Delivery::Passing(passing), Delivery::Entry(two),
        ] if (one.position, &one.draft) == (at(4), &first)
            && *passing == passed
            && (two.position, &two.draft) == (at(5), &second)));
    }

    #[test]
    fn a_census_names_who_came_or_left_and_how_many_there_are() {
        let who = Author { user: UserId::number(-7).unwrap(), name: Some("Ünal \0: x".into()) };
        let body = format!("12\0-7\0{}", people::packed(&who));
        for (word, entered) in [("came", true), ("left", false)] {
            let heard = deliveries(&room(), framed(word, body.as_bytes()).into()).unwrap();
            let expected = CensusChange { room: room(), who: who.clone(), entered, count: 12 };
            assert!(matches!(&heard[..], [Delivery::Census(told)] if *told == expected));
        }
    }

    #[test]
    fn damaged_frames_are_told_and_never_panic() {
        for payload in ["x", "1-2\n", "1-2 x\n", "1-2 99\nabc", "1 3\nabc", "\n", "pass 3\nabc", "came 1\n7"]
        {
            assert!(deliveries(&room(), Bytes::from_static(payload.as_bytes())).is_err(), "{payload:?}");
        }
        let strange = deliveries(&room(), Bytes::from_static(b"1-2 3\nabc")).unwrap();
        assert!(
            matches!(&strange[..], [Delivery::Entry(entry)]
            if entry.position.seq == 2 && entry.draft.room == room()),
            "its number is not missing"
        );
    }

    #[test]
    fn the_word_of_a_newer_version_is_passed_over() {
        let payload = [framed("wave", b"abc"), framed("1-2", &codec::encode(&draft()))].concat();
        let heard = deliveries(&room(), payload.into()).unwrap();
        assert!(matches!(&heard[..], [Delivery::Entry(_)]));
    }
}
