//! Who is online: from a user's first connection in the cluster to the end of a grace after the last one.

use std::collections::HashMap;
use std::time::Duration;

use domain::ports::{Admission, Swept};
use domain::words::{Author, ConnectionId, UserId};

use crate::drafts::{author, user};
use crate::scene::{Kind, Node, Scene, Terms, until};

/// Nobody waits for its end.
const LONG: Duration = Duration::from_secs(3600);

async fn admit(node: &Node, id: &str, connection: ConnectionId) -> Admission {
    node.presence.admit(&author(id), connection, 0, false).await.expect("answered")
}

async fn release(node: &Node, id: &str, connection: ConnectionId, grace: Duration) -> bool {
    node.presence.release(&user(id), connection, grace).await.expect("given back")
}

async fn is_online(node: &Node, id: &str) -> bool {
    node.presence.is_online(&user(id)).await.expect("answered")
}

/// Renews and sweeps on all nodes at once. Returns who is told to be offline, by all of them together.
async fn sweep(nodes: &[Node]) -> Vec<Author> {
    let sweeping = nodes.iter().map(|node| async {
        node.presence.renew().await.expect("renewed");
        node.presence.sweep().await.expect("swept").offline
    });
    futures::future::join_all(sweeping).await.into_iter().flatten().collect()
}

/// Sweeps until `count` users have been told to be offline, and once more for those who are told twice.
async fn offline(nodes: &[Node], count: usize) -> HashMap<String, usize> {
    let mut told: HashMap<String, usize> = HashMap::new();
    let mut take = |gone: Vec<Author>| {
        for who in gone {
            *told.entry(who.user.as_str().to_owned()).or_default() += 1;
        }
        told.len()
    };
    until("users go offline", async || (take(sweep(nodes).await) >= count).then_some(())).await;
    take(sweep(nodes).await);
    told
}

fn once<const N: usize>(ids: [&str; N]) -> HashMap<String, usize> {
    ids.map(|id| (id.to_owned(), 1)).into()
}

const FIRST: Admission = Admission::Admitted { first: true };
const ANOTHER: Admission = Admission::Admitted { first: false };

pub(crate) async fn of_three_connections_on_two_nodes_one_is_first_and_one_is_last(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let [one, two, three] = std::array::from_fn(|_| ConnectionId::new());
    assert!(!is_online(&nodes[0], "anna").await);
    assert_eq!(admit(&nodes[0], "anna", one).await, FIRST);
    assert_eq!(admit(&nodes[0], "anna", one).await, ANOTHER, "it asks once more");
    assert_eq!(admit(&nodes[1], "anna", two).await, ANOTHER);
    assert_eq!(admit(&nodes[0], "anna", three).await, ANOTHER);
    assert_eq!(admit(&nodes[1], "bert", ConnectionId::new()).await, FIRST, "each user by themselves");
    assert!(!release(&nodes[0], "anna", one, Duration::ZERO).await);
    assert!(!release(&nodes[0], "anna", one, Duration::ZERO).await, "it gives back once more");
    assert!(!release(&nodes[0], "anna", three, Duration::ZERO).await);
    assert_eq!(sweep(&nodes).await, []);
    assert!(is_online(&nodes[0], "anna").await);
    assert!(release(&nodes[1], "anna", two, Duration::ZERO).await);
    assert!(!release(&nodes[1], "anna", two, Duration::ZERO).await);
    assert_eq!(offline(&nodes, 1).await, once(["anna"]));
    assert!(!is_online(&nodes[1], "anna").await && is_online(&nodes[0], "bert").await);
    assert_eq!(admit(&nodes[1], "anna", three).await, FIRST);
}

pub(crate) async fn whoever_goes_offline_is_named_as_they_were_last_shown(kind: Kind) {
    let node = [kind.scene().await.node("a").await];
    let named = Author { user: UserId::number(-7).unwrap(), name: Some("Änne: \"7\" |\0x".into()) };
    let (older, newer) = (ConnectionId::new(), ConnectionId::new());
    node[0].presence.admit(&Author { name: None, ..named.clone() }, older, 0, false).await.unwrap();
    node[0].presence.admit(&named, newer, 0, false).await.unwrap();
    for connection in [older, newer] {
        node[0].presence.release(&named.user, connection, Duration::ZERO).await.unwrap();
    }
    let gone = until("she is gone", async || sweep(&node).await.pop()).await;
    assert!(gone == named && gone.user.is_numeric());
}

