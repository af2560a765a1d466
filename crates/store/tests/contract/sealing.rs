//! Bodies at rest: counted, found and replaced by key.

use bytes::Bytes;
use domain::ports::{SealedRow, Vault};
use domain::words::{Entry, KeyId, Kind, MessageId, Sealed};

use crate::scene::{Scene, change, message, named, room, within};

fn key(id: &str) -> KeyId {
    KeyId::parse(id).unwrap()
}

fn sealed_by(id: Option<&str>, text: &str) -> Sealed {
    Sealed { key: id.map(key), bytes: Bytes::copy_from_slice(text.as_bytes()) }
}

/// A message in `room`, sealed by this key.
fn under(name: &str, seq: u64, id: Option<&str>) -> Entry {
    let mut entry = within(message(seq, "text"), name);
    entry.draft.body = sealed_by(id, &format!("{name} {seq}"));
    entry
}

/// Every row that `id` does not seal, page by page, as `room seq`; pages have `limit` rows, the last one fewer.
async fn walk(vault: &dyn Vault, id: &str, limit: usize) -> Vec<String> {
    let (mut walked, mut after) = (Vec::new(), None);
    loop {
        let page = vault.sealed_otherwise(&key(id), after, limit).await.unwrap();
        assert!(page.len() <= limit);
        walked.extend(page.iter().map(|row| format!("{} {}", row.room.name(), row.seq)));
        match page.last() {
            Some(last) => after = Some((last.room.clone(), last.seq)),
            None => return walked,
        }
    }
}

pub(crate) async fn the_census_counts_bodies_by_key_and_no_empty_ones(scene: &Scene) {
    assert_eq!(scene.vault.census().await.unwrap(), []);
    let plain = under("7", 3, None);
    let deleted = under("7", 4, Some("k2"));
    scene
        .append(&[
            named(under("7", 1, Some("k1")), "c-1"),
            under("7", 2, Some("k2")),
            plain.clone(),
            deleted.clone(),
            change(5, Kind::Delete, &deleted, ""),
            change(6, Kind::React, &plain, "+1"),
            named(under("7", 7, Some("k9")), "c-1"),
        ])
        .await;
    let expected = [(None, 1), (Some(key("k1")), 2), (Some(key("k2")), 1)];
    assert_eq!(scene.vault.census().await.unwrap(), expected);
}

pub(crate) async fn bodies_of_other_keys_are_found_where_they_lie(scene: &Scene) {
    let first = under("7", 1, Some("k1"));
    let mut edit = change(2, Kind::Edit, &first, "edited");
    edit.draft.body = sealed_by(Some("k1"), "edited");
    scene.append(&[first.clone(), edit, under("7", 3, Some("k2")), under("7", 4, None)]).await;
    let rows = scene.vault.sealed_otherwise(&key("k2"), None, 10).await.unwrap();
    let row = |seq, bound_to: MessageId, body| SealedRow { room: room("7"), seq, bound_to, body };
    // The message has the edit's text, and the edit's body opens under the message's id.
    assert_eq!(rows[0], row(1, first.draft.id, sealed_by(Some("k1"), "edited")));
    assert_eq!(rows[1], row(2, first.draft.id, sealed_by(Some("k1"), "edited")));
    assert_eq!((rows[2].seq, &rows[2].body), (4, &sealed_by(None, "7 4")));
    assert_eq!(rows.len(), 3);
}

pub(crate) async fn what_other_keys_seal_is_walked_in_pages_in_one_order(scene: &Scene) {
    // Rooms whose order differs from one locale to the next; keys that alternate.
    let names = ["b", "A", "a", "B", "a-b", "ab", "a.1", "a_1"];
    let keys = [Some("k1"), Some("k2"), None, Some("k3")];
    let mut batch = Vec::new();
    for (room, name) in names.into_iter().enumerate() {
        batch.extend((1..=5).map(|seq| under(name, seq, keys[(room + usize::try_from(seq).unwrap()) % 4])));
    }
    scene.append(&batch).await;
    let mut expected: Vec<_> = batch
        .iter()
        .filter(|entry| entry.draft.body.key != Some(key("k2")))
        .map(|entry| (entry.draft.room.key(), entry.position.seq))
        .collect();
    expected.sort_unstable();
    let expected: Vec<_> =
        expected.iter().map(|(room, seq)| format!("{} {seq}", room.trim_start_matches("room:"))).collect();
    for limit in [1, 3, 7, 1000] {
        assert_eq!(walk(&*scene.vault, "k2", limit).await, expected, "{limit}");
    }
}

