//! Files: their bytes, what is known of them, and forgetting them.

use bytes::Bytes;
use domain::ports::{Pieces, PortError, Stowed, Upload};
use domain::words::{Attachment, MessageId, Timestamp};
use futures::future::join_all;
use futures::stream::{StreamExt, TryStreamExt, iter};
use uuid::Uuid;

use crate::scene::{Scene, room, user};

/// More than what may be uploaded here.
const LIMIT: u64 = 4 * 1024 * 1024;

/// Bytes that differ from place to place.
fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|place| u8::try_from((place * 7 + place / 251) % 256).unwrap()).collect()
}

/// The same bytes as they come from a client, in chunks of this size.
fn pieces(bytes: &[u8], chunk: usize) -> Pieces {
    let chunks: Vec<_> = bytes.chunks(chunk).map(|chunk| Ok(Bytes::copy_from_slice(chunk))).collect();
    iter(chunks).boxed()
}

fn upload(id: Uuid, size: u64) -> Upload {
    let attachment = Attachment { id, name: "grüße.png".into(), media_type: "image/png".into(), size };
    Upload { attachment, owner: user("anna"), room: room("7"), message: None }
}

impl Scene {
    /// A file of anna's for `room:7`.
    async fn uploaded(&self, length: usize) -> Upload {
        let id = Uuid::new_v4();
        let stowed = self.uploads.stow(id, pieces(&bytes(length), 10_000), LIMIT).await.unwrap();
        let Stowed::Yes(size) = stowed else { panic!("{stowed:?}") };
        let upload = upload(id, size);
        self.uploads.add(&upload).await.unwrap();
        upload
    }

    async fn fetched(&self, id: Uuid) -> Option<Vec<u8>> {
        let pieces = self.uploads.read(id).await.unwrap()?;
        Some(pieces.try_collect::<Vec<_>>().await.unwrap().concat())
    }

    /// Pieces, and uploads that are not finished.
    async fn leftovers(&self) -> (i64, i64) {
        let pieces = self.count("SELECT count(*) FROM attachment_pieces").await;
        (pieces, self.count("SELECT count(*) FROM unfinished_uploads").await)
    }

    /// Whatever is there came a day earlier.
    async fn a_day_passes(&self) {
        for (table, column) in [("attachments", "created_at"), ("unfinished_uploads", "begun_at")] {
            let day = if self.is_postgres() { "interval '1 day'" } else { "24 * 60 * 60 * 1000" };
            self.execute(&format!("UPDATE {table} SET {column} = {column} - {day}")).await;
        }
    }

    async fn prune_older_than_an_hour(&self) -> u64 {
        let hour_ago = Timestamp(Timestamp::now().0 - 60 * 60 * 1000);
        self.uploads.prune(hour_ago).await.unwrap()
    }
}

pub(crate) async fn a_file_comes_back_as_it_was_whatever_its_size(scene: &Scene) {
    for length in [0, 1, 256 * 1024 - 1, 256 * 1024, 256 * 1024 + 1, 1_000_000] {
        let upload = scene.uploaded(length).await;
        assert_eq!(upload.attachment.size, u64::try_from(length).unwrap());
        assert_eq!(scene.uploads.find(upload.attachment.id).await.unwrap(), Some(upload.clone()));
        let fetched = scene.fetched(upload.attachment.id).await.unwrap();
        assert!(fetched == bytes(length), "{length} bytes");
    }
    assert_eq!(scene.leftovers().await.1, 0);
}

pub(crate) async fn a_chunk_larger_than_a_piece_is_cut(scene: &Scene) {
    let id = Uuid::new_v4();
    let whole = bytes(1_500_000);
    let stowed = scene.uploads.stow(id, pieces(&whole, 1_000_000), LIMIT).await.unwrap();
    assert_eq!(stowed, Stowed::Yes(1_500_000));
    scene.uploads.add(&upload(id, 1_500_000)).await.unwrap();
    assert!(scene.fetched(id).await.unwrap() == whole);
    assert_eq!(scene.count("SELECT count(*) FROM attachment_pieces").await, 6);
}