pub(crate) async fn whoever_comes_back_within_the_grace_neither_went_nor_came(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let [first, second, other] = std::array::from_fn(|_| ConnectionId::new());
    for (grace, connection, next) in [(LONG, first, second), (Duration::ZERO, second, other)] {
        admit(&nodes[0], "anna", connection).await;
        assert!(release(&nodes[0], "anna", connection, grace).await);
        assert!(is_online(&nodes[1], "anna").await);
        if grace == LONG {
            assert_eq!(sweep(&nodes).await, []);
        }
        // Without a sweep in between, a grace that is over is no different.
        assert_eq!(admit(&nodes[1], "anna", next).await, ANOTHER);
        if next == second {
            release(&nodes[1], "anna", next, LONG).await;
        }
    }
    let witness = ConnectionId::new();
    admit(&nodes[0], "bert", witness).await;
    release(&nodes[0], "bert", witness, Duration::ZERO).await;
    assert_eq!(offline(&nodes, 1).await, once(["bert"]), "hers was over before his");
    assert!(is_online(&nodes[0], "anna").await);
}

pub(crate) async fn a_grace_that_is_over_is_told_to_one_of_many_sweepers(kind: Kind) {
    let scene = kind.scene().await;
    let mut nodes = Vec::new();
    for number in 0..3 {
        nodes.push(scene.node(&format!("n{number}")).await);
    }
    let ids: Vec<String> = (0..300).map(|number| format!("user {number} 🦀|\n")).collect();
    for id in &ids {
        let connection = ConnectionId::new();
        admit(&nodes[0], id, connection).await;
        assert!(release(&nodes[0], id, connection, Duration::ZERO).await);
    }
    let expected: HashMap<String, usize> = ids.into_iter().map(|id| (id, 1)).collect();
    assert_eq!(offline(&nodes, expected.len()).await, expected);
}

/// Short enough to wait for, long enough to be renewed on a busy machine.
async fn mortal(kind: Kind) -> Scene {
    kind.scene_with(Terms { lease: Duration::from_secs(2), ..Terms::default() }).await
}

pub(crate) async fn users_who_vanish_with_their_node_go_offline_once_and_without_a_grace(kind: Kind) {
    let scene = mortal(kind).await;
    let living = [scene.node("a").await, scene.node("b").await];
    let dead = [scene.node("dead").await, scene.node("dead too").await];
    for node in &dead {
        for id in ["anna", "bert", "🦀 a|b"] {
            admit(node, id, ConnectionId::new()).await;
            admit(node, id, ConnectionId::new()).await;
        }
    }
    admit(&living[0], "bert", ConnectionId::new()).await;
    // Their last living connection went a moment ago, with a grace that the dead one's lease cuts short.
    let living_one = ConnectionId::new();
    admit(&living[1], "anna", living_one).await;
    assert!(!release(&living[1], "anna", living_one, LONG).await);
    drop(dead);
    assert_eq!(offline(&living, 2).await, once(["anna", "🦀 a|b"]));
    assert!(is_online(&living[0], "bert").await && !is_online(&living[0], "anna").await);
}

