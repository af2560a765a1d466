//! Notes: kept for a while, for any node to read.

use std::time::Duration;

use bytes::Bytes;

use crate::scene::{Kind, Node, until};

/// Nobody waits for its end.
const LONG: Duration = Duration::from_secs(3600);

async fn keep(node: &Node, key: &str, value: &Bytes, ttl: Duration) {
    node.notes.keep(key, value.clone(), ttl).await.expect("kept");
}

async fn recall(node: &Node, key: &str) -> Option<Bytes> {
    node.notes.recall(key).await.expect("answered")
}

pub(crate) async fn a_note_is_recalled_whole_by_every_node(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let bytes = |text: &'static [u8]| Bytes::from_static(text);
    let notes = [
        ("plain", bytes(b"x")),
        ("empty", bytes(b"")),
        ("binary 🦀|{}:\n", bytes(b"\0\xff\r\n")),
        ("{", (0..256 * 1024_u32).map(|byte| byte.to_le_bytes()[0]).collect()),
    ];
    for (key, value) in &notes {
        keep(&one, key, value, LONG).await;
    }
    for (key, value) in &notes {
        assert!(recall(&two, key).await.as_ref() == Some(value), "{key:?}");
    }
    assert_eq!(recall(&two, "never kept").await, None);
}

pub(crate) async fn a_later_note_replaces_the_earlier_one_and_its_time(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let (short, text) = (Duration::from_millis(50), |text: &'static str| Bytes::from_static(text.as_bytes()));
    keep(&one, "longer", &text("first"), short).await;
    keep(&two, "longer", &text("second"), LONG).await;
    keep(&two, "shorter", &text("first"), LONG).await;
    keep(&one, "shorter", &text("second"), short).await;
    until("the shorter one lapses", async || recall(&two, "shorter").await.is_none().then_some(())).await;
    assert_eq!(recall(&one, "longer").await, Some(text("second")));
}

pub(crate) async fn a_note_lapses_after_its_time(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let value = Bytes::from_static(b"x");
    for ttl in [Duration::from_millis(200), Duration::from_nanos(1), Duration::ZERO] {
        keep(&node, "brief", &value, ttl).await;
        until("it lapses", async || recall(&node, "brief").await.is_none().then_some(())).await;
    }
    keep(&node, "for ever", &value, Duration::MAX).await;
    assert_eq!(recall(&node, "for ever").await, Some(value));
}

pub(crate) async fn a_forgotten_note_is_gone_and_may_be_kept_again(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let value = Bytes::from_static(b"x");
    keep(&one, "a", &value, LONG).await;
    keep(&one, "b", &value, LONG).await;
    for _ in 0..2 {
        two.notes.forget("a").await.expect("forgetting is idempotent");
    }
    assert_eq!((recall(&one, "a").await, recall(&one, "b").await), (None, Some(value.clone())));
    keep(&two, "a", &value, LONG).await;
    assert_eq!(recall(&one, "a").await, Some(value));
}
