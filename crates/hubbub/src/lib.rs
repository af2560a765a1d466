//! The program: configuration, command line, logging, and the wiring of roles.
//!
//! It is the only place that knows which implementation stands behind a port. It owns no rule of the product: those
//! live in `domain`, below everything else.

pub mod cli;
pub mod command;
pub mod config;
pub mod dev_secret;
pub mod exit;
pub mod logging;
pub mod node_name;
mod program;
pub mod shutdown;
pub mod welcome;
mod wiring;

pub use program::run;
