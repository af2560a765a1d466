//! The private Redis and Postgres of a measurement, and the backlog kept aside in the former.

use std::sync::Arc;

use broker::redis::RedisOptions;
use domain::ports::Store;
use store::StoreOptions;
use testkit::{Postgres, Redis};

/// What a server of that size is set to by its own defaults; tests make do with less.
const MEMORY: [&str; 2] =
    ["ALTER SYSTEM SET shared_buffers = '128MB'", "ALTER SYSTEM SET max_wal_size = '1GB'"];

/// Both servers.
pub(crate) struct Servers {
    pub(crate) redis: Redis,
    pub(crate) postgres: Postgres,
    database: String,
}

impl Servers {
    pub(crate) async fn start() -> Self {
        let redis = Redis::start().await;
        let mut postgres = Postgres::start().await;
        for setting in MEMORY {
            postgres.query("postgres", setting).await;
        }
        postgres.restart().await;
        let database = postgres.create_database().await;
        store::migrate(&database).await.unwrap();
        Self { redis, postgres, database }
    }

    pub(crate) fn options(&self) -> RedisOptions {
        RedisOptions { url: self.redis.url(), virgin: true, ..RedisOptions::default() }
    }

    pub(crate) async fn store(&self) -> Arc<dyn Store> {
        store::open(&self.database, StoreOptions::default()).await.unwrap().store
    }

    pub(crate) async fn query(&self, statement: &str) -> String {
        let name = self.database.rsplit('/').next().unwrap();
        self.postgres.query(name, statement).await
    }

    /// Commands that Redis has answered.
    pub(crate) async fn commands(&self) -> u64 {
        let told = self.redis.command(&["INFO", "stats"]).await;
        let count = told.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        count.unwrap().trim().parse().unwrap()
    }

    pub(crate) async fn keep_backlog(&self) {
        for (journal, kept) in self.journals() {
            self.redis.command(&["COPY", &journal, &kept]).await;
        }
    }

    /// The journal is as it was filled, and the database as empty as it was then.
    pub(crate) async fn bring_backlog_back(&self) {
        for (journal, kept) in self.journals() {
            self.redis.command(&["COPY", &kept, &journal, "REPLACE"]).await;
        }
        self.query("TRUNCATE messages, shards").await;
        self.query("CHECKPOINT").await;
    }

    fn journals(&self) -> impl Iterator<Item = (String, String)> {
        (0..self.options().shards).map(|shard| {
            let base = format!("hubbub:{{s{shard:02}}}:");
            (format!("{base}journal"), format!("{base}kept"))
        })
    }
}
