//! How many there are, and who came last: always what slots and leases say.

use std::time::Duration;

use domain::ports::{Admission, Attendee, NodeStanding, Tally};
use domain::words::{Author, ConnectionId, UserId};

use crate::drafts::{author, room, user};
use crate::scene::{Kind, Node, Terms, until};

/// Nobody waits for its end.
const LONG: Duration = Duration::from_secs(3600);

async fn admit(node: &Node, id: &str, connection: ConnectionId) -> Admission {
    node.presence.admit(&author(id), connection, 0, false).await.expect("answered")
}

async fn release(node: &Node, id: &str, connection: ConnectionId) -> bool {
    node.presence.release(&user(id), connection, LONG).await.expect("given back")
}

async fn tally(node: &Node) -> Tally {
    node.presence.tally().await.expect("counted")
}

/// Who is shown, newest first, with their connections.
async fn shown(node: &Node, limit: usize) -> Vec<(String, u64)> {
    let users = node.presence.attendance(limit).await.expect("answered").users;
    users.into_iter().map(|user| (user.who.user.as_str().to_owned(), user.connections)).collect()
}

fn those<const N: usize>(users: [(&str, u64); N]) -> Vec<(String, u64)> {
    users.map(|(id, connections)| (id.to_owned(), connections)).into()
}

fn counted(connections: u64, users: u64, nodes: u64) -> Tally {
    Tally { connections, users, nodes }
}

pub(crate) async fn connections_users_and_nodes_are_counted_across_the_cluster(kind: Kind) {
    let scene = kind.scene().await;
    let one = scene.node("a").await;
    assert_eq!(tally(&one).await, counted(0, 0, 1));
    let two = scene.node("b").await;
    let [first, second, third] = std::array::from_fn(|_| ConnectionId::new());
    for (node, id, connection) in
        [(&one, "anna", first), (&two, "anna", second), (&one, "anna", first), (&two, "bert", third)]
    {
        admit(node, id, connection).await;
    }
    assert_eq!(tally(&two).await, counted(3, 2, 2), "asking twice counts once");
    release(&two, "anna", first).await;
    release(&two, "carl", first).await;
    release(&one, "bert", ConnectionId::new()).await;
    for _ in 0..3 {
        release(&one, "anna", first).await;
    }
    assert_eq!(tally(&one).await, counted(2, 2, 2), "giving back twice counts once");
    release(&two, "anna", second).await;
    assert_eq!(tally(&one).await, counted(1, 1, 2), "a grace is not counted");
    release(&two, "bert", third).await;
    two.presence.retire(LONG).await.expect("retired");
    assert_eq!(tally(&one).await, counted(0, 0, 1), "a retired node is not counted");
}

pub(crate) async fn a_replaced_or_refused_connection_is_not_counted(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let connections: Vec<ConnectionId> = (0..4).map(|_| ConnectionId::new()).collect();
    for (node, connection) in [&one, &two, &two, &two].into_iter().zip(&connections) {
        node.presence.admit(&author("anna"), *connection, 2, true).await.expect("answered");
    }
    let refused = one.presence.admit(&author("anna"), ConnectionId::new(), 2, false).await;
    assert_eq!(refused, Ok(Admission::Refused));
    assert_eq!(tally(&one).await, counted(2, 1, 2));
    release(&one, "anna", connections[0]).await;
    assert_eq!(tally(&one).await, counted(2, 1, 2), "who was replaced gives back nothing");
    assert_eq!(standings(&one).await, [("a".to_owned(), 0), ("b".to_owned(), 2)]);
}

pub(crate) async fn the_newest_are_shown_first_up_to_the_limit_and_all_are_counted(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let ids: Vec<String> = (0..40).map(|number| format!("user {number} 🦀|\n")).collect();
    for (number, id) in ids.iter().enumerate() {
        admit(&nodes[number % 2], id, ConnectionId::new()).await;
    }
    admit(&nodes[0], &ids[0], ConnectionId::new()).await;
    let newest: Vec<(String, u64)> =
        ids.iter().rev().map(|id| (id.clone(), if *id == ids[0] { 2 } else { 1 })).collect();
    for limit in [0, 1, 7, 40, usize::MAX] {
        let attendance = nodes[1].presence.attendance(limit).await.expect("answered");
        assert_eq!(attendance.tally, counted(41, 40, 2), "limit {limit}");
        let expected = &newest[..limit.min(newest.len())];
        assert_eq!(shown(&nodes[0], limit).await, expected, "another connection makes nobody newer");
    }
}

