//! What the ports over a database promise ([`Store`](domain::ports::Store), [`Directory`](domain::ports::Directory),
//! [`Bookings`](domain::ports::Bookings), [`Uploads`](domain::ports::Uploads), [`Vault`](domain::ports::Vault)), asked of both databases with the same tests.
//!
//! One Postgres server serves the whole binary, a new database each test; SQLite gets a new file each test.

#![allow(clippy::unwrap_used, reason = "a test ends where its helpers fail")]

#[path = "contract/accounts.rs"]
mod accounts;
#[path = "contract/amending.rs"]
mod amending;
#[path = "contract/booking_races.rs"]
mod booking_races;
#[path = "contract/bookings.rs"]
mod bookings;
#[path = "contract/chats.rs"]
mod chats;
#[path = "contract/membership.rs"]
mod membership;
#[path = "contract/migrating.rs"]
mod migrating;
#[path = "contract/outbox.rs"]
mod outbox;
#[path = "contract/reading.rs"]
mod reading;
#[path = "contract/reads.rs"]
mod reads;
#[path = "contract/rulings.rs"]
mod rulings;
#[path = "contract/scene.rs"]
mod scene;
#[path = "contract/sealing.rs"]
mod sealing;
#[path = "contract/uploads.rs"]
mod uploads;
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
    reading::what_stands_above_a_number_is_read_forward_with_its_current_text,
    reading::replay_returns_everything_above_a_position_in_order,
    reading::replay_crosses_an_epoch,
    reading::the_head_counts_void_rows_and_an_unknown_room_has_none,
    reading::the_heads_of_all_rooms_are_their_newest_positions,
    reading::the_heads_of_some_rooms_are_those_of_the_rooms_that_are_there,
    reading::an_entry_is_located_by_its_id,
    reading::a_void_row_is_not_located,
    reading::reactions_to_a_message_come_in_the_order_in_which_they_happened,
    amending::an_edit_changes_the_message_and_keeps_its_own_place,
    amending::edits_only_go_forwards,
    amending::of_several_edits_in_one_batch_the_newest_counts,
    amending::a_deletion_erases_the_text_everywhere,
    amending::an_edit_after_a_deletion_is_erased_on_arrival,
    amending::a_deletion_is_final,
    amending::a_change_reaches_only_an_earlier_message_of_its_own_room,
    amending::a_repeated_edit_changes_nothing,
    amending::reactions_are_kept_as_they_happened,
    accounts::an_unknown_user_is_made_from_their_token_where_that_is_wanted,
    accounts::a_user_of_whom_only_tokens_are_known_is_called_as_the_newest_one_says,
    accounts::a_registered_user_keeps_name_and_role_whatever_tokens_say,
    accounts::a_name_to_log_in_by_is_taken_whatever_its_case,
    accounts::names_of_those_who_cannot_log_in_are_not_taken,
    accounts::of_many_who_register_a_name_at_once_one_has_it,
    accounts::a_user_who_comes_by_many_doors_at_once_is_made_once,
    chats::a_new_chat_belongs_to_its_maker_and_shows_everybody_in_order,
    chats::a_chat_with_somebody_unknown_is_not_made,
    chats::a_chat_is_no_other_room_and_is_made_once,
    chats::two_users_have_one_direct_chat_whoever_begins,
    chats::of_many_direct_chats_made_at_once_there_is_one,
    chats::a_title_is_given_and_taken_away,
    chats::the_chat_with_the_newest_message_comes_first,
    chats::the_last_message_is_the_newest_that_is_not_withdrawn_with_its_current_text,
    chats::unread_are_the_messages_of_others_behind_the_readers_cursor,
    chats::unread_messages_are_counted_up_to_the_cap,
    membership::a_participant_is_added_once,
    membership::the_last_owner_hands_the_chat_to_its_oldest_participant,
    membership::a_chat_may_become_empty_and_belongs_to_whoever_comes_next,
    membership::a_chat_that_many_join_and_leave_at_once_has_one_owner,
    membership::participants_among_users_are_those_who_take_part,
    membership::peers_are_everybody_else_in_a_users_chats_once,
    membership::two_share_a_chat_while_both_take_part_in_it,
    reads::a_cursor_only_moves_forwards,
    reads::a_time_never_goes_back_though_a_later_message_was_sent_earlier,
    reads::who_takes_no_part_reads_nothing,
    reads::each_message_that_moved_a_cursor_is_noted_once_per_reader,
    reads::of_many_receipts_at_once_the_furthest_counts,
    reads::when_somebody_was_last_here_only_moves_forwards,
    reads::nodes_that_saw_the_same_users_at_once_do_not_block_each_other,
    bookings::a_new_event_has_all_its_seats_and_the_newest_event_comes_first,
    bookings::a_booking_takes_its_seats_and_is_the_next_change_of_its_event,
    bookings::more_seats_than_are_left_are_sold_out_and_nothing_is_booked,
    bookings::a_repeated_key_is_answered_with_the_first_receipt,
    bookings::a_key_with_another_event_or_quantity_is_a_conflict,
    bookings::a_request_that_booked_nothing_does_not_use_up_its_key,
    bookings::a_key_is_free_again_after_a_day,
    bookings::a_cancelled_booking_gives_its_seats_back_once,
    bookings::somebody_elses_booking_is_cancelled_by_whoever_may_alone,
    booking_races::five_hundred_seats_are_booked_by_two_thousand_attempts_exactly,
    booking_races::parties_of_one_to_four_fill_an_event_and_never_more,
    booking_races::repeats_of_one_request_at_once_book_once_and_get_one_receipt,
    booking_races::the_last_seat_is_not_sold_out_to_whoever_repeats_its_request,
    booking_races::of_many_bookings_under_one_key_at_once_one_stands,
    booking_races::a_booking_that_many_cancel_at_once_is_cancelled_once,
    booking_races::seats_are_exact_while_some_book_and_others_cancel,
    outbox::every_change_is_brought_once_as_it_is_written,
    outbox::each_events_changes_come_in_order_and_none_waits_behind_a_busy_one,
    outbox::a_courier_that_fails_midway_leaves_the_rest_to_the_next,
    outbox::a_relay_that_is_dropped_midway_leaves_the_rest_to_the_next,
    outbox::two_processes_that_relay_at_once_bring_every_change_once,
    outbox::changes_above_a_version_are_read_whether_they_were_brought_or_not,
    outbox::changes_that_were_brought_long_ago_are_forgotten_and_no_others,
    rulings::nothing_is_ruled_at_first,
    rulings::a_disabled_user_is_one_until_they_are_let_in_again,
    rulings::who_is_disabled_before_they_ever_came_has_an_account,
    rulings::the_newest_assignment_of_a_role_counts_in_whatever_order_they_come,
    rulings::a_role_may_be_given_before_somebody_ever_came,
    rulings::a_revoked_token_is_remembered_while_it_would_live,
    rulings::known_among_users_are_those_who_have_an_account,
    uploads::a_file_comes_back_as_it_was_whatever_its_size,
    uploads::a_chunk_larger_than_a_piece_is_cut,
    uploads::nobody_reads_a_file_before_it_is_added,
    uploads::of_a_file_that_is_too_large_nothing_is_kept,
    uploads::of_a_file_that_breaks_off_nothing_is_kept,
    uploads::uploads_are_attached_all_or_none,
    uploads::an_upload_stays_with_its_first_message_and_may_be_shown_again,
    uploads::messages_that_attach_the_same_uploads_at_once_all_do,
    uploads::what_nobody_attached_and_what_was_never_finished_is_forgotten_after_a_while,
    uploads::many_old_uploads_of_many_pieces_are_forgotten,
    uploads::an_upload_that_is_given_up_takes_no_further_piece,
    sealing::the_census_counts_bodies_by_key_and_no_empty_ones,
    sealing::bodies_of_other_keys_are_found_where_they_lie,
    sealing::what_other_keys_seal_is_walked_in_pages_in_one_order,
    sealing::a_walk_goes_on_where_it_ended_while_rows_move,
    sealing::deleted_void_and_empty_rows_are_walked_past,
    sealing::a_body_is_replaced_only_where_the_old_one_still_lies,
    sealing::an_edit_beside_a_replacement_is_never_lost,
    migrating::migrations_run_twice_and_at_once_do_their_work_once,
    migrating::without_its_schema_a_store_is_not_ready_and_says_what_to_do,
}