pub(crate) async fn nobody_reads_a_file_before_it_is_added(scene: &Scene) {
    let id = Uuid::new_v4();
    scene.uploads.stow(id, pieces(&bytes(300_000), 10_000), LIMIT).await.unwrap();
    assert_eq!(scene.uploads.find(id).await.unwrap(), None);
    assert!(scene.fetched(id).await.is_none());
    let attached = scene.uploads.attach(&[id], &user("anna"), &room("7"), MessageId::new()).await.unwrap();
    assert_eq!(attached, None);
    assert!(scene.fetched(Uuid::new_v4()).await.is_none());
}

pub(crate) async fn of_a_file_that_is_too_large_nothing_is_kept(scene: &Scene) {
    let limit = 600_000;
    let exact = scene.uploads.stow(Uuid::new_v4(), pieces(&bytes(600_000), 9_999), limit).await.unwrap();
    assert_eq!(exact, Stowed::Yes(limit));
    let before = scene.leftovers().await;
    let (id, whole) = (Uuid::new_v4(), bytes(600_001));
    // It is not read any further: the rest never comes.
    let endless = pieces(&whole, 9_999).chain(futures::stream::pending()).boxed();
    assert_eq!(scene.uploads.stow(id, endless, limit).await.unwrap(), Stowed::TooLarge);
    assert_eq!(scene.leftovers().await, before);
    assert!(scene.uploads.add(&upload(id, 600_001)).await.is_err(), "there is nothing to add");
}

pub(crate) async fn of_a_file_that_breaks_off_nothing_is_kept(scene: &Scene) {
    let broken = PortError::Unavailable("the client is gone".into());
    let error = iter([Err(broken.clone())]);
    let stowed =
        scene.uploads.stow(Uuid::new_v4(), pieces(&bytes(600_000), 9_999).chain(error).boxed(), LIMIT);
    assert_eq!(stowed.await, Err(broken));
    assert_eq!(scene.leftovers().await, (0, 0));
}

pub(crate) async fn uploads_are_attached_all_or_none(scene: &Scene) {
    let (first, second) = (scene.uploaded(10).await, scene.uploaded(20).await);
    let (one, two) = (first.attachment.id, second.attachment.id);
    let (anna, message) = (user("anna"), MessageId::new());
    for (ids, owner, place) in [
        (vec![one, Uuid::new_v4()], "anna", "7"),
        (vec![one, two], "bob", "7"),
        (vec![one, two], "anna", "8"),
    ] {
        let refused = scene.uploads.attach(&ids, &user(owner), &room(place), message).await.unwrap();
        assert_eq!(refused, None, "{owner} in {place}");
        assert_eq!(scene.uploads.find(one).await.unwrap().unwrap().message, None);
    }
    let attached = scene.uploads.attach(&[two, one], &anna, &room("7"), message).await.unwrap();
    assert_eq!(attached, Some(vec![second.attachment, first.attachment]), "in the order of the sender");
    assert_eq!(scene.uploads.find(one).await.unwrap().unwrap().message, Some(message));
    assert_eq!(scene.uploads.attach(&[], &anna, &room("7"), message).await.unwrap(), Some(vec![]));
}

pub(crate) async fn an_upload_stays_with_its_first_message_and_may_be_shown_again(scene: &Scene) {
    let upload = scene.uploaded(10).await;
    let (id, first) = (upload.attachment.id, MessageId::new());
    for message in [first, MessageId::new()] {
        let shown = scene.uploads.attach(&[id], &user("anna"), &room("7"), message).await.unwrap();
        assert_eq!(shown, Some(vec![upload.attachment.clone()]));
        assert_eq!(scene.uploads.find(id).await.unwrap().unwrap().message, Some(first));
    }
}

