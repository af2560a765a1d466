//! Real neighbours for tests: a private Redis, a private Postgres, any program as a child process.
//!
//! Owns the start, the breaking on purpose and the end of what a test needs beside it. Knows nothing of Hubbub, so every
//! crate may use it. Invariant: nothing started here outlives the test process, even one that is killed by SIGKILL, and
//! nothing listens anywhere but on the loopback.

mod port;
mod postgres;
mod process;
mod programs;
mod redis;
mod redis_cluster;
mod watchdog;

pub use port::free_port;
pub use postgres::Postgres;
pub use process::{Launch, Process};
pub use programs::program;
pub use redis::Redis;
pub use redis_cluster::RedisCluster;
pub use watchdog::Folder;
