//! What becomes of the next calls of one port method: they pass, fail, wait until they are let go, or meet weather.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::time::Duration;

use domain::ports::PortError;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

/// The longest that a test waits for anything, on the paused clock.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

enum Step {
    Pass,
    Fail(PortError),
    Hold { begun: oneshot::Sender<()>, release: oneshot::Receiver<()> },
}

struct Weather {
    dice: StdRng,
    longest_ms: u64,
    failures: f64,
}

/// The steps of one method, one per call; without a step a call passes, in whatever weather there is.
#[derive(Default)]
pub(crate) struct Script {
    steps: Mutex<VecDeque<Step>>,
    weather: Mutex<Option<Weather>>,
}

impl Script {
    /// The next call passes.
    pub(crate) fn pass(&self) {
        self.steps.lock().unwrap().push_back(Step::Pass);
    }

    /// The next call fails.
    pub(crate) fn fail(&self, error: PortError) {
        self.steps.lock().unwrap().push_back(Step::Fail(error));
    }

    /// The next call waits until it is let go.
    pub(crate) fn hold(&self) -> Held {
        let (begin, begun) = oneshot::channel();
        let (release, released) = oneshot::channel();
        self.steps.lock().unwrap().push_back(Step::Hold { begun: begin, release: released });
        Held { begun, release }
    }

    /// What was said of the next calls is not meant any more.
    pub(crate) fn clear(&self) {
        self.steps.lock().unwrap().clear();
    }

    /// Steps that no call has met yet.
    pub(crate) fn left(&self) -> usize {
        self.steps.lock().unwrap().len()
    }

    /// From now on calls take up to `longest_ms`, and this part of them fails.
    pub(crate) fn weather(&self, seed: u64, longest_ms: u64, failures: f64) {
        let dice = StdRng::seed_from_u64(seed);
        *self.weather.lock().unwrap() = Some(Weather { dice, longest_ms, failures });
    }

    /// Calls pass at once again.
    pub(crate) fn calm_weather(&self) {
        *self.weather.lock().unwrap() = None;
    }

    /// Plays the next step.
    pub(crate) async fn turn(&self) -> Result<(), PortError> {
        let step = self.steps.lock().unwrap().pop_front();
        match step {
            None => self.endure().await,
            Some(Step::Pass) => Ok(()),
            Some(Step::Fail(error)) => Err(error),
            Some(Step::Hold { begun, release }) => {
                let _ = begun.send(());
                let _ = release.await;
                Ok(())
            }
        }
    }

    async fn endure(&self) -> Result<(), PortError> {
        let throw = |weather: &mut Weather| {
            (weather.dice.random_range(0..=weather.longest_ms), weather.dice.random_bool(weather.failures))
        };
        let Some((delay, fails)) = self.weather.lock().unwrap().as_mut().map(throw) else { return Ok(()) };
        sleep(Duration::from_millis(delay)).await;
        if fails { Err(PortError::Deadline) } else { Ok(()) }
    }
}

/// A call that waits.
pub(crate) struct Held {
    begun: oneshot::Receiver<()>,
    release: oneshot::Sender<()>,
}

impl Held {
    /// Waits until the call is there.
    pub(crate) async fn begun(&mut self) {
        timeout(PATIENCE, &mut self.begun).await.expect("the call was never made").unwrap();
    }

    /// Lets the call go on.
    pub(crate) fn release(self) {
        let _ = self.release.send(());
    }
}
