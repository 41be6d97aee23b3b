//! Waiting longer after each failure.

use std::time::Duration;

/// Doubles from a first wait up to a longest, with jitter so that many do not retry at once.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    longest: Duration,
    next: Duration,
}

impl Backoff {
    /// Starts at `first`, never waits longer than `longest`.
    #[must_use]
    pub const fn new(first: Duration, longest: Duration) -> Self {
        Self { first, longest, next: first }
    }

    /// How long to wait now: between half of the current step and all of it.
    pub fn wait(&mut self) -> Duration {
        let step = self.next;
        self.next = (step * 2).min(self.longest);
        step.mul_f64(0.5 + fastrand::f64() / 2.0)
    }

    /// After a success: the next failure waits `first` again.
    pub const fn reset(&mut self) {
        self.next = self.first;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_the_longest() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_millis(300));
        for step in [100, 200, 300, 300] {
            let wait = backoff.wait();
            assert!(Duration::from_millis(step / 2) <= wait && wait <= Duration::from_millis(step));
        }
        backoff.reset();
        assert!(backoff.wait() <= Duration::from_millis(100));
    }
}
