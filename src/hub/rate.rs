//! How often one connection may call.

use tokio::time::{Duration, Instant};

/// A limit: so many at once, and then so many a second.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// At once.
    pub burst: f64,
    /// Each second.
    pub per_second: f64,
}

/// What people write: comments, and what they do with alerts. Thirty lines are pasted at once, and nobody types ten a
/// second.
pub const SAY: Rate = Rate { burst: 30.0, per_second: 10.0 };
/// That someone types: pages say it each 3 s.
pub const TYPE: Rate = Rate { burst: 2.0, per_second: 1.0 };
/// Who someone is: each is told to every room that the connection is in.
pub const INTRODUCE: Rate = Rate { burst: 5.0, per_second: 1.0 };

/// What people ask of the server page, which asks three things a second: each is a question to all nodes.
pub const LOOK: Rate = Rate { burst: 30.0, per_second: 10.0 };

/// Subscribes of one client: a page opens dozens at once, one that comes back all that it had.
pub const SUBSCRIBE: Rate = Rate { burst: 2_000.0, per_second: 500.0 };
/// Pages of maps that one client goes on to read: the largest map has 656 of a hundred keys.
pub const PAGE: Rate = Rate { burst: 5_000.0, per_second: 1_000.0 };
/// Publications of one client: a service that publishes more uses the server API.
pub const PUBLISH: Rate = Rate { burst: 5_000.0, per_second: 1_000.0 };

/// What is left of a [`Rate`]: all connections have several, so it is no more than a time.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    /// When all that was taken will have come back; nothing if none was.
    whole_at: Option<Instant>,
}

impl Bucket {
    /// Takes one.
    ///
    /// # Errors
    ///
    /// How long to wait for the next.
    pub(super) fn take(&mut self, rate: Rate) -> Result<(), Duration> {
        let now = Instant::now();
        let one = Duration::from_secs_f64(1.0 / rate.per_second);
        let whole_at = self.whole_at.map_or(now, |at| at.max(now));
        let most = Duration::from_secs_f64((rate.burst - 1.0) / rate.per_second);
        match (whole_at - now).checked_sub(most) {
            Some(wait) if !wait.is_zero() => Err(wait),
            _ => {
                self.whole_at = Some(whole_at + one);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_burst_and_then_one_by_one() {
        let mut bucket = Bucket::default();
        for _ in 0..30 {
            assert_eq!(bucket.take(SAY), Ok(()));
        }
        let wait = bucket.take(SAY).unwrap_err();
        assert!(Duration::from_millis(99) < wait && wait <= Duration::from_millis(100), "{wait:?}");
        tokio::time::advance(wait + Duration::from_millis(1)).await;
        assert_eq!(bucket.take(SAY), Ok(()));
        assert!(bucket.take(SAY).is_err());
        // However long nobody wrote, it is one burst.
        tokio::time::advance(Duration::from_hours(1)).await;
        assert_eq!((0..100).filter(|_| bucket.take(SAY).is_ok()).count(), 30);
    }
}
