//! The `Notes` port: one key per note, and Redis lets it lapse.

use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{Notes, PortError};

use super::RedisNode;

/// Redis refuses to keep anything for no time, or for longer than its clock can count.
fn lifetime(ttl: Duration) -> String {
    const LONGEST: u128 = 1 << 52;
    ttl.as_millis().clamp(1, LONGEST).to_string()
}

#[async_trait]
impl Notes for RedisNode {
    async fn keep(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), PortError> {
        let key = self.link.keys.note(key);
        let arguments = vec![key.as_str().into(), value.into(), "PX".into(), lifetime(ttl).into()];
        self.link.command("SET", &key, arguments).await.map(|_| ())
    }

    async fn recall(&self, key: &str) -> Result<Option<Bytes>, PortError> {
        let key = self.link.keys.note(key);
        Ok(self.link.command("GET", &key, vec![key.as_str().into()]).await?.into_bytes())
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, PortError> {
        let key = self.link.keys.note(key);
        let lifetime = lifetime(ttl).into();
        // NX together with GET since Redis 7.0: sets nothing where something is, and returns it.
        let arguments =
            vec![key.as_str().into(), value.into(), "NX".into(), "GET".into(), "PX".into(), lifetime];
        Ok(self.link.command("SET", &key, arguments).await?.into_bytes())
    }

    async fn forget(&self, key: &str) -> Result<(), PortError> {
        let key = self.link.keys.note(key);
        self.link.command("DEL", &key, vec![key.as_str().into()]).await.map(|_| ())
    }
}
