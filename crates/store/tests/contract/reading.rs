//! Pages, replay and heads.

use domain::ports::Located;
use domain::words::{Kind, MessageId, Position, UserId};

use crate::scene::{Scene, at, by, change, in_chat, message, named, room, sealed, within};

async fn page_seqs(scene: &Scene, before: Option<u64>, limit: usize) -> Vec<u64> {
    let messages = scene.store.page(&room("7"), before, limit).await.unwrap();
    messages.iter().map(|message| message.position.seq).collect()
}

async fn replay_seqs(scene: &Scene, after: Position, limit: usize) -> Vec<u64> {
    let entries = scene.store.after(&room("7"), after, limit).await.unwrap();
    entries.iter().map(|entry| entry.position.seq).collect()
}

pub(crate) async fn a_page_holds_the_newest_messages_below_its_bound_oldest_first(scene: &Scene) {
    let mut batch: Vec<_> = (1..=9).map(|seq| message(seq, "text")).collect();
    batch.extend((1..=20).map(|seq| within(message(seq, "elsewhere"), "70")));
    scene.append(&batch).await;
    assert_eq!(page_seqs(scene, None, 3).await, vec![7, 8, 9]);
    assert_eq!(page_seqs(scene, Some(7), 3).await, vec![4, 5, 6]);
    assert_eq!(page_seqs(scene, Some(3), 100).await, vec![1, 2]);
    assert_eq!(page_seqs(scene, Some(1), 3).await, [0; 0]);
    assert_eq!(page_seqs(scene, Some(u64::MAX), usize::MAX).await.len(), 9);
    assert_eq!(page_seqs(scene, None, 0).await, [0; 0]);
    assert!(scene.store.page(&room("nobody"), None, 10).await.unwrap().is_empty());
}

pub(crate) async fn a_page_steps_over_everything_that_is_no_message(scene: &Scene) {
    let first = named(message(1, "first"), "c-1");
    let mut batch = vec![first.clone()];
    batch.extend((2..=40).map(|seq| change(seq, Kind::React, &first, "+1")));
    batch.push(named(message(41, "void"), "c-1"));
    batch.push(message(42, "second"));
    scene.append(&batch).await;
    assert_eq!(page_seqs(scene, None, 2).await, vec![1, 42]);
}

pub(crate) async fn what_stands_above_a_number_is_read_forward_with_its_current_text(scene: &Scene) {
    let (first, second) = (message(1, "first"), message(2, "second"));
    let mut batch = vec![first.clone(), second.clone(), change(3, Kind::React, &first, "+1")];
    batch.extend([change(4, Kind::Edit, &first, "edited"), change(5, Kind::Delete, &second, "")]);
    batch.push(message(6, "last"));
    batch.extend((1..=9).map(|seq| within(message(seq, "elsewhere"), "70")));
    scene.append(&batch).await;
    let forward = async |after, limit| scene.store.forward(&room("7"), after, limit).await.unwrap();
    let seqs = async |after, limit| -> Vec<u64> {
        forward(after, limit).await.iter().map(|message| message.position.seq).collect()
    };
    assert_eq!(seqs(0, 2).await, vec![1, 2]);
    assert_eq!(seqs(2, 2).await, vec![6]);
    assert_eq!(seqs(0, usize::MAX).await, vec![1, 2, 6]);
    assert_eq!(seqs(6, 10).await, [0; 0]);
    assert_eq!(seqs(u64::MAX, 10).await, [0; 0]);
    let told = forward(0, 10).await;
    assert_eq!((&told[0].body, told[0].edited_at.is_some()), (&sealed("edited"), true));
    assert_eq!((told[1].body.bytes.len(), told[1].deleted_at.is_some()), (0, true));
}

pub(crate) async fn replay_returns_everything_above_a_position_in_order(scene: &Scene) {
    let first = message(1, "first");
    let batch = [
        first.clone(),
        change(2, Kind::React, &first, "+1"),
        change(3, Kind::Edit, &first, "edited"),
        change(4, Kind::Unreact, &first, "+1"),
        message(5, "fifth"),
        change(6, Kind::Delete, &first, ""),
    ];
    scene.append(&batch).await;
    let entries = scene.store.after(&room("7"), Position::START, 10).await.unwrap();
    let kinds: Vec<_> = entries.iter().map(|entry| (entry.draft.kind, entry.draft.target)).collect();
    let expected: Vec<_> = batch.iter().map(|entry| (entry.draft.kind, entry.draft.target)).collect();
    assert_eq!(kinds, expected);
    assert_eq!(replay_seqs(scene, Position::START, 10).await, vec![1, 2, 3, 4, 5, 6]);
    assert_eq!(replay_seqs(scene, at(2), 3).await, vec![3, 4, 5]);
    assert_eq!(replay_seqs(scene, at(6), 10).await, [0; 0]);
    assert_eq!(replay_seqs(scene, at(u64::MAX), 10).await, [0; 0]);
    assert_eq!(replay_seqs(scene, Position::START, 0).await, [0; 0]);
}

