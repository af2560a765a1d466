//! A dialect of plain words, one frame a line: `join r since 5 epoch 1 history 0 alone`, `leave r`, `say r text`;
//! back come `message r 1-5 text`, `resync r 9-100`, `joined r 1-5 recovered members=1 1-4,1-5 texts` and the like.
//! A chat is written `chat:a`. `say#x r text` names the message `x`; `say#x! r text` also wants no acknowledgement.
//! A place is `r=1-5,chat:a=1-7`; behind ` @` it ends a frame that tells of several rooms.

use bytes::Bytes;
use domain::dialect::{Answer, Dialect, Misread, Reference, Request, Welcome};
use domain::ports::{Attendance, Attendee};
use domain::{
    Amend, Call, Change, ClientId, Code, Command, Content, Event, Fault, Form, Join, MessageId, Namespace,
    Position, Role, RoomId, RoomRef, Say, Scope, Sign, SignalKind, UserId,
};

use super::room;

const QUIET: &str = "quiet";
/// A command to a room that cannot be.
const NOWHERE: &str = "join !";

pub(crate) struct Words {
    /// Whether the answer to a join shows history.
    pub(crate) inlines: bool,
}

impl Dialect for Words {
    fn slot(&self) -> usize {
        usize::from(self.inlines)
    }

    fn acknowledges(&self, reference: Option<&str>) -> bool {
        reference != Some(QUIET)
    }

    fn inlines_history(&self) -> bool {
        self.inlines
    }

    fn decode(&self, frame: &[u8]) -> Result<Request, Misread> {
        let fault = || Fault::new(Code::InvalidMessage, "no such words");
        let misread = || Misread { fault: fault(), reference: None };
        if frame == NOWHERE.as_bytes() {
            let fault = Fault::new(Code::InvalidRoom, "no such room");
            return Err(Misread { fault, reference: None });
        }
        request(std::str::from_utf8(frame).map_err(|_| misread())?).ok_or_else(misread)
    }

    fn event(&self, event: &Event, _: Form) -> Option<Bytes> {
        let (room, place) = (short(event.room()), event.position().unwrap_or(Position::START));
        let frame = match event {
            Event::Message(_) => format!("message {room} {place} {}", text(event)),
            Event::Edited(_) => format!("edited {room} {place} {}", text(event)),
            Event::Deleted(_) => format!("deleted {room} {place}"),
            Event::Reacted(_) => format!("reacted {room} {place} {}", text(event)),
            Event::Unreacted(_) => format!("unreacted {room} {place} {}", text(event)),
            Event::Resync { .. } => format!("resync {room} {place}"),
            Event::Sign { sign, .. } => seen(&room, sign),
        };
        Some(frame.into())
    }

    fn placed(&self, frame: &Bytes, places: &[(RoomId, Position)]) -> Bytes {
        let frame = std::str::from_utf8(frame).unwrap();
        let places: Vec<String> =
            places.iter().map(|(room, place)| format!("{}={place}", short(room))).collect();
        format!("{frame} @{}", places.join(",")).into()
    }

    fn places(&self, text: &str) -> Option<Vec<(RoomId, Position)>> {
        let one = |text: &str| {
            let (name, place) = text.split_once('=')?;
            Some((room(name), self::place(place)?))
        };
        text.split(',').map(one).collect()
    }

