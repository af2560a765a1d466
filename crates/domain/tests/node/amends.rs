//! Changes to earlier messages: who may, what is accepted, and what is never shown again.

use domain::{Identity, MessageId, Role, RoomId};

use crate::support::{AN_HOUR, Client, World, calm, identity, room};

/// Two clients in a room, and the id of a message of the first one.
async fn ann_bob_and_a_message(world: &World) -> (Client, Client, MessageId) {
    let (mut ann, mut bob) = (world.member("ann", &["r"]).await, world.member("bob", &["r"]).await);
    ann.send("say r first text");
    assert_eq!(ann.rest().await.len(), 2);
    assert_eq!(bob.hear().await, "message r 1-1 first text");
    (ann, bob, id_of(world, &room("r"), 1))
}

fn id_of(world: &World, room: &RoomId, seq: u64) -> MessageId {
    world.broker.log(room).iter().find(|entry| entry.position.seq == seq).unwrap().draft.id
}

/// Sends a command; returns the answer and leaves out what comes back through the room.
async fn answer(client: &mut Client, command: &str) -> String {
    client.send(command);
    let heard = client.rest().await;
    let told = ["accepted", "refused", "done"];
    let mut answers = heard.into_iter().filter(|frame| told.iter().any(|word| frame.starts_with(word)));
    answers.next().unwrap_or_default()
}

