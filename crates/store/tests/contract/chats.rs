//! Chats: making them, and how they look.

use std::sync::Arc;

use domain::ports::{Created, PortError};
use domain::words::{Author, Kind, NewChat, Part, Role, RoomId, Timestamp, UserId};

use crate::scene::{Scene, at, by, change, chat, in_chat, message, user};

fn direct(id: &str, owner: &str, other: &str) -> NewChat {
    NewChat { room: chat(id), title: None, owner: user(owner), others: vec![user(other)], direct: true }
}

pub(crate) async fn a_new_chat_belongs_to_its_maker_and_shows_everybody_in_order(scene: &Scene) {
    scene.users(&["zoe", "bert"]).await;
    let number = UserId::number(7).unwrap();
    let seven = Author { user: number.clone(), name: Some("Seven".into()) };
    scene.directory.admit(&seven, Role::User, true).await.unwrap();
    let before = Timestamp::now();
    let made = scene.group("a", &["zoe", "7", "bert", "7", "zoe"]).await;
    assert_eq!((&made.room, made.title.as_deref(), made.direct), (&chat("a"), Some("about a"), false));
    assert!(made.created_at.millis_until(before) < 60_000 && before.millis_until(made.created_at) < 60_000);
    let shown: Vec<_> = made
        .participants
        .iter()
        .map(|one| (one.who.user.as_str(), one.who.name.as_deref().unwrap(), one.part, one.last_read_at))
        .collect();
    let expected = [
        ("zoe", "zoe", Part::Owner, None),
        ("7", "Seven", Part::Member, None),
        ("bert", "bert", Part::Member, None),
    ];
    assert_eq!(shown, expected);
    assert!(made.participants[1].who.user.is_numeric() && !made.participants[0].who.user.is_numeric());
    assert_eq!((made.unread, &made.last_message), (0, &None));
    assert_eq!(scene.view("a", "bert").await, made);
    assert_eq!(scene.directory.rooms_of(&number).await.unwrap(), [chat("a")]);
}

pub(crate) async fn a_chat_with_somebody_unknown_is_not_made(scene: &Scene) {
    scene.users(&["anna"]).await;
    let directory = &scene.directory;
    let with = |owner: &str, other: &str| NewChat { direct: false, ..direct("a", owner, other) };
    for new in [with("anna", "nobody"), with("nobody", "anna"), direct("a", "anna", "nobody")] {
        assert_eq!(directory.create_chat(&new).await.unwrap(), Created::UnknownUser);
    }
    assert_eq!(directory.chat(&chat("a"), &user("anna")).await.unwrap(), None);
    assert_eq!(directory.chats_of(&user("anna")).await.unwrap(), []);
}

pub(crate) async fn a_chat_is_no_other_room_and_is_made_once(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna"]).await;
    let again = NewChat { direct: false, ..direct("a", "anna", "bert") };
    let elsewhere = NewChat { room: RoomId::parse("room:b").unwrap(), ..again.clone() };
    let alone = direct("b", "anna", "anna");
    for new in [again, elsewhere, alone] {
        let answer = scene.directory.create_chat(&new).await;
        assert!(matches!(answer, Err(PortError::Refused(_))), "{answer:?}");
    }
    assert_eq!(scene.view("a", "anna").await.participants.len(), 1);
}

pub(crate) async fn two_users_have_one_direct_chat_whoever_begins(scene: &Scene) {
    scene.users(&["anna", "bert", "a", "nnabert"]).await;
    let directory = &scene.directory;
    let Created::New(made) = directory.create_chat(&direct("a", "anna", "bert")).await.unwrap() else {
        panic!("not new")
    };
    assert!(made.direct);
    assert_eq!(
        directory.create_chat(&direct("b", "bert", "anna")).await.unwrap(),
        Created::Existing(made.clone())
    );
    // The same request once more.
    assert_eq!(
        directory.create_chat(&direct("a", "anna", "bert")).await.unwrap(),
        Created::Existing(made.clone())
    );
    // Two ids that read the same when written one behind the other are another pair.
    let other = directory.create_chat(&direct("c", "a", "nnabert")).await.unwrap();
    assert!(matches!(other, Created::New(_)), "{other:?}");
    // A group of the same two is no direct chat.
    scene.group("d", &["anna", "bert"]).await;
    // Who left is brought back.
    directory.remove_participant(&chat("a"), &user("anna")).await.unwrap();
    let Created::Existing(back) = directory.create_chat(&direct("e", "anna", "bert")).await.unwrap() else {
        panic!("not the same")
    };
    assert_eq!((back.room, back.participants.len()), (made.room, 2));
}