pub(crate) async fn a_walk_goes_on_where_it_ended_while_rows_move(scene: &Scene) {
    let batch: Vec<_> = (1..=9).map(|seq| under("7", seq, Some("k1"))).collect();
    scene.append(&batch).await;
    let page = scene.vault.sealed_otherwise(&key("k2"), None, 4).await.unwrap();
    let moved: Vec<_> =
        page.iter().map(|row| (row.clone(), sealed_by(Some("k2"), &row.seq.to_string()))).collect();
    assert_eq!(scene.vault.replace(&moved).await.unwrap(), 4);
    // Behind the last one, and equally from the beginning: what is done is not found again.
    for after in [Some((room("7"), 4)), None] {
        let rest = scene.vault.sealed_otherwise(&key("k2"), after, 100).await.unwrap();
        assert_eq!(rest.iter().map(|row| row.seq).collect::<Vec<_>>(), [5, 6, 7, 8, 9]);
    }
    assert_eq!(scene.vault.census().await.unwrap(), [(Some(key("k1")), 5), (Some(key("k2")), 4)]);
    let bodies = scene.store.page(&room("7"), None, 9).await.unwrap();
    assert_eq!(bodies[3].body, sealed_by(Some("k2"), "4"));
}

pub(crate) async fn deleted_void_and_empty_rows_are_walked_past(scene: &Scene) {
    let first = named(under("7", 1, Some("k1")), "c-1");
    let gone = under("7", 2, Some("k1"));
    let repeat = named(under("7", 4, Some("k1")), "c-1");
    scene.append(&[first, gone.clone(), change(3, Kind::Delete, &gone, ""), repeat]).await;
    assert_eq!(walk(&*scene.vault, "k2", 10).await, ["7 1"]);
}

pub(crate) async fn a_body_is_replaced_only_where_the_old_one_still_lies(scene: &Scene) {
    let batch: Vec<_> = (1..=4).map(|seq| under("7", seq, Some("k1"))).collect();
    scene.append(&batch).await;
    let read = scene.vault.sealed_otherwise(&key("k2"), None, 10).await.unwrap();
    // In between one is edited, one is deleted, and one gets the same bytes under another key.
    let mut edit = change(5, Kind::Edit, &batch[0], "");
    edit.draft.body = sealed_by(Some("k1"), "newer");
    scene.append(&[edit, change(6, Kind::Delete, &batch[1], "")]).await;
    let rekeyed = (read[2].clone(), Sealed { key: None, bytes: read[2].body.bytes.clone() });
    assert_eq!(scene.vault.replace(&[rekeyed]).await.unwrap(), 1);

    let moved: Vec<_> = read.iter().map(|row| (row.clone(), sealed_by(Some("k2"), "moved"))).collect();
    assert_eq!(scene.vault.replace(&moved).await.unwrap(), 1);
    let page = scene.store.page(&room("7"), None, 10).await.unwrap();
    let bodies: Vec<_> = page.iter().map(|message| message.body.clone()).collect();
    let expected = [
        sealed_by(Some("k1"), "newer"),
        sealed_by(None, ""),
        sealed_by(None, "7 3"),
        sealed_by(Some("k2"), "moved"),
    ];
    assert_eq!(bodies, expected);
    // Once more does nothing.
    assert_eq!(scene.vault.replace(&moved).await.unwrap(), 0);
    assert_eq!(scene.vault.replace(&[]).await.unwrap(), 0);
}

pub(crate) async fn an_edit_beside_a_replacement_is_never_lost(scene: &Scene) {
    let batch: Vec<_> = (1..=64).map(|seq| under("7", seq, Some("k1"))).collect();
    scene.append(&batch).await;
    let read = scene.vault.sealed_otherwise(&key("k2"), None, 100).await.unwrap();
    let moved: Vec<_> = read.iter().map(|row| (row.clone(), sealed_by(Some("k2"), "moved"))).collect();
    for (round, chunk) in moved.chunks(8).enumerate() {
        let edits: Vec<_> = (0..8)
            .map(|number| {
                let seq = u64::try_from(1000 + round * 8 + number).unwrap();
                let mut edit = change(seq, Kind::Edit, &batch[round * 8 + number], "");
                edit.draft.body = sealed_by(Some("k1"), "edited");
                edit
            })
            .collect();
        // One at a time, so that the two cannot wait for each other in a ring.
        let edit = async {
            for edit in &edits {
                scene.append(std::slice::from_ref(edit)).await;
            }
        };
        let ((), replaced) = tokio::join!(edit, scene.vault.replace(chunk));
        assert!(replaced.is_ok(), "{replaced:?}");
    }
    let page = scene.store.page(&room("7"), None, 100).await.unwrap();
    assert!(page.iter().all(|message| message.body == sealed_by(Some("k1"), "edited")));
}
