//! Where a client stands, as the last argument of a numbered event: `room:general|1|57`, one for each room,
//! joined by commas.
//!
//! No legal room name holds a comma, a bar, a quote or a backslash, so nothing is ever escaped. Users' own rooms have
//! freer names and no numbers: they have no place here.

use std::collections::HashSet;

use bytes::Bytes;
use domain::words::{Namespace, Position, RoomId};

use crate::json;

/// Longest text that is read, in bytes: what one frame may hold.
const LONGEST: usize = 64 * 1024;
/// What one room takes beside its key, in bytes: enough for most.
const NUMBERS: usize = 24;

/// Writes the argument of an event that tells of its own room alone, with the comma before it.
pub(super) fn write(buffer: &mut Vec<u8>, room: &RoomId, position: Position) {
    buffer.extend_from_slice(b",\"");
    one(buffer, room, position);
    buffer.push(b'"');
}

/// About how many bytes [`write`] takes.
pub(super) fn size(room: &RoomId) -> usize {
    room.key().len() + NUMBERS
}

fn one(buffer: &mut Vec<u8>, room: &RoomId, Position { epoch, seq }: Position) {
    buffer.extend_from_slice(room.key().as_bytes());
    for number in [epoch, seq] {
        buffer.push(b'|');
        json::write(buffer, &number);
    }
}

/// The frame with these places instead of its own one. The rest is copied as it is.
pub(super) fn replaced(frame: &Bytes, places: &[(RoomId, Position)]) -> Bytes {
    let Some(kept) = before_the_place(frame) else { return frame.clone() };
    let mut places = places.iter().filter(|(room, _)| room.namespace() != Namespace::User).peekable();
    if places.peek().is_none() {
        return frame.clone();
    }
    let capacity = kept.len() + places.clone().map(|(room, _)| size(room)).sum::<usize>() + 2;
    let mut buffer = Vec::with_capacity(capacity);
    buffer.extend_from_slice(kept);
    for (index, (room, position)) in places.enumerate() {
        if index > 0 {
            buffer.push(b',');
        }
        one(&mut buffer, room, *position);
    }
    buffer.extend_from_slice(b"\"]");
    buffer.into()
}

/// Everything up to the quote with which the last argument begins; `None`: it is no text.
fn before_the_place(frame: &[u8]) -> Option<&[u8]> {
    let inner = frame.strip_suffix(b"\"]")?;
    let quote = inner.iter().rposition(|byte| *byte == b'"')?;
    inner[..quote].ends_with(b",").then(|| &inner[..=quote])
}

/// Reads a place; `None`: it is none that was written here.
pub(super) fn read(text: &str) -> Option<Vec<(RoomId, Position)>> {
    if text.len() > LONGEST {
        return None;
    }
    let places: Vec<(RoomId, Position)> = text.split(',').map(read_one).collect::<Option<_>>()?;
    let rooms: HashSet<&RoomId> = places.iter().map(|(room, _)| room).collect();
    (rooms.len() == places.len()).then_some(places)
}

fn read_one(text: &str) -> Option<(RoomId, Position)> {
    let mut parts = text.split('|');
    let (key, epoch, seq) = (parts.next()?, parts.next()?, parts.next()?);
    let room = RoomId::parse(key).ok().filter(|room| room.namespace() != Namespace::User)?;
    let position = Position { epoch: number(epoch)?, seq: number(seq)? };
    (parts.next().is_none() && position.epoch > 0).then_some((room, position))
}

/// A number as it is written here: digits, and no zero before them.
fn number(text: &str) -> Option<u64> {
    let canonical = text == "0" || !text.starts_with(['0', '+']);
    canonical.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(key: &str, epoch: u64, seq: u64) -> (RoomId, Position) {
        (RoomId::parse(key).unwrap(), Position { epoch, seq })
    }

    #[test]
    fn a_place_that_was_written_here_is_read() {
        let table = [
            ("room:general|1|57", vec![at("room:general", 1, 57)]),
            ("chat:a:b.c-d_e|3|0", vec![at("chat:a:b.c-d_e", 3, 0)]),
            ("room:7|1|1,chat:7|18446744073709551615|2", vec![at("room:7", 1, 1), at("chat:7", u64::MAX, 2)]),
        ];
        for (text, places) in table {
            assert_eq!(read(text), Some(places), "{text}");
        }
    }

    #[test]
    fn anything_odd_is_no_place() {
        let too_long = vec!["room:a|1|1"; 6000].join(",");
        let twice = "room:a|1|1,room:a|1|2";
        for text in [
            "",
            ",",
            "room:a",
            "room:a|1",
            "room:a|1|",
            "room:a||1",
            "room:a|1|2|3",
            "|1|2",
            "a|1|2",
            "cellar:a|1|2",
            "room:a b|1|2",
            "room:a|0|2",
            "room:a|1|-2",
            "room:a|+1|2",
            "room:a|01|2",
            "room:a|1|00",
            "room:a|1|2,",
            ",room:a|1|2",
            "room:a|1|18446744073709551616",
            "room:a|1|2 ",
            "user:anna|1|2",
            twice,
            too_long.as_str(),
        ] {
            assert_eq!(read(text), None, "{text}");
        }
    }

    #[test]
    fn a_frame_takes_the_places_of_all_rooms() {
        let frame = Bytes::from_static(br#"42["a",{"b":",\"c\",\""},"room:general|1|57"]"#);
        let places = [at("room:general", 1, 57), at("user:\"", 1, 1), at("chat:5", 2, 9)];
        let expected = r#"42["a",{"b":",\"c\",\""},"room:general|1|57,chat:5|2|9"]"#;
        assert_eq!(replaced(&frame, &places), expected);
    }

    #[test]
    fn a_frame_without_a_place_and_a_client_without_one_are_left_alone() {
        for frame in [r#"42["a",{"b":"c"}]"#, r#"42["a"]"#, "", "\"]"] {
            let frame = Bytes::from_static(frame.as_bytes());
            assert_eq!(replaced(&frame, &[at("room:general", 1, 57)]), frame);
        }
        let frame = Bytes::from_static(br#"42["a",{},"room:general|1|57"]"#);
        assert_eq!(replaced(&frame, &[]), frame);
        assert_eq!(replaced(&frame, &[at("user:anna", 1, 1)]), frame);
    }
}
