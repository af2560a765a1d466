//! Whatever comes, goes, dies and is replaced: counters that are kept never differ from what is there.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use domain::ports::{Admission, Lease, Presence, Tally};
use domain::words::{ConnectionId, UserId};
use tokio::task::JoinHandle;

use crate::counting::standings;
use crate::drafts::{author, user};
use crate::scene::{Kind, Node, Scene, Terms, until};

/// Short enough to wait for, long enough to be renewed on a busy machine.
const LEASE: Duration = Duration::from_secs(3);
const USERS: usize = 12;
const STEPS: usize = 150;

/// A node that renews its lease by itself until it is killed.
struct Living {
    node: Node,
    renewing: JoinHandle<()>,
}

impl Living {
    async fn boot(scene: &Scene, name: &str) -> Self {
        let node = scene.node(name).await;
        let presence: Arc<dyn Presence> = node.presence.clone();
        let renewing = tokio::spawn(async move {
            let mut ticks = tokio::time::interval(LEASE / 10);
            loop {
                ticks.tick().await;
                presence.renew().await.expect("renewed");
            }
        });
        Self { node, renewing }
    }

    /// Dead, unless somebody goes on with the node that is returned.
    async fn kill(self) -> Node {
        self.renewing.abort();
        // It is aborted: that is what is waited for.
        let _ = self.renewing.await;
        self.node
    }
}

/// The same steps each time: xorshift64, Marsaglia 2003.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % sides as u64).expect("below the number of sides")
    }
}

fn users() -> Vec<UserId> {
    (0..USERS).map(|number| user(&format!("u{number}"))).collect()
}

/// What is there, slot by slot: every counter must say the same.
async fn compare(node: &Node, nodes: u64) -> Tally {
    let users = users();
    let slots = node.presence.connections_of(&users).await.expect("answered");
    let there: BTreeMap<String, u64> = users
        .iter()
        .map(|user| user.as_str().to_owned())
        .zip(slots)
        .filter(|(_, connections)| *connections > 0)
        .collect();
    let tally = node.presence.tally().await.expect("counted");
    let expected = Tally { connections: there.values().sum(), users: there.len() as u64, nodes };
    assert_eq!(tally, expected);
    let attendance = node.presence.attendance(USERS).await.expect("answered");
    let shown: BTreeMap<String, u64> = attendance
        .users
        .into_iter()
        .map(|user| (user.who.user.as_str().to_owned(), user.connections))
        .collect();
    assert_eq!(shown, there);
    tally
}

/// Comes, asks again, goes, goes again, replaces, is refused, retires, sweeps: whatever the dice say.
async fn step(nodes: &[Living], dice: &mut Dice, known: &mut Vec<(usize, String, ConnectionId)>) {
    let at = dice.roll(nodes.len());
    let presence = &nodes[at].node.presence;
    let again = (!known.is_empty()).then(|| known[dice.roll(known.len())].clone());
    match (dice.roll(20), again) {
        (0..=9, _) | (10..=18, None) => {
            let (id, connection) = (format!("u{}", dice.roll(USERS)), ConnectionId::new());
            let (limit, replace) = ([0, 2, 3][dice.roll(3)], dice.roll(2) == 0);
            let answer = presence.admit(&author(&id), connection, limit, replace).await.expect("answered");
            if answer != Admission::Refused {
                known.push((at, id, connection));
            }
        }
        (10..=11, Some((at, id, connection))) if at < nodes.len() => {
            let asked = nodes[at].node.presence.admit(&author(&id), connection, 0, false).await;
            asked.expect("answered");
        }
        (10..=18, Some((at, id, connection))) => {
            let presence = nodes.get(at).map_or(presence, |living| &living.node.presence);
            let grace = if dice.roll(2) == 0 { Duration::ZERO } else { LEASE * 100 };
            presence.release(&user(&id), connection, grace).await.expect("given back");
        }
        _ => {
            presence.sweep().await.expect("swept");
        }
    }
}

pub(crate) async fn whatever_comes_and_goes_the_counters_say_what_is_there(kind: Kind) {
    let scene = kind.scene_with(Terms { lease: LEASE, ..Terms::default() }).await;
    let mut dice = Dice(0x5eed_cafe_f00d_0001);
    let mut nodes = Vec::new();
    for name in ["a", "b", "c", "d"] {
        nodes.push(Living::boot(&scene, name).await);
    }
    let mut known = Vec::new();
    while nodes.len() > 1 {
        for number in 0..STEPS {
            step(&nodes, &mut dice, &mut known).await;
            if number % 10 == 0 {
                compare(&nodes[0].node, nodes.len() as u64).await;
            }
        }
        drop(nodes.pop().expect("there are two at least").kill().await);
        let left = nodes.len() as u64;
        until("the dead node's lease lapses", async || {
            let tally = nodes[0].node.presence.tally().await.expect("counted");
            (tally.nodes == left).then_some(())
        })
        .await;
        // Where dead slots make room before they are swept, they go one by one.
        for _ in 0..STEPS {
            step(&nodes, &mut dice, &mut known).await;
        }
        let (first, last) = (&nodes[0].node.presence, &nodes[nodes.len() - 1].node.presence);
        futures::try_join!(first.sweep(), last.sweep()).expect("swept");
        let tally = compare(&nodes[0].node, left).await;
        let held: u64 = standings(&nodes[0].node).await.iter().map(|(_, connections)| connections).sum();
        assert_eq!(held, tally.connections, "what nodes hold is what users have");
    }
    let last = nodes.pop().expect("one is left").kill().await;
    last.presence.retire(Duration::ZERO).await.expect("retired");
    assert_eq!(compare(&last, 0).await.connections, 0);
}

pub(crate) async fn a_paused_node_that_takes_its_slots_again_is_counted_once(kind: Kind) {
    let scene = kind.scene_with(Terms { lease: LEASE, ..Terms::default() }).await;
    let (living, paused) = (Living::boot(&scene, "a").await, scene.node("paused").await);
    let slots: Vec<_> = users().into_iter().map(|user| (user, ConnectionId::new())).collect();
    let take = async || {
        for (user, connection) in &slots {
            let who = author(user.as_str());
            paused.presence.admit(&who, *connection, 0, false).await.expect("answered");
        }
    };
    take().await;
    for swept in [false, true] {
        until("its lease lapses", async || {
            let tally = living.node.presence.tally().await.expect("counted");
            (tally.nodes == 1).then_some(())
        })
        .await;
        if swept {
            living.node.presence.sweep().await.expect("swept");
            assert_eq!(compare(&living.node, 1).await.connections, 0);
        }
        assert_eq!(paused.presence.renew().await, Ok(Lease::Lapsed));
        take().await;
        take().await;
        let tally = compare(&living.node, 2).await;
        assert_eq!((tally.connections, tally.users), (USERS as u64, USERS as u64), "swept: {swept}");
    }
    let distinct: HashSet<_> = standings(&living.node).await.into_iter().collect();
    assert_eq!(distinct, [("a".to_owned(), 0), ("paused".to_owned(), USERS as u64)].into());
    living.kill().await;
}