pub(crate) async fn whoever_takes_a_dead_slots_place_is_told_offline_only_if_they_come_online_again(
    kind: Kind,
) {
    let scene = mortal(kind).await;
    let (living, dead) = ([scene.node("a").await], scene.node("dead").await);
    let connection = ConnectionId::new();
    let ask = async |node: &Node| {
        node.presence.admit(&author("anna"), connection, 1, false).await.expect("answered")
    };
    assert_eq!(admit(&dead, "anna", ConnectionId::new()).await, FIRST);
    assert_eq!(ask(&living[0]).await, Admission::Refused);
    drop(dead);
    let mut told = 0;
    let again = until("the dead slot makes room", async || {
        living[0].presence.renew().await.expect("renewed");
        // Memory frees slots by sweeping alone; Redis need not wait for it.
        if matches!(kind, Kind::Memory) {
            told += sweep(&living).await.len();
        }
        Some(ask(&living[0]).await).filter(|answer| *answer != Admission::Refused)
    })
    .await;
    // Her grace is that of the newer connection: the dead one's slot was not her last.
    assert!(release(&living[0], "anna", connection, LONG).await);
    told += sweep(&living).await.len() + sweep(&living).await.len();
    assert_eq!(again, Admission::Admitted { first: told == 1 });
    assert!(is_online(&living[0], "anna").await);
}

pub(crate) async fn a_node_that_was_only_paused_brings_its_users_back_online(kind: Kind) {
    let scene = mortal(kind).await;
    let (living, paused) = ([scene.node("a").await], scene.node("paused").await);
    let connection = ConnectionId::new();
    admit(&paused, "anna", connection).await;
    assert_eq!(offline(&living, 1).await, once(["anna"]));
    assert!(!release(&paused, "anna", connection, Duration::ZERO).await, "there is nothing to give back");
    assert_eq!(admit(&paused, "anna", connection).await, FIRST);
}

pub(crate) async fn a_replaced_connection_makes_nobody_leave(kind: Kind) {
    let scene = kind.scene().await;
    let nodes = [scene.node("a").await, scene.node("b").await];
    let (older, newer) = (ConnectionId::new(), ConnectionId::new());
    let replace = async |node: &Node, connection| {
        node.presence.admit(&author("anna"), connection, 1, true).await.unwrap()
    };
    assert_eq!(replace(&nodes[0], older).await, FIRST);
    assert_eq!(replace(&nodes[1], newer).await, Admission::Replaces(older));
    assert!(!release(&nodes[0], "anna", older, Duration::ZERO).await);
    assert_eq!(sweep(&nodes).await, []);
    assert!(is_online(&nodes[0], "anna").await);
    assert!(release(&nodes[1], "anna", newer, Duration::ZERO).await);
    assert_eq!(offline(&nodes, 1).await, once(["anna"]));
}

pub(crate) async fn a_refused_connection_changes_nothing(kind: Kind) {
    let node = [kind.scene().await.node("a").await];
    let (only, refused) = (ConnectionId::new(), ConnectionId::new());
    assert_eq!(admit(&node[0], "anna", only).await, FIRST);
    let answer = node[0].presence.admit(&author("anna"), refused, 1, false).await.unwrap();
    assert_eq!(answer, Admission::Refused);
    assert!(!release(&node[0], "anna", refused, Duration::ZERO).await);
    assert!(release(&node[0], "anna", only, Duration::ZERO).await);
    assert_eq!(offline(&node, 1).await, once(["anna"]));
}

pub(crate) async fn a_retired_nodes_users_have_a_grace_to_come_back_elsewhere(kind: Kind) {
    let scene = kind.scene().await;
    let (retiring, stays) = (scene.node("a").await, [scene.node("b").await]);
    let [back, gone, elsewhere] = std::array::from_fn(|_| ConnectionId::new());
    admit(&retiring, "anna", back).await;
    admit(&retiring, "carl", elsewhere).await;
    admit(&stays[0], "carl", ConnectionId::new()).await;
    retiring.presence.retire(LONG).await.unwrap();
    assert!(!release(&retiring, "anna", back, Duration::ZERO).await, "it is given back already");
    assert_eq!(stays[0].presence.sweep().await.unwrap(), Swept::default());
    assert!(is_online(&stays[0], "anna").await);
    assert_eq!(admit(&stays[0], "anna", back).await, ANOTHER);
    admit(&retiring, "bert", gone).await;
    retiring.presence.retire(Duration::ZERO).await.unwrap();
    assert_eq!(offline(&stays, 1).await, once(["bert"]), "who does not come back goes when it is over");
    assert!(is_online(&stays[0], "anna").await && is_online(&stays[0], "carl").await);
}
