//! What the [`Broker`](domain::ports::Broker), [`Presence`](domain::ports::Presence), [`Notes`](domain::ports::Notes) and
//! [`Journal`](domain::ports::Journal) ports promise, asked of memory, of Redis and of a Redis cluster with the same tests.
//!
//! One Redis server serves the whole binary, a new prefix each test; memory is new each test.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

#[path = "contract/admitting.rs"]
mod admitting;
#[path = "contract/census.rs"]
mod census;
#[path = "contract/claiming.rs"]
mod claiming;
#[path = "contract/counting.rs"]
mod counting;
#[path = "contract/deduping.rs"]
mod deduping;
#[path = "contract/delivering.rs"]
mod delivering;
#[path = "contract/drafts.rs"]
mod drafts;
#[path = "contract/drifting.rs"]
mod drifting;
#[path = "contract/ear.rs"]
mod ear;
#[path = "contract/erasing.rs"]
mod erasing;
#[path = "contract/journaling.rs"]
mod journaling;
#[path = "contract/looking.rs"]
mod looking;
#[path = "contract/noting.rs"]
mod noting;
#[path = "contract/numbering.rs"]
mod numbering;
#[path = "contract/online.rs"]
mod online;
#[path = "contract/passing.rs"]
mod passing;
#[path = "contract/scene.rs"]
mod scene;
#[path = "contract/seating.rs"]
mod seating;
#[path = "contract/spending.rs"]
mod spending;
#[path = "contract/sweeping.rs"]
mod sweeping;

/// Every test once for each implementation: `memory::…`, `redis::…` and `redis_cluster::…`.
macro_rules! contract {
    ($($part:ident :: $name:ident,)*) => {
        mod memory {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::$part::$name(crate::scene::Kind::Memory).await;
            })*
        }
        mod redis {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::$part::$name(crate::scene::Kind::Redis).await;
            })*
        }
        mod redis_cluster {
            $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                crate::$part::$name(crate::scene::Kind::Cluster).await;
            })*
        }
    };
}

