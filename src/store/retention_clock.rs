//! The time by which retention judges how old samples are.

/// How far one tick, a second, goes ahead at most, ms: the time goes up to 60 times as fast as the clock.
pub const TICK_MS_MAX: i64 = 60_000;

/// The clock's time, but one that jumps ahead is followed slowly.
///
/// To a clock that says next year by mistake everything is too old. It is not told from one that is right after a long
/// time off; so history goes little by little, and there is time to set it right: in an hour of a wrong clock what
/// is over goes up to 60 hours ahead of its time. After 60 days off retention has caught up in one day. A clock that
/// is set back is believed at once. Bytes are bounded beside it, whatever the time.
#[derive(Debug)]
pub struct RetentionClock(Option<i64>);

impl RetentionClock {
    /// Begins at the newest sample that is stored; at the first tick's time if there is none.
    pub const fn new(newest: Option<i64>) -> Self {
        Self(newest)
    }

    /// The time to judge by, at a tick, ms.
    pub fn tick(&mut self, now_ms: i64) -> i64 {
        let judged = self.0.map_or(now_ms, |before| now_ms.min(before.saturating_add(TICK_MS_MAX)));
        self.0 = Some(judged);
        judged
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(newest: Option<i64>, ticks: &[i64], expected: &[i64]) {
        let mut clock = RetentionClock::new(newest);
        assert_eq!(ticks.iter().map(|now| clock.tick(*now)).collect::<Vec<_>>(), expected);
    }

    #[test]
    fn a_jump_ahead_is_followed_slowly_and_one_back_at_once() {
        let year = 365 * 86_400_000;
        check(None, &[1_000, 2_000, 3_500], &[1_000, 2_000, 3_500]);
        check(None, &[1_000, year, year + 1_000, 4_000], &[1_000, 61_000, 121_000, 4_000]);
        check(Some(500), &[year, year + 1_000], &[60_500, 120_500]);
        // What was stored under a wrong clock does not count.
        check(Some(year), &[1_000], &[1_000]);
    }
}
