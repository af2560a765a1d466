//! The heartbeat of a session that nobody else keeps alive.
//!
//! Used until a client is handed to the node, whose connections have a clock of their own.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::EngineOptions;

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Send a ping.
    Ping,
    /// Nothing was heard for the interval and the timeout together: the session is over.
    Dead,
}

/// The clock of one session.
#[derive(Debug)]
pub struct Heartbeat {
    interval: Duration,
    silence: Duration,
    heard: Instant,
    ping: Instant,
}

impl Heartbeat {
    /// A clock that starts now; the first ping is due after the interval.
    pub fn new(options: &EngineOptions) -> Self {
        let (now, interval) = (Instant::now(), options.ping_interval);
        Self { interval, silence: options.silence(), heard: now, ping: now + interval }
    }

    /// Something came in.
    pub fn heard(&mut self) {
        self.heard = Instant::now();
    }

    /// Waits for the next thing that is due. Cancel-safe.
    pub async fn next(&mut self) -> Beat {
        let dead = self.heard + self.silence;
        sleep_until(self.ping.min(dead)).await;
        if Instant::now() >= dead {
            return Beat::Dead;
        }
        self.ping = Instant::now() + self.interval;
        Beat::Ping
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_pinged_and_then_given_up() {
        let options = EngineOptions {
            ping_interval: Duration::from_millis(300),
            ping_timeout: Duration::from_millis(200),
            ..EngineOptions::default()
        };
        let start = Instant::now();
        let mut heartbeat = Heartbeat::new(&options);
        assert_eq!(heartbeat.next().await, Beat::Ping);
        assert_eq!(start.elapsed(), options.ping_interval);
        heartbeat.heard();
        assert_eq!(heartbeat.next().await, Beat::Ping);
        assert_eq!(heartbeat.next().await, Beat::Dead);
        assert_eq!(start.elapsed(), Duration::from_millis(800));
    }
}