contract! {
    numbering::numbers_begin_at_epoch_1_seq_1_and_rise_by_one,
    numbering::every_room_counts_by_itself,
    numbering::publishers_on_two_nodes_make_one_order_that_both_hear,
    delivering::every_subscribed_node_hears_everything_in_order_the_publishers_own_too,
    delivering::nothing_is_missed_from_the_moment_that_subscribing_returns,
    delivering::unsubscribing_ends_the_deliveries_of_that_room_alone,
    delivering::subscribing_twice_is_subscribing_once,
    delivering::every_field_survives_the_delivery_the_hot_log_and_the_journal,
    delivering::a_large_binary_body_survives,
    delivering::it_is_proven_that_deliveries_arrive,
    deduping::a_repeated_client_id_returns_the_first_place_and_is_not_delivered,
    deduping::one_client_id_published_by_many_at_once_is_accepted_once,
    deduping::a_client_id_counts_per_user_and_room,
    deduping::without_a_client_id_nothing_is_a_repeat,
    deduping::a_user_is_the_same_as_number_and_as_text,
    deduping::strange_names_do_not_collide,
    looking::an_untouched_room_has_a_head_and_nothing_else,
    looking::pages_walk_forwards_from_any_position,
    looking::pages_walk_backwards_from_any_number,
    looking::a_look_of_no_length_still_tells_the_head,
    looking::positions_are_compared_by_epoch_first,
    looking::a_trimmed_hot_log_says_where_it_begins,
    journaling::the_journal_holds_every_entry_once_and_each_room_in_order,
    journaling::reading_takes_nothing_away_and_goes_on_behind_an_offset,
    journaling::a_busy_shard_leaves_room_for_the_others,
    journaling::settled_entries_are_forgotten_and_the_rest_stays,
    journaling::a_full_journal_refuses_without_using_up_a_number_and_accepts_again,
    journaling::a_repeat_is_recognised_even_when_the_journal_is_full,
    journaling::a_buried_record_stays_until_it_is_settled,
    journaling::the_backlog_counts_every_shard_and_ages,
    claiming::a_worker_alone_holds_every_shard_and_keeps_its_fences,
    claiming::two_workers_share_fairly,
    claiming::a_dead_workers_shards_are_taken_over_and_it_is_fenced,
    claiming::released_shards_are_free_at_once,
    claiming::a_shard_has_one_holder_however_many_claim_at_once,
    seating::the_first_and_the_last_seat_of_a_user_are_edges,
    seating::distinct_users_are_counted,
    seating::a_seat_taken_or_given_back_twice_counts_once,
    seating::members_are_shown_as_they_came_up_to_the_limit,
    seating::strange_users_keep_their_seats_apart,
    seating::of_many_who_enter_at_once_one_is_first_and_one_is_last,
    seating::a_lease_is_new_once_and_then_held,
    seating::a_retired_node_holds_nothing,
    sweeping::a_dead_nodes_seats_are_swept_and_each_departure_is_told_once,
    sweeping::a_user_who_sits_elsewhere_does_not_depart,
    sweeping::a_dead_nodes_slots_are_free_again,
    sweeping::a_node_that_was_swept_is_told_and_sits_down_again,
    sweeping::a_crowded_node_retires_to_the_last_seat_and_slot,
    sweeping::a_crowded_dead_node_is_swept_to_the_last_seat_and_slot,
    admitting::one_connection_too_many_is_refused_until_another_goes,
    admitting::a_connection_is_counted_once_however_often_it_asks,
    admitting::without_a_limit_everyone_is_admitted_and_counted,
    admitting::the_oldest_is_replaced_in_the_order_of_admission,
    admitting::the_node_of_a_replaced_connection_is_told,
    admitting::each_user_has_a_limit_of_their_own,
    admitting::of_many_at_once_exactly_the_limit_is_admitted,
    admitting::of_many_at_once_that_replace_each_other_exactly_the_limit_stays,
    passing::what_passes_stands_among_the_entries_in_the_order_of_the_calls,
    passing::what_passes_reaches_every_subscribed_node_once_and_nobody_else,
    passing::what_passes_survives_whole,
    passing::what_passes_is_neither_numbered_nor_kept,
    census::the_first_and_the_last_seat_of_a_user_are_told_once_to_every_subscriber,
    census::a_census_is_told_in_its_own_room_alone,
    census::of_many_who_come_and_go_at_once_the_told_order_is_one_that_happened,
    census::a_retiring_node_tells_of_its_users_who_are_nowhere_else,
    online::of_three_connections_on_two_nodes_one_is_first_and_one_is_last,
    online::whoever_goes_offline_is_named_as_they_were_last_shown,
    online::whoever_comes_back_within_the_grace_neither_went_nor_came,
    online::a_grace_that_is_over_is_told_to_one_of_many_sweepers,
    online::users_who_vanish_with_their_node_go_offline_once_and_without_a_grace,
    online::whoever_takes_a_dead_slots_place_is_told_offline_only_if_they_come_online_again,
    online::a_node_that_was_only_paused_brings_its_users_back_online,
    online::a_replaced_connection_makes_nobody_leave,
    online::a_refused_connection_changes_nothing,
    online::a_retired_nodes_users_have_a_grace_to_come_back_elsewhere,
    noting::a_note_is_recalled_whole_by_every_node,
    noting::a_later_note_replaces_the_earlier_one_and_its_time,
    noting::a_note_lapses_after_its_time,
    noting::a_forgotten_note_is_gone_and_may_be_kept_again,
    noting::of_many_who_claim_at_once_one_wins_and_the_others_are_told_by_whom,
    noting::a_claim_changes_nothing_where_something_is_kept,
    noting::what_was_claimed_lapses_and_may_be_claimed_again,
    counting::connections_users_and_nodes_are_counted_across_the_cluster,
    counting::a_replaced_or_refused_connection_is_not_counted,
    counting::the_newest_are_shown_first_up_to_the_limit_and_all_are_counted,
    counting::whoever_is_in_their_grace_is_not_shown_and_comes_back_as_the_newest,
    counting::users_are_shown_as_they_came_last,
    counting::a_rooms_users_are_counted_once_each,
    counting::connections_are_told_in_the_order_of_the_question,
    counting::a_killed_nodes_slots_are_free_within_its_lease_and_the_counters_follow,
    drifting::whatever_comes_and_goes_the_counters_say_what_is_there,
    drifting::a_paused_node_that_takes_its_slots_again_is_counted_once,
    spending::two_nodes_together_never_let_more_through_than_burst_and_rate,
    spending::of_many_who_spend_at_once_as_many_as_the_bucket_holds_succeed,
    spending::whoever_must_wait_is_told_how_long_and_loses_nothing,
    spending::the_wait_that_was_told_is_long_enough_and_not_too_long,
    spending::what_costs_more_than_the_bucket_holds_takes_all_of_it,
    spending::a_rate_or_a_cost_of_nothing_is_no_limit,
    spending::each_user_has_one_bucket_as_number_and_as_text,
    erasing::an_erased_entry_keeps_its_place_and_shows_no_body,
    erasing::what_comes_after_an_erased_entry_is_shown,
    erasing::erasing_what_is_not_there_does_nothing,
    erasing::what_was_trimmed_is_forgotten_and_what_is_left_stays_erased,
    erasing::the_journal_keeps_what_the_hot_log_hides,
}