pub(crate) async fn replay_crosses_an_epoch(scene: &Scene) {
    let mut later = message(1001, "after the loss");
    later.position.epoch = 2;
    scene.append(&[message(1, "first"), message(2, "second"), later.clone()]).await;
    assert_eq!(replay_seqs(scene, at(1), 10).await, vec![2, 1001]);
    assert_eq!(replay_seqs(scene, Position { epoch: 2, seq: 1000 }, 10).await, vec![1001]);
    // A position of another history is above what an older epoch says.
    assert_eq!(replay_seqs(scene, Position { epoch: 2, seq: 1 }, 10).await, vec![1001]);
    assert_eq!(scene.store.head(&room("7")).await.unwrap(), Some(later.position));
    let page = scene.store.page(&room("7"), None, 10).await.unwrap();
    assert_eq!(page.iter().map(|message| message.position.epoch).collect::<Vec<_>>(), vec![1, 1, 2]);
}

pub(crate) async fn the_head_counts_void_rows_and_an_unknown_room_has_none(scene: &Scene) {
    scene.append(&[named(message(1, "first"), "c-1"), named(message(2, "again"), "c-1")]).await;
    assert_eq!(scene.store.head(&room("7")).await.unwrap(), Some(at(2)));
    assert_eq!(scene.store.head(&room("8")).await.unwrap(), None);
}

pub(crate) async fn the_heads_of_all_rooms_are_their_newest_positions(scene: &Scene) {
    assert_eq!(scene.store.heads().await.unwrap(), []);
    let mut later = message(1001, "after the loss");
    later.position.epoch = 2;
    let repeat = within(named(message(2, "void"), "c-1"), "8");
    scene
        .append(&[message(1, "first"), later.clone(), within(named(message(1, "first"), "c-1"), "8"), repeat])
        .await;
    let mut heads = scene.store.heads().await.unwrap();
    heads.sort_by(|left, right| left.0.key().cmp(right.0.key()));
    assert_eq!(heads, [(room("7"), later.position), (room("8"), at(2))]);
}

pub(crate) async fn the_heads_of_some_rooms_are_those_of_the_rooms_that_are_there(scene: &Scene) {
    let mut later = message(1001, "after the loss");
    later.position.epoch = 2;
    scene
        .append(&[
            message(1, "first"),
            later.clone(),
            within(named(message(1, "first"), "c-1"), "8"),
            within(named(message(2, "void"), "c-1"), "8"),
            within(message(1, "not asked for"), "9"),
        ])
        .await;
    assert_eq!(scene.store.heads_of(&[]).await.unwrap(), []);
    assert_eq!(scene.store.heads_of(&[room("nobody")]).await.unwrap(), []);
    let rooms = [room("8"), room("nobody"), room("7"), room("8")];
    let mut heads = scene.store.heads_of(&rooms).await.unwrap();
    heads.sort_by(|left, right| left.0.key().cmp(right.0.key()));
    assert_eq!(heads, [(room("7"), later.position), (room("8"), at(2))]);
}

pub(crate) async fn an_entry_is_located_by_its_id(scene: &Scene) {
    let mut first = in_chat(message(1, "first"), "a");
    first.draft.author.user = UserId::number(7).unwrap();
    let second = in_chat(by(message(2, "second"), "bert"), "a");
    let edit = change(3, Kind::Edit, &first, "edited");
    let deletion = change(4, Kind::Delete, &second, "");
    scene.append(&[first.clone(), second.clone(), edit.clone(), deletion]).await;
    let found = scene.store.locate(first.draft.id).await.unwrap().unwrap();
    assert!(found.author.is_numeric());
    let expected = Located {
        room: first.draft.room.clone(),
        position: at(1),
        kind: Kind::Message,
        author: first.draft.author.user,
        sent_at: first.draft.sent_at,
        deleted: false,
    };
    assert_eq!(found, expected);
    assert!(scene.store.locate(second.draft.id).await.unwrap().unwrap().deleted);
    let found = scene.store.locate(edit.draft.id).await.unwrap().unwrap();
    assert_eq!((found.kind, found.position, found.deleted), (Kind::Edit, at(3), false));
    assert_eq!(scene.store.locate(MessageId::new()).await.unwrap(), None);
}

pub(crate) async fn a_void_row_is_not_located(scene: &Scene) {
    let repeat = named(message(2, "again"), "c-1");
    scene.append(&[named(message(1, "first"), "c-1"), repeat.clone()]).await;
    assert_eq!(scene.store.locate(repeat.draft.id).await.unwrap(), None);
}

pub(crate) async fn reactions_to_a_message_come_in_the_order_in_which_they_happened(scene: &Scene) {
    let (first, other) = (message(1, "first"), message(2, "other"));
    let reactions = [
        change(4, Kind::React, &first, "+1"),
        by(change(5, Kind::React, &first, "heart"), "bert"),
        change(7, Kind::Unreact, &first, "+1"),
    ];
    let mut batch = vec![
        first.clone(),
        other.clone(),
        change(3, Kind::Edit, &first, "edited"),
        change(6, Kind::React, &other, "-1"),
    ];
    batch.extend(reactions.iter().cloned());
    scene.append(&batch).await;
    assert_eq!(scene.store.reactions(&room("7"), first.draft.id).await.unwrap(), reactions);
    // A message has reactions in its own room alone.
    assert_eq!(scene.store.reactions(&room("8"), first.draft.id).await.unwrap(), []);
    assert_eq!(scene.store.reactions(&room("7"), MessageId::new()).await.unwrap(), []);
}
