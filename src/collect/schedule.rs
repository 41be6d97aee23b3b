//! When to collect: at once, a quarter of a second later, then on whole seconds. Pure.

use super::INTERVAL_MS;

/// Milliseconds from the first sample to the second, so that rates draw at once.
pub const OPENING_GAP_MS: i64 = 250;
/// A sample that would begin this late is a gap: stamped with its second, its counters would bend
/// the rates on both sides by half.
pub const START_LAG_MS_MAX: i64 = 500;

/// What the schedule says at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Nothing is due before this many milliseconds have passed; ask again then.
    Wait {
        /// More than zero, at most [`INTERVAL_MS`].
        ms: i64,
    },
    /// Collect now.
    Collect {
        /// The time to stamp.
        at_ms: i64,
        /// Whether `at_ms` is a whole second of the schedule.
        ///
        /// The two opening samples carry their true time instead: no second's sample was taken
        /// then, and calling it one would be a lie of up to a second.
        is_step: bool,
        /// Whole seconds that passed without a sample since the last.
        missed: u64,
    },
}

#[derive(Debug, Clone, Copy)]
enum State {
    First,
    Second { due_ms: i64 },
    Steps { due_ms: i64 },
}

/// Decides when the next sample is due, from the time of day alone.
///
/// It aims at whole seconds anew each time, so it does not drift. A second that could not begin
/// within [`START_LAG_MS_MAX`] is skipped and counted; none is ever made up for.
#[derive(Debug)]
pub struct Schedule {
    state: State,
    missed: u64,
}

impl Schedule {
    /// A schedule that has not begun.
    pub const fn new() -> Self {
        Self { state: State::First, missed: 0 }
    }

    /// Tells what to do at `now_ms`.
    pub fn poll(&mut self, now_ms: i64) -> Turn {
        match self.state {
            State::First => {
                self.state = State::Second { due_ms: now_ms + OPENING_GAP_MS };
                Turn::Collect { at_ms: now_ms, is_step: false, missed: 0 }
            }
            State::Second { due_ms } => {
                // More than the gap away: the clock was set back meanwhile.
                if now_ms < due_ms && due_ms - now_ms <= OPENING_GAP_MS {
                    return Turn::Wait { ms: due_ms - now_ms };
                }
                self.state = State::Steps { due_ms: second_after(now_ms) };
                Turn::Collect { at_ms: now_ms, is_step: false, missed: 0 }
            }
            State::Steps { due_ms } => self.poll_steps(now_ms, due_ms),
        }
    }

    fn poll_steps(&mut self, now_ms: i64, due_ms: i64) -> Turn {
        let late_ms = now_ms - due_ms;
        if (0..START_LAG_MS_MAX).contains(&late_ms) {
            self.state = State::Steps { due_ms: due_ms + INTERVAL_MS };
            return Turn::Collect { at_ms: due_ms, is_step: true, missed: std::mem::take(&mut self.missed) };
        }
        let due_ms = if late_ms < -INTERVAL_MS || late_ms >= 0 { second_after(now_ms) } else { due_ms };
        if late_ms >= 0 {
            self.missed += u64::try_from((due_ms - (now_ms - late_ms)) / INTERVAL_MS).unwrap_or(0);
        }
        self.state = State::Steps { due_ms };
        Turn::Wait { ms: due_ms - now_ms }
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

/// The first whole second later than `now_ms`.
fn second_after(now_ms: i64) -> i64 {
    (now_ms.div_euclid(INTERVAL_MS) + 1) * INTERVAL_MS
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(ms: i64) -> Turn {
        Turn::Wait { ms }
    }

    fn opening(at_ms: i64) -> Turn {
        Turn::Collect { at_ms, is_step: false, missed: 0 }
    }

    fn step(at_ms: i64, missed: u64) -> Turn {
        Turn::Collect { at_ms, is_step: true, missed }
    }

    #[track_caller]
    fn check(turns: &[(i64, Turn)]) {
        let mut schedule = Schedule::new();
        for (now_ms, expected) in turns {
            assert_eq!(schedule.poll(*now_ms), *expected, "at {now_ms}");
        }
    }

    #[test]
    fn two_samples_open_then_whole_seconds() {
        check(&[
            (10_400, opening(10_400)),
            (10_404, wait(246)),
            (10_651, opening(10_651)),
            (10_660, wait(340)),
            (11_001, step(11_000, 0)),
            (11_009, wait(991)),
            (12_000, step(12_000, 0)),
        ]);
    }

    #[test]
    fn a_late_second_is_a_gap() {
        check(&[
            (0, opening(0)),
            (250, opening(250)),
            (1_499, step(1_000, 0)),
            (2_500, wait(500)),
            (3_000, step(3_000, 1)),
            (7_800, wait(200)),
            (8_000, step(8_000, 4)),
        ]);
    }

    #[test]
    fn a_clock_set_back_does_not_stop_it() {
        check(&[
            (100_000, opening(100_000)),
            (40_100, opening(40_100)),
            (100_250, wait(750)),
            (101_000, step(101_000, 60)),
            (50_300, wait(700)),
            (51_000, step(51_000, 0)),
        ]);
    }
}
