//! Who is put out of a chat, or comes into one, while joins are under way: nothing that is published behind a removal
//! is shown to who was removed, and no seat and no hub member of theirs stays behind.

use domain::ports::PortError;
use domain::{CloseReason, RoomId};

use crate::support::{World, calm, room, seat, user};

fn chat() -> RoomId {
    room("chat:c")
}

async fn world_with_a_chat() -> World {
    let world = World::new().await;
    world.directory.has_chat(&chat(), &["ann", "bob"]);
    world
}

/// Ann's part ends, and something is said behind it.
async fn remove_ann(world: &World) {
    world.directory.remove(&chat(), "ann");
    world.node.expel(&chat(), &user("ann")).await.unwrap();
    world.broker.say(&chat(), "secret");
}

fn assert_no_secret(heard: &[String]) {
    assert!(!heard.iter().any(|frame| frame.contains("secret")), "{heard:?}");
}

/// No seat of anybody is left in the chat, and no hub member keeps it subscribed.
async fn nobody_is_left_behind(world: &World) {
    world.presence.becomes([]).await;
    world.presence.renewed(10).await;
    assert!(!world.broker.is_subscribed(&chat()), "a hub member was left behind");
}

#[tokio::test(start_paused = true)]
async fn a_removal_on_another_node_shows_nothing_that_is_published_behind_it() {
    let here = world_with_a_chat().await;
    let there = here.beside().await;
    let mut ann = there.guest("ann").await;
    there.broker.fall_behind();
    here.broker.say(&chat(), "before");
    remove_ann(&here).await;
    calm().await;
    there.broker.catch_up();
    assert_eq!(ann.rest().await, ["message chat:c 1-1 before", "expelled chat:c"]);
    nobody_is_left_behind(&there).await;
    for command in ["say chat:c hello", "join chat:c since 0 epoch 1", "write chat:c"] {
        assert_eq!(ann.ask(command).await, "refused not_a_participant", "{command}");
    }
    assert_eq!(ann.rest().await, Vec::<String>::new());
    nobody_is_left_behind(&there).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_between_the_look_and_the_answer_of_a_join_leaves_nobody_behind() {
    let world = world_with_a_chat().await;
    let mut look = world.directory.looks.hold();
    let mut ann = world.client("ann");
    ann.send("join chat:c history 0");
    look.begun().await;
    remove_ann(&world).await;
    calm().await;
    look.release();
    assert_eq!(ann.hear().await, "refused not_a_participant");
    assert_eq!(ann.rest().await, Vec::<String>::new());
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_between_the_look_and_the_end_of_a_client_that_joins_leaves_nobody_behind() {
    let world = world_with_a_chat().await;
    let mut look = world.directory.looks.hold();
    let mut ann = world.client("ann");
    ann.send("join chat:c history 0");
    look.begun().await;
    remove_ann(&world).await;
    calm().await;
    ann.vanish();
    assert_eq!(ann.end().await, CloseReason::Normal);
    look.release();
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_before_the_look_refuses_the_join() {
    let world = world_with_a_chat().await;
    let mut entering = world.presence.entering.hold();
    let mut ann = world.client("ann");
    ann.send("join chat:c since 0 epoch 1");
    entering.begun().await;
    remove_ann(&world).await;
    entering.release();
    assert_eq!(ann.rest().await, ["refused not_a_participant"]);
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn the_replay_of_a_join_ends_when_its_client_is_put_out() {
    let world = world_with_a_chat().await;
    let mut ann = world.guest("ann").await;
    assert_eq!(ann.ask("leave chat:c").await, "left chat:c");
    let mut look = world.directory.looks.hold();
    ann.send("join chat:c since 0 epoch 1");
    look.begun().await;
    remove_ann(&world).await;
    calm().await;
    look.release();
    assert_no_secret(&ann.rest().await);
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn the_replay_of_a_client_that_comes_back_ends_when_it_is_put_out() {
    let world = world_with_a_chat().await;
    let ann = world.guest("ann").await;
    let there = world.beside().await;
    world.broker.say(&chat(), "missed");
    world.kill();
    let mut keeping = there.notes.keeping.hold();
    let mut back = there.returning("ann", ann.past());
    keeping.begun().await;
    // It is welcomed next; then the replay looks at the head.
    let mut head = there.broker.heads.hold();
    keeping.release();
    head.begun().await;
    there.directory.remove(&chat(), "ann");
    there.node.expel(&chat(), &user("ann")).await.unwrap();
    calm().await;
    head.release();
    let heard = back.rest().await;
    let put_out = heard.iter().position(|frame| frame == "expelled chat:c").expect("ann is told");
    let shown = heard.iter().rposition(|frame| frame.contains("missed"));
    assert!(shown < Some(put_out), "{heard:?}");
    nobody_is_left_behind(&there).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_while_a_connection_opens_leaves_nobody_behind() {
    let world = world_with_a_chat().await;
    // The second list is asked for behind the subscriptions.
    world.directory.lists.pass();
    let mut list = world.directory.lists.hold();
    let mut ann = world.returning("ann", None);
    list.begun().await;
    remove_ann(&world).await;
    calm().await;
    list.release();
    let heard = ann.rest().await;
    assert!(heard[0].starts_with("welcome"), "{heard:?}");
    assert_no_secret(&heard);
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_while_a_member_joins_again_leaves_nobody_behind() {
    let world = world_with_a_chat().await;
    world.directory.has_chat(&room("chat:d"), &["ann"]);
    let mut ann = world.member("ann", &["chat:c", "chat:d"]).await;
    let mut leaving = world.presence.leaving.hold();
    ann.send("join chat:c alone since 0 epoch 1");
    leaving.begun().await;
    remove_ann(&world).await;
    calm().await;
    leaving.release();
    let heard = ann.rest().await;
    assert_eq!(heard.last().map(String::as_str), Some("refused not_a_participant"), "{heard:?}");
    assert_no_secret(&heard);
    ann.vanish();
    assert_eq!(ann.end().await, CloseReason::Normal);
    nobody_is_left_behind(&world).await;
}

/// The same where the directory is away when the member is let in again, and where the removal is taken back meanwhile.
#[tokio::test(start_paused = true)]
async fn a_member_that_joins_again_while_it_is_removed_is_in_the_room_or_out_of_it_and_never_between() {
    for is_added_again in [false, true] {
        let world = world_with_a_chat().await;
        world.directory.has_chat(&room("chat:d"), &["ann"]);
        let mut ann = world.member("ann", &["chat:c", "chat:d"]).await;
        let mut leaving = world.presence.leaving.hold();
        ann.send("join chat:c alone history 0");
        leaving.begun().await;
        remove_ann(&world).await;
        calm().await;
        if is_added_again {
            world.directory.add(&chat(), "ann");
        } else {
            world.directory.looks.fail(PortError::Deadline);
        }
        leaving.release();
        let heard = ann.rest().await;
        let is_in = heard.last().is_some_and(|frame| frame.starts_with("joined"));
        world.presence.renewed(3).await;
        assert_eq!(!world.presence.seats().is_empty(), is_in, "{heard:?}");
        world.broker.say(&chat(), "next");
        assert_eq!(ann.rest().await.len(), usize::from(is_in), "{heard:?}");
        ann.vanish();
        assert_eq!(ann.end().await, CloseReason::Normal);
        nobody_is_left_behind(&world).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replay_shows_nothing_behind_a_removal_that_is_still_on_its_way() {
    let world = world_with_a_chat().await;
    let mut ann = world.guest("ann").await;
    assert_eq!(ann.ask("leave chat:c").await, "left chat:c");
    let mut look = world.directory.looks.hold();
    ann.send("join chat:c since 0 epoch 1");
    look.begun().await;
    world.broker.fall_behind();
    remove_ann(&world).await;
    look.release();
    assert_no_secret(&ann.rest().await);
    world.broker.catch_up();
    assert_no_secret(&ann.rest().await);
    nobody_is_left_behind(&world).await;
}

/// Which of command and removal is taken up first is chance; many clients meet every order.
#[tokio::test(start_paused = true)]
async fn removals_that_meet_commands_show_nothing_and_leave_nobody_behind() {
    let world = World::new().await;
    let names: Vec<String> = (0..60).map(|index| format!("user{index}")).collect();
    names.iter().for_each(|name| world.directory.add(&chat(), name));
    let mut clients = Vec::new();
    for name in &names {
        clients.push(world.guest(name).await);
    }
    for (index, (name, client)) in names.iter().zip(&mut clients).enumerate() {
        world.directory.remove(&chat(), name);
        world.node.expel(&chat(), &user(name)).await.unwrap();
        match index % 3 {
            0 => client.send("join chat:c since 0 epoch 1"),
            1 => client.send("leave chat:c"),
            _ => client.vanish(),
        }
    }
    world.broker.say(&chat(), "secret");
    for client in &mut clients {
        assert_no_secret(&client.rest().await);
    }
    clients.iter_mut().for_each(|client| client.vanish());
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn a_removal_that_went_unheard_is_acted_on_when_deliveries_are_in_doubt() {
    let world = world_with_a_chat().await;
    let mut ann = world.guest("ann").await;
    world.broker.fall_behind();
    world.directory.remove(&chat(), "ann");
    world.node.expel(&chat(), &user("ann")).await.unwrap();
    world.broker.lose_what_is_late();
    // The directory is away at first.
    world.directory.lists.fail(PortError::Deadline);
    world.broker.doubt();
    assert_eq!(ann.hear().await, "expelled chat:c");
    nobody_is_left_behind(&world).await;
}

#[tokio::test(start_paused = true)]
async fn who_is_added_to_a_chat_joins_it_on_every_node_without_a_command() {
    let here = World::new().await;
    let there = here.beside().await;
    let (mut ann, mut plain) = (there.guest("ann").await, there.client("ann"));
    here.directory.has_chat(&chat(), &["ann"]);
    here.node.summon(&chat(), &user("ann")).await.unwrap();
    calm().await;
    here.broker.say(&chat(), "welcome");
    assert_eq!(ann.rest().await, ["message chat:c 1-1 welcome"]);
    assert_eq!(plain.rest().await, Vec::<String>::new(), "its door joins no chats");
    there.presence.becomes([seat(&chat(), "ann")]).await;
}

#[tokio::test(start_paused = true)]
async fn an_addition_that_is_taken_back_at_once_leaves_nobody_behind() {
    let world = World::new().await;
    let mut ann = world.guest("ann").await;
    world.directory.add(&chat(), "ann");
    let mut list = world.directory.lists.hold();
    world.node.summon(&chat(), &user("ann")).await.unwrap();
    list.begun().await;
    remove_ann(&world).await;
    calm().await;
    list.release();
    assert_no_secret(&ann.rest().await);
    nobody_is_left_behind(&world).await;
    assert_eq!(ann.ask("say chat:c hello").await, "refused not_a_participant");
}

#[tokio::test(start_paused = true)]
async fn an_addition_that_went_unheard_is_acted_on_when_deliveries_are_in_doubt() {
    let world = World::new().await;
    let mut ann = world.guest("ann").await;
    world.directory.has_chat(&chat(), &["ann"]);
    world.broker.doubt();
    calm().await;
    world.broker.say(&chat(), "added");
    assert_eq!(ann.rest().await, ["message chat:c 1-1 added"]);
}

#[tokio::test(start_paused = true)]
async fn a_chat_that_was_left_stays_left_when_deliveries_are_in_doubt() {
    let world = world_with_a_chat().await;
    let mut ann = world.guest("ann").await;
    for _ in 0..2 {
        assert_eq!(ann.ask("leave chat:c").await, "left chat:c");
        world.broker.doubt();
        calm().await;
        world.broker.say(&chat(), "left");
        assert_eq!(ann.rest().await, Vec::<String>::new());
        assert!(ann.ask("join chat:c").await.starts_with("joined"));
    }
}

#[tokio::test(start_paused = true)]
async fn who_left_a_chat_and_is_removed_and_added_anew_is_in_it() {
    let world = world_with_a_chat().await;
    let mut ann = world.guest("ann").await;
    assert_eq!(ann.ask("leave chat:c").await, "left chat:c");
    world.directory.remove(&chat(), "ann");
    world.node.expel(&chat(), &user("ann")).await.unwrap();
    world.directory.add(&chat(), "ann");
    world.node.summon(&chat(), &user("ann")).await.unwrap();
    calm().await;
    world.broker.say(&chat(), "anew");
    assert_eq!(ann.rest().await, ["message chat:c 1-1 anew"]);
}

/// Which of the two a connection takes up first, the removal or what the client says behind it, is chance.
#[tokio::test(start_paused = true)]
async fn what_a_client_sends_once_its_removal_is_answered_is_refused_also_where_its_connection_was_busy() {
    let world = world_with_a_chat().await;
    let names: Vec<String> = (0..40).map(|index| format!("user{index}")).collect();
    names.iter().for_each(|name| world.directory.add(&chat(), name));
    let mut clients = Vec::new();
    for name in &names {
        clients.push(world.guest(name).await);
    }
    clients.iter().for_each(|client| client.stall());
    world.broker.say(&chat(), "being written");
    calm().await;
    for (index, (name, client)) in names.iter().zip(&mut clients).enumerate() {
        world.directory.remove(&chat(), name);
        world.node.expel(&chat(), &user(name)).await.unwrap();
        client.send(if index % 2 == 0 { "say chat:c hello" } else { "write chat:c" });
    }
    clients.iter().for_each(|client| client.read_again());
    for client in &mut clients {
        let heard = client.rest().await;
        assert!(heard.contains(&"refused not_a_participant".to_owned()), "{heard:?}");
    }
    assert_eq!(world.broker.log(&chat()).len(), 1);
}
