//! Opening a live query: its history, joined to its tail at one step.

use std::sync::Arc;

use serde_json::value::RawValue;
use tokio::sync::oneshot;

use super::{
    Command, Live, RECOVER_STEPS_MAX, SERIES_DRAWN_MAX, WINDOW_STEPS_MAX,
    block::{Cell, Columns},
    check_step,
    error::LiveError,
    evaluate::{self, Found},
    evaluations::Turn,
};
use crate::model::limits::LATE_MS_MAX;
use crate::model::{Labels, SelectedSeries};
use crate::query::Plan;
use crate::wire::centrifugo::Publication;

/// A subscribe to a live query.
#[derive(Debug, Clone)]
pub struct Open {
    /// The channel that the client named.
    pub channel: Arc<str>,
    /// The expression.
    pub expr: String,
    /// The step, ms.
    pub step: i64,
    /// How much history is wanted, ms.
    pub window: i64,
    /// Where the client stopped, if it recovers.
    pub since: Option<Since>,
}

/// Where a client stopped.
#[derive(Debug, Clone)]
pub struct Since {
    /// The newest step that it has.
    pub offset: u64,
    /// The epoch of that.
    pub epoch: String,
}

/// The answer to a subscribe.
#[derive(Debug)]
pub struct Opened {
    /// The epoch of the query.
    pub epoch: String,
    /// The newest step that the answer holds.
    pub offset: u64,
    /// The table, and the window (or the last minute, when recovered).
    pub data: Box<RawValue>,
    /// The missed steps, one each.
    pub publications: Vec<Publication>,
    /// Whether all that was missed is there.
    pub recovered: bool,
}

/// A range wanted once.
#[derive(Debug, Clone, serde::Deserialize)]
pub struct Range {
    /// The expression.
    pub expr: String,
    /// The first step, ms.
    pub start: i64,
    /// The last step, ms.
    pub end: i64,
    /// The step, ms.
    pub step: i64,
}

/// What the engine says of a query that a viewer joins.
#[derive(Debug)]
pub(crate) struct Begun {
    /// The newest step that was sent.
    pub(crate) last: i64,
    /// The epoch.
    pub(crate) epoch: String,
}

/// Where the series of a backfill stand in the query's table.
#[derive(Debug)]
pub(crate) struct Finished {
    /// The table's version.
    pub(crate) version: u64,
    /// The table.
    pub(crate) table: Vec<Labels>,
    /// The position of each series that was found; none past the limit.
    pub(crate) positions: Vec<Option<usize>>,
}

impl Live {
    /// Adds a viewer to a live query and returns its history up to the step after which frames follow.
    ///
    /// The caller must have the channel's frames held back already; those up to [`Opened::offset`] are in the
    /// answer. Each success wants one [`Live::close`], and no failure does.
    ///
    /// # Errors
    ///
    /// [`LiveError`].
    pub async fn open(&self, open: Open) -> Result<Opened, LiveError> {
        check_step(open.step)?;
        let plan = Plan::parse(&open.expr)?;
        if Self::channel(&open.expr, open.step) != *open.channel {
            return Err(LiveError::Channel);
        }
        if open.window < 0 || WINDOW_STEPS_MAX < open.window / open.step {
            return Err(LiveError::Window);
        }
        let (begun, answer) = oneshot::channel();
        let channel = Arc::clone(&open.channel);
        let begin = Command::Begin { channel, plan: plan.clone(), step: open.step, begun };
        self.commands.send(begin).await.map_err(|_| LiveError::Stopped)?;
        let begun = answer.await.map_err(|_| LiveError::Stopped)??;
        let channel = Arc::clone(&open.channel);
        let opened = self.join(plan, open, &begun).await;
        if opened.is_err() {
            self.close(&channel).await;
        }
        opened
    }

    /// Reads the history of a query that counts its new viewer already.
    async fn join(&self, plan: Plan, open: Open, begun: &Begun) -> Result<Opened, LiveError> {
        let turn = self.evaluations.turn().await?;
        let wanted = Wanted::new(&open, begun);
        let range = (wanted.start, begun.last, open.step);
        let found = self.evaluate(turn, plan, range).await?;
        let (finished, answer) = oneshot::channel();
        let labels = found.series.iter().map(|series| series.labels.clone()).collect();
        let finish = Command::Finish { channel: open.channel, found: labels, finished };
        self.commands.send(finish).await.map_err(|_| LiveError::Stopped)?;
        let finished = answer.await.map_err(|_| LiveError::Stopped)?;
        wanted.answer(begun, &finished, &found)
    }

    async fn evaluate(&self, turn: Turn, plan: Plan, range: (i64, i64, i64)) -> Result<Found, LiveError> {
        let store = self.store.clone();
        turn.run(move || evaluate::range(&plan, range, &store)).await?
    }

    /// The block of a range, as in a subscribe's answer.
    ///
    /// # Errors
    ///
    /// [`LiveError`].
    pub async fn range(&self, range: Range) -> Result<String, LiveError> {
        let plan = Plan::parse(&range.expr)?;
        let steps = range.end.checked_sub(range.start).and_then(|length| length.checked_div(range.step));
        if range.step <= 0 || !steps.is_some_and(|steps| (0..=WINDOW_STEPS_MAX).contains(&steps)) {
            return Err(LiveError::Window);
        }
        let turn = self.evaluations.turn().await?;
        let Found { series: found, notes } =
            self.evaluate(turn, plan, (range.start, range.end, range.step)).await?;
        let table: Vec<Labels> =
            found.iter().take(SERIES_DRAWN_MAX).map(|series| series.labels.clone()).collect();
        let positions: Vec<_> = (0..table.len()).map(Some).collect();
        let last = range.start + steps.unwrap_or_default() * range.step;
        let columns = columns((range.start, last, range.step), &positions, &found);
        Ok(columns.block(range.step, (0, &table), found.len() - table.len(), &notes))
    }
}