pub(crate) async fn messages_that_attach_the_same_uploads_at_once_all_do(scene: &Scene) {
    let mut ids = Vec::new();
    for _ in 0..4 {
        ids.push(scene.uploaded(1).await.attachment.id);
    }
    let backwards: Vec<Uuid> = ids.iter().rev().copied().collect();
    let attach = |number: usize| {
        let ids = if number.is_multiple_of(2) { &ids } else { &backwards };
        async move { scene.uploads.attach(ids, &user("anna"), &room("7"), MessageId::new()).await }
    };
    for attached in join_all((0..16).map(attach)).await {
        assert_eq!(attached.unwrap().map(|attached| attached.len()), Some(4));
    }
    let first = scene.uploads.find(ids[0]).await.unwrap().unwrap().message;
    for id in ids {
        assert_eq!(scene.uploads.find(id).await.unwrap().unwrap().message, first, "one message has them all");
    }
}

pub(crate) async fn what_nobody_attached_and_what_was_never_finished_is_forgotten_after_a_while(
    scene: &Scene,
) {
    let (kept, loose) = (scene.uploaded(300_000).await, scene.uploaded(300_000).await);
    let attached = [kept.attachment.id];
    scene.uploads.attach(&attached, &user("anna"), &room("7"), MessageId::new()).await.unwrap().unwrap();
    scene.uploads.stow(Uuid::new_v4(), pieces(&bytes(300_000), 9_999), LIMIT).await.unwrap();
    assert_eq!(scene.prune_older_than_an_hour().await, 0, "they are young");
    scene.a_day_passes().await;
    let young = scene.uploaded(300_000).await;
    assert_eq!(scene.prune_older_than_an_hour().await, 2);
    assert_eq!(scene.uploads.find(loose.attachment.id).await.unwrap(), None);
    for id in [kept.attachment.id, young.attachment.id] {
        assert!(scene.fetched(id).await.unwrap() == bytes(300_000));
    }
    assert_eq!(scene.leftovers().await, (4, 0), "two pieces each");
    assert_eq!(scene.prune_older_than_an_hour().await, 0);
}

pub(crate) async fn many_old_uploads_of_many_pieces_are_forgotten(scene: &Scene) {
    for _ in 0..70 {
        scene.uploaded(1).await;
    }
    // More than one step takes.
    let large = Uuid::new_v4();
    scene.uploads.stow(large, pieces(&bytes(70 * 256 * 1024), 1_000_000), u64::MAX).await.unwrap();
    scene.a_day_passes().await;
    assert_eq!(scene.prune_older_than_an_hour().await, 71);
    assert_eq!(scene.leftovers().await, (0, 0));
    assert_eq!(scene.count("SELECT count(*) FROM attachments").await, 0);
}

pub(crate) async fn an_upload_that_is_given_up_takes_no_further_piece(scene: &Scene) {
    let id = Uuid::new_v4();
    let (sender, receiver) = tokio::sync::mpsc::channel::<Bytes>(1);
    let coming = futures::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|chunk| (Ok(chunk), receiver))
    });
    let stowing = scene.uploads.stow(id, coming.boxed(), LIMIT);
    let interfering = async {
        sender.send(bytes(300_000).into()).await.unwrap();
        // The second one is taken when the first one is written.
        sender.send(bytes(1).into()).await.unwrap();
        sender.send(bytes(1).into()).await.unwrap();
        scene.a_day_passes().await;
        assert_eq!(scene.prune_older_than_an_hour().await, 1);
        sender.send(bytes(300_000).into()).await.unwrap();
        drop(sender);
    };
    let (stowed, ()) = tokio::join!(stowing, interfering);
    assert!(matches!(stowed, Err(PortError::Unavailable(_))), "{stowed:?}");
    assert_eq!(scene.leftovers().await, (0, 0));
    assert!(scene.uploads.add(&upload(id, 600_002)).await.is_err());
}
