//! Users: from tokens, and by name.

use std::sync::Arc;

use domain::ports::PortError;
use domain::words::{Author, NewAccount, Role, UserId};

use crate::scene::{Scene, chat, user};

fn called(id: &str, name: Option<&str>) -> Author {
    Author { user: user(id), name: name.map(Arc::from) }
}

fn new_account(id: &str, name: &str) -> NewAccount {
    NewAccount {
        user: user(id),
        name: name.to_owned(),
        email: Some(format!("{id}@example.org")),
        password_hash: format!("$argon2id${id}"),
    }
}

pub(crate) async fn an_unknown_user_is_made_from_their_token_where_that_is_wanted(scene: &Scene) {
    let directory = &scene.directory;
    let anna = called("anna", Some("Anna"));
    assert_eq!(directory.admit(&anna, Role::Moderator, false).await.unwrap(), None);
    let made = directory.admit(&anna, Role::Moderator, true).await.unwrap().unwrap();
    assert_eq!((made.user.as_str(), &*made.name, made.role), ("anna", "Anna", Role::Moderator));
    assert!(!made.disabled);
    // From now on they are known either way, and keep their role.
    assert_eq!(directory.admit(&anna, Role::User, false).await.unwrap(), Some(made.clone()));
    // A token without a name changes nothing; a new user without one is called as their id.
    assert_eq!(directory.admit(&called("anna", None), Role::User, false).await.unwrap(), Some(made));
    let nameless = directory.admit(&called("bert", None), Role::User, true).await.unwrap().unwrap();
    assert_eq!(&*nameless.name, "bert");
}

pub(crate) async fn a_user_of_whom_only_tokens_are_known_is_called_as_the_newest_one_says(scene: &Scene) {
    let directory = &scene.directory;
    directory.admit(&called("7", Some("Anna")), Role::User, true).await.unwrap();
    let married = Author { user: UserId::number(7).unwrap(), name: Some("Anna B.".into()) };
    for provision in [false, true] {
        let account = directory.admit(&married, Role::Admin, provision).await.unwrap().unwrap();
        assert_eq!((&*account.name, account.role), ("Anna B.", Role::User));
        assert!(account.user.is_numeric());
    }
}

pub(crate) async fn a_registered_user_keeps_name_and_role_whatever_tokens_say(scene: &Scene) {
    let directory = &scene.directory;
    let made = directory.register(&new_account("u-1", "Anna")).await.unwrap().unwrap();
    assert_eq!((made.user.as_str(), &*made.name, made.role), ("u-1", "Anna", Role::User));
    let stranger = called("u-1", Some("Mallory"));
    assert_eq!(directory.admit(&stranger, Role::Admin, true).await.unwrap(), Some(made));
}

pub(crate) async fn a_name_to_log_in_by_is_taken_whatever_its_case(scene: &Scene) {
    let directory = &scene.directory;
    assert!(directory.register(&new_account("u-1", "Ünal")).await.unwrap().is_some());
    for name in ["Ünal", "ünal", "ÜNAL"] {
        assert_eq!(directory.register(&new_account("u-2", name)).await.unwrap(), None);
        let credentials = directory.credentials(name).await.unwrap().unwrap();
        assert_eq!(credentials.password_hash, "$argon2id$u-1");
        assert_eq!((credentials.account.user.as_str(), &*credentials.account.name), ("u-1", "Ünal"));
    }
    assert!(directory.credentials("Unal").await.unwrap().is_none());
    // An id that stands is no name that is taken: it is refused, and nothing changes.
    let answer = directory.register(&new_account("u-1", "other")).await;
    assert!(matches!(answer, Err(PortError::Refused(_))), "{answer:?}");
    assert!(directory.credentials("other").await.unwrap().is_none());
}

pub(crate) async fn names_of_those_who_cannot_log_in_are_not_taken(scene: &Scene) {
    let directory = &scene.directory;
    for id in ["a", "b"] {
        directory.admit(&called(id, Some("Anna")), Role::User, true).await.unwrap().unwrap();
    }
    assert!(directory.credentials("Anna").await.unwrap().is_none());
    assert!(directory.register(&new_account("c", "Anna")).await.unwrap().is_some());
}

pub(crate) async fn of_many_who_register_a_name_at_once_one_has_it(scene: &Scene) {
    let attempts = (0..16).map(|number| {
        let directory = Arc::clone(&scene.directory);
        let name = if number % 2 == 0 { "anna" } else { "ANNA" };
        tokio::spawn(async move { directory.register(&new_account(&format!("u-{number}"), name)).await })
    });
    let mut made = Vec::new();
    for attempt in attempts.collect::<Vec<_>>() {
        made.extend(attempt.await.unwrap().unwrap());
    }
    assert_eq!(made.len(), 1, "{made:?}");
    assert_eq!(scene.directory.credentials("Anna").await.unwrap().unwrap().account, made.remove(0));
}

pub(crate) async fn a_user_who_comes_by_many_doors_at_once_is_made_once(scene: &Scene) {
    let attempts = (0..16).map(|_| {
        let directory = Arc::clone(&scene.directory);
        tokio::spawn(async move { directory.admit(&called("anna", Some("Anna")), Role::User, true).await })
    });
    for attempt in attempts.collect::<Vec<_>>() {
        assert_eq!(&*attempt.await.unwrap().unwrap().unwrap().name, "Anna");
    }
    scene.group("a", &["anna"]).await;
    assert_eq!(scene.directory.participants_among(&chat("a"), &[user("anna")]).await.unwrap().len(), 1);
}
