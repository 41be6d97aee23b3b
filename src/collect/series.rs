//! Builds the labels of each series once and hands out clones.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{BatchSample, Label, Labels, METRIC_NAME, Sample};

/// Series that one collector may bring: a tenth of what the store holds. A host with 10,000 mounts
/// would otherwise fill it alone.
pub const COLLECT_SERIES_MAX: usize = 10_000;
/// Rounds after which a series that did not come again is forgotten: five minutes at one a second.
pub const FORGET_ROUNDS: u64 = 300;

#[derive(Debug)]
struct Entry {
    labels: Labels,
    round: u64,
}

/// The labels of every series that a collector brought lately.
///
/// Building a label set costs some ten allocations; looking one up costs a hash. Series that went
/// away, of an unplugged disk for example, are forgotten after [`FORGET_ROUNDS`] rounds.
#[derive(Debug)]
pub struct SeriesBook {
    base: Vec<Label>,
    entries: FxHashMap<Box<str>, Entry>,
    key: String,
    round: u64,
}

impl SeriesBook {
    /// Makes a book whose series all carry `base`; labels of their own come before it.
    pub fn new(base: &[(&str, &str)]) -> Self {
        let base = base.iter().map(|(name, value)| label(name, value)).collect();
        Self { base, entries: FxHashMap::default(), key: String::new(), round: 0 }
    }

    /// Begins a round: samples put through the result are stamped `at_ms` and go to `out`.
    pub fn begin<'a>(&'a mut self, at_ms: i64, out: &'a mut Vec<BatchSample>) -> Emit<'a> {
        self.round += 1;
        let round = self.round;
        if round.is_multiple_of(FORGET_ROUNDS) {
            self.entries.retain(|_, entry| entry.round + FORGET_ROUNDS > round);
        }
        Emit { book: self, out, at_ms, name: String::new(), malformed: 0, refused: 0 }
    }

    /// How many series are known.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no series is known.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The labels of a series, unless it came in this round already or is one too many.
    fn take(&mut self, name: &str, pairs: &[(&str, &str)]) -> Result<Labels, Refusal> {
        // The separators are control characters, which neither names nor device names hold.
        self.key.clear();
        self.key.push_str(name);
        for (name, value) in pairs {
            self.key.push('\u{1}');
            self.key.push_str(name);
            self.key.push('\u{2}');
            self.key.push_str(value);
        }
        if let Some(entry) = self.entries.get_mut(self.key.as_str()) {
            if entry.round == self.round {
                return Err(Refusal::Twice);
            }
            entry.round = self.round;
            return Ok(entry.labels.clone());
        }
        if self.entries.len() >= COLLECT_SERIES_MAX {
            return Err(Refusal::TooMany);
        }
        let mut all = self.base.clone();
        all.push(label(METRIC_NAME, name));
        all.extend(pairs.iter().map(|(name, value)| label(name, value)));
        let labels = Labels::new(all);
        let entry = Entry { labels: labels.clone(), round: self.round };
        self.entries.insert(self.key.as_str().into(), entry);
        Ok(labels)
    }
}

enum Refusal {
    /// The series came in this round already: a mount point that was mounted over, for example.
    Twice,
    /// [`COLLECT_SERIES_MAX`] is reached.
    TooMany,
}

fn label(name: &str, value: &str) -> Label {
    Label { name: Arc::from(name), value: Arc::from(value) }
}

/// Takes the samples of one round.
///
/// Each series is taken once a round; the first value counts.
#[derive(Debug)]
pub struct Emit<'a> {
    book: &'a mut SeriesBook,
    out: &'a mut Vec<BatchSample>,
    at_ms: i64,
    name: String,
    malformed: u64,
    refused: u64,
}

impl Emit<'_> {
    /// Puts one sample.
    pub fn put(&mut self, name: &str, pairs: &[(&str, &str)], value: f64) {
        match self.book.take(name, pairs) {
            Ok(labels) => self.out.push(BatchSample { labels, sample: Sample::new(self.at_ms, value) }),
            Err(Refusal::Twice) => {}
            Err(Refusal::TooMany) => self.refused += 1,
        }
    }

    /// Puts one sample of a metric whose name is made of pieces.
    pub fn put_joined(&mut self, pieces: &[&str], pairs: &[(&str, &str)], value: f64) {
        // Taken out for the call, so that the buffer is kept and the borrow is not.
        let mut name = std::mem::take(&mut self.name);
        name.clear();
        name.extend(pieces.iter().copied());
        self.put(&name, pairs, value);
        self.name = name;
    }

    /// Gives what was read, or notes that it was not understood.
    pub fn understood<T, E>(&mut self, result: Result<T, E>) -> Option<T> {
        result.map_err(|_| self.note_malformed()).ok()
    }

    /// Notes a line that was not understood.
    pub fn note_malformed(&mut self) {
        self.malformed += 1;
    }

    /// Gives the number of lines noted since the last call.
    pub fn take_malformed(&mut self) -> u64 {
        std::mem::take(&mut self.malformed)
    }

    /// How many samples of new series were left out, because [`COLLECT_SERIES_MAX`] was reached.
    pub fn refused(&self) -> u64 {
        self.refused
    }

    /// The time of this round, ms.
    pub fn at_ms(&self) -> i64 {
        self.at_ms
    }
}

/// What `read` emits for `text`, as lines `name{labels} value`: for tests of parsers.
#[cfg(test)]
pub(crate) fn emitted(read: impl FnOnce(&mut Emit<'_>)) -> Vec<String> {
    let mut out = Vec::new();
    let mut book = SeriesBook::new(&[]);
    let mut emit = book.begin(1_000, &mut out);
    read(&mut emit);
    let malformed = emit.take_malformed();
    let mut lines: Vec<String> =
        out.iter().map(|entry| format!("{} {}", entry.labels, entry.sample.v)).collect();
    if malformed > 0 {
        lines.push(format!("malformed {malformed}"));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_built_once() {
        let mut book = SeriesBook::new(&[("job", "node")]);
        let mut out = Vec::new();
        for at in [1_000, 2_000] {
            book.begin(at, &mut out).put("a", &[("b", "1")], 2.0);
        }
        assert_eq!(out[0].labels.to_string(), r#"a{b="1", job="node"}"#);
        assert!(std::ptr::eq(out[0].labels.as_slice(), out[1].labels.as_slice()));
        assert_eq!(out[1].sample, Sample::new(2_000, 2.0));
    }

    #[test]
    fn a_series_comes_once_a_round() {
        let lines = emitted(|emit| {
            emit.put("a", &[("b", "1")], 1.0);
            emit.put_joined(&["a"], &[("b", "1")], 2.0);
            emit.put("a", &[("b", "2")], 3.0);
        });
        assert_eq!(lines, [r#"a{b="1"} 1"#, r#"a{b="2"} 3"#]);
    }

    #[test]
    fn what_went_away_is_forgotten_and_the_rest_is_bounded() {
        let mut book = SeriesBook::new(&[]);
        let mut out = Vec::new();
        let mut emit = book.begin(0, &mut out);
        for at in 0..=COLLECT_SERIES_MAX {
            emit.put_joined(&["a", &at.to_string()], &[], 0.0);
        }
        assert_eq!(emit.refused(), 1);
        for at in 1..2 * FORGET_ROUNDS {
            book.begin(i64::try_from(at).unwrap(), &mut out).put("a0", &[], 0.0);
        }
        assert_eq!(book.len(), 1);
    }
}
