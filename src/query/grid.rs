//! The steps of an evaluation, and the windows that end at them.

use super::{
    QueryError,
    limits::{EvalLimits, TIME_MS_MAX},
    value::EvalRange,
};

/// Evenly spaced times. May be empty; every time is within [`TIME_MS_MAX`] and a few spans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Grid {
    /// The first time, ms.
    pub start: i64,
    /// Milliseconds from one to the next, above 0.
    pub step: i64,
    /// How many there are.
    pub count: usize,
}

impl Grid {
    /// The grid of a query.
    ///
    /// # Errors
    ///
    /// When the range is backwards, out of the range of dates, or has too many steps.
    pub fn of_query(range: EvalRange, limits: &EvalLimits) -> Result<Self, QueryError> {
        let in_range = |t: i64| (-TIME_MS_MAX..=TIME_MS_MAX).contains(&t);
        if !in_range(range.start) || !in_range(range.end) {
            return Err(QueryError::Eval("the time is out of range".to_owned()));
        }
        if range.end < range.start {
            return Err(QueryError::Eval("the end is before the start".to_owned()));
        }
        if range.step < 0 || (range.step == 0 && range.start != range.end) {
            return Err(QueryError::Eval("the step must be above zero".to_owned()));
        }
        let grid = Self::between(range.start, range.end, range.step.max(1));
        if grid.count > limits.steps_max {
            return Err(QueryError::Limit { name: "steps", max: limits.steps_max });
        }
        Ok(grid)
    }

    /// The times from `start` to `end` by `step`; none when `end` is before `start`.
    pub fn between(start: i64, end: i64, step: i64) -> Self {
        let count = if end < start { 0 } else { (end - start) / step.max(1) + 1 };
        Self { start, step: step.max(1), count: usize::try_from(count).unwrap_or(usize::MAX) }
    }

    /// The time of step `k`, ms.
    pub fn time(&self, k: usize) -> i64 {
        let k = i64::try_from(k).unwrap_or(i64::MAX);
        self.start.saturating_add(k.saturating_mul(self.step))
    }

    /// The last time; the first when there is none.
    pub fn end(&self) -> i64 {
        self.time(self.count.saturating_sub(1))
    }

    /// The times, in order.
    pub fn times(self) -> impl Iterator<Item = i64> {
        (0..self.count).map(move |k| self.time(k))
    }
}

/// Where the windows of a selector end, for each step of a grid.
#[derive(Debug, Clone, Copy)]
pub struct Ends {
    /// The steps.
    pub grid: Grid,
    /// The one end of all windows, when `@` fixes it.
    pub fixed: Option<i64>,
    /// How long before the step (or before the fixed time) the window ends, ms.
    pub offset: i64,
}

impl Ends {
    /// Where the window of step `k` ends, ms.
    pub fn end(&self, k: usize) -> i64 {
        self.fixed.unwrap_or_else(|| self.grid.time(k)) - self.offset
    }

    /// The first and the last end.
    pub fn span(&self) -> (i64, i64) {
        match self.fixed {
            Some(at) => (at - self.offset, at - self.offset),
            None => (self.grid.start - self.offset, self.grid.end() - self.offset),
        }
    }
}
