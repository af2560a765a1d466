//! Notes that lapse, and tokens that say whose they are.

use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use domain::ports::{Notes, PortError, Tokens};
use domain::{Identity, Token};
use tokio::time::Instant;

use super::identity;
use super::script::Script;

#[derive(Default)]
pub(crate) struct ScriptedNotes {
    kept: Mutex<HashMap<String, (Bytes, Instant)>>,
    /// Keeping, held back before anything is done.
    pub(crate) keeping: Script,
    /// Recalling, held back before anything is done.
    pub(crate) recalling: Script,
}

impl ScriptedNotes {
    /// Every note says this instead.
    pub(crate) fn scribble(&self, text: &'static str) {
        self.kept
            .lock()
            .unwrap()
            .values_mut()
            .for_each(|(value, _)| *value = Bytes::from_static(text.as_bytes()));
    }
}

#[async_trait]
impl Notes for ScriptedNotes {
    async fn keep(&self, key: &str, value: Bytes, ttl: Duration) -> Result<(), PortError> {
        self.keeping.turn().await?;
        self.kept.lock().unwrap().insert(key.to_owned(), (value, Instant::now() + ttl));
        Ok(())
    }

    async fn recall(&self, key: &str) -> Result<Option<Bytes>, PortError> {
        self.recalling.turn().await?;
        let kept = self.kept.lock().unwrap();
        Ok(kept.get(key).filter(|(_, lapses)| *lapses > Instant::now()).map(|(value, _)| value.clone()))
    }

    async fn claim(&self, key: &str, value: Bytes, ttl: Duration) -> Result<Option<Bytes>, PortError> {
        let known = self.recall(key).await?;
        if known.is_none() {
            self.keep(key, value, ttl).await?;
        }
        Ok(known)
    }

    async fn forget(&self, key: &str) -> Result<(), PortError> {
        self.kept.lock().unwrap().remove(key);
        Ok(())
    }
}

/// A good token reads `user/seconds`, and that is its name; nothing else is good.
pub(crate) struct ScriptedTokens;

#[async_trait]
impl Tokens for ScriptedTokens {
    async fn verify(&self, token: &str) -> Option<Identity> {
        let (user, seconds) = token.split_once('/')?;
        let lasts = Duration::from_secs(seconds.parse().ok()?);
        let name = Token { id: Some(token.into()), issued_at: None };
        Some(Identity { token: name, ..identity(user, lasts) })
    }
}