pub(crate) async fn of_many_direct_chats_made_at_once_there_is_one(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    let attempts = (0..16).map(|number| {
        let directory = Arc::clone(&scene.directory);
        let (one, other) = if number % 2 == 0 { ("anna", "bert") } else { ("bert", "anna") };
        tokio::spawn(async move { directory.create_chat(&direct(&format!("d-{number}"), one, other)).await })
    });
    let (mut made, mut rooms) = (0, Vec::new());
    for attempt in attempts.collect::<Vec<_>>() {
        let chat = match attempt.await.unwrap().unwrap() {
            Created::New(chat) => {
                made += 1;
                chat
            }
            Created::Existing(chat) => chat,
            Created::UnknownUser => panic!("both are known"),
        };
        assert_eq!(chat.participants.len(), 2);
        rooms.push(chat.room);
    }
    assert_eq!(made, 1);
    assert!(rooms.iter().all(|room| room == &rooms[0]), "{rooms:?}");
    assert_eq!(scene.directory.rooms_of(&user("bert")).await.unwrap(), rooms[..1]);
}

pub(crate) async fn a_title_is_given_and_taken_away(scene: &Scene) {
    scene.users(&["anna"]).await;
    scene.group("a", &["anna"]).await;
    let directory = &scene.directory;
    assert!(directory.retitle(&chat("a"), Some("other")).await.unwrap());
    assert_eq!(scene.view("a", "anna").await.title.as_deref(), Some("other"));
    assert!(directory.retitle(&chat("a"), None).await.unwrap());
    assert_eq!(scene.view("a", "anna").await.title, None);
    assert!(!directory.retitle(&chat("b"), None).await.unwrap());
    assert!(!directory.retitle(&RoomId::parse("room:a").unwrap(), None).await.unwrap());
}

pub(crate) async fn the_chat_with_the_newest_message_comes_first(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    for id in ["a", "b", "c"] {
        scene.group(id, &["anna", "bert"]).await;
    }
    scene.group("of-bert", &["bert"]).await;
    // Far behind every chat's own making.
    let late = |seq: u64, id: &str| {
        let mut entry = in_chat(message(seq, id), id);
        entry.draft.sent_at = Timestamp(Timestamp::now().0 + 1_000_000 + i64::try_from(seq).unwrap());
        entry
    };
    scene.append(&[late(3, "a"), late(1, "b"), late(2, "c")]).await;
    let chats = scene.directory.chats_of(&user("anna")).await.unwrap();
    let rooms: Vec<_> = chats.iter().map(|chat| chat.room.name()).collect();
    assert_eq!(rooms, ["a", "c", "b"]);
    for chat in chats {
        assert_eq!(chat, scene.view(chat.room.name(), "anna").await);
    }
    assert_eq!(scene.directory.chats_of(&user("nobody")).await.unwrap(), []);
}

pub(crate) async fn the_last_message_is_the_newest_that_is_not_withdrawn_with_its_current_text(
    scene: &Scene,
) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna", "bert"]).await;
    let entries: Vec<_> = (1..=3).map(|seq| in_chat(message(seq, "text"), "a")).collect();
    scene.append(&entries).await;
    let changes = [
        change(4, Kind::Delete, &entries[2], ""),
        change(5, Kind::Edit, &entries[1], "edited"),
        change(6, Kind::React, &entries[0], "+1"),
    ];
    scene.append(&changes).await;
    let last = scene.view("a", "bert").await.last_message.unwrap();
    assert_eq!((last.position, &*last.body.bytes), (at(2), &b"edited"[..]));
    assert_eq!(last.edited_at, Some(changes[1].draft.sent_at));
}

pub(crate) async fn unread_are_the_messages_of_others_behind_the_readers_cursor(scene: &Scene) {
    scene.users(&["anna", "bert", "carl"]).await;
    scene.group("a", &["anna", "bert"]).await;
    let of = |seq: u64, id: &str| in_chat(by(message(seq, "text"), id), "a");
    let batch = [of(1, "bert"), of(2, "anna"), of(3, "bert"), of(4, "bert"), of(5, "bert")];
    scene.append(&batch).await;
    scene
        .append(&[
            change(6, Kind::Delete, &batch[4], ""),
            by(change(7, Kind::React, &batch[1], "+1"), "bert"),
        ])
        .await;
    assert_eq!(scene.view("a", "anna").await.unread, 3);
    assert_eq!(scene.view("a", "bert").await.unread, 1);
    let read = |entry: &domain::words::Entry| (entry.draft.id, entry.position, entry.draft.sent_at);
    let (id, position, sent_at) = read(&batch[2]);
    scene.directory.touch(&chat("a"), &user("anna"), id, position, sent_at).await.unwrap();
    assert_eq!(scene.view("a", "anna").await.unread, 1);
    // Who takes no part has no cursor.
    assert_eq!(scene.view("a", "carl").await.unread, 0);
}

pub(crate) async fn unread_messages_are_counted_up_to_the_cap(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna", "bert"]).await;
    let batch: Vec<_> = (1..=150).map(|seq| in_chat(by(message(seq, "text"), "bert"), "a")).collect();
    scene.append(&batch[..99]).await;
    assert_eq!(scene.view("a", "anna").await.unread, 99);
    scene.append(&batch[99..]).await;
    assert_eq!(scene.view("a", "anna").await.unread, 100);
    assert_eq!(scene.directory.chats_of(&user("anna")).await.unwrap()[0].unread, 100);
}
