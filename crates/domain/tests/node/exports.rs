//! Everything that was said in a room: the database and the hot log joined without a hole and without a repeat.

use domain::node::Export;
use domain::{Code, Fault, Message, Position};

use crate::support::{World, at, room};

/// More than an export, or a look behind a position, reads at once.
const MANY: u64 = 500;

impl World {
    /// Messages up to this number, of which the database keeps the first ones and the hot log the newest ones.
    fn filled(&self, all: u64, stored: u64, hot: u64) {
        for number in 1..=all {
            let entry = self.broker.accept(&room("r"), &format!("number {number}"));
            if number <= stored {
                self.store.keep(entry);
            }
        }
        self.broker.trim(&room("r"), usize::try_from(hot).unwrap());
    }

    async fn exported(&self) -> Result<Vec<Message>, Fault> {
        rest(self.node.export(&room("r")).await?).await
    }

    async fn exported_seqs(&self) -> Vec<u64> {
        self.exported().await.unwrap().iter().map(|message| message.position.seq).collect()
    }
}

async fn rest(mut export: Export) -> Result<Vec<Message>, Fault> {
    let mut messages = Vec::new();
    while let Some(more) = export.next().await? {
        messages.extend(more);
    }
    Ok(messages)
}

fn text(message: &Message) -> &str {
    &message.content.as_ref().unwrap().text
}

#[tokio::test(start_paused = true)]
async fn a_room_is_exported_whole_wherever_the_database_ends() {
    for (stored, hot) in [(MANY, 0), (MANY, 1), (MANY, MANY), (0, MANY), (1, MANY), (64, 436), (250, 300)] {
        let world = World::new().await;
        world.filled(MANY, stored, hot);
        assert_eq!(world.exported_seqs().await, (1..=MANY).collect::<Vec<_>>(), "{stored} and {hot}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_in_which_nothing_was_said_has_nothing_to_export() {
    let world = World::new().await;
    assert_eq!(world.exported_seqs().await, [0; 0]);
}

#[tokio::test(start_paused = true)]
async fn where_a_hole_cannot_be_ruled_out_nothing_is_exported() {
    let world = World::new().await;
    world.filled(MANY, 249, 250);
    assert_eq!(world.exported().await.unwrap_err().code, Code::Overloaded);
    let world = World::new().await;
    world.filled(MANY, MANY, MANY);
    world.store.go_away(true);
    assert_eq!(world.exported().await.unwrap_err().code, Code::Overloaded);
}

#[tokio::test(start_paused = true)]
async fn messages_of_the_database_show_the_changes_that_it_has_not_heard_of() {
    let world = World::new().await;
    let mut ann = world.member("ann", &["r"]).await;
    for text in ["one", "two", "three"] {
        ann.send(&format!("say r {text}"));
        ann.rest().await;
    }
    let log = world.broker.log(&room("r"));
    log.iter().take(2).for_each(|entry| world.store.keep(entry.clone()));
    for change in [format!("edit r {} eins", log[0].draft.id), format!("edit r {} drei", log[2].draft.id)] {
        ann.send(&change);
        ann.rest().await;
    }
    ann.send(&format!("delete r {}", log[1].draft.id));
    ann.rest().await;
    let exported = world.exported().await.unwrap();
    assert_eq!(exported.iter().map(text).collect::<Vec<_>>(), ["eins", "", "drei"]);
    let changed = |message: &Message| (message.edited_at.is_some(), message.deleted_at.is_some());
    assert_eq!(
        exported.iter().map(changed).collect::<Vec<_>>(),
        [(true, false), (false, true), (true, false)]
    );
}

#[tokio::test(start_paused = true)]
async fn an_export_ends_where_the_room_was_when_it_began() {
    let world = World::new().await;
    world.filled(MANY, 250, 300);
    let export = world.node.export(&room("r")).await.unwrap();
    world.broker.accept(&room("r"), "too late");
    assert_eq!(rest(export).await.unwrap().len() as u64, MANY);
}

#[tokio::test(start_paused = true)]
async fn what_leaves_the_hot_log_meanwhile_comes_from_the_database_or_cuts_the_export() {
    for catches_up in [true, false] {
        let world = World::new().await;
        world.filled(MANY, 250, 300);
        let log = world.broker.log(&room("r"));
        let mut export = world.node.export(&room("r")).await.unwrap();
        let first = export.next().await.unwrap().unwrap();
        if catches_up {
            log.into_iter()
                .filter(|entry| entry.position.seq > 250)
                .for_each(|entry| world.store.keep(entry));
        }
        world.broker.trim(&room("r"), 1);
        match rest(export).await {
            Ok(rest) => {
                let seqs = first.iter().chain(&rest).map(|message| message.position.seq);
                assert!(catches_up && seqs.eq(1..=MANY));
            }
            Err(fault) => assert_eq!((catches_up, fault.code), (false, Code::Overloaded)),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn an_export_goes_on_in_the_epoch_behind_a_loss() {
    let world = World::new().await;
    world.filled(10, 8, 10);
    world.broker.come_back_empty(Position { epoch: 2, seq: 1000 });
    let after: Vec<Position> =
        (0..3).map(|_| world.broker.accept(&room("r"), "after the loss").position).collect();
    let exported: Vec<Position> =
        world.exported().await.unwrap().iter().map(|message| message.position).collect();
    let expected: Vec<Position> = (1..=8).map(|seq| at(1, seq)).chain(after).collect();
    assert_eq!(exported, expected);
}