    fn answer(&self, answer: &Answer, _: Option<&str>) -> Option<Bytes> {
        let frame = match answer {
            Answer::Joined { room, head, recovered, history, members, .. } => {
                let recovered = match recovered {
                    None => "fresh",
                    Some(true) => "recovered",
                    Some(false) => "unrecovered",
                };
                let places: Vec<String> =
                    history.iter().filter_map(Event::position).map(|place| place.to_string()).collect();
                let texts: Vec<String> = history.iter().map(text).collect();
                let (room, places, texts) = (short(&room.id), places.join(","), texts.join("|"));
                format!("joined {room} {head} {recovered} members={members} {places} {texts}")
            }
            Answer::Left { room } => format!("left {}", short(&room.id)),
            Answer::Accepted { published } => format!("accepted {}", published.position),
            Answer::Done => "done".to_owned(),
            Answer::Welcome(welcome) => {
                let Welcome { connection, recovery, attendance, .. } = &**welcome;
                let users =
                    attendance.as_ref().map_or_else(String::new, |found| format!(" {}", online(found)));
                format!("welcome {connection} {}{users}", recovery.as_deref().unwrap_or("-"))
            }
            Answer::Stored { room, through } => format!("stored {} {through}", short(&room.id)),
            Answer::Expelled { room } => format!("expelled {}", short(&room.id)),
            Answer::History { room, messages, next_before } => {
                let places: Vec<String> =
                    messages.iter().map(|message| message.position.to_string()).collect();
                let next = next_before.map_or_else(|| "-".to_owned(), |next| next.to_string());
                let texts: Vec<String> =
                    messages.iter().cloned().map(Event::Message).map(|event| text(&event)).collect();
                format!("history {} {} {next} {}", short(&room.id), places.join(","), texts.join("|"))
            }
            Answer::Users(found) => format!("users {}", online(found)),
            Answer::Stats { tally, subscribers } => {
                format!("stats {} {} {} {subscribers}", tally.connections, tally.users, tally.nodes)
            }
            Answer::Pong { .. } => "pong".to_owned(),
            Answer::Custom(text) => format!("custom {text}"),
            Answer::Refused(fault) => format!("refused {}", fault.code.as_str()),
            Answer::Reconnect { .. } => "reconnect".to_owned(),
            Answer::TokenExpiring { .. } => "expiring".to_owned(),
        };
        Some(frame.into())
    }
}

fn request(frame: &str) -> Option<Request> {
    let mut words = frame.splitn(3, ' ');
    let (verb, name, rest) = (words.next()?, words.next()?, words.next().unwrap_or_default());
    let (verb, mark) = verb.split_once('#').unwrap_or((verb, ""));
    let client_id = ClientId::parse(mark.trim_end_matches('!')).ok();
    let reference: Option<Reference> = mark.ends_with('!').then(|| QUIET.into());
    let at = || RoomRef { id: room(name), form: Form::Text };
    let amend = |change| {
        let target = target(rest)?;
        Some(Command::Amend(Amend { room: at(), target, change, client_id: client_id.clone() }))
    };
    let said = || rest.split_once(' ').map_or_else(String::new, |(_, said)| said.to_owned());
    let command = match verb {
        "join" => Command::Join(join(at(), rest)),
        "leave" => Command::Leave(at()),
        "say" => {
            Command::Say(Say { room: at(), content: Content::text(rest), uploads: Vec::new(), client_id })
        }
        "show" => {
            let uploads = rest.split(',').map(|id| id.parse().unwrap()).collect();
            Command::Say(Say { room: at(), content: Content::text(""), uploads, client_id })
        }
        "edit" => amend(Change::Edit(said()))?,
        "delete" => amend(Change::Delete)?,
        "react" => amend(Change::React(said()))?,
        "unreact" => amend(Change::Unreact(said()))?,
        "read" => Command::Read { room: at(), message: target(rest)? },
        "write" => Command::Type { room: at(), active: true },
        "stop" => Command::Type { room: at(), active: false },
        "ring" => {
            Command::Call(Call { to: UserId::text(name).ok()?, kind: SignalKind::Ring, data: rest.into() })
        }
        "refresh" => Command::Refresh(name.into()),
        "history" => {
            let mut numbers = rest.split_whitespace().map(|number| number.parse().unwrap());
            let limit = numbers.next().map(|limit: u64| usize::try_from(limit).unwrap());
            Command::History { room: at(), before: numbers.next(), limit }
        }
        "users" => Command::Users,
        "stats" => Command::Stats,
        "ping" => Command::Ping,
        "announce" => announce(name, rest)?,
        _ => return None,
    };
    let role = if verb == "announce" { Role::Admin } else { Role::User };
    Some(Request { role, ..Request::new(command, reference) })
}

/// `announce all text`, `announce others text`, `announce user ann text`, `announce room r text`.
fn announce(scope: &str, rest: &str) -> Option<Command> {
    let (name, told) = rest.split_once(' ').unwrap_or((rest, ""));
    let (scope, message) = match scope {
        "all" => (Scope::All, rest),
        "others" => (Scope::Others, rest),
        "user" => (Scope::User(UserId::text(name).ok()?), told),
        "room" => (Scope::Room(RoomRef { id: room(name), form: Form::Text }), told),
        _ => return None,
    };
    Some(Command::Announce { scope, message: message.into() })
}

