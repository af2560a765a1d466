//! Every position is written once, by the holder of its shard, or not at all.

use domain::ports::{Appended, PortError};
use domain::words::{Kind, Position, Timestamp, UserId};

use crate::scene::{Scene, at, change, lease, message, named, page, replay, room, texts, within};

pub(crate) async fn an_entry_comes_back_as_it_was_written(scene: &Scene) {
    let mut first = named(message(1, "grüße"), "c-1");
    first.draft.author.user = UserId::number(-7).unwrap();
    first.draft.author.name = None;
    first.draft.sent_at = Timestamp(1_790_000_000_123);
    let reaction = change(2, Kind::React, &first, "+1");
    scene.append(&[first.clone(), reaction.clone()]).await;

    let back = scene.store.after(&room("7"), Position::START, 10).await.unwrap();
    assert_eq!(back, vec![first.clone(), reaction]);
    assert!(back[0].draft.author.user.is_numeric() && !back[1].draft.author.user.is_numeric());
    let stored = scene.store.page(&room("7"), None, 10).await.unwrap().remove(0);
    assert_eq!(
        (stored.position, stored.id, stored.author),
        (first.position, first.draft.id, first.draft.author)
    );
    assert_eq!(
        (stored.client_id, stored.sent_at, stored.body),
        (first.draft.client_id, first.draft.sent_at, first.draft.body)
    );
    assert_eq!((stored.edited_at, stored.deleted_at), (None, None));
}

pub(crate) async fn a_replayed_batch_writes_nothing_twice(scene: &Scene) {
    let batch: Vec<_> = (1..=5).map(|seq| named(message(seq, "text"), &format!("c-{seq}"))).collect();
    assert_eq!(scene.append(&batch[..3]).await, vec![Appended::Stored; 3]);
    let mut expected = vec![Appended::Replayed; 3];
    expected.extend([Appended::Stored; 2]);
    assert_eq!(scene.append(&batch).await, expected);
    assert_eq!(scene.append(&batch).await, vec![Appended::Replayed; 5]);
    assert_eq!(scene.append(&[]).await, vec![]);
    assert_eq!(replay(&*scene.store).await.len(), 5);
}

pub(crate) async fn the_same_entry_twice_in_one_batch_is_stored_once(scene: &Scene) {
    let first = message(1, "text");
    let outcomes = scene.append(&[first.clone(), first.clone(), message(2, "next"), first]).await;
    use Appended::{Replayed, Stored};
    assert_eq!(outcomes, vec![Stored, Replayed, Stored, Replayed]);
}

pub(crate) async fn a_repeated_client_id_leaves_a_void_row_at_its_place(scene: &Scene) {
    scene.append(&[named(message(1, "first"), "c-1"), message(2, "second")]).await;
    let repeat = named(message(3, "again"), "c-1");
    let outcomes = scene.append(&[repeat.clone(), message(4, "fourth")]).await;
    assert_eq!(outcomes, vec![Appended::Repeated, Appended::Stored]);
    assert_eq!(replay(&*scene.store).await, texts(&[(1, "first"), (2, "second"), (4, "fourth")]));
    // The place is taken: a replay finds it, and another entry conflicts with it.
    assert_eq!(scene.append(&[repeat]).await, vec![Appended::Replayed]);
    assert_eq!(scene.append(&[message(3, "other")]).await, vec![Appended::Conflict]);
    // A void row repeats nobody: the next one of this name is void too.
    assert_eq!(scene.append(&[named(message(5, "again"), "c-1")]).await, vec![Appended::Repeated]);
}

pub(crate) async fn a_repeated_client_id_within_one_batch_leaves_a_void_row(scene: &Scene) {
    let batch = [named(message(1, "first"), "c-1"), message(2, "second"), named(message(3, "again"), "c-1")];
    use Appended::{Repeated, Stored};
    assert_eq!(scene.append(&batch).await, vec![Stored, Stored, Repeated]);
    assert_eq!(replay(&*scene.store).await, texts(&[(1, "first"), (2, "second")]));
    assert_eq!(scene.store.head(&room("7")).await.unwrap(), Some(at(3)));
}

pub(crate) async fn a_client_id_counts_per_user_and_room(scene: &Scene) {
    let mut of_another = named(message(2, "of bert"), "c-1");
    of_another.draft.author.user = UserId::text("bert").unwrap();
    let elsewhere = within(named(message(1, "elsewhere"), "c-1"), "8");
    let outcomes = scene.append(&[named(message(1, "of anna"), "c-1"), of_another, elsewhere]).await;
    assert_eq!(outcomes, vec![Appended::Stored; 3]);
}

