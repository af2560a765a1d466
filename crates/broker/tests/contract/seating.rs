//! Seats: who is in a room, counted by person, whatever the number of nodes and repetitions.

use std::time::Duration;

use domain::ports::{Admission, Census, Lease, Swept};
use domain::words::{Author, ConnectionId, RoomId, UserId};

use crate::drafts::{author, room, user};
use crate::scene::{Kind, Node};

fn edge(count: u64) -> Census {
    Census { edge: true, count }
}

fn no_edge(count: u64) -> Census {
    Census { edge: false, count }
}

async fn enter(node: &Node, room: &RoomId, id: &str) -> Census {
    node.presence.enter(room, &author(id)).await.expect("the seat is taken")
}

async fn leave(node: &Node, room: &RoomId, id: &str) -> Census {
    node.presence.leave(room, &user(id)).await.expect("the seat is given back")
}

pub(crate) async fn the_first_and_the_last_seat_of_a_user_are_edges(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let room = room("edge");
    assert_eq!(enter(&one, &room, "anna").await, edge(1));
    assert_eq!(enter(&two, &room, "anna").await, no_edge(1));
    assert_eq!(leave(&one, &room, "anna").await, no_edge(1));
    assert_eq!(leave(&two, &room, "anna").await, edge(0));
    assert_eq!(enter(&two, &room, "anna").await, edge(1));
}

pub(crate) async fn distinct_users_are_counted(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let (room, other) = (room("count"), room("other"));
    assert_eq!(enter(&one, &room, "anna").await, edge(1));
    assert_eq!(enter(&one, &room, "bert").await, edge(2));
    assert_eq!(enter(&two, &room, "bert").await, no_edge(2));
    assert_eq!(enter(&two, &room, "carl").await, edge(3));
    assert_eq!(enter(&two, &other, "anna").await, edge(1), "each room counts by itself");
    assert_eq!(leave(&one, &room, "anna").await, edge(2));
    assert_eq!(two.presence.members(&other, 9).await.unwrap().1, 1);
}

pub(crate) async fn a_seat_taken_or_given_back_twice_counts_once(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room("twice");
    assert_eq!(leave(&node, &room, "anna").await, no_edge(0));
    assert_eq!(enter(&node, &room, "anna").await, edge(1));
    assert_eq!(enter(&node, &room, "anna").await, no_edge(1));
    assert_eq!(leave(&node, &room, "bert").await, no_edge(1));
    assert_eq!(leave(&node, &room, "anna").await, edge(0));
    assert_eq!(leave(&node, &room, "anna").await, no_edge(0));
}

pub(crate) async fn members_are_shown_as_they_came_up_to_the_limit(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let room = room("list");
    assert_eq!(one.presence.members(&room, 9).await.unwrap(), (vec![], 0));
    let number = Author { user: UserId::number(-7).unwrap(), name: Some("Sieben: \"7\" | ü".into()) };
    let unnamed = author("🦀 a|b");
    let empty = Author { user: user("7"), name: Some("".into()) };
    for (node, who) in [(&one, &number), (&two, &unnamed), (&one, &empty), (&two, &number)] {
        node.presence.enter(&room, who).await.unwrap();
    }
    let (mut members, count) = two.presence.members(&room, 9).await.unwrap();
    members.sort_by(|a, b| a.user.as_str().cmp(b.user.as_str()));
    assert_eq!((members.as_slice(), count), ([number, empty, unnamed].as_slice(), 3));
    assert_eq!(members.iter().map(|who| who.user.is_numeric()).collect::<Vec<_>>(), [true, false, false]);
    let (some, count) = one.presence.members(&room, 2).await.unwrap();
    assert_eq!((some.len(), count), (2, 3));
    assert!(some.iter().all(|who| members.contains(who)) && some[0].user != some[1].user);
    assert_eq!(one.presence.members(&room, 0).await.unwrap(), (vec![], 3));
}

pub(crate) async fn strange_users_keep_their_seats_apart(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let room = room("strange");
    let long = "ü".repeat(128);
    let strange = ["a|b", "a", "b", "a b", "a\nb", "a:b", "{s00}", "🦀", &long, "*", "7", "-7"];
    for (count, id) in (1..).zip(strange) {
        assert_eq!(enter(&node, &room, id).await, edge(count), "{id:?}");
        assert_eq!(enter(&node, &room, id).await, no_edge(count), "{id:?}");
    }
    for (gone, id) in (1..).zip(strange) {
        assert_eq!(leave(&node, &room, id).await, edge(strange.len() as u64 - gone), "{id:?}");
    }
}

pub(crate) async fn of_many_who_enter_at_once_one_is_first_and_one_is_last(kind: Kind) {
    let scene = kind.scene().await;
    let mut nodes = Vec::new();
    for number in 0..4 {
        nodes.push(scene.node(&format!("n{number}")).await);
    }
    let room = room("rush");
    for round in 0..20 {
        let (mut entered, mut left) = (0, 0);
        let entering = nodes.iter().map(|node| enter(node, &room, "anna"));
        for census in futures::future::join_all(entering).await {
            assert_eq!(census.count, 1);
            entered += u32::from(census.edge);
        }
        let leaving = nodes.iter().map(|node| leave(node, &room, "anna"));
        for census in futures::future::join_all(leaving).await {
            assert_eq!(census.count, u64::from(!census.edge));
            left += u32::from(census.edge);
        }
        assert_eq!((entered, left), (1, 1), "round {round}");
    }
}

pub(crate) async fn a_lease_is_new_once_and_then_held(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    // The scene has renewed it once.
    assert_eq!(node.presence.renew().await.unwrap(), Lease::Held);
    assert_eq!(node.presence.renew().await.unwrap(), Lease::Held);
    assert_eq!(node.presence.sweep().await.unwrap(), Swept::default(), "a node with a lease is not swept");
}

pub(crate) async fn a_retired_node_holds_nothing(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let rooms: Vec<RoomId> = (0..8).map(|number| room(&format!("retired-{number}"))).collect();
    for room in &rooms {
        enter(&one, room, "anna").await;
        enter(&one, room, "bert").await;
        enter(&two, room, "bert").await;
    }
    one.presence.admit(&author("anna"), ConnectionId::new(), 1, false).await.unwrap();
    one.presence.retire(Duration::ZERO).await.unwrap();
    for room in &rooms {
        assert_eq!(two.presence.members(room, 9).await.unwrap(), (vec![author("bert")], 1));
        assert_eq!(leave(&two, room, "bert").await, edge(0), "the other node's seat was the last");
    }
    let admission = two.presence.admit(&author("anna"), ConnectionId::new(), 1, false).await.unwrap();
    assert!(matches!(admission, Admission::Admitted { .. }));
    assert_eq!(one.presence.renew().await.unwrap(), Lease::Lapsed);
}
