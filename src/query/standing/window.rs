//! What is kept of one series for one function: enough for its value at the newest step, and for those that follow.

use std::collections::VecDeque;

use crate::model::{Sample, is_stale};
use crate::query::functions::{
    WindowFunction,
    counter::{Ends, extrapolated, instant},
    extreme::Candidates,
    over_time::{Running, statistic},
};

use super::{Kept, queue::Queue};

/// The window of one series.
pub trait Window: std::fmt::Debug + Send {
    /// An empty window.
    fn new(kept: Kept) -> Self;

    /// Takes a sample that is newer than all before it.
    fn push(&mut self, sample: Sample);

    /// Lets go what is not newer than `start`, and gives the value of the window from there to `end`.
    fn value(&mut self, kept: Kept, span: (i64, i64)) -> Option<f64>;

    /// The time of the newest sample that was pushed.
    fn newest(&self) -> Option<i64>;

    /// Bytes of memory beside the struct itself.
    fn bytes(&self) -> usize;
}

/// The newest sample.
#[derive(Debug)]
pub struct Newest(Option<Sample>);

impl Window for Newest {
    fn new(_: Kept) -> Self {
        Self(None)
    }

    fn push(&mut self, sample: Sample) {
        self.0 = Some(sample);
    }

    fn value(&mut self, kept: Kept, (start, _): (i64, i64)) -> Option<f64> {
        let newest = self.0.filter(|newest| start < newest.t)?;
        match kept {
            // A marker ends the series.
            Kept::Newest | Kept::NewestTime if is_stale(newest.v) => None,
            Kept::NewestTime => Some(seconds(newest.t)),
            Kept::Newest => Some(newest.v),
            Kept::Window(function) => statistic(function, &[newest]),
        }
    }

    fn newest(&self) -> Option<i64> {
        self.0.map(|newest| newest.t)
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// The newest two samples, for `irate` and `idelta`.
#[derive(Debug)]
pub struct Pair([Option<Sample>; 2]);

impl Window for Pair {
    fn new(_: Kept) -> Self {
        Self([None; 2])
    }

    fn push(&mut self, sample: Sample) {
        self.0 = [self.0[1], Some(sample)];
    }

    fn value(&mut self, kept: Kept, (start, _): (i64, i64)) -> Option<f64> {
        let [Some(before), Some(last)] = self.0 else { return None };
        (start < before.t).then(|| instant(&[before, last], kept == Kept::Window(WindowFunction::Irate)))?
    }

    fn newest(&self) -> Option<i64> {
        self.0[1].map(|newest| newest.t)
    }

    fn bytes(&self) -> usize {
        0
    }
}

/// All samples of the window, with what becomes of the value from one to the next.
#[derive(Debug)]
pub struct Steps {
    queue: Queue,
    /// The values before each reset in the window, oldest first.
    falls: VecDeque<f64>,
    /// How often the value becomes another.
    changes: usize,
}

fn differs(a: f64, b: f64) -> bool {
    a != b && !(a.is_nan() && b.is_nan())
}

impl Steps {
    fn slide(&mut self, start: i64) {
        while let Some((first, _)) = self.queue.ends()
            && first.t <= start
        {
            self.queue.pop();
            let Some((next, _)) = self.queue.ends() else { return };
            self.changes -= usize::from(differs(first.v, next.v));
            if next.v < first.v {
                self.falls.pop_front();
            }
        }
    }
}

impl Window for Steps {
    fn new(_: Kept) -> Self {
        Self { queue: Queue::default(), falls: VecDeque::new(), changes: 0 }
    }

    fn push(&mut self, sample: Sample) {
        if let Some((_, last)) = self.queue.ends() {
            self.changes += usize::from(differs(last.v, sample.v));
            if sample.v < last.v {
                self.falls.push_back(last.v);
            }
        }
        self.queue.push(sample);
    }

    fn value(&mut self, kept: Kept, (start, end): (i64, i64)) -> Option<f64> {
        self.slide(start);
        let (first, last) = self.queue.ends()?;
        let count = self.queue.len();
        match kept {
            Kept::Window(WindowFunction::Count) => Some(number(count)),
            Kept::Window(WindowFunction::Changes) => Some(number(self.changes)),
            Kept::Window(WindowFunction::Resets) => Some(number(self.falls.len())),
            Kept::Window(
                function @ (WindowFunction::Rate | WindowFunction::Increase | WindowFunction::Delta),
            ) => {
                let falls = self.falls.iter().copied();
                extrapolated(function, (start, end), Ends { first, last, count }, falls)
            }
            Kept::Window(function) => statistic(function, &[first]),
            Kept::Newest | Kept::NewestTime => None,
        }
    }

    fn newest(&self) -> Option<i64> {
        self.queue.ends().map(|(_, last)| last.t)
    }

    fn bytes(&self) -> usize {
        self.queue.bytes() + self.falls.capacity() * 8
    }
}

/// All samples of the window with their sum.
#[derive(Debug)]
pub struct Sums {
    queue: Queue,
    sum: Running,
}

impl Window for Sums {
    fn new(_: Kept) -> Self {
        Self { queue: Queue::default(), sum: Running::default() }
    }

    fn push(&mut self, sample: Sample) {
        self.sum.add(sample.v);
        self.queue.push(sample);
    }

    fn value(&mut self, kept: Kept, (start, _): (i64, i64)) -> Option<f64> {
        while let Some((first, _)) = self.queue.ends()
            && first.t <= start
        {
            self.sum.remove(first.v);
            self.queue.pop();
        }
        let Kept::Window(function) = kept else { return None };
        if self.queue.is_empty() {
            return None;
        }
        self.sum.value(function, self.queue.len()).or_else(|| statistic(function, &self.queue.samples()))
    }

    fn newest(&self) -> Option<i64> {
        self.queue.ends().map(|(_, last)| last.t)
    }

    fn bytes(&self) -> usize {
        self.queue.bytes()
    }
}

/// The candidates for the smallest or largest value.
#[derive(Debug)]
pub struct Extremes {
    candidates: Candidates,
    newest: Option<i64>,
}

impl Window for Extremes {
    fn new(kept: Kept) -> Self {
        let function = match kept {
            Kept::Window(function) => function,
            Kept::Newest | Kept::NewestTime => WindowFunction::Min,
        };
        Self { candidates: Candidates::new(function), newest: None }
    }

    fn push(&mut self, sample: Sample) {
        self.candidates.push(sample);
        self.newest = Some(sample.t);
    }

    fn value(&mut self, _: Kept, (start, _): (i64, i64)) -> Option<f64> {
        self.candidates.slide(start);
        self.newest.filter(|newest| start < *newest).map(|_| self.candidates.best())
    }

    fn newest(&self) -> Option<i64> {
        self.newest
    }

    fn bytes(&self) -> usize {
        self.candidates.bytes()
    }
}

#[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "counts of samples are below 2^53")]
fn number(n: usize) -> f64 {
    n as f64
}
