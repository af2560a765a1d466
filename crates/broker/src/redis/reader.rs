//! Looking back: one atomic look at a room's head and hot log, and what is erased there.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use domain::ports::{PortError, Span};
use domain::words::{Position, RoomId, Sealed};
use fred::types::Value;

use super::codec;
use super::fence::Fence;
use super::link::{Link, Script, unexpected};

/// The reading half of a node's connection.
pub(super) struct Reader {
    read: Script,
    erase: Script,
    fence: Arc<Fence>,
}

impl Reader {
    pub(super) fn new(fence: Arc<Fence>) -> Self {
        Self {
            read: Script::new(include_str!("scripts/read.lua")),
            erase: Script::new(include_str!("scripts/erase.lua")),
            fence,
        }
    }

    pub(super) async fn look(
        &self,
        link: &Link,
        room: &RoomId,
        way: &'static str,
        from: String,
        limit: usize,
    ) -> Result<Span, PortError> {
        let shard = link.keys.shard_of_room(room);
        let keys = vec![
            link.keys.meta(shard),
            link.keys.room(shard, room),
            link.keys.hot_log(shard, room),
            link.keys.erased(shard, room),
        ];
        let arguments: Vec<Value> = vec![way.into(), from.into(), limit.to_string().into()];
        match link.call(&self.read, shard, keys.clone(), arguments.clone()).await {
            Err(PortError::Unavailable(reason)) if Fence::is_called_for(&reason) => {
                self.fence.fence(link, shard).await?;
                span(room, link.call(&self.read, shard, keys, arguments).await?)
            }
            reply => span(room, reply?),
        }
    }

    /// Marks an entry: streams do not change what they hold.
    pub(super) async fn erase(
        &self,
        link: &Link,
        room: &RoomId,
        position: Position,
    ) -> Result<(), PortError> {
        let shard = link.keys.shard_of_room(room);
        let keys = vec![link.keys.hot_log(shard, room), link.keys.erased(shard, room)];
        let arguments = vec![position.to_string().into(), position.seq.to_string().into()];
        link.call(&self.erase, shard, keys, arguments).await.map(|_| ())
    }
}

fn span(room: &RoomId, reply: Value) -> Result<Span, PortError> {
    let Value::Array(parts) = reply else { return Err(unexpected("a look")) };
    let mut parts = parts.into_iter();
    let place = |part: &Value| part.as_str().map(|text| codec::position(&text));
    let head = parts.next().as_ref().and_then(place).flatten().ok_or_else(|| unexpected("a look"))?;
    let oldest = parts.next().as_ref().and_then(place).ok_or_else(|| unexpected("a look"))?;
    let erased = parts.next().ok_or_else(|| unexpected("a look"))?.into_array();
    let erased: HashSet<Position> = erased.iter().filter_map(place).flatten().collect();
    let mut entries = Vec::with_capacity(parts.len() / 2);
    while let (Some(position), Some(body)) = (parts.next(), parts.next()) {
        let position = place(&position).flatten().ok_or_else(|| unexpected("a look"))?;
        let body = body.into_bytes().ok_or_else(|| unexpected("a look"))?;
        let mut entry = codec::entry(room, position, &body);
        if erased.contains(&position) {
            entry.draft.body = Sealed { key: None, bytes: Bytes::new() };
        }
        entries.push(entry);
    }
    Ok(Span { head, oldest, entries })
}
