//! What time does to a connection: pings, silence, and the end of its token. Time is read here alone.

use std::time::Duration;

use tokio::time::Instant;

use crate::words::{CloseReason, Limits, Timestamp};

/// A warning is sent this long before the token ends.
const WARNING: Duration = Duration::from_secs(30);
/// The longest wait between two looks at the clock, where pings are switched off.
const IDLE: Duration = Duration::from_secs(3600);

/// What is due now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Due {
    /// Not yet anything.
    Nothing,
    /// Send a ping.
    Ping,
    /// Warn that the token ends in this time.
    Warn(Duration),
    /// The connection is over.
    End(CloseReason),
}

/// The clock of one connection.
#[derive(Debug)]
pub(super) struct Lifetime {
    ping_interval: Duration,
    ping_timeout: Duration,
    heard_at: Instant,
    ping_at: Instant,
    warns: bool,
    warn_at: Option<Instant>,
    ends_at: Instant,
}

impl Lifetime {
    /// A clock that starts now. The first ping is spread over half the interval, so that clients that came
    /// together are not pinged together.
    pub(super) fn new(limits: &Limits, expires_at: Timestamp, warns: bool) -> Self {
        let now = Instant::now();
        let interval = if limits.ping_interval.is_zero() { IDLE } else { limits.ping_interval };
        let left = Duration::from_millis(Timestamp::now().millis_until(expires_at));
        Self {
            ping_interval: interval,
            ping_timeout: limits.ping_timeout,
            heard_at: now,
            ping_at: now + interval.mul_f64(0.5 + rand::random::<f64>() / 2.0),
            warns,
            warn_at: warns.then(|| now + left.saturating_sub(WARNING)),
            ends_at: now + left,
        }
    }

    /// The connection may go on until then.
    pub(super) fn renew(&mut self, expires_at: Timestamp) {
        let now = Instant::now();
        let left = Duration::from_millis(Timestamp::now().millis_until(expires_at));
        self.warn_at = self.warns.then(|| now + left.saturating_sub(WARNING));
        self.ends_at = now + left;
    }

    /// A sign of life came in.
    pub(super) fn heard(&mut self) {
        self.heard_at = Instant::now();
    }

    /// When a write that makes no progress ends the connection, and as what.
    pub(super) fn write_deadline(&self) -> (Instant, CloseReason) {
        let patience = if self.ping_timeout.is_zero() { IDLE } else { self.ping_timeout };
        let silent = Instant::now() + patience;
        if self.ends_at <= silent {
            return (self.ends_at, CloseReason::TokenExpired);
        }
        (silent, CloseReason::SlowConsumer)
    }

    /// When to ask again what is due.
    pub(super) fn next_due(&self) -> Instant {
        let silent = (!self.ping_timeout.is_zero()).then(|| self.heard_at + self.ping_timeout);
        let first = self.ping_at.min(self.ends_at);
        [self.warn_at, silent].into_iter().flatten().fold(first, Instant::min)
    }

    /// What is due now; each ping and the warning are due once.
    pub(super) fn due(&mut self) -> Due {
        let now = Instant::now();
        if now >= self.ends_at {
            return Due::End(CloseReason::TokenExpired);
        }
        if self.warn_at.is_some_and(|warn_at| now >= warn_at) {
            self.warn_at = None;
            return Due::Warn(self.ends_at - now);
        }
        if !self.ping_timeout.is_zero() && now - self.heard_at >= self.ping_timeout {
            return Due::End(CloseReason::Silent);
        }
        if now >= self.ping_at {
            self.ping_at = now + self.ping_interval;
            return Due::Ping;
        }
        Due::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lifetime(token: Duration, warns: bool) -> Lifetime {
        let expires_at = Timestamp(Timestamp::now().0 + i64::try_from(token.as_millis()).unwrap());
        Lifetime::new(&Limits::default(), expires_at, warns)
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_connection_is_pinged_and_then_given_up() {
        let mut lifetime = lifetime(Duration::from_secs(3600), false);
        let (start, mut pings) = (Instant::now(), 0);
        loop {
            tokio::time::sleep_until(lifetime.next_due()).await;
            match lifetime.due() {
                Due::Ping => pings += 1,
                Due::End(reason) => break assert_eq!(reason, CloseReason::Silent),
                due => panic!("{due:?}"),
            }
        }
        assert!(pings >= 2, "{pings}");
        assert_eq!(start.elapsed(), Duration::from_secs(60));
    }

    #[tokio::test(start_paused = true)]
    async fn a_connection_never_outlives_its_token_and_is_warned_where_it_understands() {
        let mut warned = lifetime(Duration::from_secs(40), true);
        tokio::time::advance(Duration::from_secs(11)).await;
        assert!(matches!(warned.due(), Due::Warn(left) if left <= Duration::from_secs(30)));
        tokio::time::advance(Duration::from_secs(30)).await;
        assert_eq!(warned.due(), Due::End(CloseReason::TokenExpired));
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_that_ends_within_the_warning_time_is_warned_of_at_once() {
        let mut lifetime = lifetime(Duration::from_secs(10), true);
        assert!(matches!(lifetime.due(), Due::Warn(_)));
        assert_eq!(lifetime.due(), Due::Nothing);
    }
}
