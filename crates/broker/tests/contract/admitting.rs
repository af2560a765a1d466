//! Connection slots: a user's connections are counted across the cluster, atomically.

use std::collections::HashSet;
use std::time::Duration;

use domain::ports::Admission;
use domain::words::ConnectionId;

use crate::drafts::{author, user};
use crate::scene::{Kind, Node};

/// How one connection of `id` is answered.
async fn ask(node: &Node, id: &str, connection: ConnectionId, limit: usize, replace: bool) -> Admission {
    node.presence.admit(&author(id), connection, limit, replace).await.expect("answered")
}

/// Whether a slot is given, whatever it makes of the user.
fn admitted(admission: &Admission) -> bool {
    matches!(admission, Admission::Admitted { .. })
}

async fn release(node: &Node, id: &str, connection: ConnectionId) {
    node.presence.release(&user(id), connection, Duration::ZERO).await.expect("given back");
}

pub(crate) async fn one_connection_too_many_is_refused_until_another_goes(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let [first, second, third] = std::array::from_fn(|_| ConnectionId::new());
    assert!(admitted(&ask(&one, "anna", first, 2, false).await));
    assert!(admitted(&ask(&two, "anna", second, 2, false).await));
    assert_eq!(ask(&one, "anna", third, 2, false).await, Admission::Refused);
    release(&one, "anna", third).await;
    assert_eq!(
        ask(&two, "anna", third, 2, false).await,
        Admission::Refused,
        "who has no slot gives none back"
    );
    release(&two, "anna", second).await;
    release(&two, "anna", second).await;
    assert!(admitted(&ask(&one, "anna", third, 2, false).await));
    assert_eq!(ask(&one, "anna", second, 2, false).await, Admission::Refused, "giving back twice frees one");
}

pub(crate) async fn a_connection_is_counted_once_however_often_it_asks(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let [first, second, third] = std::array::from_fn(|_| ConnectionId::new());
    for connection in [first, first, second, first, second] {
        assert!(admitted(&ask(&node, "anna", connection, 2, false).await));
        assert!(admitted(&ask(&node, "anna", connection, 2, true).await), "nobody is replaced");
    }
    assert_eq!(ask(&node, "anna", third, 2, false).await, Admission::Refused);
}

pub(crate) async fn without_a_limit_everyone_is_admitted_and_counted(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let connections: Vec<ConnectionId> = (0..20).map(|_| ConnectionId::new()).collect();
    for connection in &connections {
        assert!(admitted(&ask(&node, "anna", *connection, 0, true).await));
    }
    assert_eq!(ask(&node, "anna", ConnectionId::new(), 20, false).await, Admission::Refused);
    assert!(admitted(&ask(&node, "anna", connections[7], 5, false).await), "it has a slot");
}

pub(crate) async fn the_oldest_is_replaced_in_the_order_of_admission(kind: Kind) {
    const LIMIT: usize = 20;
    let scene = kind.scene().await;
    let (one, two) = (scene.node("a").await, scene.node("b").await);
    let connections: Vec<ConnectionId> = (0..3 * LIMIT).map(|_| ConnectionId::new()).collect();
    for (number, connection) in connections.iter().enumerate() {
        let node = if number % 2 == 0 { &one } else { &two };
        let expected = match number.checked_sub(LIMIT) {
            Some(oldest) => Admission::Replaces(connections[oldest]),
            None => Admission::Admitted { first: number == 0 },
        };
        assert_eq!(ask(node, "anna", *connection, LIMIT, true).await, expected, "connection {number}");
    }
    // Who was replaced gives back nothing that is not theirs.
    release(&one, "anna", connections[0]).await;
    assert_eq!(ask(&two, "anna", ConnectionId::new(), LIMIT, false).await, Admission::Refused);
}

pub(crate) async fn the_node_of_a_replaced_connection_is_told(kind: Kind) {
    let scene = kind.scene().await;
    let (mut one, two) = (scene.node("a").await, scene.node("b").await);
    let (older, newer) = (ConnectionId::new(), ConnectionId::new());
    ask(&one, "anna", older, 1, true).await;
    // The channel by which a node is told is proven by its own probe.
    while one.broker.probe_age().is_none() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(ask(&two, "anna", newer, 1, true).await, Admission::Replaces(older));
    assert_eq!(one.ear.evicted().await, older);
}

pub(crate) async fn each_user_has_a_limit_of_their_own(kind: Kind) {
    let node = kind.scene().await.node("a").await;
    let long = "x".repeat(128);
    for id in ["anna", "a|b", "a", "a b", "a\nb", "🦀", &long, "7"] {
        assert!(admitted(&ask(&node, id, ConnectionId::new(), 1, false).await), "{id:?}");
        assert_eq!(ask(&node, id, ConnectionId::new(), 1, false).await, Admission::Refused, "{id:?}");
    }
}

/// Answers to 50 connections of one user that ask two nodes at once.
async fn rush(nodes: &[Node; 2], replace: bool) -> Vec<(ConnectionId, Admission)> {
    let tasks = (0..50).map(|task| {
        let presence = nodes[task % 2].presence.clone();
        tokio::spawn(async move {
            let connection = ConnectionId::new();
            (connection, presence.admit(&author("anna"), connection, 5, replace).await.expect("answered"))
        })
    });
    let mut answers = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        answers.push(task.await.expect("the task ends well"));
    }
    answers
}

/// How many slots she has, by her own and by the cluster's count.
async fn held(node: &Node) -> (Vec<u64>, u64) {
    let own = node.presence.connections_of(&[user("anna")]).await.expect("answered");
    (own, node.presence.tally().await.expect("counted").connections)
}

pub(crate) async fn of_many_at_once_exactly_the_limit_is_admitted(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let answers = rush(&nodes, false).await;
    assert_eq!(answers.iter().filter(|(_, answer)| admitted(answer)).count(), 5);
    assert_eq!(answers.iter().filter(|(_, answer)| *answer == Admission::Refused).count(), 45);
    assert_eq!(held(&nodes[0]).await, (vec![5], 5));
}

pub(crate) async fn of_many_at_once_that_replace_each_other_exactly_the_limit_stays(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let answers = rush(&nodes, true).await;
    let mut staying: HashSet<ConnectionId> = answers.iter().map(|(connection, _)| *connection).collect();
    for (_, answer) in &answers {
        if let Admission::Replaces(older) = answer {
            assert!(staying.remove(older), "each is replaced once");
        }
    }
    assert_eq!(staying.len(), 5);
    assert_eq!(held(&nodes[1]).await, (vec![5], 5));
    for connection in staying {
        for node in &nodes {
            release(node, "anna", connection).await;
        }
    }
    assert_eq!(held(&nodes[0]).await, (vec![0], 0), "those who were not replaced are those who stayed");
}
