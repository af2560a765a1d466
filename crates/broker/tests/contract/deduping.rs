//! A (user, room, clientId) is accepted once, whoever asks and however often.

use std::collections::HashSet;

use domain::words::{Author, Draft, RoomId, UserId};

use crate::drafts::{at, message, named, room, seqs, user};
use crate::scene::{Kind, claim, read_all};

pub(crate) async fn a_repeated_client_id_returns_the_first_place_and_is_not_delivered(kind: Kind) {
    let scene = kind.scene().await;
    let (mut one, two) = (scene.node("a").await, scene.node("b").await);
    let room = room("again");
    one.subscribe(&room).await;
    let first = one.publish(named(&room, "anna", "c1")).await;
    assert!(!first.repeated);
    for node in [&one, &two] {
        let again = node.publish(named(&room, "anna", "c1")).await;
        assert_eq!((again.position, again.id, again.repeated), (first.position, first.id, true));
    }
    let next = two.publish(named(&room, "anna", "c2")).await;
    assert_eq!((next.position, next.repeated), (at(2), false), "a repeat takes no number");
    assert_eq!(seqs(&one.ear.take(2).await), [1, 2], "a repeat is not delivered");
    let worker = scene.worker("w").await;
    let leases = claim(&*worker, 4).await;
    assert_eq!(read_all(&*worker, &leases).await.len(), 2, "a repeat is not kept");
}

pub(crate) async fn one_client_id_published_by_many_at_once_is_accepted_once(kind: Kind) {
    let scene = kind.scene().await;
    let (mut one, two) = (scene.node("a").await, scene.node("b").await);
    let room = room("race");
    one.subscribe(&room).await;
    let tasks = (0..20).map(|task| {
        let broker = if task % 2 == 0 { one.broker.clone() } else { two.broker.clone() };
        let draft = named(&room, "anna", "same");
        tokio::spawn(async move { broker.publish(draft).await.expect("answered") })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.push(task.await.expect("the publisher ends well"));
    }
    let places: HashSet<_> = answers.iter().map(|answer| (answer.position, answer.id)).collect();
    assert_eq!(places.len(), 1, "all are told of the same one");
    assert_eq!(answers.iter().filter(|answer| !answer.repeated).count(), 1, "one of them was new");
    let last = one.publish(message(&room, "last")).await;
    assert_eq!(last.position, at(2));
    let heard = one.ear.take(2).await;
    assert_eq!((seqs(&heard), heard[0].draft.id), (vec![1, 2], answers[0].id));
}

pub(crate) async fn a_client_id_counts_per_user_and_room(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let (here, there) = (room("here"), room("there"));
    for (place, sender, seq) in [(&here, "anna", 1), (&here, "bert", 2), (&there, "anna", 1)] {
        let published = node.publish(named(place, sender, "c")).await;
        assert_eq!((published.position, published.repeated), (at(seq), false), "{sender} in {place}");
    }
}

pub(crate) async fn without_a_client_id_nothing_is_a_repeat(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let draft = message(&room("nameless"), "x");
    for seq in 1..=3 {
        let published = node.publish(draft.clone()).await;
        assert_eq!((published.position, published.repeated), (at(seq), false));
    }
}

pub(crate) async fn a_user_is_the_same_as_number_and_as_text(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let text = named(&room("same"), "7", "c");
    let number = Author { user: UserId::number(7).unwrap(), name: None };
    let first = node.publish(text.clone()).await;
    assert!(node.publish(Draft { author: number, ..text }).await.repeated);
    assert_eq!(first.position, at(1));
}

pub(crate) async fn strange_names_do_not_collide(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let long = "x".repeat(128);
    let names = [
        ("a|b", "c"),
        ("a", "b|c"),
        ("a:b", "c"),
        ("a", "b:c"),
        ("a b", "c"),
        ("a", "b c"),
        ("a\nb", "c"),
        ("3|a", "c"),
        ("a", "3|c"),
        ("🦀", "🦀🦀"),
        ("🦀🦀", "🦀"),
        ("{a}", "c"),
        ("*", "?"),
        ("A", "c"),
        (&long, "c"),
        (&long[1..], "xc"),
    ];
    let place = room("strange");
    let mut places = Vec::new();
    for (sender, client) in names {
        let published = node.publish(named(&place, sender, client)).await;
        assert!(!published.repeated, "{sender:?} {client:?}");
        places.push(published.position);
    }
    for ((sender, client), first) in names.into_iter().zip(places) {
        let again = node.publish(named(&place, sender, client)).await;
        assert_eq!((again.position, again.repeated), (first, true), "{sender:?} {client:?}");
    }
    // A room of a user may have any name a user has.
    for name in ["a|1", "a", "a|1|a"] {
        let published = node.publish(named(&RoomId::of_user(&user(name)), "a", "c")).await;
        assert_eq!((published.position, published.repeated), (at(1), false), "{name}");
    }
}
