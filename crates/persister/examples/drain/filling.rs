//! Messages as clients send them, by the publish script.

use std::sync::Arc;
use std::time::{Duration, Instant};

use broker::redis::RedisNode;
use bytes::Bytes;
use domain::ports::{Broker, Store};
use domain::words::{
    Author, ClientId, Draft, KeyId, Kind, MessageId, NodeId, RoomId, Sealed, Timestamp, UserId,
};
use futures::{StreamExt, stream};

use crate::servers::Servers;

const ROOMS: usize = 1_000;
/// A text of 100 bytes, in its envelope, sealed.
const BODY: usize = 140;
/// Calls under way at once.
const CALLS: usize = 2_000;

/// A node that publishes.
pub(crate) struct Publisher(Arc<RedisNode>);

impl Publisher {
    pub(crate) async fn connect(servers: &Servers) -> Self {
        Self(RedisNode::connect(servers.options(), NodeId::boot("drain")).await.unwrap())
    }

    pub(crate) async fn fill(&self, messages: usize) {
        let begun = Instant::now();
        let calls = stream::iter(0..messages).map(|number| self.0.publish(draft(number)));
        calls
            .buffer_unordered(CALLS)
            .for_each(|published| async {
                published.unwrap();
            })
            .await;
        println!("filled with {messages} messages in {:.1?}", begun.elapsed());
    }

    /// Publishes one message and waits until it is in the database; how long that took.
    pub(crate) async fn lone(&self, store: &dyn Store) -> Duration {
        let draft = Draft { client_id: None, ..draft(0) };
        let (room, begun) = (draft.room.clone(), Instant::now());
        let position = self.0.publish(draft).await.unwrap().position;
        while store.head(&room).await.unwrap() < Some(position) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        begun.elapsed()
    }
}

fn draft(number: usize) -> Draft {
    let user = number % (2 * ROOMS);
    let mut body = Vec::with_capacity(BODY);
    while body.len() < BODY {
        body.extend_from_slice(&MessageId::new().0.into_bytes());
    }
    body.truncate(BODY);
    Draft {
        room: RoomId::parse(&format!("room:lounge-{}", number * 7 % ROOMS)).unwrap(),
        id: MessageId::new(),
        kind: Kind::Message,
        target: None,
        author: Author {
            user: UserId::text(&format!("user-{user}")).unwrap(),
            name: Some(format!("User {user}").into()),
        },
        client_id: Some(ClientId::parse(&format!("c-{number:012}")).unwrap()),
        sent_at: Timestamp::now(),
        origin: None,
        body: Sealed { key: Some(KeyId::parse("k1").unwrap()), bytes: Bytes::from(body) },
    }
}
