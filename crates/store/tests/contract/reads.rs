//! Read receipts, and when users were last here.

use std::sync::Arc;

use domain::ports::Touched;
use domain::words::{Entry, Position, Timestamp};

use crate::scene::{Scene, chat, in_chat, message, user};

async fn touch(scene: &Scene, reader: &str, entry: &Entry) -> Touched {
    let (id, position, sent_at) = (entry.draft.id, entry.position, entry.draft.sent_at);
    scene.directory.touch(&entry.draft.room, &user(reader), id, position, sent_at).await.unwrap()
}

async fn last_read_at(scene: &Scene, reader: &str) -> Option<Timestamp> {
    let participants = scene.view("a", reader).await.participants;
    participants.iter().find(|one| one.who.user == user(reader)).unwrap().last_read_at
}

pub(crate) async fn a_cursor_only_moves_forwards(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna", "bert"]).await;
    let entries: Vec<_> = (1..=3).map(|seq| in_chat(message(seq, "text"), "a")).collect();
    assert_eq!(touch(scene, "anna", &entries[1]).await, Touched::Moved);
    assert_eq!(last_read_at(scene, "anna").await, Some(entries[1].draft.sent_at));
    assert_eq!(touch(scene, "anna", &entries[1]).await, Touched::Stood);
    assert_eq!(touch(scene, "anna", &entries[0]).await, Touched::Stood);
    assert_eq!(last_read_at(scene, "anna").await, Some(entries[1].draft.sent_at));
    assert_eq!(touch(scene, "anna", &entries[2]).await, Touched::Moved);
    assert_eq!(last_read_at(scene, "anna").await, Some(entries[2].draft.sent_at));
    // Everybody has a cursor of their own.
    assert_eq!(last_read_at(scene, "bert").await, None);
    assert_eq!(touch(scene, "bert", &entries[0]).await, Touched::Moved);
}

pub(crate) async fn a_time_never_goes_back_though_a_later_message_was_sent_earlier(scene: &Scene) {
    scene.users(&["anna"]).await;
    scene.group("a", &["anna"]).await;
    let first = in_chat(message(1, "text"), "a");
    let mut second = in_chat(message(2, "by a node whose clock is behind"), "a");
    second.draft.sent_at = Timestamp(first.draft.sent_at.0 - 5000);
    second.position = Position { epoch: 2, seq: 1002 };
    touch(scene, "anna", &first).await;
    assert_eq!(touch(scene, "anna", &second).await, Touched::Moved);
    assert_eq!(last_read_at(scene, "anna").await, Some(first.draft.sent_at));
}

pub(crate) async fn who_takes_no_part_reads_nothing(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna"]).await;
    let entry = in_chat(message(1, "text"), "a");
    assert_eq!(touch(scene, "bert", &entry).await, Touched::NotThere);
    assert_eq!(touch(scene, "anna", &in_chat(message(1, "text"), "b")).await, Touched::NotThere);
    assert_eq!(touch(scene, "anna", &message(1, "text")).await, Touched::NotThere);
    assert_eq!(scene.count("SELECT count(*) FROM message_reads").await, 0);
}

pub(crate) async fn each_message_that_moved_a_cursor_is_noted_once_per_reader(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna", "bert"]).await;
    let entries: Vec<_> = (1..=3).map(|seq| in_chat(message(seq, "text"), "a")).collect();
    for (reader, entry) in [("anna", 0), ("anna", 0), ("anna", 2), ("anna", 1), ("bert", 2)] {
        touch(scene, reader, &entries[entry]).await;
    }
    assert_eq!(scene.count("SELECT count(*) FROM message_reads").await, 3);
    assert_eq!(scene.count("SELECT count(*) FROM message_reads WHERE user_id = 'anna'").await, 2);
    // Who left and came back reads from the beginning: the note is there already.
    scene.directory.remove_participant(&chat("a"), &user("bert")).await.unwrap();
    scene.directory.add_participant(&chat("a"), &user("bert")).await.unwrap();
    assert_eq!(touch(scene, "bert", &entries[2]).await, Touched::Moved);
    assert_eq!(scene.count("SELECT count(*) FROM message_reads").await, 3);
}

pub(crate) async fn of_many_receipts_at_once_the_furthest_counts(scene: &Scene) {
    scene.users(&["anna"]).await;
    scene.group("a", &["anna"]).await;
    let entries: Vec<_> = (1..=32).map(|seq| in_chat(message(seq, "text"), "a")).collect();
    // The furthest neither first nor last.
    let order = (0..32).map(|number| (number * 11 + 5) % 32);
    let receipts = order.map(|number| {
        let (directory, entry) = (Arc::clone(&scene.directory), entries[number].clone());
        tokio::spawn(async move {
            let (id, sent_at) = (entry.draft.id, entry.draft.sent_at);
            directory.touch(&chat("a"), &user("anna"), id, entry.position, sent_at).await
        })
    });
    let mut moved = 0;
    for receipt in receipts.collect::<Vec<_>>() {
        moved += i64::from(receipt.await.unwrap().unwrap() == Touched::Moved);
    }
    assert_eq!(last_read_at(scene, "anna").await, Some(entries[31].draft.sent_at));
    assert_eq!(scene.count("SELECT last_read_seq FROM chat_participants").await, 32);
    assert_eq!(scene.count("SELECT count(*) FROM message_reads").await, moved);
    assert_eq!(touch(scene, "anna", &entries[31]).await, Touched::Stood);
}

pub(crate) async fn when_somebody_was_last_here_only_moves_forwards(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    let seen = async |ids: &[&str], at: i64| {
        let users: Vec<_> = ids.iter().map(|id| user(id)).collect();
        scene.directory.seen(&users, Timestamp(at)).await.unwrap();
        scene.last_seen().await
    };
    assert_eq!(seen(&["anna", "nobody", "bert"], 1000).await, 1000 + 1000);
    assert_eq!(seen(&["anna"], 700).await, 1000 + 1000);
    assert_eq!(seen(&["bert"], 1003).await, 1000 + 1003);
    assert_eq!(seen(&[], 5000).await, 1000 + 1003);
    assert_eq!(scene.count("SELECT count(*) FROM users").await, 2);
}

pub(crate) async fn nodes_that_saw_the_same_users_at_once_do_not_block_each_other(scene: &Scene) {
    let ids: Vec<String> = (0..200).map(|number| format!("u-{number}")).collect();
    scene.users(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let rounds = (0..8).map(|round| {
        let directory = Arc::clone(&scene.directory);
        let mut users: Vec<_> = ids.iter().map(|id| user(id)).collect();
        users.rotate_left(round * 25);
        tokio::spawn(async move {
            directory.seen(&users, Timestamp(1_790_000_000_000 + i64::try_from(round).unwrap())).await
        })
    });
    for round in rounds.collect::<Vec<_>>() {
        assert_eq!(round.await.unwrap(), Ok(()));
    }
    assert_eq!(scene.last_seen().await, 200 * 1_790_000_000_007);
}