fn online(found: &Attendance) -> String {
    let one = |user: &Attendee| format!("{}:{}", user.who.user, user.connections);
    let users: Vec<String> = found.users.iter().map(one).collect();
    format!("{} {}", found.tally.users, users.join(","))
}

fn target(rest: &str) -> Option<MessageId> {
    rest.split(' ').next()?.parse().ok().map(MessageId)
}

fn join(room: RoomRef, options: &str) -> Join {
    let options: Vec<&str> = options.split_whitespace().collect();
    let number = |name: &str| {
        let value = options.iter().position(|option| *option == name).map(|index| options[index + 1]);
        value.map(|value| value.parse::<u64>().unwrap())
    };
    let history = number("history").map(|history| usize::try_from(history).unwrap());
    let alone = options.contains(&"alone");
    Join { room, since: number("since"), epoch: number("epoch"), history, alone }
}

/// A room as these words name it.
fn short(room: &RoomId) -> String {
    if room.namespace() == Namespace::Room { room.name().to_owned() } else { room.key().to_owned() }
}

fn seen(room: &str, sign: &Sign) -> String {
    match sign {
        Sign::Typing { who, active: true } => format!("writes {room} {}", who.user),
        Sign::Typing { who, active: false } => format!("stops {room} {}", who.user),
        Sign::Read { reader, .. } => format!("read {room} {reader}"),
        Sign::Status { who, online: true, .. } => format!("online {}", who.user),
        Sign::Status { who, online: false, .. } => format!("offline {}", who.user),
        Sign::Members { members, count, .. } => {
            let members: Vec<&str> = members.iter().map(|member| member.user.as_str()).collect();
            format!("members {room} {count} {}", members.join(","))
        }
        Sign::Attendance { who, online, users } => {
            format!("{} {} {users}", if *online { "arrives" } else { "departs" }, who.user)
        }
        Sign::Seats(change) => format!("seats {} {} {}", change.event, change.version, change.available),
        Sign::Announcement(said) => format!("announcement {} {}", said.from, said.message),
        Sign::Signal(signal) => format!("{} {} {}", signal.kind.as_str(), signal.from, signal.data),
    }
}

/// Control characters take six bytes, as they do in JSON.
fn text(event: &Event) -> String {
    let escape = |c: char| if c.is_control() { format!("\\u{:04x}", u32::from(c)) } else { c.to_string() };
    let content = match event {
        Event::Message(message) => &message.content,
        Event::Edited(change)
        | Event::Deleted(change)
        | Event::Reacted(change)
        | Event::Unreacted(change) => &change.content,
        Event::Resync { .. } | Event::Sign { .. } => return String::new(),
    };
    let Ok(content) = content else { return "?".to_owned() };
    let files = content.attachments.iter().map(|file| format!("+{}", file.name));
    content.text.chars().map(escape).chain(files).collect()
}

fn place(text: &str) -> Option<Position> {
    let (epoch, seq) = text.split_once('-')?;
    Some(Position { epoch: epoch.parse().ok()?, seq: seq.parse().ok()? })
}

/// Where a client stands that was shown this frame last; `None`: the frame does not say.
pub(super) fn stands(frame: &str) -> Option<String> {
    if let Some((_, places)) = frame.rsplit_once(" @") {
        return Some(places.to_owned());
    }
    let mut words = frame.split(' ');
    let (kind, room, place) = (words.next()?, words.next()?, words.next()?);
    let numbered = ["message", "edited", "deleted", "reacted", "unreacted", "resync"];
    numbered.contains(&kind).then(|| format!("{room}={place}"))
}

/// The places of all messages that a client was shown by these frames, in order.
pub(crate) fn shown(frames: &[String]) -> Vec<Position> {
    let place = |text: &str| place(text).expect("a place");
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

/// The same for one room alone.
pub(crate) fn shown_of(name: &str, frames: &[String]) -> Vec<Position> {
    let of: Vec<String> =
        frames.iter().filter(|frame| frame.split(' ').nth(1) == Some(name)).cloned().collect();
    shown(&of)
}
