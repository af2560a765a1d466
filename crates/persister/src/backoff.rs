//! Waits after failures: doubling, with a ceiling, and jittered so that workers do not come back in step.

use std::time::Duration;

/// How long to wait next.
#[derive(Debug)]
pub(crate) struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    pub(crate) fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// The next wait: between half and the whole of the current step, which doubles.
    pub(crate) fn step(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        step.mul_f64(0.5 + rand::random::<f64>() / 2.0)
    }

    /// Something worked: the next failure is a first one.
    pub(crate) fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_ceiling_and_begin_again_after_a_success() {
        let millis = Duration::from_millis;
        let mut backoff = Backoff::new(millis(100), millis(300));
        for whole in [100, 200, 300, 300] {
            let wait = backoff.step();
            assert!((millis(whole / 2)..=millis(whole)).contains(&wait), "{wait:?} of {whole}");
        }
        backoff.reset();
        assert!(backoff.step() <= millis(100));
    }
}
