//! Announcements: each reaches those it is for, on every node and at every door, and nobody may make one who may not.

use domain::{Announcement, Audience, Identity, Role};

use crate::support::{AN_HOUR, Client, SecurityLog, World, calm, identity, room, user};

fn with_role(user: &str, role: Role) -> Identity {
    Identity { role, ..identity(user, AN_HOUR) }
}

/// What a client was told by those in authority.
async fn told(client: &mut Client) -> Vec<String> {
    let heard = client.rest().await.into_iter();
    heard.filter_map(|frame| Some(frame.strip_prefix("announcement ")?.to_owned())).collect()
}

/// Clients of several users at several doors of two nodes.
struct Crowd {
    here: World,
    there: World,
    clients: Vec<(&'static str, Client)>,
}

impl Crowd {
    async fn gather() -> Self {
        let here = World::new().await;
        let there = here.beside().await;
        let clients = vec![
            ("root", here.client_as(with_role("root", Role::Admin))),
            ("root's phone", there.client_as(with_role("root", Role::Admin))),
            ("ann", here.caller("ann").await),
            ("ann in r", there.member("ann", &["r"]).await),
            ("bob in r", here.member("bob", &["r", "s"]).await),
            ("bob", there.guest("bob").await),
            ("eve", there.caller("eve").await),
        ];
        let mut crowd = Self { here, there, clients };
        for (_, client) in &mut crowd.clients {
            client.rest().await;
        }
        crowd
    }

    fn client(&mut self, name: &str) -> &mut Client {
        &mut self.clients.iter_mut().find(|(known, _)| *known == name).unwrap().1
    }

    /// Who of them was told exactly this, once; nobody was told anything else.
    async fn who_heard(&mut self, announcement: &str) -> Vec<&'static str> {
        let mut who = Vec::new();
        for (name, client) in &mut self.clients {
            let heard = told(client).await;
            if !heard.is_empty() {
                assert_eq!(heard, [announcement], "{name}");
                who.push(*name);
            }
        }
        who
    }
}

#[tokio::test(start_paused = true)]
async fn an_announcement_of_each_scope_reaches_exactly_its_audience_on_every_node() {
    let mut crowd = Crowd::gather().await;
    let everyone = ["root", "root's phone", "ann", "ann in r", "bob in r", "bob", "eve"];
    for (scope, audience) in [
        ("all", &everyone[..]),
        // Only the one connection is left out, not its user.
        ("others", &everyone[1..]),
        ("user bob", &["bob in r", "bob"]),
        ("user root", &["root", "root's phone"]),
        ("user nobody", &[]),
        ("room r", &["ann in r", "bob in r"]),
        ("room s", &["bob in r"]),
        ("room nowhere", &[]),
        ("room lobby:main", &["ann", "eve"]),
    ] {
        let client = crowd.client("root");
        client.send(&format!("announce {scope} hear this"));
        let mut heard = vec![client.hear().await];
        heard.extend(client.rest().await);
        assert_eq!(heard.iter().filter(|frame| *frame == "done").count(), 1, "{scope}: {heard:?}");
        let mut who = crowd.who_heard("root hear this").await;
        if heard.contains(&"announcement root hear this".to_owned()) {
            who.insert(0, "root");
        }
        assert_eq!(who, audience, "{scope}");
    }
}

#[tokio::test(start_paused = true)]
async fn who_may_not_announce_is_refused_and_told_to_the_security_log() {
    let log = SecurityLog::begin();
    let mut crowd = Crowd::gather().await;
    for role in [Role::User, Role::Moderator] {
        let mut mallory = crowd.there.client_as(with_role("mallory", role));
        for scope in ["all", "others", "user bob", "room r"] {
            assert_eq!(mallory.ask(&format!("announce {scope} obey me")).await, "refused forbidden");
            assert_eq!(log.take(), ["refused mallory role_denied"]);
        }
        assert_eq!(crowd.who_heard("").await, Vec::<&str>::new());
    }
    let mut robot = crowd.there.client_as(with_role("robot", Role::Service));
    robot.send("announce others beep");
    assert_eq!(robot.rest().await, ["done"]);
    assert_eq!(crowd.who_heard("robot beep").await.len(), 7);
    assert_eq!(log.take(), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_broadcast_from_outside_reaches_every_connection_once() {
    let mut crowd = Crowd::gather().await;
    let said = Announcement { from: user("robot"), message: "closing time".into() };
    crowd.here.node.announce(said, Audience::Everyone).await.unwrap();
    assert_eq!(crowd.who_heard("robot closing time").await.len(), 7);
}

#[tokio::test(start_paused = true)]
async fn an_announcement_says_something_and_not_too_much() {
    let mut crowd = Crowd::gather().await;
    let root = crowd.client("root");
    assert_eq!(root.ask("announce all  ").await, "refused invalid_message");
    let long = format!("announce all {}", "x".repeat(8193));
    assert_eq!(root.ask(&long).await, "refused too_large");
    calm().await;
    assert_eq!(crowd.who_heard("").await, Vec::<&str>::new());
}

#[tokio::test(start_paused = true)]
async fn a_token_with_a_list_of_rooms_announces_in_those_and_in_the_lobby_alone() {
    let mut crowd = Crowd::gather().await;
    let narrow = Identity { rooms: Some([room("r")].into()), ..with_role("narrow", Role::Admin) };
    let mut narrow = crowd.here.client_as(narrow);
    for scope in ["all", "others", "user bob", "room s"] {
        assert_eq!(narrow.ask(&format!("announce {scope} hear this")).await, "refused forbidden", "{scope}");
    }
    assert_eq!(crowd.who_heard("").await, Vec::<&str>::new());
    for (scope, audience) in [("room r", ["ann in r", "bob in r"]), ("room lobby:main", ["ann", "eve"])] {
        assert_eq!(narrow.ask(&format!("announce {scope} hear this")).await, "done", "{scope}");
        assert_eq!(crowd.who_heard("narrow hear this").await, audience, "{scope}");
    }
}
