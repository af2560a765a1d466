//! A decoded request in one short line.

use std::fmt::{Debug, Write};

use domain::dialect::Request;
use domain::words::{
    Amend, Call, Change, ClientId, Command, Content, Join, MessageType, Role, RoomRef, Say, Scope,
};

/// `join room:7 Number since=5`, `leave room:a Text`, `say room:a Text "hello" clientId="c1"`, …, each with `ref=…`.
pub(crate) fn shown(request: &Request) -> String {
    let mut line = match &request.command {
        Command::Join(join) => joined(join),
        Command::Leave(left) => format!("leave {}", room(left)),
        Command::Say(say) => said(say),
        Command::Amend(amend) => amended(amend),
        Command::Read { room: read, message } => format!("read {} {message}", room(read)),
        Command::Type { room: written, active } => format!("type {} active={active}", room(written)),
        Command::Call(Call { to, kind, data }) => {
            format!("call {to} numeric={} {} {data}", to.is_numeric(), kind.as_str())
        }
        Command::Refresh(token) => format!("refresh {token:?}"),
        Command::History { room: read, before, limit } => {
            let mut line = format!("history {}", room(read));
            add(&mut line, "before", *before);
            add(&mut line, "limit", *limit);
            line
        }
        Command::Users => "users".into(),
        Command::Stats => "stats".into(),
        Command::Announce { scope, message } => format!("announce {} {message:?}", scoped(scope)),
        Command::Ping => "ping".into(),
        Command::Custom(custom) => format!("custom {:?}", custom.0),
    };
    add(&mut line, "role", Some(request.role.as_str()).filter(|_| request.role != Role::User));
    add(&mut line, "cost", Some(request.cost).filter(|cost| *cost != 1));
    if let Some(reference) = &request.reference {
        write!(line, " ref={reference}").expect("a string takes everything");
    }
    line
}

fn scoped(scope: &Scope) -> String {
    match scope {
        Scope::All => "all".into(),
        Scope::Others => "others".into(),
        Scope::User(user) => format!("user {user} numeric={}", user.is_numeric()),
        Scope::Room(to) => format!("room {}", room(to)),
    }
}

fn joined(Join { room: joined, since, epoch, history, alone }: &Join) -> String {
    let mut line = format!("join {}", room(joined));
    add(&mut line, "since", *since);
    add(&mut line, "epoch", *epoch);
    add(&mut line, "history", *history);
    add(&mut line, "alone", Some(alone).filter(|alone| **alone));
    line
}

fn said(Say { room: place, content, uploads, client_id }: &Say) -> String {
    let Content { text, message_type, attachments, extra, .. } = content;
    assert_eq!(attachments, &[], "what uploads show is the session's to find");
    let mut line = format!("say {} {text:?}", room(place));
    add(&mut line, "messageType", Some(message_type).filter(|kind| **kind != MessageType::Text));
    for upload in uploads {
        add(&mut line, "upload", Some(upload));
    }
    add(&mut line, "replyTo", content.reply_to().map(|id| id.0));
    add(&mut line, "clientId", client_id.as_ref().map(ClientId::as_str));
    if let Some(extra) = extra {
        write!(line, " extra={extra}").expect("a string takes everything");
    }
    line
}

fn amended(Amend { room: place, target, change, client_id }: &Amend) -> String {
    let (verb, text) = match change {
        Change::Edit(text) => ("edit", Some(text)),
        Change::Delete => ("delete", None),
        Change::React(emoji) => ("react", Some(emoji)),
        Change::Unreact(emoji) => ("unreact", Some(emoji)),
    };
    let mut line = format!("{verb} {} {target}", room(place));
    add(&mut line, "with", text);
    add(&mut line, "clientId", client_id.as_ref().map(ClientId::as_str));
    line
}

fn room(room: &RoomRef) -> String {
    format!("{} {:?}", room.id, room.form)
}

fn add(line: &mut String, name: &str, value: Option<impl Debug>) {
    if let Some(value) = value {
        write!(line, " {name}={value:?}").expect("a string takes everything");
    }
}
