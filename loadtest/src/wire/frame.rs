//! A frame of the raw dialects: one JSON object, read into typed, borrowed fields. There is no JSON tree.
//!
//! Owns the fields and what the words that both dialects share mean. A dialect looks at the types of its own and leaves
//! the rest to `understood`.

use serde::{Deserialize, Serialize};

use crate::wire::{
    dialect::Incoming,
    message::{Heard, Item, Run, Text, Unreadable},
};

/// Every field of every frame that the swarm reads; the rest is skipped without being built.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Frame<'a> {
    #[serde(borrow, rename = "type")]
    pub(super) kind: Text<'a>,
    #[serde(borrow)]
    pub(super) room_id: Option<Text<'a>>,
    pub(super) seq: Option<u64>,
    pub(super) epoch: Option<u64>,
    #[serde(borrow)]
    pub(super) id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) client_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub(super) message: Option<Text<'a>>,
    pub(super) recovered: Option<bool>,
    #[serde(borrow)]
    pub(super) history: Option<Vec<PageItem<'a>>>,
    #[serde(borrow)]
    pub(super) messages: Option<Vec<PageItem<'a>>>,
    pub(super) next_before: Option<u64>,
    #[serde(rename = "ref")]
    pub(super) reference: Option<u32>,
    #[serde(borrow)]
    pub(super) code: Option<Text<'a>>,
    pub(super) retry_after_ms: Option<u64>,
}

/// What stands in a page. Only a message has a client id and a text; an announcement of an epoch has no id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PageItem<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Text<'a>>,
    seq: u64,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    client_id: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

pub(super) fn read(text: &str) -> Result<Frame<'_>, Unreadable> {
    serde_json::from_str(text).map_err(|_| Unreadable)
}

pub(super) fn write(frame: &impl Serialize) -> String {
    serde_json::to_string(frame).expect("a frame of strings and numbers is always valid JSON")
}

/// What a frame means whose type both dialects know.
pub(super) fn understood<'a>(frame: Frame<'a>, run: &Run) -> Option<Incoming<'a>> {
    let incoming = match &*frame.kind.0 {
        "chat" => {
            let Frame { seq, id, client_id, message, .. } = frame;
            let heard = run.heard(&Item { seq: seq?, id: id?, client_id, message })?;
            Incoming::Chat { room: frame.room_id?.0, heard }
        }
        "joined" => Incoming::Joined {
            room: frame.room_id?.0,
            seq: frame.seq?,
            epoch: frame.epoch?,
            recovered: frame.recovered,
            history: page(frame.history.unwrap_or_default(), run)?,
        },
        "left" => Incoming::Left { room: Some(frame.room_id?.0) },
        "resync" => Incoming::Resync { room: frame.room_id?.0, epoch: frame.epoch?, seq: frame.seq? },
        "error" => Incoming::Error { code: frame.code?.0, retry_after_ms: frame.retry_after_ms },
        "reconnect" => Incoming::Reconnect { retry_after_ms: frame.retry_after_ms.unwrap_or(0) },
        _ => Incoming::Other,
    };
    Some(incoming)
}

/// What a page tells of. An epoch that begins inside it is told by the frame around it.
pub(super) fn page(items: Vec<PageItem<'_>>, run: &Run) -> Option<Vec<Heard>> {
    let counts = |item: &PageItem<'_>| item.kind.as_ref().is_none_or(|kind| kind.0 != "resync");
    items.into_iter().filter(counts).map(|item| heard(item, run)).collect()
}

fn heard(PageItem { kind: _, seq, id, client_id, message }: PageItem<'_>, run: &Run) -> Option<Heard> {
    run.heard(&Item { seq, id: id?, client_id, message })
}
