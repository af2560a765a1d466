//! A decoded request in one short line.

use std::fmt::Write;

use domain::dialect::Request;
use domain::words::{ClientId, Command, RoomRef};

/// `join room:7 Number since=5`, `leave room:a Text`, `say room:a Text "hello" clientId="c1"`, each with `ref=…`.
pub(crate) fn shown(request: &Request) -> String {
    let mut line = match &request.command {
        Command::Join(join) => {
            let mut line = format!("join {}", room(&join.room));
            add(&mut line, "since", join.since);
            add(&mut line, "epoch", join.epoch);
            add(&mut line, "history", join.history);
            line
        }
        Command::Leave(left) => format!("leave {}", room(left)),
        Command::Say(say) => {
            let mut line = format!("say {} {:?}", room(&say.room), say.content.text);
            add(&mut line, "clientId", say.client_id.as_ref().map(ClientId::as_str));
            line
        }
    };
    if let Some(reference) = &request.reference {
        write!(line, " ref={reference}").expect("a string takes everything");
    }
    line
}

fn room(room: &RoomRef) -> String {
    format!("{} {:?}", room.id, room.form)
}

fn add(line: &mut String, name: &str, value: Option<impl std::fmt::Debug>) {
    if let Some(value) = value {
        write!(line, " {name}={value:?}").expect("a string takes everything");
    }
}
