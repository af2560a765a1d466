//! Edits and deletions change their message forwards only, and what is deleted is gone everywhere.

use domain::ports::Appended;
use domain::words::{Kind, MessageId, Position};

use crate::scene::{Scene, change, message, named, page, replay, room, texts, within};

pub(crate) async fn an_edit_changes_the_message_and_keeps_its_own_place(scene: &Scene) {
    let first = message(1, "first");
    let edit = change(3, Kind::Edit, &first, "edited");
    scene.append(&[first.clone(), message(2, "second")]).await;
    scene.append(std::slice::from_ref(&edit)).await;
    assert_eq!(page(&*scene.store).await, texts(&[(1, "edited"), (2, "second")]));
    assert_eq!(replay(&*scene.store).await, texts(&[(1, "edited"), (2, "second"), (3, "edited")]));
    let stored = scene.store.page(&room("7"), Some(2), 1).await.unwrap().remove(0);
    assert_eq!((stored.id, stored.edited_at), (first.draft.id, Some(edit.draft.sent_at)));
    assert_eq!((stored.sent_at, stored.body), (first.draft.sent_at, edit.draft.body));
}

pub(crate) async fn edits_only_go_forwards(scene: &Scene) {
    let first = message(1, "first");
    let (older, newer) = (change(2, Kind::Edit, &first, "older"), change(3, Kind::Edit, &first, "newer"));
    scene.append(&[first, newer]).await;
    assert_eq!(scene.append(&[older]).await, vec![Appended::Stored]);
    assert_eq!(page(&*scene.store).await, texts(&[(1, "newer")]));
    assert_eq!(replay(&*scene.store).await, texts(&[(1, "newer"), (2, "older"), (3, "newer")]));
}

pub(crate) async fn of_several_edits_in_one_batch_the_newest_counts(scene: &Scene) {
    let first = message(1, "first");
    let edits: Vec<_> = (2..=9).map(|seq| change(seq, Kind::Edit, &first, &format!("edit {seq}"))).collect();
    scene.append(&[first]).await;
    scene.append(&edits).await;
    assert_eq!(page(&*scene.store).await, texts(&[(1, "edit 9")]));
}

pub(crate) async fn a_deletion_erases_the_text_everywhere(scene: &Scene) {
    let first = message(1, "first");
    let deletion = change(4, Kind::Delete, &first, "");
    scene.append(&[first.clone(), message(2, "second"), change(3, Kind::Edit, &first, "edited")]).await;
    scene.append(std::slice::from_ref(&deletion)).await;
    assert_eq!(page(&*scene.store).await, texts(&[(1, ""), (2, "second")]));
    assert_eq!(replay(&*scene.store).await, texts(&[(1, ""), (2, "second"), (3, ""), (4, "")]));
    let stored = scene.store.page(&room("7"), Some(2), 1).await.unwrap().remove(0);
    assert_eq!((stored.deleted_at, stored.body.key), (Some(deletion.draft.sent_at), None));

    // The same when all of it comes in one batch.
    let third = message(5, "third");
    let edit = change(6, Kind::Edit, &third, "edited");
    let deletion = change(7, Kind::Delete, &third, "");
    scene.append(&[third, edit, deletion]).await;
    let end: Vec<_> = replay(&*scene.store).await.split_off(4);
    assert_eq!(end, texts(&[(5, ""), (6, ""), (7, "")]));
}

pub(crate) async fn an_edit_after_a_deletion_is_erased_on_arrival(scene: &Scene) {
    let first = message(1, "first");
    scene.append(&[first.clone(), change(3, Kind::Delete, &first, "")]).await;
    scene.append(&[change(4, Kind::Edit, &first, "later"), change(2, Kind::Edit, &first, "earlier")]).await;
    assert_eq!(replay(&*scene.store).await, texts(&[(1, ""), (2, ""), (3, ""), (4, "")]));
    assert_eq!(page(&*scene.store).await, texts(&[(1, "")]));
}

pub(crate) async fn a_deletion_is_final(scene: &Scene) {
    let first = message(1, "first");
    let deletion = change(2, Kind::Delete, &first, "");
    let again = change(3, Kind::Delete, &first, "");
    scene.append(&[first, deletion.clone()]).await;
    scene.append(&[again]).await;
    let stored = scene.store.page(&room("7"), None, 1).await.unwrap().remove(0);
    assert_eq!(stored.deleted_at, Some(deletion.draft.sent_at));
}

pub(crate) async fn a_change_reaches_only_an_earlier_message_of_its_own_room(scene: &Scene) {
    let first = message(5, "first");
    let from_elsewhere = within(change(9, Kind::Edit, &first, "from elsewhere"), "8");
    let deleted_elsewhere = within(change(10, Kind::Delete, &first, ""), "8");
    let before_it = change(4, Kind::Edit, &first, "before it");
    let mut of_nothing = change(6, Kind::Edit, &first, "of nothing");
    of_nothing.draft.target = Some(MessageId::new());
    scene.append(&[first.clone(), from_elsewhere, deleted_elsewhere, before_it, of_nothing]).await;
    assert_eq!(page(&*scene.store).await, texts(&[(5, "first")]));
    // Nor does a foreign entry hide the one that counts.
    let foreign = within(change(12, Kind::Edit, &first, "foreign"), "8");
    scene.append(&[change(7, Kind::Edit, &first, "edited"), foreign]).await;
    assert_eq!(page(&*scene.store).await, texts(&[(5, "edited")]));
}

pub(crate) async fn a_repeated_edit_changes_nothing(scene: &Scene) {
    let first = message(1, "first");
    let edit = named(change(2, Kind::Edit, &first, "edited"), "c-1");
    let repeat = named(change(3, Kind::Edit, &first, "repeated"), "c-1");
    let rival = change(2, Kind::Edit, &first, "rival");
    let outcomes = scene.append(&[first, edit, repeat, rival]).await;
    use Appended::{Conflict, Repeated, Stored};
    assert_eq!(outcomes, vec![Stored, Stored, Repeated, Conflict]);
    assert_eq!(page(&*scene.store).await, texts(&[(1, "edited")]));
    assert_eq!(replay(&*scene.store).await, texts(&[(1, "edited"), (2, "edited")]));
}

pub(crate) async fn reactions_are_kept_as_they_happened(scene: &Scene) {
    let first = message(1, "first");
    let batch = [
        first.clone(),
        change(2, Kind::React, &first, "+1"),
        change(3, Kind::Unreact, &first, "+1"),
        change(4, Kind::React, &first, "+1"),
    ];
    scene.append(&batch).await;
    assert_eq!(scene.store.after(&room("7"), Position::START, 10).await.unwrap(), batch);
}
