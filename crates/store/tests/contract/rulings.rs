//! What operators decide: who may not come in, which token is void, who has which role.

use domain::ports::{Assignment, Rulings};
use domain::words::{Author, Role, Timestamp, UserId};

use crate::scene::{Scene, user};

fn assignment(id: &str, role: Role, at: i64) -> Assignment {
    Assignment { user: user(id), role, at: Timestamp(at) }
}

impl Scene {
    async fn rulings(&self) -> Rulings {
        self.directory.rulings().await.unwrap()
    }

    /// What the account of a user with a good token says.
    async fn admitted(&self, id: &str) -> (Role, bool, String) {
        let who = Author { user: user(id), name: Some("as the token says".into()) };
        let account =
            self.directory.admit(&who, Role::User, false).await.unwrap().expect("there is an account");
        (account.role, account.disabled, account.name.to_string())
    }
}

pub(crate) async fn nothing_is_ruled_at_first(scene: &Scene) {
    scene.users(&["anna"]).await;
    assert_eq!(scene.rulings().await, Rulings::default());
}

pub(crate) async fn a_disabled_user_is_one_until_they_are_let_in_again(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    for _ in 0..2 {
        scene.directory.set_disabled(&user("anna"), true).await.unwrap();
    }
    assert_eq!(scene.rulings().await.disabled, [user("anna")]);
    assert!(scene.admitted("anna").await.1 && !scene.admitted("bert").await.1);
    for _ in 0..2 {
        scene.directory.set_disabled(&user("anna"), false).await.unwrap();
    }
    assert_eq!(scene.rulings().await, Rulings::default());
    assert!(!scene.admitted("anna").await.1);
}

pub(crate) async fn who_is_disabled_before_they_ever_came_has_an_account(scene: &Scene) {
    let number = UserId::number(7).unwrap();
    scene.directory.set_disabled(&number, true).await.unwrap();
    let disabled = scene.rulings().await.disabled;
    assert!(disabled == [number.clone()] && disabled[0].is_numeric());
    assert_eq!(scene.admitted("7").await, (Role::User, true, "as the token says".to_owned()));
    // Whoever is let in and was never here needs no account for it.
    scene.directory.set_disabled(&user("bert"), false).await.unwrap();
    assert_eq!(scene.directory.known_among(&[number, user("bert")]).await.unwrap(), [user("7")]);
}

pub(crate) async fn the_newest_assignment_of_a_role_counts_in_whatever_order_they_come(scene: &Scene) {
    scene.users(&["anna"]).await;
    let steps = [
        (assignment("anna", Role::Moderator, 2000), assignment("anna", Role::Moderator, 2000)),
        (assignment("anna", Role::Admin, 1999), assignment("anna", Role::Moderator, 2000)),
        (assignment("anna", Role::Service, 2000), assignment("anna", Role::Service, 2000)),
        (assignment("anna", Role::User, 3000), assignment("anna", Role::User, 3000)),
    ];
    for (given, standing) in steps {
        scene.directory.assign(&given).await.unwrap();
        assert_eq!(scene.rulings().await.assigned, std::slice::from_ref(&standing));
        assert_eq!(scene.admitted("anna").await.0, standing.role);
    }
}

pub(crate) async fn a_role_may_be_given_before_somebody_ever_came(scene: &Scene) {
    scene.directory.assign(&assignment("anna", Role::Moderator, 1000)).await.unwrap();
    assert_eq!(scene.rulings().await.assigned, [assignment("anna", Role::Moderator, 1000)]);
    assert_eq!(scene.admitted("anna").await, (Role::Moderator, false, "as the token says".to_owned()));
}

pub(crate) async fn a_revoked_token_is_remembered_while_it_would_live(scene: &Scene) {
    let directory = &scene.directory;
    let soon = Timestamp(Timestamp::now().0 + 3_600_000);
    directory.revoke("long gone", Timestamp(1000)).await.unwrap();
    directory.revoke("b", soon).await.unwrap();
    // Nothing shortens it, and no expiry is too far away.
    directory.revoke("b", Timestamp(i64::MIN)).await.unwrap();
    directory.revoke("a", Timestamp(i64::MAX)).await.unwrap();
    let revoked = scene.rulings().await.revoked;
    assert_eq!(revoked.iter().map(AsRef::as_ref).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(scene.count("SELECT count(*) FROM revoked_tokens").await, 2);
}

pub(crate) async fn known_among_users_are_those_who_have_an_account(scene: &Scene) {
    scene.users(&["anna", "bert"]).await;
    let asked = ["carl", "bert", "anna", "anna"].map(user);
    assert_eq!(scene.directory.known_among(&asked).await.unwrap(), [user("anna"), user("bert")]);
    assert_eq!(scene.directory.known_among(&[]).await.unwrap(), []);
}
