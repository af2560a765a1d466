//! Whatever a client sends, forgets or fails to read: it gets the contract's answer, and nobody else notices.
//!
//! Real sockets against the real program. Every test has a bystander in the same room who must go on within a second.
#![expect(clippy::unwrap_used, reason = "a test fails where it unwraps nothing")]

mod frames;
mod limits;
mod silence;
#[path = "../support/mod.rs"]
mod support;
mod tokens;

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;
use support::Deployment;
use support::client::Client;
use tokio::sync::OnceCell;

/// Two gateways with default limits over one Redis, shared by all tests that break none of them.
async fn gateways() -> &'static Deployment {
    static SHARED: OnceCell<Deployment> = OnceCell::const_new();
    SHARED.get_or_init(|| Deployment::start(2, 0, &[])).await
}

/// A name that nobody else in this process uses.
fn fresh(what: &str) -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("{what}-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// Two people in a room of their own: one misbehaves, the other must not notice.
struct Pair {
    room: String,
    offender: Client,
    bystander: Client,
}

impl Pair {
    /// Each on one of these gateways.
    async fn on(offenders: u16, bystanders: u16) -> Self {
        let room = fresh("room");
        let mut bystander = Client::of(&fresh("bystander"), bystanders).await;
        bystander.join(&room).await;
        let mut offender = Client::of(&fresh("offender"), offenders).await;
        offender.join(&room).await;
        Self { room, offender, bystander }
    }

    /// On two gateways of the shared deployment.
    async fn apart() -> Self {
        let gateways = &gateways().await.gateways;
        Self::on(gateways[0].public, gateways[1].public).await
    }

    /// The offender's next frame is an error with this code.
    async fn is_refused(&mut self, code: &str) -> Value {
        let frame = self.offender.next().await;
        assert_eq!((&frame["type"], &frame["code"]), (&"error".into(), &code.into()), "{frame}");
        assert!(frame["message"].as_str().is_some_and(|message| !message.is_empty()), "{frame}");
        frame
    }

    /// The offender's connection works as before, and the bystander heard nothing but this.
    async fn both_go_on(&mut self) {
        let text = fresh("still here");
        self.offender.say(&self.room, &text).await;
        self.offender.hears(&text).await;
        self.bystander.hears(&text).await;
    }

    /// The bystander heard nothing of it and goes on.
    async fn bystander_goes_on(&mut self) {
        self.bystander.is_undisturbed(&self.room).await;
    }
}
