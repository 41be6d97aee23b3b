//! Takes out keys whose time is over, beside the heartbeat: nodes that have much to take out stay alive.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use tokio::time::{Instant, Interval, MissedTickBehavior, interval};

use super::{Moving, Place, Shared, call, call_of, message};
use crate::backend::BackendError;

/// How often a node looks for keys whose time is over…
const SWEEP_EVERY: Duration = Duration::from_secs(1);
/// …and how long it takes some out before it waits again: the rest of Redis's time is for others.
const SWEEP_MAX: Duration = Duration::from_millis(500);
/// Maps of one place that a node looks at in one go…
const LOOK_AT_ONCE: usize = 64;
/// …and goes of each second: so many removals of one map, too.
const LOOKS_MAX: usize = 16;
/// Keys that one step takes out: Redis does nothing else meanwhile.
const EXPIRE_AT_ONCE: usize = 256;

/// Where a node goes on. Each begins elsewhere, so that they share what there is to do.
#[derive(Debug)]
pub(in crate::backend::redis) struct Sweeper {
    beat: Interval,
    /// The number of the next place.
    next: usize,
    /// Places that this second has left.
    left: usize,
    /// When it is over.
    until: Instant,
}

impl Sweeper {
    pub(in crate::backend::redis) fn new() -> Self {
        let mut beat = interval(SWEEP_EVERY);
        beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { beat, next: fastrand::usize(..Place::COUNT), left: 0, until: Instant::now() }
    }

    /// Takes out keys for ever, where there may be maps. Several nodes may do so at once: each key is taken out in one step.
    /// Dropped at any time, it goes on with the next place.
    pub(in crate::backend::redis) async fn run(&mut self, shared: &Shared) -> Infallible {
        loop {
            let place = self.next_place(&shared.has_maps).await;
            if let Err(error) = sweep(shared, place, self.until).await {
                tracing::debug!(error = %error, "keys of maps not taken out");
            }
        }
    }

    /// The places in turn, each second as many as there is time for, and none twice. One that takes all the time does not
    /// take it from the others: they come before it is tried again.
    async fn next_place(&mut self, has_maps: &AtomicBool) -> Place {
        loop {
            if self.left == 0 || self.until <= Instant::now() {
                self.left = 0;
                self.beat.tick().await;
                if !has_maps.load(Ordering::Relaxed) {
                    continue;
                }
                (self.left, self.until) = (Place::COUNT, Instant::now() + SWEEP_MAX);
            }
            let place = Place::all().nth(self.next);
            (self.next, self.left) = ((self.next + 1) % Place::COUNT, self.left - 1);
            if let Some(place) = place {
                return place;
            }
        }
    }
}

/// Takes out what is due in one place, until a time.
async fn sweep(shared: &Shared, place: Place, until: Instant) -> Result<(), BackendError> {
    let scripts = &shared.scripts.maps;
    for _ in 0..LOOKS_MAX {
        let mut due = call(&scripts.due, 1);
        due.arg(shared.keys.map_ends(place)).arg(LOOK_AT_ONCE);
        let due: Vec<String> = shared.run(place, &due, Moving::Follows).await?;
        if due.is_empty() {
            break;
        }
        for channel in due {
            if until <= Instant::now() {
                return Ok(());
            }
            let keys = shared.keys.channel(&channel);
            let mut expire = call_of(shared, &scripts.expire, &keys, "");
            expire.arg(shared.keys.topic(place)).arg(message::HEAD).arg(EXPIRE_AT_ONCE).arg(&channel);
            shared.run::<()>(place, &expire, Moving::Waits).await?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use tokio::time::{sleep, timeout};

    use super::*;

    /// Which places are visited within a time, where each visit takes so long.
    async fn visited(sweeper: &mut Sweeper, has_maps: bool, each: Duration, within: Duration) -> Vec<usize> {
        let mut seen = Vec::new();
        let has_maps = AtomicBool::new(has_maps);
        let visits = async {
            loop {
                seen.push(sweeper.next_place(&has_maps).await.index());
                sleep(each).await;
            }
        };
        let ended: Result<Infallible, _> = timeout(within, visits).await;
        assert!(ended.is_err(), "it goes on for ever");
        seen
    }

    #[tokio::test(start_paused = true)]
    async fn each_second_has_its_bound_and_the_next_goes_on() {
        let mut sweeper = Sweeper::new();
        sweeper.next = Place::COUNT - 2;
        let seen = visited(&mut sweeper, true, SWEEP_MAX / 2, Duration::from_millis(1_900)).await;
        assert_eq!(seen, [Place::COUNT - 2, Place::COUNT - 1, 0, 1], "two of each second");
        // One that takes all the time is not tried again before the others.
        let seen = visited(&mut sweeper, true, SWEEP_MAX * 3, Duration::from_secs(5)).await;
        assert_eq!(seen[..2], [2, 3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_visits_every_place_once() {
        let each = Duration::from_millis(1);
        let seen = visited(&mut Sweeper::new(), true, each, Duration::from_millis(900)).await;
        let places: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), places.len()), (Place::COUNT, Place::COUNT));
    }

    #[tokio::test(start_paused = true)]
    async fn where_there_are_no_maps_nothing_is_visited() {
        let mut sweeper = Sweeper::new();
        assert!(visited(&mut sweeper, false, SWEEP_MAX, Duration::from_hours(1)).await.is_empty());
        assert!(!visited(&mut sweeper, true, SWEEP_MAX, Duration::from_secs(2)).await.is_empty());
    }
}
