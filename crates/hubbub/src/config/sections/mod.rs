//! One file per concern: its table of settings and the small struct that the rest of the program reads.

pub(crate) mod auth;
pub(crate) mod broker;
pub(crate) mod database;
pub(crate) mod history;
pub(crate) mod hub;
pub(crate) mod limits;
pub(crate) mod log;
pub(crate) mod namespace;
pub(crate) mod persister;
pub(crate) mod presence;
pub(crate) mod redis;
pub(crate) mod seal;
pub(crate) mod server;
pub(crate) mod uploads;