/// What a subscribe asks of the history.
#[derive(Debug)]
struct Wanted {
    start: i64,
    step: i64,
    /// The first step that the client missed, if it recovers.
    missed: Option<i64>,
}

impl Wanted {
    fn new(open: &Open, begun: &Begun) -> Self {
        let step = open.step;
        let newest = u64::try_from(begun.last / step).unwrap_or_default();
        let missed = open.since.as_ref().and_then(|since| {
            let recovers =
                since.epoch == begun.epoch && newest.saturating_sub(since.offset) <= RECOVER_STEPS_MAX;
            let next = i64::try_from(since.offset).ok()?.checked_add(1)?.checked_mul(step)?;
            recovers.then_some(next)
        });
        let start = match missed {
            Some(missed) => missed.min(begun.last - LATE_MS_MAX / step * step),
            None => begun.last - (open.window / step - 1).max(0) * step,
        };
        Self { start, step, missed }
    }

    fn answer(&self, begun: &Begun, finished: &Finished, found: &Found) -> Result<Opened, LiveError> {
        let columns = columns((self.start, begun.last, self.step), &finished.positions, &found.series);
        let more = finished.positions.iter().filter(|position| position.is_none()).count();
        let minute = self.missed.map(|_| begun.last - LATE_MS_MAX);
        let shown = minute.map_or_else(|| columns.clone(), |minute| columns.from(minute));
        let publications = self
            .missed
            .map_or_else(Vec::new, |missed| publications(&columns, finished.version, missed, self.step));
        Ok(Opened {
            epoch: begun.epoch.clone(),
            offset: u64::try_from(begun.last / self.step).unwrap_or_default(),
            data: raw(shown.block(self.step, (finished.version, &finished.table), more, &found.notes))?,
            publications,
            recovered: self.missed.is_some(),
        })
    }
}

/// The missed steps, each a publication with its offset.
fn publications(columns: &Columns, version: u64, missed: i64, step: i64) -> Vec<Publication> {
    let mut publications = Vec::new();
    for (at, time) in columns.times.iter().enumerate().filter(|(_, time)| missed <= **time) {
        let values = columns.values.iter().map(|column| vec![column[at]]).collect();
        let one = Columns { times: vec![*time], values };
        publications.push(Publication {
            data: one.frame_data(version, None, *time).into(),
            offset: u64::try_from(time / step).unwrap_or_default(),
            ..Publication::default()
        });
    }
    publications
}

fn raw(text: String) -> Result<Box<RawValue>, LiveError> {
    // What we write is JSON.
    RawValue::from_string(text).map_err(|_| LiveError::Stopped)
}

/// What was found, in columns at the positions of a table.
fn columns(
    (start, end, step): (i64, i64, i64),
    positions: &[Option<usize>],
    found: &[SelectedSeries],
) -> Columns {
    let times: Vec<i64> = (0..).map(|n| start + n * step).take_while(|time| *time <= end).collect();
    let width = positions.iter().flatten().max().map_or(0, |widest| widest + 1);
    let mut values: Vec<Vec<Cell>> = vec![vec![None; times.len()]; width];
    for (series, position) in found.iter().zip(positions) {
        let Some(position) = position else { continue };
        for sample in &series.samples {
            let row = usize::try_from((sample.t - start) / step).ok();
            if let Some(cell) = row.and_then(|row| values[*position].get_mut(row)) {
                *cell = Some(sample.v);
            }
        }
    }
    Columns { times, values }
}

impl Columns {
    /// The part from `start` on.
    fn from(&self, start: i64) -> Self {
        let at = self.times.partition_point(|time| *time < start);
        Self {
            times: self.times[at..].to_vec(),
            values: self.values.iter().map(|column| column[at..].to_vec()).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio_util::sync::CancellationToken;

    use super::*;
    use crate::clock::Clock;
    use crate::live::EngineParts;
    use crate::store::Store;
    use crate::telemetry::Registry;

    #[tokio::test(start_paused = true)]
    async fn a_viewer_that_was_refused_takes_no_other_off() {
        let (clock, registry) = (Clock::manual(1_790_000_000_000), Registry::default());
        let parts =
            EngineParts { store: Store::in_memory(), clock: clock.clone(), generation: "g".to_owned() };
        let crate::live::Made { engine, live, steps: _steps, carried: _carried, appended: _appended } =
            crate::live::Made::new(parts, &registry);
        let end = CancellationToken::new();
        let working = engine.run(end.clone());
        let looking = async {
            let channel: Arc<str> = Live::channel("vector(1)", 1_000).into();
            let expr = "vector(1)".to_owned();
            let open = Open { channel, expr, step: 1_000, window: 10_000, since: None };
            live.open(open.clone()).await.unwrap();
            for _ in 0..3 {
                live.open(Open { window: -1, ..open.clone() }).await.unwrap_err();
            }
            clock.set(clock.now_ms() + 60_000);
            tokio::time::sleep(Duration::from_secs(5)).await;
            let queries = registry.gauge("watchroom_live_queries", "");
            assert!((queries.get() - 1.0).abs() < f64::EPSILON, "the first one still looks");
            live.close(&open.channel).await;
            tokio::time::sleep(Duration::from_secs(2)).await;
            clock.set(clock.now_ms() + 60_000);
            tokio::time::sleep(Duration::from_secs(5)).await;
            assert!(queries.get().abs() < f64::EPSILON, "nobody does");
            end.cancel();
        };
        let (ended, ()) = tokio::join!(working, looking);
        ended.unwrap();
    }
}
