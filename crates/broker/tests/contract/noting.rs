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

async fn claim(node: &Node, key: &str, value: &Bytes, ttl: Duration) -> Option<Bytes> {
    node.notes.claim(key, value.clone(), ttl).await.expect("answered")
}

pub(crate) async fn of_many_who_claim_at_once_one_wins_and_the_others_are_told_by_whom(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    for key in ["one", "two 🦀|{}:"] {
        let names: Vec<Bytes> = (0..20_u8).map(|name| Bytes::copy_from_slice(&[name, 0xff])).collect();
        let claims = names.iter().enumerate().map(|(number, name)| {
            let (notes, key, name) = (nodes[number % 2].notes.clone(), key.to_owned(), name.clone());
            tokio::spawn(async move { notes.claim(&key, name, LONG).await.expect("answered") })
        });
        let mut answers = Vec::new();
        for claim in claims.collect::<Vec<_>>() {
            answers.push(claim.await.expect("the task ends well"));
        }
        let winners: Vec<usize> = (0..20).filter(|number| answers[*number].is_none()).collect();
        assert_eq!(winners.len(), 1);
        let winner = &names[winners[0]];
        assert!(answers.iter().flatten().all(|told| told == winner));
        assert_eq!(recall(&nodes[0], key).await.as_ref(), Some(winner));
    }
}

pub(crate) async fn a_claim_changes_nothing_where_something_is_kept(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let (empty, other) = (Bytes::new(), Bytes::from_static(b"other"));
    keep(&one, "empty", &empty, LONG).await;
    assert_eq!(claim(&two, "empty", &other, LONG).await, Some(empty.clone()));
    keep(&one, "brief", &other, Duration::from_millis(200)).await;
    until("it lapses at its own time", async || {
        claim(&two, "brief", &empty, LONG).await.is_none().then_some(())
    })
    .await;
    assert_eq!(recall(&one, "brief").await, Some(empty.clone()));
    assert_eq!(recall(&one, "empty").await, Some(empty));
    keep(&two, "brief", &other, LONG).await;
    assert_eq!(recall(&one, "brief").await, Some(other), "what is claimed can be replaced as any note");
}

pub(crate) async fn what_was_claimed_lapses_and_may_be_claimed_again(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let value = Bytes::from_static(b"x");
    for ttl in [Duration::from_millis(100), Duration::ZERO, LONG] {
        until("it is free", async || claim(&node, "a", &value, ttl).await.is_none().then_some(())).await;
    }
    assert_eq!(claim(&node, "a", &value, LONG).await, Some(value.clone()));
    node.notes.forget("a").await.expect("forgotten");
    assert_eq!(claim(&node, "a", &value, LONG).await, None);
}
