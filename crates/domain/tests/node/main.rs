//! One node, through its public API alone, between ports and clients that do what a test says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod amends;
mod announcements;
mod churn;
mod commands;
mod current_texts;
mod doings;
mod endings;
mod epochs;
mod exports;
mod feeds;
mod first_joins;
mod halls;
mod healing;
mod hearings;
mod lapses;
mod openings;
mod outbox;
mod pages;
mod recoveries;
mod rejoins;
mod removals;
mod replays;
mod roamers;
mod rulings;
mod slow_clients;
mod status;
mod support;
mod watermarks;
