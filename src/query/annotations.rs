//! What an answer says beside its value: warnings and infos, with their places.
//!
//! The words are Prometheus's: clients show and compare them.

mod note;

use std::cell::RefCell;

use rustc_hash::FxHashMap;

use crate::model::histogram::text::short;

use super::span::Span;

pub use note::{Forced, Level, Note, Operation};

/// Different annotations that one evaluation keeps: at 200 bytes each, 200 KB. A query over series of
/// many names has one for each name.
pub const ANNOTATIONS_MAX: usize = 1_000;
/// Annotations of each level that an answer shows, as Prometheus's HTTP API.
pub const SHOWN_MAX: usize = 10;

/// One annotation.
#[derive(Debug, Clone)]
struct Annotation {
    level: Level,
    message: String,
    span: Span,
    spread: Option<Spread>,
}

/// What is known of all times at which counts had to be made to rise.
#[derive(Debug, Clone, Copy)]
struct Spread {
    forced: Forced,
    first: i64,
    last: i64,
    count: usize,
}

impl Spread {
    fn join(&mut self, other: Self) {
        self.forced.lowest = self.forced.lowest.min(other.forced.lowest);
        self.forced.highest = self.forced.highest.max(other.forced.highest);
        self.forced.difference = self.forced.difference.max(other.forced.difference);
        self.first = self.first.min(other.first);
        self.last = self.last.max(other.last);
        self.count += other.count;
    }
}

/// The annotations of one answer, each message once.
#[derive(Debug, Clone, Default)]
pub struct Annotations {
    all: Vec<Annotation>,
    /// The place of each message among them.
    places: FxHashMap<String, usize>,
    left_out: [usize; 2],
}

impl Annotations {
    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// Adds what there is to say of a part of the query. Of a message that is there already the
    /// place is the new one. One beyond [`ANNOTATIONS_MAX`] is counted only.
    fn add(&mut self, span: Span, note: Note<'_>) {
        let spread = match note {
            Note::ForcedMonotonicity { forced, at, .. } => {
                Some(Spread { forced, first: at, last: at, count: 1 })
            }
            _ => None,
        };
        let level = note.level();
        let message = note.to_string();
        if let Some(&at) = self.places.get(&message) {
            let known = &mut self.all[at];
            known.span = span;
            if let (Some(known), Some(spread)) = (&mut known.spread, spread) {
                known.join(spread);
            }
        } else if self.all.len() < ANNOTATIONS_MAX {
            self.places.insert(message.clone(), self.all.len());
            self.all.push(Annotation { level, message, span, spread });
        } else {
            self.left_out[usize::from(level == Level::Info)] += 1;
        }
    }

    /// The messages of a level with their places in `query`, and at the end how many more there are
    /// than `most`.
    pub fn texts(&self, level: Level, query: &str, most: usize) -> Vec<String> {
        let of_level = self.all.iter().filter(|one| one.level == level);
        let mut texts: Vec<String> = of_level.clone().take(most).map(|one| one.text(query)).collect();
        let more = of_level.skip(most).count() + self.left_out[usize::from(level == Level::Info)];
        if more > 0 {
            let name = if level == Level::Info { "info" } else { "warning" };
            texts.push(format!("{more} more {name} annotations omitted"));
        }
        texts
    }
}

impl Annotations {
    /// The messages of both levels with their places in `query`, warnings first, at most `most`; without what differs from
    /// evaluation to evaluation, so that who shows them need not do so again.
    pub fn lasting(&self, query: &str, most: usize) -> Vec<String> {
        let of = |level| self.all.iter().filter(move |one| one.level == level);
        of(Level::Warning).chain(of(Level::Info)).take(most).map(|one| one.head(query)).collect()
    }
}

impl Annotation {
    fn head(&self, query: &str) -> String {
        Self { spread: None, message: self.message.clone(), ..*self }.text(query)
    }

