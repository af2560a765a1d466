//! Migrations, and what a store says without them.

use domain::ports::{PortError, Store};
use store::StoreOptions;

use crate::scene::{Scene, lease, message};

pub(crate) async fn migrations_run_twice_and_at_once_do_their_work_once(scene: &Scene) {
    let url = &scene.empty_url;
    let at_once =
        tokio::join!(store::migrate(url), store::migrate(url), store::migrate(url), store::migrate(url));
    assert_eq!(at_once, (Ok(()), Ok(()), Ok(()), Ok(())));
    let store = store::open(url, StoreOptions::default()).await.unwrap().store;
    store.append(&[lease(0, 1)], &[message(1, "kept")]).await.unwrap();
    store::migrate(url).await.unwrap();
    assert_eq!(store.ready().await, Ok(()));
    assert!(!store.begins("first").await.unwrap());
}

pub(crate) async fn without_its_schema_a_store_is_not_ready_and_says_what_to_do(scene: &Scene) {
    let store = store::open(&scene.empty_url, StoreOptions::default()).await.unwrap().store;
    let PortError::Unavailable(reason) = store.ready().await.unwrap_err() else { panic!("not unavailable") };
    assert!(reason.contains("run `hubbub migrate`"), "{reason}");
    // Nothing may be buried because of it.
    let answer = Store::append(&*store, &[lease(0, 1)], &[message(1, "text")]).await;
    assert!(matches!(answer, Err(PortError::Unavailable(_))), "{answer:?}");
}
