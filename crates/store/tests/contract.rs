//! What the [`Store`](domain::ports::Store) port promises, asked of both databases with the same tests.
//!
//! One Postgres server serves the whole binary, a new database each test; SQLite gets a new file each test.

#![allow(clippy::unwrap_used, reason = "a test ends where its helpers fail")]

#[path = "contract/amending.rs"]
mod amending;
#[path = "contract/migrating.rs"]
mod migrating;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/scene.rs"]
mod scene;
#[path = "contract/writing.rs"]
mod writing;

/// Every test once for each database: `postgres::…` and `sqlite::…`.
macro_rules! contract {
    ($($part:ident :: $name:ident,)*) => {
        mod postgres {
            $(#[tokio::test]
            async fn $name() {
                crate::$part::$name(&crate::scene::Scene::postgres().await).await;
            })*
        }
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                crate::$part::$name(&crate::scene::Scene::sqlite().await).await;
            })*
        }
    };
}

contract! {
    writing::an_entry_comes_back_as_it_was_written,
    writing::a_replayed_batch_writes_nothing_twice,
    writing::the_same_entry_twice_in_one_batch_is_stored_once,
    writing::a_repeated_client_id_leaves_a_void_row_at_its_place,
    writing::a_repeated_client_id_within_one_batch_leaves_a_void_row,
    writing::a_client_id_counts_per_user_and_room,
    writing::an_id_that_stands_elsewhere_leaves_a_void_row,
    writing::another_id_at_a_position_is_a_conflict_and_is_not_written,
    writing::a_former_lease_holder_is_fenced_and_writes_nothing,
    writing::one_fenced_lease_among_several_stops_the_batch,
    writing::a_refused_entry_refuses_the_whole_batch,
    writing::only_the_first_broker_begins_and_only_before_any_entry,
    writing::two_writers_of_the_same_batch_write_it_once,
    reading::a_page_holds_the_newest_messages_below_its_bound_oldest_first,
    reading::a_page_steps_over_everything_that_is_no_message,
    reading::replay_returns_everything_above_a_position_in_order,
    reading::replay_crosses_an_epoch,
    reading::the_head_counts_void_rows_and_an_unknown_room_has_none,
    reading::the_heads_of_all_rooms_are_their_newest_positions,
    amending::an_edit_changes_the_message_and_keeps_its_own_place,
    amending::edits_only_go_forwards,
    amending::of_several_edits_in_one_batch_the_newest_counts,
    amending::a_deletion_erases_the_text_everywhere,
    amending::an_edit_after_a_deletion_is_erased_on_arrival,
    amending::a_deletion_is_final,
    amending::a_change_reaches_only_an_earlier_message_of_its_own_room,
    amending::a_repeated_edit_changes_nothing,
    amending::reactions_are_kept_as_they_happened,
    migrating::migrations_run_twice_and_at_once_do_their_work_once,
    migrating::without_its_schema_a_store_is_not_ready_and_says_what_to_do,
}
