//! Who is kept out, who goes on in another role, and whose account is gone: acted on at once where it is told, and within
//! the interval where it went unheard.

use std::time::Duration;

use domain::ports::PortError;
use domain::{CloseReason, Identity, Limits, Role, Timestamp, Token};
use tokio::time::sleep;

use crate::support::{AN_HOUR, Client, SecurityLog, World, calm, identity, user};

/// What is told is acted on well within this.
const AT_ONCE: Duration = Duration::from_millis(100);
/// What went unheard is acted on within this.
const INTERVAL: Duration = Duration::from_secs(30);

/// Somebody with a token of this name, issued some seconds from now.
fn with_token(user: &str, name: &str, issued: i64) -> Identity {
    let issued_at = Some(Timestamp(Timestamp::now().0 + issued * 1000));
    Identity { token: Token { id: Some(name.into()), issued_at }, ..identity(user, AN_HOUR) }
}

async fn is_alive(client: &mut Client) -> bool {
    client.ask("ping -").await == "pong"
}

/// Whether the client may do what an admin may.
async fn is_admin(client: &mut Client) -> bool {
    match client.ask("announce user nobody hello").await.as_str() {
        "done" => true,
        "refused forbidden" => false,
        other => panic!("{other}"),
    }
}

async fn two_nodes(limits: Limits) -> (World, World) {
    let here = World::with(limits).await;
    let there = here.beside().await;
    (here, there)
}

#[tokio::test(start_paused = true)]
async fn a_disabled_user_is_put_out_on_every_node_and_kept_out_until_enabled() {
    let (here, there) = two_nodes(Limits::default()).await;
    let log = SecurityLog::begin();
    let (ann, phone, mut bob) = (here.client("ann"), there.client("ann"), there.client("bob"));
    calm().await;
    assert_eq!(here.node.disable(&user("ann")).await.unwrap(), 2);
    for client in [ann, phone] {
        assert_eq!(client.end_within(AT_ONCE).await, CloseReason::Kicked);
    }
    assert_eq!(log.take(), ["closed ann dismissed"; 2]);
    assert!(is_alive(&mut bob).await);
    let ruling = there.node.ruling_against(&identity("ann", AN_HOUR));
    assert_eq!((ruling, there.node.ruling_against(&identity("bob", AN_HOUR))), (Some("user_disabled"), None));
    assert_eq!(there.client("ann").end_within(AT_ONCE).await, CloseReason::Kicked);
    assert_eq!(log.take(), ["refused ann user_disabled"]);
    assert_eq!(here.presence.slots(), 1, "no slot is left behind");
    there.node.enable(&user("ann")).await.unwrap();
    calm().await;
    assert!(is_alive(&mut here.client("ann")).await);
}

