//! One node, through its public API alone, between ports and clients that do what a test says.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on must stop")]

mod churn;
mod commands;
mod endings;
mod epochs;
mod first_joins;
mod healing;
mod lapses;
mod pages;
mod rejoins;
mod replays;
mod slow_clients;
mod support;