    fn text(&self, query: &str) -> String {
        let level = match self.level {
            Level::Warning => "PromQL warning",
            Level::Info => "PromQL info",
        };
        let before = query.as_bytes().get(..self.span.start).unwrap_or_default();
        // Prometheus counts bytes here, and so do those who compare its words.
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.rsplit(|byte| *byte == b'\n').next().map_or(0, <[u8]>::len) + 1;
        let Some(spread) = self.spread else {
            return format!("{level}: {} ({line}:{column})", self.message);
        };
        let [lowest, highest] = [spread.forced.lowest, spread.forced.highest].map(short);
        let difference = two_digits(spread.forced.difference);
        let [first, last] = [spread.first, spread.last].map(utc);
        format!(
            "{level}: {}, from buckets {lowest} to {highest}, with a max diff of {difference}, over {} \
             samples from {first} to {last} ({line}:{column})",
            self.message, spread.count
        )
    }
}

/// A number with two significant digits, as Go's `%.2g`.
fn two_digits(v: f64) -> String {
    let rounded: f64 = format!("{v:.1e}").parse().unwrap_or(v);
    if rounded.abs() >= 100.0 || rounded.abs() < 1e-4 && rounded != 0.0 {
        let text = format!("{rounded:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        return format!("{mantissa}e{sign}{digits:0>2}");
    }
    short(rounded)
}

/// A time in ms as a date, to the second.
fn utc(ms: i64) -> String {
    use super::functions::date::DateFunction as Part;
    #[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
    let seconds = ms.div_euclid(1000) as f64;
    let [year, month, day, hour, minute] =
        [Part::Year, Part::Month, Part::DayOfMonth, Part::Hour, Part::Minute].map(|part| part.apply(seconds));
    let second = ms.div_euclid(1000).rem_euclid(60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Annotations that are collected while an evaluation runs.
#[derive(Debug, Default)]
pub struct Notes(RefCell<Annotations>);

impl Notes {
    /// Says something of a part of the query.
    pub fn add(&self, span: Span, note: Note<'_>) {
        self.0.borrow_mut().add(span, note);
    }

    /// What was said.
    pub fn take(self) -> Annotations {
        self.0.into_inner()
    }
}

/// Where to say something of one series: the part of the query that it comes from, and its name.
#[derive(Debug, Clone, Copy)]
pub struct About<'a> {
    /// Where notes go.
    pub notes: &'a Notes,
    /// The part of the query.
    pub span: Span,
    /// The series' metric; may be empty.
    pub metric: &'a str,
}

impl About<'_> {
    /// Says something.
    pub fn say(&self, note: Note<'_>) {
        self.notes.add(self.span, note);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_once_with_its_place() {
        let notes = Notes::default();
        notes.add(Span::new(0, 1), Note::NotGauge("a"));
        notes.add(Span::new(7, 8), Note::NotGauge("a"));
        notes.add(Span::new(2, 3), Note::PossibleNonCounter("a"));
        let found = notes.take();
        let texts = found.texts(Level::Warning, "a +\n  b", 10);
        assert_eq!(texts, ["PromQL warning: this native histogram metric is not a gauge: \"a\" (2:4)"]);
        assert_eq!(found.texts(Level::Info, "", 10).len(), 1);
    }

    #[test]
    fn forced_counts_are_summed_up() {
        let notes = Notes::default();
        for (at, highest) in [(120_000, 3.0), (60_000, 5.0)] {
            let forced = Forced { lowest: 1.0, highest, difference: 0.1234 };
            notes.add(Span::default(), Note::ForcedMonotonicity { metric: "m", forced, at });
        }
        let texts = notes.take().texts(Level::Info, "q", 10);
        let end = "for metric name \"m\", from buckets 1 to 5, with a max diff of 0.12, over 2 samples from \
                   1970-01-01T00:01:00Z to 1970-01-01T00:02:00Z (1:1)";
        assert!(texts[0].ends_with(end), "{}", texts[0]);
    }

    #[test]
    fn there_is_a_limit() {
        let notes = Notes::default();
        for i in 0..ANNOTATIONS_MAX + 5 {
            notes.add(Span::default(), Note::NotGauge(&i.to_string()));
        }
        let texts = notes.take().texts(Level::Warning, "", SHOWN_MAX);
        assert_eq!(texts.len(), SHOWN_MAX + 1);
        assert_eq!(texts[SHOWN_MAX], "995 more warning annotations omitted");
    }
}
