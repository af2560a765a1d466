//! One node, through its public API alone, between ports and clients that do what a test says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod amends;
mod churn;
mod commands;
mod doings;
mod endings;
mod epochs;
mod first_joins;
mod healing;
mod lapses;
mod openings;
mod pages;
mod recoveries;
mod rejoins;
mod removals;
mod replays;
mod roamers;
mod slow_clients;
mod status;
mod support;
mod watermarks;
