//! Looking back: one atomic look at a room's head and hot log.

use std::sync::Arc;

use domain::RoomId;
use domain::ports::{PortError, Span};
use fred::types::Value;

use super::codec;
use super::fence::Fence;
use super::link::{Link, Script, unexpected};

/// The reading half of a node's connection.
pub(super) struct Reader {
    script: Script,
    fence: Arc<Fence>,
}

impl Reader {
    pub(super) fn new(fence: Arc<Fence>) -> Self {
        Self { script: Script::new(include_str!("scripts/read.lua")), fence }
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
        let keys = vec![link.keys.meta(shard), link.keys.room(shard, room), link.keys.hot_log(shard, room)];
        let arguments: Vec<Value> = vec![way.into(), from.into(), limit.to_string().into()];
        match link.call(&self.script, shard, keys.clone(), arguments.clone()).await {
            Err(PortError::Unavailable(reason)) if Fence::is_called_for(&reason) => {
                self.fence.fence(link, shard).await?;
                span(room, link.call(&self.script, shard, keys, arguments).await?)
            }
            reply => span(room, reply?),
        }
    }
}

fn span(room: &RoomId, reply: Value) -> Result<Span, PortError> {
    let Value::Array(parts) = reply else { return Err(unexpected("a look")) };
    let mut parts = parts.into_iter();
    let place = |part: Option<Value>| part.and_then(|part| part.as_str().map(|text| codec::position(&text)));
    let head = place(parts.next()).flatten().ok_or_else(|| unexpected("a look"))?;
    let oldest = place(parts.next()).ok_or_else(|| unexpected("a look"))?;
    let mut entries = Vec::with_capacity(parts.len() / 2);
    while let (Some(position), Some(body)) = (parts.next(), parts.next()) {
        let position = position.as_str().and_then(|text| codec::position(&text));
        let body = body.into_bytes().ok_or_else(|| unexpected("a look"))?;
        let position = position.ok_or_else(|| unexpected("a look"))?;
        entries.push(codec::entry(room, position, &body));
    }
    Ok(Span { head, oldest, entries })
}