pub(crate) async fn whoever_is_in_their_grace_is_not_shown_and_comes_back_as_the_newest(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let [first, second, other] = std::array::from_fn(|_| ConnectionId::new());
    admit(&one, "anna", first).await;
    admit(&one, "bert", other).await;
    assert!(release(&one, "anna", first).await);
    assert_eq!(shown(&two, 9).await, those([("bert", 1)]));
    assert!(two.presence.is_online(&user("anna")).await.expect("answered"), "her grace is not over");
    assert_eq!(admit(&two, "anna", second).await, Admission::Admitted { first: false });
    assert_eq!(shown(&one, 9).await, those([("anna", 1), ("bert", 1)]));
    assert_eq!(tally(&one).await, counted(2, 2, 2));
}

pub(crate) async fn users_are_shown_as_they_came_last(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let named =
        Author { user: UserId::number(-7).expect("a legal id"), name: Some("Änne: \"7\" |\0x".into()) };
    for who in [&Author { name: None, ..named.clone() }, &named] {
        node.presence.admit(who, ConnectionId::new(), 0, false).await.expect("answered");
    }
    let attendance = node.presence.attendance(9).await.expect("answered");
    assert_eq!(attendance.users, [Attendee { who: named, connections: 2 }]);
    assert!(attendance.users[0].who.user.is_numeric());
}

pub(crate) async fn a_rooms_users_are_counted_once_each(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let room = room("counted");
    assert_eq!(one.presence.count(&room).await, Ok(0));
    for (node, id) in [(&one, "anna"), (&two, "anna"), (&two, "bert")] {
        node.presence.enter(&room, &author(id)).await.expect("the seat is taken");
    }
    assert_eq!(one.presence.count(&room).await, Ok(2));
    two.presence.leave(&room, &user("bert")).await.expect("given back");
    assert_eq!(two.presence.count(&room).await, Ok(1));
}

pub(crate) async fn connections_are_told_in_the_order_of_the_question(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let users: Vec<UserId> = (0..200).map(|number| user(&format!("u{number}"))).collect();
    for number in 0..200 {
        for _ in 0..number % 4 {
            admit(&node, &format!("u{number}"), ConnectionId::new()).await;
        }
    }
    let expected: Vec<u64> = (0..200).map(|number| number % 4).collect();
    assert_eq!(node.presence.connections_of(&users).await.expect("answered"), expected);
    assert_eq!(node.presence.connections_of(&[]).await, Ok(vec![]));
    let twice = [user("u3"), user("nobody"), user("u3")];
    assert_eq!(node.presence.connections_of(&twice).await, Ok(vec![3, 0, 3]));
}

/// Every live node by its plain name, and its slots.
pub(crate) async fn standings(node: &Node) -> Vec<(String, u64)> {
    let nodes = node.presence.nodes().await.expect("answered");
    nodes.into_iter().map(|NodeStanding { id, connections }| (id.name().to_owned(), connections)).collect()
}

pub(crate) async fn a_killed_nodes_slots_are_free_within_its_lease_and_the_counters_follow(kind: Kind) {
    const LEASE: Duration = Duration::from_secs(2);
    let scene = kind.scene_with(Terms { lease: LEASE, ..Terms::default() }).await;
    let (living, dead) = (scene.node("a").await, scene.node("dead").await);
    let limited = async |node: &Node, id: &str| {
        node.presence.admit(&author(id), ConnectionId::new(), 2, false).await.expect("answered")
    };
    for id in ["anna", "anna", "bert"] {
        limited(&dead, id).await;
    }
    limited(&living, "bert").await;
    assert_eq!(limited(&living, "anna").await, Admission::Refused);
    assert_eq!(limited(&living, "bert").await, Admission::Refused);
    assert_eq!(tally(&living).await, counted(4, 2, 2));
    assert_eq!(standings(&living).await, [("a".to_owned(), 1), ("dead".to_owned(), 3)]);
    drop(dead);
    until("the dead node is gone", async || {
        living.presence.renew().await.expect("renewed");
        living.presence.sweep().await.expect("swept");
        (tally(&living).await == counted(1, 1, 1)).then_some(())
    })
    .await;
    assert_eq!(standings(&living).await, [("a".to_owned(), 1)]);
    assert_eq!(shown(&living, 9).await, those([("bert", 1)]));
    assert_eq!(limited(&living, "anna").await, Admission::Admitted { first: true });
    assert_eq!(limited(&living, "bert").await, Admission::Admitted { first: false });
    assert_eq!(tally(&living).await, counted(3, 2, 1));
}
