//! One selector, or one function of its windows, with the state of every series that it finds.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::{Labels, Sample, is_stale};
use crate::query::{column::ABSENT, functions::WindowFunction};

use super::{
    Dense, Kept,
    window::{Extremes, Newest, Pair, Steps, Sums, Window},
};

/// What a leaf computes of its series.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shape {
    /// The function.
    pub kept: Kept,
    /// How far back a sample counts, ms; one exactly so old does not.
    pub range: i64,
}

/// A leaf: series by their places, samples that came, and the values of the newest step.
#[derive(Debug)]
pub struct Leaf {
    shape: Shape,
    labels: Vec<Labels>,
    windows: Box<dyn Windows>,
    values: Vec<f64>,
    /// What came and is in no window yet, in the order in which it came.
    waiting: Vec<(u32, Sample)>,
    /// Series of which a sample came late: their windows are to be filled anew.
    unsure: Vec<u32>,
    /// The newest time of a histogram among the series.
    histogram: i64,
    end: i64,
    generation: u64,
    /// Whether the values are those of the newest step, nothing having come for it since.
    current: bool,
}

/// Series at places mean the same in one generation of one leaf only.
fn next_generation() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Leaf {
    /// A leaf without series.
    pub fn new(shape: Shape) -> Self {
        Self {
            shape,
            labels: Vec::new(),
            windows: windows(shape.kept),
            values: Vec::new(),
            waiting: Vec::new(),
            unsure: Vec::new(),
            histogram: i64::MIN,
            end: i64::MIN,
            generation: next_generation(),
            current: false,
        }
    }

    /// What it computes.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// How many series it has.
    pub const fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether it has no series.
    pub const fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// The newest step that it was asked for.
    pub const fn end(&self) -> i64 {
        self.end
    }

    /// The step after which no window has anything of before `step`.
    pub const fn start(&self, step: i64) -> i64 {
        step.saturating_sub(self.shape.range)
    }

    /// Adds a series that has no sample yet, and gives its place: the last one.
    pub fn add(&mut self, labels: Labels) -> u32 {
        let at = u32::try_from(self.labels.len()).unwrap_or(u32::MAX);
        self.labels.push(labels);
        self.windows.add(self.shape.kept);
        self.values.push(ABSENT);
        at
    }

    /// Takes note of a sample of the series at a place.
    pub fn arrived(&mut self, at: u32, sample: Sample) {
        self.current &= self.end < sample.t;
        self.waiting.push((at, sample));
    }

    /// Takes note of a histogram: while one is in a window, the leaf has no values.
    pub fn histogram_arrived(&mut self, t: i64) {
        self.histogram = self.histogram.max(t);
    }

    /// Fills a window with all its samples, oldest first. What is newer than `end` waits.
    pub fn fill(&mut self, at: u32, samples: &[Sample], end: i64) {
        let place = place(at);
        self.current = false;
        self.windows.clear(place, self.shape.kept);
        for &sample in samples {
            if end < sample.t {
                self.waiting.push((at, sample));
            } else if self.counts(sample) {
                self.windows.push(place, sample);
            }
        }
    }

    /// Staleness markers end an instant vector; windows do not have them.
    fn counts(&self, sample: Sample) -> bool {
        !matches!(self.shape.kept, Kept::Window(_)) || !is_stale(sample.v)
    }

    /// Puts what came up to `end` into its windows, and gives the places of those that must be filled anew first.
    pub fn absorb(&mut self, end: i64) -> Vec<u32> {
        self.end = end;
        let mut waiting = std::mem::take(&mut self.waiting);
        waiting.retain(|&(at, sample)| {
            if end < sample.t {
                return true;
            }
            if self.counts(sample) && !self.windows.take(place(at), sample) {
                self.unsure.push(at);
            }
            false
        });
        self.waiting = waiting;
        let mut unsure = std::mem::take(&mut self.unsure);
        unsure.sort_unstable();
        unsure.dedup();
        unsure
    }

    /// Computes the values at the step that was given to [`Leaf::absorb`].
    pub fn slide(&mut self) {
        let start = self.start(self.end);
        self.windows.values(self.shape.kept, (start, self.end), &mut self.values);
        self.current = true;
    }

    /// Whether [`Leaf::dense`] has the values of `step` already.
    pub const fn is_at(&self, step: i64) -> bool {
        self.current && self.end == step
    }

    /// Whether no histogram is in a window.
    pub const fn has_values(&self) -> bool {
        self.histogram <= self.start(self.end)
    }

    /// The values of the newest step.
    pub fn dense(&self) -> Dense<'_> {
        Dense {
            labels: &self.labels,
            values: &self.values,
            drop_name: self.shape.kept.drops_name(),
            generation: self.generation,
        }
    }

    /// Which series have nothing in any window and nothing that waits.
    pub fn empty(&self) -> Vec<bool> {
        let start = self.start(self.end);
        let mut empty = self.windows.empty(start);
        for &(at, _) in &self.waiting {
            empty[place(at)] = false;
        }
        empty
    }

    /// Puts the series in another order and leaves some out: `order` has the old places.
    pub fn arrange(&mut self, order: &[u32]) {
        let mut places = vec![None; self.labels.len()];
        for (new, &old) in (0..).zip(order) {
            places[place(old)] = Some(new);
        }
        self.labels = order.iter().map(|&old| self.labels[place(old)].clone()).collect();
        self.values = order.iter().map(|&old| self.values[place(old)]).collect();
        self.windows.arrange(order, self.shape.kept);
        self.waiting.retain_mut(|(at, _)| match places[place(*at)] {
            Some(new) => {
                *at = new;
                true
            }
            None => false,
        });
        self.generation = next_generation();
        self.current = false;
    }

    /// Bytes of memory, the strings of labels not counted: they are the store's.
    pub fn bytes(&self) -> usize {
        self.windows.bytes()
            + self.labels.capacity() * 8
            + self.values.capacity() * 8
            + self.waiting.capacity() * 24
    }
}