#[tokio::test(start_paused = true)]
async fn who_is_disconnected_may_come_back() {
    let (here, there) = two_nodes(Limits::default()).await;
    let ann = there.client("ann");
    calm().await;
    assert_eq!(here.node.disconnect(&user("ann")).await.unwrap(), 1);
    assert_eq!(ann.end_within(AT_ONCE).await, CloseReason::Kicked);
    assert!(is_alive(&mut there.client("ann")).await);
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_ends_its_connections_and_begins_none_while_others_of_the_user_go_on() {
    let (here, there) = two_nodes(Limits::default()).await;
    let stolen = there.client_as(with_token("ann", "stolen", -60));
    let mut other = there.client_as(with_token("ann", "other", -60));
    calm().await;
    here.node.revoke("stolen", Timestamp::now()).await.unwrap();
    assert_eq!(stolen.end_within(AT_ONCE).await, CloseReason::Kicked);
    let again = there.client_as(with_token("ann", "stolen", -60));
    assert_eq!(again.end_within(AT_ONCE).await, CloseReason::Kicked);
    assert!(is_alive(&mut other).await);
    let (own, revoked) = (with_token("ann", "other", -60), with_token("ann", "stolen", -60));
    assert_eq!(there.node.ruling_against(&own), None);
    assert_eq!(there.node.ruling_against(&revoked), Some("token_revoked"));
}

/// Somebody is disabled and a token revoked, and this node does not hear of it.
async fn rule_unheard(here: &World, deaf: &World) {
    deaf.broker.fall_behind();
    here.node.disable(&user("ann")).await.unwrap();
    here.node.revoke("stolen", Timestamp::now()).await.unwrap();
    deaf.broker.lose_what_is_late();
}

#[tokio::test(start_paused = true)]
async fn a_ruling_that_went_unheard_is_acted_on_within_the_interval() {
    let (here, there) = two_nodes(Limits { revalidation: INTERVAL, ..Limits::default() }).await;
    let log = SecurityLog::begin();
    let (ann, bob) = (there.client("ann"), there.client_as(with_token("bob", "stolen", -60)));
    let mut eve = there.client("eve");
    calm().await;
    rule_unheard(&here, &there).await;
    assert_eq!(ann.end_within(INTERVAL).await, CloseReason::Kicked);
    assert_eq!(bob.end_within(AT_ONCE).await, CloseReason::Kicked);
    assert_eq!(log.take(), ["closed ann user_disabled", "closed bob token_revoked"]);
    assert!(is_alive(&mut eve).await);
    assert_eq!(there.client("ann").end_within(AT_ONCE).await, CloseReason::Kicked);
    // So is one that is taken back.
    there.broker.fall_behind();
    here.node.enable(&user("ann")).await.unwrap();
    there.broker.lose_what_is_late();
    sleep(INTERVAL).await;
    assert!(is_alive(&mut there.client("ann")).await);
}

#[tokio::test(start_paused = true)]
async fn a_ruling_that_went_unheard_is_acted_on_at_once_when_deliveries_are_in_doubt() {
    let (here, there) = two_nodes(Limits { revalidation: Duration::ZERO, ..Limits::default() }).await;
    let mut ann = there.client("ann");
    calm().await;
    rule_unheard(&here, &there).await;
    sleep(10 * INTERVAL).await;
    assert!(is_alive(&mut ann).await, "nothing is looked up unasked");
    there.broker.doubt();
    assert_eq!(ann.end_within(AT_ONCE).await, CloseReason::Kicked);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_begins_knows_what_was_ruled_before() {
    let here = World::with(Limits { revalidation: Duration::ZERO, ..Limits::default() }).await;
    here.node.disable(&user("ann")).await.unwrap();
    here.node.assign(&user("bob"), Role::Admin).await.unwrap();
    let there = here.beside().await;
    assert_eq!(there.client("ann").end_within(AT_ONCE).await, CloseReason::Kicked);
    assert!(is_admin(&mut there.client_as(with_token("bob", "t", -60))).await);
}

#[tokio::test(start_paused = true)]
async fn who_came_in_before_the_first_look_is_put_out_by_it() {
    let here = World::new().await;
    here.node.disable(&user("ann")).await.unwrap();
    here.node.assign(&user("bob"), Role::Admin).await.unwrap();
    let look = here.directory.judging.hold();
    let there = here.beside().await;
    let (mut ann, mut bob) = (there.client("ann"), there.client("bob"));
    assert!(is_alive(&mut ann).await);
    assert!(!is_admin(&mut bob).await);
    look.release();
    assert_eq!(ann.end_within(AT_ONCE).await, CloseReason::Kicked);
    assert!(is_admin(&mut bob).await);
}

#[tokio::test(start_paused = true)]
async fn a_ruling_that_is_told_while_a_look_is_under_way_is_not_forgotten_by_it() {
    let here = World::new().await;
    here.node.disable(&user("eve")).await.unwrap();
    let look = here.directory.judging.hold();
    let there = here.beside().await;
    here.node.disable(&user("ann")).await.unwrap();
    here.node.enable(&user("eve")).await.unwrap();
    here.node.revoke("stolen", Timestamp::now()).await.unwrap();
    here.node.assign(&user("bob"), Role::Admin).await.unwrap();
    calm().await;
    // The answer in hand knows of none of it.
    look.release();
    calm().await;
    assert_eq!(there.client("ann").end_within(AT_ONCE).await, CloseReason::Kicked);
    let stolen = there.client_as(with_token("bob", "stolen", -60));
    assert_eq!(stolen.end_within(AT_ONCE).await, CloseReason::Kicked);
    assert!(is_alive(&mut there.client("eve")).await);
    assert!(is_admin(&mut there.client("bob")).await);
    // The next look begins anew: what was told during the first one counts no more than what is written.
    here.directory.rulings.lock().unwrap().disabled.clear();
    there.broker.doubt();
    calm().await;
    assert!(is_alive(&mut there.client("ann")).await);
}

#[tokio::test(start_paused = true)]
async fn a_role_is_given_at_once_to_connections_whose_token_is_older() {
    let (here, there) = two_nodes(Limits::default()).await;
    let mut old = there.client_as(with_token("ann", "old", -60));
    let mut nameless = there.client("ann");
    let mut new = there.client_as(with_token("ann", "new", 60));
    calm().await;
    here.node.assign(&user("ann"), Role::Admin).await.unwrap();
    calm().await;
    assert_eq!([is_admin(&mut old).await, is_admin(&mut nameless).await], [true, true]);
    assert!(!is_admin(&mut new).await, "its token says for itself what it may do");
    assert_eq!(there.node.role_of(&with_token("ann", "old", -60)), Role::Admin);
    assert_eq!(there.node.role_of(&with_token("ann", "new", 60)), Role::User);
    here.node.assign(&user("ann"), Role::User).await.unwrap();
    calm().await;
    assert!(!is_admin(&mut old).await);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_went_unheard_is_given_within_the_interval() {
    let (here, there) = two_nodes(Limits { revalidation: INTERVAL, ..Limits::default() }).await;
    let admin = Identity { role: Role::Admin, ..with_token("ann", "old", -60) };
    let mut ann = there.client_as(admin);
    assert!(is_admin(&mut ann).await);
    there.broker.fall_behind();
    here.node.assign(&user("ann"), Role::User).await.unwrap();
    there.broker.lose_what_is_late();
    assert!(is_admin(&mut ann).await);
    sleep(INTERVAL).await;
    assert!(!is_admin(&mut ann).await);
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_given_while_a_connection_opens_is_its_role() {
    let world = World::new().await;
    let mut admitting = world.presence.admitting.hold();
    let mut ann = world.client_as(Identity { role: Role::Admin, ..with_token("ann", "old", -60) });
    admitting.begun().await;
    world.node.assign(&user("ann"), Role::User).await.unwrap();
    calm().await;
    admitting.release();
    assert!(!is_admin(&mut ann).await);
}

#[tokio::test(start_paused = true)]
async fn a_fresh_token_does_not_undo_a_ruling() {
    let world = World::new().await;
    let mut ann = world.client_as(with_token("ann", "old", -60));
    world.node.assign(&user("ann"), Role::Admin).await.unwrap();
    calm().await;
    // This one does not say when it was issued.
    assert_eq!(ann.ask("refresh ann/3600").await, "done");
    assert!(is_admin(&mut ann).await);
    let mut eve = world.client("eve");
    assert!(is_alive(&mut eve).await);
    world.node.revoke("eve/60", Timestamp::now()).await.unwrap();
    calm().await;
    assert_eq!(eve.ask("refresh eve/60").await, "refused unauthorized");
    assert_eq!(eve.ask("refresh eve/61").await, "done", "it went on by its former token");
}

#[tokio::test(start_paused = true)]
async fn whose_account_is_gone_is_put_out_within_the_interval_and_who_never_had_one_stays() {
    let world = World::with(Limits { revalidation: INTERVAL, ..Limits::default() }).await;
    let log = SecurityLog::begin();
    let know = |users: &[String]| {
        *world.directory.known.lock().unwrap() = users.iter().map(|name| user(name)).collect();
    };
    // More than are asked for in one query.
    let crowd: Vec<String> = (0..1100).map(|index| format!("user{index}")).collect();
    know(&crowd);
    let mut clients: Vec<Client> = crowd.iter().map(|name| world.client(name)).collect();
    let mut stranger = world.client("stranger");
    sleep(2 * INTERVAL).await;
    know(&[&crowd[..700], &crowd[701..]].concat());
    let gone = clients.remove(700);
    assert_eq!(gone.end_within(INTERVAL).await, CloseReason::Kicked);
    assert_eq!(log.take(), ["closed user700 user_deleted"]);
    sleep(2 * INTERVAL).await;
    assert_eq!(log.take(), Vec::<String>::new());
    assert!(is_alive(&mut stranger).await);
    assert_eq!(world.node.connections(), 1100);
}

#[tokio::test(start_paused = true)]
async fn a_directory_that_is_away_puts_nobody_out_and_is_asked_again() {
    let (here, there) = two_nodes(Limits { revalidation: INTERVAL, ..Limits::default() }).await;
    here.directory.known.lock().unwrap().extend([user("ann"), user("bob")]);
    let (mut ann, mut bob) = (there.client("ann"), there.client("bob"));
    sleep(2 * INTERVAL).await;
    rule_unheard(&here, &there).await;
    here.directory.go_away(true);
    sleep(3 * INTERVAL).await;
    assert!(is_alive(&mut ann).await && is_alive(&mut bob).await);
    // It comes back, and goes away again between two questions.
    here.directory.accounts.fail(PortError::Deadline);
    here.directory.go_away(false);
    assert_eq!(ann.end_within(Duration::from_secs(2)).await, CloseReason::Kicked);
    assert!(is_alive(&mut bob).await);
    sleep(2 * INTERVAL).await;
    assert!(is_alive(&mut bob).await);
    here.directory.known.lock().unwrap().clear();
    assert_eq!(bob.end_within(INTERVAL).await, CloseReason::Kicked);
}

#[tokio::test(start_paused = true)]
async fn what_was_ruled_before_a_new_node_could_hear_is_acted_on_as_soon_as_it_hears() {
    let here = World::with(Limits { revalidation: Duration::ZERO, ..Limits::default() }).await;
    let there = here.beside_and_deaf().await;
    let mut ann = there.client("ann");
    assert!(is_alive(&mut ann).await);
    here.node.disable(&user("ann")).await.unwrap();
    assert_eq!(ann.end_within(INTERVAL).await, CloseReason::Kicked);
}
