//! The way to a connection: every call is one [`Gate::run`], under a deadline.
//!
//! Owns the pool and its distrust. Invariant: a connection whose call broke or ran out of time is never used again, and
//! neither is an idle one that is older than that moment, so one restart of a server costs one failed call.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use domain::ports::PortError;
use sqlx::pool::{PoolConnection, PoolOptions};
use sqlx::{Database, Pool};
use tokio::time::error::Elapsed;
use tokio::time::timeout;

use crate::failure::{Failure, translate};
use crate::options::StoreOptions;

/// A pool whose calls end in time.
pub(crate) struct Gate<DB: Database> {
    pool: Pool<DB>,
    address: String,
    deadline: Duration,
    suspicion: Arc<Suspicion>,
}

/// The last moment at which a connection was found dead; what was opened before is not trusted.
struct Suspicion {
    birth: Instant,
    /// Milliseconds after birth, rounded up; 0: never.
    at: AtomicU64,
}

impl Suspicion {
    fn raise(&self) {
        self.at.fetch_max(millis(self.birth.elapsed()) + 1, Ordering::Relaxed);
    }

    fn trusts(&self, age: Duration) -> bool {
        millis(self.birth.elapsed().saturating_sub(age)) >= self.at.load(Ordering::Relaxed)
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

impl<DB: Database> Gate<DB> {
    /// Opens no connection yet. `address` goes into messages: no password in it.
    pub(crate) fn new(
        connect: <DB::Connection as sqlx::Connection>::Options,
        connections: u32,
        address: String,
        options: StoreOptions,
    ) -> Self {
        let suspicion = Arc::new(Suspicion { birth: Instant::now(), at: AtomicU64::new(0) });
        let judge = Arc::clone(&suspicion);
        let pool = PoolOptions::new()
            .max_connections(connections.max(1))
            .acquire_timeout(options.acquire_timeout)
            // A ping before each use would double the round trips; the judge below replaces it.
            .test_before_acquire(false)
            .before_acquire(move |_, meta| {
                let trusted = judge.trusts(meta.age);
                Box::pin(async move { Ok(trusted) })
            })
            .connect_lazy_with(connect);
        Self { pool, address, deadline: options.statement_timeout, suspicion }
    }

    /// Which database this is, for messages.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Longest time that one call may take on its connection.
    pub(crate) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// One call: a connection, `work` on it under the deadline, and the connection taken back.
    pub(crate) async fn run<T>(
        &self,
        work: impl AsyncFnOnce(&mut DB::Connection) -> Result<T, Failure>,
    ) -> Result<T, PortError> {
        let acquired = self.pool.acquire().await;
        let mut connection = acquired.map_err(|error| translate(&error, &self.address))?;
        let answer = timeout(self.deadline, work(&mut connection)).await;
        self.finish(connection, answer)
    }

    /// Takes the connection back, or drops it where it can be of no further use, and translates the answer.
    fn finish<T>(
        &self,
        connection: PoolConnection<DB>,
        answer: Result<Result<T, Failure>, Elapsed>,
    ) -> Result<T, PortError> {
        match answer {
            Ok(Ok(value)) => return Ok(value),
            Ok(Err(failure)) if !failure.is_lost() => return Err(failure.into_port(&self.address)),
            Ok(Err(_)) | Err(_) => self.suspicion.raise(),
        }
        // Detached and dropped at once: to return it, or to close it politely, would wait for a silent server.
        drop(connection.detach());
        match answer {
            Ok(Err(failure)) => Err(failure.into_port(&self.address)),
            Ok(Ok(_)) | Err(_) => Err(PortError::Deadline),
        }
    }
}
