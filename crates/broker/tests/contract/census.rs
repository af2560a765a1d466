//! Who comes into a room and leaves it is told to its subscribers: users, not seats, and each change once.

use std::time::Duration;

use domain::ports::CensusChange;
use domain::words::{Author, RoomId, UserId};

use crate::drafts::{author, message, room, user};
use crate::ear::Heard;
use crate::scene::{Kind, Node, Terms};

fn came(room: &RoomId, who: &Author, count: u64) -> Heard {
    Heard::Census(CensusChange { room: room.clone(), who: who.clone(), entered: true, count })
}

fn left(room: &RoomId, who: &Author, count: u64) -> Heard {
    Heard::Census(CensusChange { room: room.clone(), who: who.clone(), entered: false, count })
}

async fn enter(node: &Node, room: &RoomId, who: &Author) {
    node.presence.enter(room, who).await.expect("the seat is taken");
}

async fn leave(node: &Node, room: &RoomId, user: &UserId) {
    node.presence.leave(room, user).await.expect("the seat is given back");
}

/// What each node hears in the room until now.
async fn told(nodes: &mut [Node], room: &RoomId) -> Vec<Vec<Heard>> {
    let end = nodes[0].publish(message(room, "end")).await.id;
    let mut told = Vec::new();
    for node in nodes {
        told.push(node.ear.until(end).await);
    }
    told
}

pub(crate) async fn the_first_and_the_last_seat_of_a_user_are_told_once_to_every_subscriber(kind: Kind) {
    let scene = kind.scene().await;
    let mut nodes = [scene.node("a").await, scene.node("b").await];
    let room = room("told");
    for node in &nodes {
        node.subscribe(&room).await;
    }
    let anna = Author { user: UserId::number(-7).unwrap(), name: Some("Änne: \"7\" |\0x".into()) };
    let bert = author("🦀 b|b");
    for (node, who) in [(0, &anna), (0, &anna), (1, &anna), (1, &bert), (0, &bert)] {
        enter(&nodes[node], &room, who).await;
    }
    for (node, who) in [(0, &anna), (0, &anna), (1, &anna), (1, &anna), (0, &bert), (1, &bert)] {
        leave(&nodes[node], &room, &who.user).await;
    }
    let expected =
        [came(&room, &anna, 1), came(&room, &bert, 2), left(&room, &anna, 1), left(&room, &bert, 0)];
    for heard in told(&mut nodes, &room).await {
        assert_eq!(heard, expected);
        let Heard::Census(change) = &heard[2] else { panic!("a census") };
        assert!(change.who.user.is_numeric() && change.who.name == anna.name, "as they were shown");
    }
}

pub(crate) async fn a_census_is_told_in_its_own_room_alone(kind: Kind) {
    let scene = kind.scene_with(Terms { shards: 1, ..Terms::default() }).await;
    let mut nodes = [scene.node("a").await];
    let (here, there) = (room("here"), room("there"));
    nodes[0].subscribe(&here).await;
    enter(&nodes[0], &there, &author("anna")).await;
    leave(&nodes[0], &there, &user("anna")).await;
    assert_eq!(told(&mut nodes, &here).await, [vec![]]);
}

pub(crate) async fn of_many_who_come_and_go_at_once_the_told_order_is_one_that_happened(kind: Kind) {
    let scene = kind.scene().await;
    let mut nodes = [scene.node("a").await, scene.node("b").await];
    let room = room("rush");
    for node in &nodes {
        node.subscribe(&room).await;
    }
    for _ in 0..20 {
        let (anna, bert) = (author("anna"), author("bert"));
        let entering = nodes.iter().flat_map(|node| [enter(node, &room, &anna), enter(node, &room, &bert)]);
        futures::future::join_all(entering).await;
        let leaving =
            nodes.iter().flat_map(|node| [leave(node, &room, &anna.user), leave(node, &room, &bert.user)]);
        futures::future::join_all(leaving).await;
    }
    for heard in told(&mut nodes, &room).await {
        assert_eq!(heard.len(), 80, "two users, each came and left twenty times");
        let mut present: Vec<UserId> = Vec::new();
        for change in heard {
            let Heard::Census(change) = change else { panic!("a census") };
            assert_eq!(present.contains(&change.who.user), !change.entered, "{change:?}");
            present.retain(|user| *user != change.who.user);
            present.extend(change.entered.then_some(change.who.user));
            assert_eq!(change.count, present.len() as u64);
        }
    }
}

pub(crate) async fn a_retiring_node_tells_of_its_users_who_are_nowhere_else(kind: Kind) {
    let scene = kind.scene().await;
    let (retiring, mut stays) = (scene.node("a").await, [scene.node("b").await]);
    let room = room("retiring");
    for id in ["anna", "bert"] {
        enter(&retiring, &room, &author(id)).await;
    }
    enter(&stays[0], &room, &author("bert")).await;
    stays[0].subscribe(&room).await;
    retiring.presence.retire(Duration::ZERO).await.unwrap();
    retiring.presence.retire(Duration::ZERO).await.unwrap();
    assert_eq!(told(&mut stays, &room).await, [vec![left(&room, &author("anna"), 1)]]);
}
