//! How long to wait before the next attempt to connect: doubling from 100 ms to 2 s, jittered, so that a thousand
//! clients that were cut together do not come back together.

use std::time::Duration;

use rand::Rng;

const FIRST: Duration = Duration::from_millis(100);
const LONGEST: Duration = Duration::from_secs(2);

/// The wait before attempt number `attempt` (0 is the first retry): between half and all of the doubled step.
pub(crate) fn wait(attempt: u32) -> Duration {
    let step = FIRST.saturating_mul(1 << attempt.min(10)).min(LONGEST);
    step.mul_f64(rand::rng().random_range(0.5..=1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_two_seconds_and_stay_there() {
        for (attempt, low, high) in
            [(0, 50, 100), (1, 100, 200), (3, 400, 800), (5, 1000, 2000), (40, 1000, 2000)]
        {
            let wait = wait(attempt).as_millis();
            assert!((low..=high).contains(&wait), "attempt {attempt}: {wait} ms");
        }
    }
}