#[tokio::test(start_paused = true)]
async fn only_the_author_and_those_who_keep_order_change_a_message() {
    let world = World::new().await;
    let (mut ann, mut bob, id) = ann_bob_and_a_message(&world).await;
    assert_eq!(answer(&mut bob, &format!("edit r {id} theirs")).await, "refused forbidden");
    assert_eq!(answer(&mut bob, &format!("delete r {id}")).await, "refused forbidden");
    assert_eq!(answer(&mut ann, &format!("edit r {id} mine")).await, "accepted 1-2");
    assert_eq!(bob.hear().await, "edited r 1-2 mine");
    let mut moderator = world.client_as(Identity { role: Role::Moderator, ..identity("mo", AN_HOUR) });
    moderator.ask("join r history 0").await;
    assert_eq!(answer(&mut moderator, &format!("edit r {id} moderated")).await, "accepted 1-3");
    assert_eq!(answer(&mut moderator, &format!("delete r {id}")).await, "accepted 1-4");
    assert_eq!(bob.rest().await, ["edited r 1-3 moderated", "deleted r 1-4"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_deleted_of_another_room_unknown_or_itself_a_change_is_not_found() {
    let world = World::new().await;
    let (mut ann, _bob, id) = ann_bob_and_a_message(&world).await;
    ann.ask("join s history 0").await;
    assert_eq!(answer(&mut ann, &format!("edit s {id} here")).await, "refused not_found");
    assert_eq!(answer(&mut ann, &format!("react r {} +1", MessageId::new())).await, "refused not_found");
    assert_eq!(answer(&mut ann, &format!("edit r {id} again")).await, "accepted 1-2");
    assert_eq!(
        answer(&mut ann, &format!("edit r {} change", id_of(&world, &room("r"), 2))).await,
        "refused not_found"
    );
    assert_eq!(answer(&mut ann, &format!("delete r {id}")).await, "accepted 1-3");
    for command in ["edit r {id} late", "delete r {id}", "react r {id} +1", "unreact r {id} +1"] {
        assert_eq!(
            answer(&mut ann, &command.replace("{id}", &id.to_string())).await,
            "refused not_found",
            "{command}"
        );
    }
    // Also when only the database has the message, and only the hot log the deletion.
    let log = world.broker.log(&room("r"));
    world.store.keep(log[0].clone());
    world.broker.trim(&room("r"), 1);
    assert_eq!(answer(&mut ann, &format!("edit r {id} late")).await, "refused not_found");
}

#[tokio::test(start_paused = true)]
async fn an_emoji_is_put_on_a_message_once_and_taken_off_once_by_each_user() {
    let world = World::new().await;
    let (mut ann, mut bob, id) = ann_bob_and_a_message(&world).await;
    assert_eq!(answer(&mut bob, &format!("react r {id} +1")).await, "accepted 1-2");
    assert_eq!(answer(&mut bob, &format!("react r {id} +1")).await, "done");
    assert_eq!(answer(&mut bob, &format!("react r {id} -1")).await, "accepted 1-3");
    assert_eq!(answer(&mut ann, &format!("react r {id} +1")).await, "accepted 1-4");
    assert_eq!(answer(&mut ann, &format!("unreact r {id} -1")).await, "done");
    // Part of it is in the database alone by now.
    world.broker.log(&room("r")).into_iter().take(3).for_each(|entry| world.store.keep(entry));
    world.broker.trim(&room("r"), 2);
    assert_eq!(answer(&mut bob, &format!("react r {id} +1")).await, "done");
    assert_eq!(answer(&mut bob, &format!("unreact r {id} +1")).await, "accepted 1-5");
    assert_eq!(answer(&mut bob, &format!("unreact r {id} +1")).await, "done");
    assert_eq!(answer(&mut bob, &format!("react r {id}  ")).await, "refused invalid_message");
}

#[tokio::test(start_paused = true)]
async fn no_replay_shows_a_text_that_was_withdrawn() {
    let world = World::new().await;
    let (mut ann, mut bob, id) = ann_bob_and_a_message(&world).await;
    assert_eq!(answer(&mut ann, &format!("edit r {id} second text")).await, "accepted 1-2");
    assert_eq!(answer(&mut ann, &format!("delete r {id}")).await, "accepted 1-3");
    assert_eq!(bob.rest().await, ["edited r 1-2 second text", "deleted r 1-3"]);
    let log = world.broker.log(&room("r"));
    assert!(log[0].draft.body.bytes.is_empty(), "the message is erased");
    for join in ["join r since 0 epoch 1", "join r"] {
        let mut late = world.client("late");
        let joined = late.ask(join).await;
        assert!(joined.starts_with("joined r 1-3") && !joined.contains("text"), "{join}: {joined}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_repeated_name_is_answered_with_what_was_accepted_first_whatever_it_says() {
    let world = World::new().await;
    let (mut ann, mut bob, id) = ann_bob_and_a_message(&world).await;
    let commands = [
        ("say#a r once".to_owned(), "accepted 1-2"),
        ("say#a r twice".to_owned(), "accepted 1-2"),
        (format!("edit#b r {id} once"), "accepted 1-3"),
        (format!("edit#b r {id} twice"), "accepted 1-3"),
        (format!("react#c r {id} +1"), "accepted 1-4"),
        (format!("react#c r {id} +1"), "accepted 1-4"),
        (format!("delete#d r {id}"), "accepted 1-5"),
        (format!("delete#d r {id}"), "accepted 1-5"),
    ];
    for (command, expected) in commands {
        assert_eq!(answer(&mut ann, &command).await, expected, "{command}");
    }
    assert_eq!(bob.rest().await.len(), 4, "nobody else hears a repeat");
    // Where there is no acknowledgement, the first one's own event is shown, to the sender alone.
    ann.send("say#a! r thrice");
    assert_eq!(ann.rest().await, ["message r 1-2 once"]);
    assert_eq!(bob.rest().await, Vec::<String>::new());
    assert_eq!(answer(&mut bob, "say#a r another user's").await, "accepted 1-6");
}

#[tokio::test(start_paused = true)]
async fn a_participant_who_is_not_in_the_chat_writes_into_it_and_others_do_not() {
    let world = World::new().await;
    world.directory.has_chat(&room("chat:c"), &["ann", "bob"]);
    let (mut ann, mut bob, mut eve) =
        (world.client("ann"), world.member("bob", &["chat:c"]).await, world.client("eve"));
    assert_eq!(ann.ask("say chat:c hello").await, "accepted 1-1");
    assert_eq!(bob.hear().await, "message chat:c 1-1 hello");
    assert_eq!(eve.ask("say chat:c hello").await, "refused not_a_participant");
    let id = id_of(&world, &room("chat:c"), 1);
    assert_eq!(eve.ask(&format!("react chat:c {id} +1")).await, "refused not_a_participant");
    world.directory.go_away(true);
    assert_eq!(ann.ask("say chat:c hello").await, "refused overloaded");
    bob.send("say chat:c the seat is the cache");
    assert_eq!(bob.rest().await.len(), 2);
    calm().await;
}
