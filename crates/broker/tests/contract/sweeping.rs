//! Nothing of a dead node stays: its seats and slots go with its lease, and each departure is told once.

use std::collections::HashMap;
use std::time::Duration;

use domain::ports::{Admission, CensusChange, Lease, Swept};
use domain::words::{ConnectionId, RoomId};

use crate::drafts::{author, message, room, user};
use crate::ear::Heard;
use crate::scene::{Kind, Node, Scene, Terms, until};

/// Short enough to wait for, long enough to be renewed on a busy machine.
async fn scene(kind: Kind) -> Scene {
    kind.scene_with(Terms { lease: Duration::from_secs(2), ..Terms::default() }).await
}

/// Renews and sweeps on all nodes at once. Returns how many last seats were found.
async fn sweep(nodes: &[Node]) -> usize {
    let sweeping = nodes.iter().map(|node| async {
        node.presence.renew().await.expect("renewed");
        node.presence.sweep().await.expect("swept").seats
    });
    futures::future::join_all(sweeping).await.into_iter().sum()
}

/// Who was told to have left, by room; whoever comes fails the test.
async fn departures(node: &mut Node, rooms: &[RoomId]) -> HashMap<(RoomId, String), usize> {
    let mut told: HashMap<(RoomId, String), usize> = HashMap::new();
    for room in rooms {
        let end = node.publish(message(room, "end")).await.id;
        for heard in node.ear.until(end).await {
            match heard {
                Heard::Census(CensusChange { room, who, entered: false, .. }) => {
                    *told.entry((room, who.user.as_str().to_owned())).or_default() += 1;
                }
                // Another node's end.
                Heard::Entry(_) => {}
                other => panic!("nothing else happens: {other:?}"),
            }
        }
    }
    told
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
        for node in &living[..2] {
            node.subscribe(place).await;
        }
    }
    drop(dead);
    let mut swept = 0;
    until("all departures are found", async || {
        swept += sweep(&living).await;
        (swept >= expected.len()).then_some(())
    })
    .await;
    assert_eq!(swept + sweep(&living).await, expected.len(), "nothing is found twice");
    for node in &mut living[..2] {
        assert_eq!(departures(node, &rooms).await, expected);
    }
    for room in &rooms {
        assert_eq!(living[0].presence.members(room, 9).await.unwrap(), (vec![], 0));
    }
}

pub(crate) async fn a_user_who_sits_elsewhere_does_not_depart(kind: Kind) {
    let scene = scene(kind).await;
    let mut living = [scene.node("a").await];
    let dead = scene.node("dead").await;
    let (shared, alone) = (room("shared"), room("alone"));
    for (node, room) in [(&living[0], &shared), (&dead, &shared), (&dead, &alone)] {
        node.presence.enter(room, &author("anna")).await.unwrap();
    }
    for room in [&shared, &alone] {
        living[0].subscribe(room).await;
    }
    drop(dead);
    let found = until("the departure is found", async || Some(sweep(&living).await).filter(|n| *n > 0)).await;
    assert_eq!(found, 1);
    let told = departures(&mut living[0], &[shared.clone(), alone.clone()]).await;
    assert_eq!(told, HashMap::from([((alone, "anna".to_owned()), 1)]));
    // The dead node's seats of one shard may go after those of another.
    until("the dead node's seat is swept", async || {
        assert_eq!(sweep(&living).await, 0);
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
        let admission = dead.presence.admit(&author(id), ConnectionId::new(), 1, false).await.unwrap();
        assert_eq!(admission, Admission::Admitted { first: true });
        let refused = living[0].presence.admit(&author(id), ConnectionId::new(), 1, false).await.unwrap();
        assert_eq!(refused, Admission::Refused);
    }
    drop(dead);
    for id in users {
        until("the slot is free", async || {
            assert_eq!(sweep(&living).await, 0, "a slot is no seat");
            let presence = &living[0].presence;
            let admission = presence.admit(&author(id), ConnectionId::new(), 1, false).await.unwrap();
            matches!(admission, Admission::Admitted { .. }).then_some(())
        })
        .await;
    }
}

pub(crate) async fn a_node_that_was_swept_is_told_and_sits_down_again(kind: Kind) {
    let scene = scene(kind).await;
    let (living, paused) = ([scene.node("a").await], scene.node("paused").await);
    let room = room("paused");
    paused.presence.enter(&room, &author("anna")).await.unwrap();
    let found =
        until("the pause is taken for a death", async || Some(sweep(&living).await).filter(|n| *n > 0)).await;
    assert_eq!(found, 1);
    assert_eq!(paused.presence.renew().await.unwrap(), Lease::Lapsed);
    let census = paused.presence.enter(&room, &author("anna")).await.unwrap();
    assert!(census.edge && census.count == 1);
    assert_eq!(paused.presence.renew().await.unwrap(), Lease::Held);
    assert_eq!(living[0].presence.sweep().await.unwrap(), Swept::default());
}

/// More than one call of the script takes away at once.
const CROWD: usize = 500;

async fn crowd(node: &Node, room: &RoomId) {
    let crowding = (0..CROWD).map(|number| async move {
        let who = author(&number.to_string());
        node.presence.enter(room, &who).await.expect("the seat is taken");
        node.presence.admit(&who, ConnectionId::new(), 0, false).await.expect("answered");
    });
    futures::future::join_all(crowding).await;
}

/// Sweeps by two nodes at once until so many last seats and users were found, and once more.
async fn sweep_crowd(living: &[Node; 2], expected: (usize, usize)) {
    let (mut seats, mut offline) = (0, 0);
    let mut sweep = async || {
        for node in living {
            node.presence.renew().await.expect("renewed");
        }
        let (one, two) = futures::join!(living[0].presence.sweep(), living[1].presence.sweep());
        for swept in [one.expect("swept"), two.expect("swept")] {
            seats += swept.seats;
            offline += swept.offline.len();
        }
        (seats, offline)
    };
    let all = |found: &(usize, usize)| found.0 >= expected.0 && found.1 >= expected.1;
    until("a crowd goes", async || Some(sweep().await).filter(all)).await;
    assert_eq!(sweep().await, expected);
}

pub(crate) async fn a_crowded_dead_node_is_swept_to_the_last_seat_and_slot(kind: Kind) {
    let scene = scene(kind).await;
    let (living, dead) = ([scene.node("a").await, scene.node("b").await], scene.node("dead").await);
    let room = room("crowded");
    crowd(&dead, &room).await;
    drop(dead);
    sweep_crowd(&living, (CROWD, CROWD)).await;
    assert_eq!(living[0].presence.members(&room, 9).await.unwrap(), (vec![], 0));
}

pub(crate) async fn a_crowded_node_retires_to_the_last_seat_and_slot(kind: Kind) {
    let scene = kind.scene().await;
    let (living, retiring) = ([scene.node("a").await, scene.node("b").await], scene.node("retiring").await);
    let room = room("crowded");
    crowd(&retiring, &room).await;
    retiring.presence.retire(Duration::ZERO).await.unwrap();
    assert_eq!(living[0].presence.members(&room, 9).await.unwrap(), (vec![], 0));
    // Its seats are gone already.
    sweep_crowd(&living, (0, CROWD)).await;
}
