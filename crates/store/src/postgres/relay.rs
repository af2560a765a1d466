//! Bringing the outbox over Postgres: one process at a time, whoever gets there first.
//!
//! Invariant: the turn is a lock of the transaction that marks what was brought, so it ends with whoever had it: with their
//! commit, their connection, or, where they were stopped in the middle, with the server's patience.

use std::time::Duration;

use domain::ports::{Courier, PortError};
use sqlx::{Connection, PgConnection, Postgres};

use crate::bookings::RELAY_PATIENCE;
use crate::bookings::outbox::{self, Told};
use crate::failure::Failure;
use crate::gate::Gate;

/// Longest time that a courier may take for what it is given at once; less where a call must end sooner.
const CARRY_DEADLINE: Duration = Duration::from_secs(2);

/// Both until the transaction ends.
const SET_PATIENCE: &str = "
    SELECT set_config('lock_timeout', $1, true), set_config('idle_in_transaction_session_timeout', $2, true)";

/// Two numbers (the letters 'hubb' and 'outb'), which no lock of one number is ever mixed up with.
const TAKE_TURN: &str = "SELECT pg_advisory_xact_lock(1752523362, 1869968482)";

/// What was brought is marked, also where the courier came to grief behind it. Nothing where another process is at it.
pub(super) async fn relay(
    gate: &Gate<Postgres>,
    courier: &dyn Courier,
    limit: usize,
) -> Result<Told, PortError> {
    let patience = CARRY_DEADLINE.min(gate.deadline() / 2);
    gate.run(async |on| {
        let mut transaction = on.begin().await?;
        if !take_turn(&mut transaction, patience).await? {
            return Ok(Told::default());
        }
        let rows = outbox::waiting::<Postgres>(&mut transaction, limit).await?;
        let told = outbox::carry(courier, rows, patience).await;
        outbox::mark::<Postgres>(&mut transaction, &told).await?;
        transaction.commit().await.map_err(Failure::of_commit)?;
        Ok(told)
    })
    .await
}

/// Waits a moment for whoever has the turn; `false`: they have it still.
async fn take_turn(on: &mut PgConnection, patience: Duration) -> Result<bool, Failure> {
    let millis = |duration: Duration| duration.as_millis().max(1).to_string();
    let set = sqlx::query(SET_PATIENCE).bind(millis(RELAY_PATIENCE)).bind(millis(2 * patience));
    set.execute(&mut *on).await?;
    match sqlx::query(TAKE_TURN).execute(on).await.map_err(Failure::from) {
        Ok(_) => Ok(true),
        Err(failure) if failure.is_locked_out() => Ok(false),
        Err(failure) => Err(failure),
    }
}