pub(crate) async fn an_id_that_stands_elsewhere_leaves_a_void_row(scene: &Scene) {
    let first = message(1, "first");
    let mut moved = first.clone();
    moved.position = at(2);
    assert_eq!(scene.append(&[first, moved.clone()]).await, vec![Appended::Stored, Appended::Repeated]);
    assert_eq!(scene.append(&[moved]).await, vec![Appended::Replayed]);
    assert_eq!(replay(&*scene.store).await, texts(&[(1, "first")]));
}

pub(crate) async fn another_id_at_a_position_is_a_conflict_and_is_not_written(scene: &Scene) {
    scene.append(&[message(1, "first")]).await;
    let mut reissued = message(1, "other");
    let outcomes = scene.append(&[reissued.clone(), message(2, "second")]).await;
    assert_eq!(outcomes, vec![Appended::Conflict, Appended::Stored]);
    // A number never comes back, not even under another epoch.
    reissued.position.epoch = 2;
    assert_eq!(scene.append(&[reissued]).await, vec![Appended::Conflict]);
    // Nor within one batch.
    let outcomes = scene.append(&[message(3, "third"), message(3, "rival")]).await;
    assert_eq!(outcomes, vec![Appended::Stored, Appended::Conflict]);
    assert_eq!(page(&*scene.store).await, texts(&[(1, "first"), (2, "second"), (3, "third")]));
}

pub(crate) async fn a_former_lease_holder_is_fenced_and_writes_nothing(scene: &Scene) {
    let store = &scene.store;
    store.append(&[lease(3, 5)], &[message(1, "first")]).await.unwrap();
    store.append(&[lease(3, 5)], &[message(2, "same holder")]).await.unwrap();
    store.append(&[lease(3, 6)], &[]).await.unwrap();
    assert_eq!(store.append(&[lease(3, 5)], &[message(3, "former")]).await, Err(PortError::Fenced));
    store.append(&[lease(3, 6)], &[message(3, "third")]).await.unwrap();
    let expected = texts(&[(1, "first"), (2, "same holder"), (3, "third")]);
    assert_eq!(replay(&**store).await, expected);
}

pub(crate) async fn one_fenced_lease_among_several_stops_the_batch(scene: &Scene) {
    scene.store.append(&[lease(2, 9)], &[]).await.unwrap();
    let leases = [lease(1, 7), lease(2, 8), lease(4, 7)];
    assert_eq!(scene.store.append(&leases, &[message(1, "text")]).await, Err(PortError::Fenced));
    // Nothing of it was done, the other fences included.
    assert!(scene.store.append(&[lease(1, 6), lease(4, 6)], &[]).await.is_ok());
    assert!(scene.store.begins("first").await.unwrap());
}

pub(crate) async fn a_refused_entry_refuses_the_whole_batch(scene: &Scene) {
    let batch = [message(1, "first"), message(u64::MAX, "poison"), message(2, "second")];
    let answer = scene.store.append(&[lease(0, 1)], &batch).await;
    assert!(matches!(answer, Err(PortError::Refused(_))), "{answer:?}");
    // Number 0 stands before the first event; the database's own check says no.
    let answer = scene.store.append(&[lease(0, 1)], &[message(1, "first"), message(0, "poison")]).await;
    assert!(matches!(answer, Err(PortError::Refused(_))), "{answer:?}");
    assert!(scene.store.begins("first").await.unwrap());
    assert_eq!(scene.append(&[message(1, "first")]).await, vec![Appended::Stored]);
}

pub(crate) async fn only_the_first_broker_begins_and_only_before_any_entry(scene: &Scene) {
    assert!(scene.store.begins("first").await.unwrap());
    assert!(!scene.store.begins("second").await.unwrap());
    scene.append(&[]).await;
    assert!(scene.store.begins("first").await.unwrap());
    scene.append(&[message(1, "first")]).await;
    assert!(!scene.store.begins("first").await.unwrap());
}

pub(crate) async fn two_writers_of_the_same_batch_write_it_once(scene: &Scene) {
    let batch: Vec<_> = (1..=200).map(|seq| named(message(seq, "text"), &format!("c-{seq}"))).collect();
    let (left, right) = tokio::join!(scene.append(&batch), scene.append(&batch));
    for (left, right) in left.into_iter().zip(right) {
        assert!(left != right && [left, right].contains(&Appended::Stored), "{left:?} {right:?}");
    }
    assert_eq!(replay(&*scene.store).await.len(), 200);
}
