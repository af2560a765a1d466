//! Signals: the first SIGTERM or SIGINT begins the drain, the second one ends the process at once.
//!
//! It owns the task that waits for signals and nothing that drains. Invariant: no drain, however stuck, can keep the
//! process alive against a second signal.

use std::io;

use tokio::signal::unix::{self, SignalKind};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Listens for signals while it lives.
#[derive(Debug)]
pub struct Shutdown {
    drain: CancellationToken,
    watch: JoinHandle<()>,
}

/// A signal that asks the process to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Terminate,
    Interrupt,
}

impl Shutdown {
    /// Starts to listen. Must be called inside a runtime; fails only where the system has no more signal handlers.
    pub fn listen() -> io::Result<Self> {
        let mut terminate = unix::signal(SignalKind::terminate())?;
        let mut interrupt = unix::signal(SignalKind::interrupt())?;
        let drain = CancellationToken::new();
        let next = async move || {
            // Both branches are cancel-safe: an unheard signal stays with its stream.
            tokio::select! {
                _ = terminate.recv() => Signal::Terminate,
                _ = interrupt.recv() => Signal::Interrupt,
            }
        };
        let end = |signal: Signal| std::process::exit(signal.exit_code());
        let watch = tokio::spawn(watch(next, drain.clone(), end));
        Ok(Self { drain, watch })
    }

    /// Cancelled by the first signal.
    pub fn token(&self) -> CancellationToken {
        self.drain.clone()
    }
}

impl Drop for Shutdown {
    fn drop(&mut self) {
        self.watch.abort();
    }
}

impl Signal {
    /// What a shell reports for a process that the signal killed.
    fn exit_code(self) -> i32 {
        match self {
            Self::Terminate => 128 + 15,
            Self::Interrupt => 128 + 2,
        }
    }
}

async fn watch(mut next: impl AsyncFnMut() -> Signal, drain: CancellationToken, end: impl FnOnce(Signal)) {
    let first = next().await;
    tracing::info!(signal = ?first, "shutting down, a second signal ends at once");
    drain.cancel();
    let second = next().await;
    tracing::warn!(signal = ?second, "ended at once by a second signal");
    end(second);
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::sync::mpsc;

    use super::*;

    #[tokio::test]
    async fn the_first_signal_drains_and_the_second_ends() {
        // Two places for the two signals of this test; a third would wait.
        let (send, mut receive) = mpsc::channel(2);
        let (ended, mut end) = mpsc::channel(1);
        let drain = CancellationToken::new();
        let next = async move || match receive.recv().await {
            Some(signal) => signal,
            None => pending().await,
        };
        let task = tokio::spawn(watch(next, drain.clone(), move |signal| {
            ended.try_send(signal).expect("the test waits for one end");
        }));
        assert!(!drain.is_cancelled());
        send.send(Signal::Terminate).await.unwrap();
        drain.cancelled().await;
        assert!(end.try_recv().is_err(), "the first signal does not end the process");
        send.send(Signal::Interrupt).await.unwrap();
        assert_eq!(end.recv().await, Some(Signal::Interrupt));
        task.await.unwrap();
    }

    #[test]
    fn exit_codes_are_those_of_a_shell() {
        assert_eq!((Signal::Terminate.exit_code(), Signal::Interrupt.exit_code()), (143, 130));
    }
}
