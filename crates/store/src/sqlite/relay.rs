//! Bringing the outbox over SQLite, which one process has for itself: the turn within it is enough.
//!
//! Invariant: nobody waits for the courier: neither a connection nor the write lock is held while it is at work.

use std::time::Duration;

use domain::ports::{Courier, PortError};
use sqlx::Sqlite;

use crate::bookings::outbox::{self, Told};
use crate::gate::Gate;

/// Longest time that a courier may take for what it is given at once.
const CARRY_DEADLINE: Duration = Duration::from_secs(2);

/// What was brought is marked, also where the courier came to grief behind it.
pub(super) async fn relay(
    reader: &Gate<Sqlite>,
    writer: &Gate<Sqlite>,
    courier: &dyn Courier,
    limit: usize,
) -> Result<Told, PortError> {
    let rows = reader.run(async |on| outbox::waiting::<Sqlite>(on, limit).await).await?;
    let told = outbox::carry(courier, rows, CARRY_DEADLINE).await;
    writer.run(async |on| outbox::mark::<Sqlite>(on, &told).await).await?;
    Ok(told)
}