/// The windows of all series of a leaf, of one kind: what is done to each is done in one loop.
trait Windows: std::fmt::Debug + Send {
    fn add(&mut self, kept: Kept);
    fn clear(&mut self, at: usize, kept: Kept);
    fn push(&mut self, at: usize, sample: Sample);
    /// Takes a sample that came; gives whether it came in order.
    fn take(&mut self, at: usize, sample: Sample) -> bool;
    fn values(&mut self, kept: Kept, span: (i64, i64), into: &mut [f64]);
    fn empty(&self, start: i64) -> Vec<bool>;
    fn arrange(&mut self, order: &[u32], kept: Kept);
    fn bytes(&self) -> usize;
}

impl<W: Window> Windows for Vec<W> {
    fn add(&mut self, kept: Kept) {
        self.push(W::new(kept));
    }

    fn clear(&mut self, at: usize, kept: Kept) {
        self[at] = W::new(kept);
    }

    fn push(&mut self, at: usize, sample: Sample) {
        self[at].push(sample);
    }

    fn take(&mut self, at: usize, sample: Sample) -> bool {
        let window = &mut self[at];
        match window.newest() {
            Some(newest) if sample.t < newest => return false,
            // Only what is there already is taken at its time.
            Some(newest) if sample.t == newest => {}
            _ => window.push(sample),
        }
        true
    }

    fn values(&mut self, kept: Kept, span: (i64, i64), into: &mut [f64]) {
        for (window, value) in self.iter_mut().zip(into) {
            *value = window.value(kept, span).unwrap_or(ABSENT);
        }
    }

    fn empty(&self, start: i64) -> Vec<bool> {
        self.iter().map(|window| window.newest().is_none_or(|newest| newest <= start)).collect()
    }

    fn arrange(&mut self, order: &[u32], kept: Kept) {
        let take = |&old: &u32| std::mem::replace(&mut self[place(old)], W::new(kept));
        *self = order.iter().map(take).collect();
    }

    fn bytes(&self) -> usize {
        self.capacity() * size_of::<W>() + self.iter().map(Window::bytes).sum::<usize>()
    }
}

fn windows(kept: Kept) -> Box<dyn Windows> {
    match kept {
        Kept::Newest | Kept::NewestTime => Box::new(Vec::<Newest>::new()),
        Kept::Window(function) => match function {
            WindowFunction::Last | WindowFunction::TsOfLast | WindowFunction::Present => {
                Box::new(Vec::<Newest>::new())
            }
            WindowFunction::Irate | WindowFunction::Idelta => Box::new(Vec::<Pair>::new()),
            WindowFunction::Min | WindowFunction::Max => Box::new(Vec::<Extremes>::new()),
            WindowFunction::Sum | WindowFunction::Avg => Box::new(Vec::<Sums>::new()),
            _ => Box::new(Vec::<Steps>::new()),
        },
    }
}

const fn place(at: u32) -> usize {
    at as usize
}
