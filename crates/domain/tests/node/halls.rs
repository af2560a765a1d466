//! The door that joins the lobby and shows who is online: what its clients are told, ask and are refused.

use std::time::Duration;

use domain::{Announcement, Audience, CloseReason, Identity, Limits, Role};
use tokio::time::sleep;

use crate::support::{AN_HOUR, Client, World, identity, room};

fn starting(told: Vec<String>, with: &[&str]) -> Vec<String> {
    told.into_iter().filter(|frame| with.iter().any(|start| frame.starts_with(start))).collect()
}

async fn attendance(client: &mut Client) -> Vec<String> {
    starting(client.rest().await, &["arrives", "departs"])
}

#[tokio::test(start_paused = true)]
async fn a_welcome_shows_who_is_online_newest_first_with_the_client_itself() {
    let here = World::new().await;
    let there = here.beside().await;
    let _others = (there.client("ann"), there.client("ann"), here.client("bob"));
    sleep(Duration::from_millis(10)).await;
    let mut eve = here.caller_as(identity("eve", AN_HOUR));
    let welcome = eve.hear().await;
    assert!(welcome.ends_with("3 eve:1,bob:1,ann:2"), "{welcome}");
}

#[tokio::test(start_paused = true)]
async fn many_who_come_at_once_are_all_shown_themselves_by_few_looks() {
    let world = World::new().await;
    let mut callers: Vec<Client> =
        (0..50).map(|user| world.caller_as(identity(&format!("user{user}"), AN_HOUR))).collect();
    for (user, caller) in callers.iter_mut().enumerate() {
        let welcome = caller.hear().await;
        assert!(welcome.contains(&format!("user{user}:1")), "{welcome}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_lobby_hears_everybody_but_the_connection_that_speaks() {
    let here = World::new().await;
    let there = here.beside().await;
    let (mut ann, mut phone, mut bob) =
        (here.caller("ann").await, there.caller("ann").await, there.caller("bob").await);
    ann.rest().await;
    assert_eq!(ann.ask("say lobby:main hello").await, "accepted 1-1");
    for hearer in [&mut phone, &mut bob] {
        assert_eq!(starting(hearer.rest().await, &["message"]), ["message lobby:main 1-1 hello"]);
    }
    assert_eq!(starting(ann.rest().await, &["message"]), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn the_lobby_is_resumed_by_joining_it_again_and_never_joined_from_elsewhere() {
    let world = World::new().await;
    let (mut ann, mut bob) = (world.caller("ann").await, world.client("bob"));
    ann.rest().await;
    assert_eq!(ann.ask("say lobby:main one").await, "accepted 1-1");
    let joined = ann.ask("join lobby:main since 0 epoch 1").await;
    assert!(joined.starts_with("joined lobby:main 1-1 recovered"), "{joined}");
    assert_eq!(bob.ask("join lobby:main").await, "refused invalid_room");
}

#[tokio::test(start_paused = true)]
async fn whoever_comes_or_goes_is_told_to_every_hall_but_to_the_connection_that_did_it() {
    let here = World::new().await;
    let there = here.beside().await;
    let mut ann = here.caller("ann").await;
    let mut bob = there.caller("bob").await;
    assert_eq!(attendance(&mut ann).await, ["arrives bob 2"]);
    assert_eq!(attendance(&mut bob).await, Vec::<String>::new());
    let mut phone = there.client("bob");
    bob.vanish();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(attendance(&mut ann).await, Vec::<String>::new(), "bob has another connection");
    phone.vanish();
    sleep(Duration::from_secs(10)).await;
    assert_eq!(attendance(&mut ann).await, ["departs bob 1"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_is_told_where_the_operator_has_switched_it_off() {
    let world = World::with(Limits { user_status: false, ..Limits::default() }).await;
    let mut ann = world.caller("ann").await;
    let _bob = world.caller("bob").await;
    sleep(Duration::from_secs(1)).await;
    assert_eq!(attendance(&mut ann).await, Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn users_stats_and_the_time_are_told_to_whoever_asks() {
    let world = World::new().await;
    let (mut ann, _bob) = (world.caller("ann").await, world.client("bob"));
    sleep(Duration::from_millis(10)).await;
    ann.rest().await;
    assert_eq!(ann.ask("users -").await, "users 2 bob:1,ann:1");
    assert_eq!(ann.ask("stats -").await, "stats 2 2 1 0");
    assert_eq!(ann.ask("ping -").await, "pong");
    let joined = ann.ask("join event:7 history 0").await;
    assert!(joined.starts_with("joined event:7 1-0 fresh members=1"), "{joined}");
    assert_eq!(ann.ask("stats -").await, "stats 2 2 1 1");
}

#[tokio::test(start_paused = true)]
async fn history_is_paged_to_the_beginning_and_refused_where_it_is_nobodys_business() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    for text in ["one", "two", "three"] {
        ann.ask(&format!("say r {text}")).await;
    }
    ann.rest().await;
    assert_eq!(ann.ask("history r 2").await, "history r 1-2,1-3 2 two|three");
    assert_eq!(ann.ask("history r 2 2").await, "history r 1-1 - one");
    assert_eq!(ann.ask("history chat:c 2").await, "refused not_a_participant");
    assert_eq!(ann.ask("history event:7 2").await, "refused not_found");
    let rooms = Some([room("other")].into());
    let mut narrow = world.client_as(Identity { rooms, ..identity("eve", AN_HOUR) });
    assert_eq!(narrow.ask("history r 2").await, "refused forbidden");
}

#[tokio::test(start_paused = true)]
async fn only_ones_own_uploads_for_the_room_are_shown_with_a_message() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    let (own, others) = (world.uploads.has("ann", &room("r")), world.uploads.has("bob", &room("r")));
    let elsewhere = world.uploads.has("ann", &room("other"));
    for foreign in [others, elsewhere, uuid::Uuid::new_v4()] {
        assert_eq!(ann.ask(&format!("show r {own},{foreign}")).await, "refused not_found");
    }
    let many = vec![own.to_string(); 33].join(",");
    assert_eq!(ann.ask(&format!("show r {many}")).await, "refused invalid_message");
    assert_eq!(ann.ask(&format!("show r {own}")).await, "accepted 1-1");
    assert_eq!(ann.rest().await, ["message r 1-1 +cat.png"]);
}

#[tokio::test(start_paused = true)]
async fn an_announcement_never_overtakes_the_welcome() {
    let world = World::new().await;
    let mut ann = world.caller("ann").await;
    let mut held = world.presence.entering.hold();
    let mut bob = world.caller_as(identity("bob", AN_HOUR));
    held.begun().await;
    let said = Announcement { from: crate::support::user("root"), message: "hear".into() };
    world.node.announce(said, Audience::Everyone).await.unwrap();
    assert_eq!(ann.hear_until("announcement").await.last().unwrap(), "announcement root hear");
    held.release();
    let heard = bob.hear_until("announcement").await;
    assert!(heard[0].starts_with("welcome "), "{heard:?}");
}

#[tokio::test(start_paused = true)]
async fn of_many_who_come_at_once_the_last_ones_stay_and_all_others_are_told_to_go() {
    let world = World::with(Limits { replace_oldest: true, ..Limits::default() }).await;
    // The first one's answer is on its way while all others come.
    let mut held = world.presence.answering.hold();
    let first = world.client("ann");
    held.begun().await;
    let crowd: Vec<Client> = (0..20).map(|_| world.client("ann")).collect();
    sleep(Duration::from_secs(1)).await;
    held.release();
    assert_eq!(first.end().await, CloseReason::TooManyConnections);
    assert_eq!((world.presence.slots(), world.node.connections()), (5, 5));
    drop(crowd);
}

#[tokio::test(start_paused = true)]
async fn a_user_spends_one_budget_on_all_connections_and_a_service_none() {
    let here = World::with_rates(Limits::default()).await;
    let there = here.beside().await;
    here.presence.allow("ann", 3);
    let (mut ann, mut phone) = (here.member("ann", &["r"]).await, there.member("ann", &["r"]).await);
    // One message passes on each node without a question, and is paid with the next one there.
    assert_eq!(ann.ask("say r one").await, "accepted 1-1");
    phone.rest().await;
    assert_eq!(phone.ask("say r two").await, "accepted 1-2");
    ann.rest().await;
    assert_eq!(ann.ask("say r three").await, "accepted 1-3");
    phone.rest().await;
    assert_eq!(phone.ask("say r four").await, "refused rate_limited");
    here.presence.allow("robot", 0);
    let mut robot = here.client_as(Identity { role: Role::Service, ..identity("robot", AN_HOUR) });
    assert!(robot.ask("join r history 0").await.starts_with("joined"));
    assert_eq!(robot.ask("say r five").await, "accepted 1-4");
}
