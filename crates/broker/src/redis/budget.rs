//! Users' token buckets. Counted by Redis' own clock, inside the script, so nodes cannot disagree.

use std::time::Duration;

use domain::UserId;
use domain::ports::{PortError, Rate};

use super::link::unexpected;
use super::seats::Seats;

impl Seats {
    /// A token takes a whole number of microseconds, rounded up: never more than the rate, and less than a thousandth
    /// below it up to a thousand tokens per second.
    pub(super) async fn spend(
        &self,
        user: &UserId,
        cost: u32,
        rate: Rate,
    ) -> Result<Option<Duration>, PortError> {
        if rate.per_second == 0 || cost == 0 {
            return Ok(None);
        }
        let (names, burst) = (&self.link.keys, rate.burst.max(1));
        let shard = names.shard_of_user(user);
        let arguments = [1_000_000_u32.div_ceil(rate.per_second), cost.min(burst), burst];
        let arguments = arguments.map(|number| number.to_string().into()).to_vec();
        let keys = vec![names.budget(shard, user)];
        let reply = self.link.call(&self.scripts.spend, shard, keys, arguments).await?;
        match reply.as_u64() {
            Some(0) => Ok(None),
            Some(wait) => Ok(Some(Duration::from_micros(wait))),
            None => Err(unexpected("a budget")),
        }
    }
}
