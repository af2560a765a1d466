//! Every shard has one writer at a time; shares are fair; a new writer fences the old one.

use std::collections::HashSet;
use std::time::Duration;

use domain::ports::{PortError, ShardLease};

use crate::drafts::{message, room};
use crate::scene::{Kind, Terms, claim, read_all, until};

const SHARDS: u16 = 4;

fn shards(leases: &[ShardLease]) -> HashSet<u16> {
    leases.iter().map(|lease| lease.shard).collect()
}

/// The fence under which a list holds a shard.
fn fence(leases: &[ShardLease], shard: u16) -> Option<u64> {
    leases.iter().find(|lease| lease.shard == shard).map(|lease| lease.fence)
}

pub(crate) async fn a_worker_alone_holds_every_shard_and_keeps_its_fences(kind: Kind) {
    let worker = kind.scene().await.worker("w").await;
    let held = worker.claim().await.unwrap();
    assert_eq!(shards(&held), (0..SHARDS).collect());
    let mut again = worker.claim().await.unwrap();
    again.sort_by_key(|lease| lease.shard);
    for lease in &held {
        assert_eq!(fence(&again, lease.shard), Some(lease.fence), "a renewed lease is the same lease");
    }
}

pub(crate) async fn two_workers_share_fairly(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.worker("one").await, scene.worker("two").await);
    let before = claim(&*one, 4).await;
    assert_eq!(two.claim().await.unwrap(), [], "nothing is taken from a living worker");
    let kept = one.claim().await.unwrap();
    assert_eq!(kept.len(), 2, "the first worker gives back what exceeds its share");
    assert!(kept.iter().all(|lease| fence(&before, lease.shard) == Some(lease.fence)));
    let taken = two.claim().await.unwrap();
    assert_eq!(taken.len(), 2);
    assert!(shards(&kept).is_disjoint(&shards(&taken)));
    for lease in &taken {
        let old = ShardLease { shard: lease.shard, fence: fence(&before, lease.shard).unwrap() };
        assert!(lease.fence > old.fence, "fences rise");
        assert_eq!(one.settle(&old, (u64::MAX >> 1, 0)).await, Err(PortError::Fenced));
    }
    assert_eq!(shards(&one.claim().await.unwrap()), shards(&kept), "the shares are stable");
}

pub(crate) async fn a_dead_workers_shards_are_taken_over_and_it_is_fenced(kind: Kind) {
    let scene = kind.scene_with(Terms { lease: Duration::from_secs(1), ..Terms::default() }).await;
    let node = scene.node("a").await;
    node.publish(message(&room("left"), "x")).await;
    let (dead, heir) = (scene.worker("dead").await, scene.worker("heir").await);
    let before = claim(&*dead, 4).await;
    let records = read_all(&*dead, &before).await;
    assert_eq!(records.len(), 1);
    // From here on the first worker claims no more.
    let after = claim(&*heir, 4).await;
    for lease in &after {
        let old = ShardLease { shard: lease.shard, fence: fence(&before, lease.shard).unwrap() };
        assert!(lease.fence > old.fence, "fences rise");
        assert_eq!(dead.settle(&old, records[0].offset).await, Err(PortError::Fenced));
    }
    assert_eq!(read_all(&*heir, &after).await, records, "nothing was lost with the dead one");
    let lease = after.iter().find(|lease| lease.shard == records[0].shard).unwrap();
    until("the heir settles under a lease that stands", async || {
        let held = heir.claim().await.unwrap();
        let now = held.iter().find(|held| held.shard == lease.shard)?;
        heir.settle(now, records[0].offset).await.ok()
    })
    .await;
    assert_eq!(heir.backlog().await.unwrap().length, 0);
}

pub(crate) async fn released_shards_are_free_at_once(kind: Kind) {
    let scene = kind.scene().await;
    let (one, two) = (scene.worker("one").await, scene.worker("two").await);
    let before = claim(&*one, 4).await;
    one.release().await.unwrap();
    let after = two.claim().await.unwrap();
    assert_eq!(shards(&after), (0..SHARDS).collect(), "who has released counts no more");
    for lease in &after {
        assert!(Some(lease.fence) > fence(&before, lease.shard), "fences rise");
    }
}

pub(crate) async fn a_shard_has_one_holder_however_many_claim_at_once(kind: Kind) {
    let scene = kind.scene_with(Terms { shards: 12, ..Terms::default() }).await;
    let mut workers = Vec::new();
    for number in 0..4 {
        workers.push(scene.worker(&format!("w{number}")).await);
    }
    let mut fences: HashSet<(u16, u64)> = HashSet::new();
    let held = until("everyone holds a fair share", async || {
        let claims = workers.iter().map(|worker| worker.claim());
        let held: Vec<_> =
            futures::future::join_all(claims).await.into_iter().map(|held| held.unwrap()).collect();
        fences.extend(held.iter().flatten().map(|lease| (lease.shard, lease.fence)));
        held.iter().all(|held| held.len() == 3).then_some(held)
    })
    .await;
    let all: HashSet<u16> = held.iter().flatten().map(|lease| lease.shard).collect();
    assert_eq!(all, (0..12).collect(), "no shard has two holders, none has nobody");
    for lease in held.iter().flatten() {
        let earlier = fences.iter().filter(|(shard, _)| *shard == lease.shard).map(|(_, fence)| *fence);
        assert_eq!(earlier.max(), Some(lease.fence), "the holder has the highest fence");
    }
}
