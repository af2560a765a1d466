//! Nothing of a dead node stays: its seats and slots go with its lease, and each departure is told once.

use std::collections::HashMap;
use std::time::Duration;

use domain::ports::{Admission, Departure, Lease};
use domain::words::{ConnectionId, RoomId};

use crate::drafts::{author, room, user};
use crate::scene::{Kind, Node, Scene, Terms, until};

/// Short enough to wait for, long enough to be renewed on a busy machine.
async fn scene(kind: Kind) -> Scene {
    kind.scene_with(Terms { lease: Duration::from_secs(2), ..Terms::default() }).await
}

/// Renews and sweeps on all nodes at once. Returns every departure told.
async fn sweep(nodes: &[Node]) -> Vec<Departure> {
    let sweeping = nodes.iter().map(|node| async {
        node.presence.renew().await.expect("renewed");
        node.presence.sweep().await.expect("swept")
    });
    futures::future::join_all(sweeping).await.into_iter().flatten().collect()
}

pub(crate) async fn a_dead_nodes_seats_are_swept_and_each_departure_is_told_once(kind: Kind) {
    let scene = scene(kind).await;
    let mut living = Vec::new();
    for number in 0..3 {
        living.push(scene.node(&format!("n{number}")).await);
    }
    let dead = [scene.node("dead").await, scene.node("dead too").await];
    let rooms: Vec<RoomId> = (0..20).map(|number| room(&format!("swept-{number}"))).collect();
    let mut expected: HashMap<(RoomId, String), usize> = HashMap::new();
    for place in &rooms {
        for (node, id) in [(0, "anna"), (0, "bert\n|b"), (1, "bert\n|b"), (1, "🦀")] {
            dead[node].presence.enter(place, &author(id)).await.unwrap();
            expected.insert((place.clone(), id.to_owned()), 1);
        }
    }
    drop(dead);
    let mut told: HashMap<(RoomId, String), usize> = HashMap::new();
    until("all departures are told", async || {
        for Departure { room, user } in sweep(&living).await {
            *told.entry((room, user.as_str().to_owned())).or_default() += 1;
        }
        (told.len() >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(told, expected);
    assert_eq!(sweep(&living).await, [], "nothing is told twice");
    for room in &rooms {
        assert_eq!(living[0].presence.members(room, 9).await.unwrap(), (vec![], 0));
    }
}

pub(crate) async fn a_user_who_sits_elsewhere_does_not_depart(kind: Kind) {
    let scene = scene(kind).await;
    let living = [scene.node("a").await];
    let dead = scene.node("dead").await;
    let (shared, alone) = (room("shared"), room("alone"));
    for (node, room) in [(&living[0], &shared), (&dead, &shared), (&dead, &alone)] {
        node.presence.enter(room, &author("anna")).await.unwrap();
    }
    drop(dead);
    let told =
        until("the departure is told", async || Some(sweep(&living).await).filter(|told| !told.is_empty()))
            .await;
    assert_eq!(told, [Departure { room: alone, user: user("anna") }]);
    // The dead node's seats of one shard may go after those of another.
    until("the dead node's seat is swept", async || {
        assert_eq!(sweep(&living).await, []);
        let left = living[0].presence.leave(&shared, &user("anna")).await.unwrap();
        if !left.edge {
            living[0].presence.enter(&shared, &author("anna")).await.unwrap();
        }
        left.edge.then_some(())
    })
    .await;
}

pub(crate) async fn a_dead_nodes_slots_are_free_again(kind: Kind) {
    let scene = scene(kind).await;
    let living = [scene.node("a").await];
    let dead = scene.node("dead").await;
    let users = ["anna", "a|b", "🦀 a\nb"];
    for id in users {
        let admission = dead.presence.admit(&user(id), ConnectionId::new(), 1, false).await.unwrap();
        assert_eq!(admission, Admission::Admitted);
        let refused = living[0].presence.admit(&user(id), ConnectionId::new(), 1, false).await.unwrap();
        assert_eq!(refused, Admission::Refused);
    }
    drop(dead);
    for id in users {
        until("the slot is free", async || {
            assert_eq!(sweep(&living).await, [], "a slot is no seat");
            let presence = &living[0].presence;
            let admission = presence.admit(&user(id), ConnectionId::new(), 1, false).await.unwrap();
            (admission == Admission::Admitted).then_some(())
        })
        .await;
    }
}

pub(crate) async fn a_node_that_was_swept_is_told_and_sits_down_again(kind: Kind) {
    let scene = scene(kind).await;
    let (living, paused) = ([scene.node("a").await], scene.node("paused").await);
    let room = room("paused");
    paused.presence.enter(&room, &author("anna")).await.unwrap();
    let told = until("the pause is taken for a death", async || {
        Some(sweep(&living).await).filter(|told| !told.is_empty())
    })
    .await;
    assert_eq!(told, [Departure { room: room.clone(), user: user("anna") }]);
    assert_eq!(paused.presence.renew().await.unwrap(), Lease::Lapsed);
    let census = paused.presence.enter(&room, &author("anna")).await.unwrap();
    assert!(census.edge && census.count == 1);
    assert_eq!(paused.presence.renew().await.unwrap(), Lease::Held);
}
