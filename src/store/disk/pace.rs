//! Whether the disk is slow: a judgement over several commits, because one stall is no news and a
//! warning that comes and goes each second is read by nobody.

use std::time::Duration;

/// A commit that takes longer is slow: a disk of today takes 10 ms, a spinning one 30.
pub const SLOW_COMMIT: Duration = Duration::from_millis(100);
/// Slow commits in a row after which the disk is called slow: three seconds of them.
pub const SLOW_AFTER: u32 = 3;
/// Prompt commits in a row after which it is well again.
pub const WELL_AFTER: u32 = 10;

/// Judges the disk by how long its commits take.
#[derive(Debug, Default)]
pub struct Pace {
    slow: bool,
    /// Commits in a row that speak against the judgement.
    against: u32,
}

impl Pace {
    /// Takes one commit's time; tells whether the disk is slow.
    pub fn commit(&mut self, took: Duration) -> bool {
        if (took >= SLOW_COMMIT) == self.slow {
            self.against = 0;
        } else {
            self.against += 1;
            if self.against >= if self.slow { WELL_AFTER } else { SLOW_AFTER } {
                *self = Self { slow: !self.slow, against: 0 };
            }
        }
        self.slow
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(pace: &mut Pace, commits: &[(u32, Duration)]) -> Vec<bool> {
        commits.iter().flat_map(|(n, took)| vec![*took; *n as usize]).map(|took| pace.commit(took)).collect()
    }

    #[test]
    fn a_stall_is_no_slow_disk() {
        let mut pace = Pace::default();
        let prompt = SLOW_COMMIT - Duration::from_millis(1);
        let told =
            judged(&mut pace, &[(5, prompt), (SLOW_AFTER - 1, SLOW_COMMIT), (1, prompt), (2, SLOW_COMMIT)]);
        assert!(told.iter().all(|slow| !slow), "{told:?}");
    }

    #[test]
    fn slow_until_it_was_prompt_for_a_while() {
        let mut pace = Pace::default();
        let prompt = Duration::from_millis(5);
        assert_eq!(judged(&mut pace, &[(SLOW_AFTER, SLOW_COMMIT)]), [false, false, true]);
        let wavering =
            judged(&mut pace, &[(WELL_AFTER - 1, prompt), (1, SLOW_COMMIT), (WELL_AFTER - 1, prompt)]);
        assert!(wavering.iter().all(|slow| *slow), "{wavering:?}");
        assert!(!pace.commit(prompt));
    }
}
