//! Who takes part in a chat, and who shares one.

use std::sync::Arc;

use domain::ports::{Added, Removed};
use domain::words::{Part, RoomId, UserId};

use crate::scene::{Scene, chat, user};

/// Everybody in the chat, the owners marked.
async fn parts(scene: &Scene, id: &str) -> Vec<String> {
    let mark = |part| match part {
        Part::Owner => "*",
        Part::Member => "",
    };
    let participants = scene.view(id, "anna").await.participants;
    participants.iter().map(|one| format!("{}{}", one.who.user, mark(one.part))).collect()
}

pub(crate) async fn a_participant_is_added_once(scene: &Scene) {
    scene.users(&["zoe", "anna"]).await;
    scene.group("a", &["zoe"]).await;
    let directory = &scene.directory;
    assert_eq!(directory.add_participant(&chat("a"), &user("anna")).await.unwrap(), Added::Now);
    assert_eq!(directory.add_participant(&chat("a"), &user("anna")).await.unwrap(), Added::Already);
    assert_eq!(directory.add_participant(&chat("a"), &user("zoe")).await.unwrap(), Added::Already);
    assert_eq!(parts(scene, "a").await, ["zoe*", "anna"]);
    assert_eq!(directory.add_participant(&chat("a"), &user("nobody")).await.unwrap(), Added::UnknownUser);
    assert_eq!(directory.add_participant(&chat("b"), &user("anna")).await.unwrap(), Added::UnknownChat);
    let room = RoomId::parse("room:a").unwrap();
    assert_eq!(directory.add_participant(&room, &user("anna")).await.unwrap(), Added::UnknownChat);
}

pub(crate) async fn the_last_owner_hands_the_chat_to_its_oldest_participant(scene: &Scene) {
    scene.users(&["dora", "carl", "bert", "anna"]).await;
    scene.group("a", &["dora", "carl"]).await;
    let directory = &scene.directory;
    // Whoever joined first is the oldest, whatever they are called.
    for id in ["bert", "anna"] {
        directory.add_participant(&chat("a"), &user(id)).await.unwrap();
    }
    assert_eq!(parts(scene, "a").await, ["dora*", "carl", "bert", "anna"]);
    // A member who leaves hands nothing over.
    assert_eq!(directory.remove_participant(&chat("a"), &user("carl")).await.unwrap(), Removed::Now);
    assert_eq!(parts(scene, "a").await, ["dora*", "bert", "anna"]);
    assert_eq!(directory.remove_participant(&chat("a"), &user("dora")).await.unwrap(), Removed::Now);
    assert_eq!(parts(scene, "a").await, ["bert*", "anna"]);
    // Who comes back is the youngest.
    directory.add_participant(&chat("a"), &user("dora")).await.unwrap();
    assert_eq!(parts(scene, "a").await, ["bert*", "anna", "dora"]);
}

pub(crate) async fn a_chat_may_become_empty_and_belongs_to_whoever_comes_next(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    scene.group("a", &["anna"]).await;
    let directory = &scene.directory;
    assert_eq!(directory.remove_participant(&chat("a"), &user("anna")).await.unwrap(), Removed::Now);
    assert_eq!(parts(scene, "a").await, [""; 0]);
    assert_eq!(directory.remove_participant(&chat("a"), &user("anna")).await.unwrap(), Removed::NotThere);
    assert_eq!(directory.remove_participant(&chat("b"), &user("anna")).await.unwrap(), Removed::UnknownChat);
    assert_eq!(directory.rooms_of(&user("anna")).await.unwrap(), []);
    directory.add_participant(&chat("a"), &user("bert")).await.unwrap();
    assert_eq!(parts(scene, "a").await, ["bert*"]);
}

pub(crate) async fn a_chat_that_many_join_and_leave_at_once_has_one_owner(scene: &Scene) {
    let ids: Vec<String> = (0..12).map(|number| format!("u-{number}")).collect();
    scene.users(&ids.iter().map(String::as_str).collect::<Vec<_>>()).await;
    scene.group("a", &["u-0", "u-1", "u-2", "u-3", "u-4", "u-5"]).await;
    let changes = ids.iter().enumerate().map(|(number, id)| {
        let (directory, who) = (Arc::clone(&scene.directory), user(id));
        tokio::spawn(async move {
            if number < 6 {
                assert_eq!(directory.remove_participant(&chat("a"), &who).await.unwrap(), Removed::Now);
            } else {
                assert_eq!(directory.add_participant(&chat("a"), &who).await.unwrap(), Added::Now);
            }
        })
    });
    for change in changes.collect::<Vec<_>>() {
        change.await.unwrap();
    }
    let participants = scene.view("a", "anna").await.participants;
    let owners = participants.iter().filter(|one| one.part == Part::Owner).count();
    assert_eq!((participants.len(), owners), (6, 1));
}

pub(crate) async fn participants_among_users_are_those_who_take_part(scene: &Scene) {
    scene.users(&["anna", "bert", "carl"]).await;
    scene.group("a", &["anna", "bert"]).await;
    let asked = [user("carl"), user("bert"), user("nobody"), user("anna")];
    let mut found = scene.directory.participants_among(&chat("a"), &asked).await.unwrap();
    found.sort_by(|left, right| left.as_str().cmp(right.as_str()));
    assert_eq!(found, [user("anna"), user("bert")]);
    assert_eq!(scene.directory.participants_among(&chat("a"), &[]).await.unwrap(), []);
    assert_eq!(scene.directory.participants_among(&chat("b"), &asked).await.unwrap(), []);
    let room = RoomId::parse("room:a").unwrap();
    assert_eq!(scene.directory.participants_among(&room, &asked).await.unwrap(), []);
}

pub(crate) async fn peers_are_everybody_else_in_a_users_chats_once(scene: &Scene) {
    scene.users(&["anna", "bert", "carl", "dora", "7"]).await;
    for (id, members) in
        [("a", &["anna", "bert"][..]), ("b", &["bert", "anna", "carl"]), ("c", &["dora", "7"])]
    {
        scene.group(id, members).await;
    }
    let asked = [user("anna"), UserId::number(7).unwrap(), user("nobody")];
    let found = scene.directory.peers(&asked).await.unwrap();
    let mut pairs: Vec<_> = found.iter().map(|(one, other)| (one.as_str(), other.as_str())).collect();
    pairs.sort_unstable();
    assert_eq!(pairs, [("7", "dora"), ("anna", "bert"), ("anna", "carl")]);
    assert_eq!(scene.directory.peers(&[]).await.unwrap(), []);
}

pub(crate) async fn two_share_a_chat_while_both_take_part_in_it(scene: &Scene) {
    scene.users(&["anna", "bert", "carl"]).await;
    scene.group("a", &["anna", "bert"]).await;
    scene.group("b", &["bert", "carl"]).await;
    let share =
        async |one: &str, other: &str| scene.directory.share_a_chat(&user(one), &user(other)).await.unwrap();
    assert!(share("anna", "bert").await && share("bert", "anna").await && share("carl", "bert").await);
    assert!(!share("anna", "carl").await && !share("anna", "nobody").await);
    scene.directory.remove_participant(&chat("a"), &user("bert")).await.unwrap();
    assert!(!share("anna", "bert").await);
}
