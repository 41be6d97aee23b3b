//! Silences: for a time, alerts with certain labels call nobody.

use serde::{Deserialize, Serialize};

use crate::model::{Labels, MatchOp, Matcher, Person};

/// The longest silence, ms: 30 days.
pub const SILENCE_MS_MAX: i64 = 30 * 86_400_000;
/// Silences that stand at once; as many again may be over and still be told of.
pub const SILENCES_MAX: usize = 1_000;
/// Regular expressions of all silences that are told of: at some 300 KB each, 60 MB.
pub const SILENCE_REGEXES_MAX: usize = 200;
/// Matchers of one silence.
pub const MATCHERS_MAX: usize = 8;
/// Characters of a reason.
pub const REASON_CHARS_MAX: usize = 500;
/// Bytes of a matcher's name, and of its value.
const MATCHER_BYTES_MAX: usize = 256;
/// How long a silence that is over is still told of, ms.
pub(super) const OVER_MS: i64 = 86_400_000;

/// One condition, as written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// The label's name.
    pub name: String,
    /// `=`, `!=`, `=~` or `!~`.
    #[serde(default = "equal")]
    pub op: String,
    /// What it is compared with.
    pub value: String,
}

fn equal() -> String {
    "=".to_owned()
}

/// A silence, as it is kept and told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Silence {
    /// 16 hexadecimal digits, or what its author called it.
    pub id: String,
    /// All of them must hold.
    pub matchers: Vec<Condition>,
    /// From when, ms.
    pub start: i64,
    /// Until when, ms.
    pub end: i64,
    /// Who made it.
    pub by: Person,
    /// Why.
    pub reason: String,
    /// When it was ended early, ms.
    pub ended: Option<i64>,
}

/// Why a silence cannot be.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SilenceError {
    /// It would hold back everything, or is too long a list.
    #[error("a silence has 1 to {MATCHERS_MAX} matchers, this one has {0}")]
    Matchers(usize),
    /// One condition is wrong.
    #[error("matcher {0}: {1}")]
    Matcher(usize, String),
    /// All conditions hold for alerts without the labels, too.
    #[error("these matchers hold for every alert; name at least one value")]
    Everything,
    /// The times.
    #[error("a silence ends after it starts and after now, and lasts at most 30 days")]
    Times,
    /// The reason.
    #[error("the reason has {0} characters, at most {REASON_CHARS_MAX}")]
    Reason(usize),
    /// The id.
    #[error("an id has 1 to 64 letters, digits, `-` and `_`")]
    Id,
}

impl Silence {
    /// Whether it holds now.
    pub fn is_active(&self, now_ms: i64) -> bool {
        self.start <= now_ms && now_ms < self.ended.unwrap_or(self.end)
    }

    /// How many regular expressions it has.
    pub(super) fn regexes(&self) -> usize {
        self.matchers.iter().filter(|one| one.op.ends_with('~')).count()
    }

    /// Whether it holds no more, and never will.
    pub(super) fn is_over(&self, now_ms: i64) -> bool {
        self.ended.unwrap_or(self.end) <= now_ms
    }

    /// Whether it is so long over that nobody asks for it.
    pub(super) fn is_past(&self, now_ms: i64) -> bool {
        self.ended.unwrap_or(self.end) + OVER_MS <= now_ms
    }

    /// Checks all of it and compiles the matchers.
    ///
    /// # Errors
    ///
    /// [`SilenceError`], the first that is found.
    pub(super) fn compiled(self, now_ms: i64) -> Result<Compiled, SilenceError> {
        let is_id = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
        if self.id.is_empty() || 64 < self.id.len() || !self.id.chars().all(is_id) {
            return Err(SilenceError::Id);
        }
        if self.end <= self.start
            || self.end <= now_ms
            || SILENCE_MS_MAX < self.end.saturating_sub(self.start.max(now_ms))
            || SILENCE_MS_MAX < self.start.saturating_sub(now_ms)
        {
            return Err(SilenceError::Times);
        }
        let characters = self.reason.chars().count();
        if REASON_CHARS_MAX < characters {
            return Err(SilenceError::Reason(characters));
        }
        self.kept()
    }

    /// Compiles a silence that was checked when it was made.
    ///
    /// # Errors
    ///
    /// [`SilenceError`] of its matchers.
    pub(super) fn kept(self) -> Result<Compiled, SilenceError> {
        if self.matchers.is_empty() || MATCHERS_MAX < self.matchers.len() {
            return Err(SilenceError::Matchers(self.matchers.len()));
        }
        let matchers = self.matchers.iter().enumerate().map(|(at, one)| one.compiled(at + 1));
        let matchers: Vec<Matcher> = matchers.collect::<Result<_, _>>()?;
        if matchers.iter().all(|matcher| matcher.matches("")) {
            return Err(SilenceError::Everything);
        }
        Ok(Compiled { silence: self, matchers })
    }
}

impl Condition {
    fn compiled(&self, number: usize) -> Result<Matcher, SilenceError> {
        let wrong = |why: String| SilenceError::Matcher(number, why);
        let op = match self.op.as_str() {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            "=~" => MatchOp::Regex,
            "!~" => MatchOp::NotRegex,
            other => return Err(wrong(format!("`{other}` is none of =, !=, =~ and !~"))),
        };
        if self.name.is_empty() {
            return Err(wrong("the label's name is missing".to_owned()));
        }
        if MATCHER_BYTES_MAX < self.name.len().max(self.value.len()) {
            return Err(wrong(format!("longer than {MATCHER_BYTES_MAX} bytes")));
        }
        Matcher::new(&self.name, op, &self.value).map_err(|error| wrong(error.to_string()))
    }
}

/// A silence whose matchers can be asked.
#[derive(Debug, Clone)]
pub(super) struct Compiled {
    pub(super) silence: Silence,
    matchers: Vec<Matcher>,
}

impl Compiled {
    /// Whether it holds back an alert now.
    pub(super) fn holds(&self, labels: &Labels, now_ms: i64) -> bool {
        self.silence.is_active(now_ms) && self.matchers.iter().all(|matcher| matcher.matches_labels(labels))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn silence(matchers: &[(&str, &str, &str)]) -> Silence {
        let condition = |&(name, op, value): &(&str, &str, &str)| Condition {
            name: name.to_owned(),
            op: op.to_owned(),
            value: value.to_owned(),
        };
        Silence {
            id: "a1".to_owned(),
            matchers: matchers.iter().map(condition).collect(),
            start: 1_000,
            end: 2_000,
            by: Person::new("p", "Olena").unwrap(),
            reason: String::new(),
            ended: None,
        }
    }

    #[track_caller]
    fn check(changed: Silence, expected: &str) {
        assert_eq!(changed.compiled(1_500).unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_silence_holds_for_its_time_and_labels() {
        let held = silence(&[("alertname", "=", "Load high"), ("instance", "=~", "web-.*")]);
        let held = held.compiled(1_500).unwrap();
        let labels = Labels::from_pairs([("alertname", "Load high"), ("instance", "web-03")]);
        assert!(held.holds(&labels, 1_000) && held.holds(&labels, 1_999));
        assert!(!held.holds(&labels, 2_000) && !held.holds(&labels, 999));
        assert!(!held.holds(&labels.with("instance", "db"), 1_500));
        let early = Silence { ended: Some(1_600), ..held.silence.clone() }.kept().unwrap();
        assert!(early.holds(&labels, 1_599) && !early.holds(&labels, 1_600));
    }

    #[test]
    fn what_is_wrong_is_said() {
        check(silence(&[]), "a silence has 1 to 8 matchers, this one has 0");
        assert_eq!(silence(&[("a", "=~", "1"), ("b", "=", "2"), ("c", "!~", "3")]).regexes(), 2);
        check(silence(&[("a", "=", "1"), ("b", "~", "2")]), "matcher 2: `~` is none of =, !=, =~ and !~");
        check(silence(&[("a", "=~", ".*")]), "these matchers hold for every alert; name at least one value");
        check(silence(&[("a", "!=", "x")]), "these matchers hold for every alert; name at least one value");
        let times = "a silence ends after it starts and after now, and lasts at most 30 days";
        check(Silence { end: 1_400, ..silence(&[("a", "=", "1")]) }, times);
        check(Silence { end: i64::MAX, ..silence(&[("a", "=", "1")]) }, times);
        check(Silence { start: i64::MIN, end: i64::MAX, ..silence(&[("a", "=", "1")]) }, times);
        check(
            Silence { reason: "x".repeat(501), ..silence(&[("a", "=", "1")]) },
            "the reason has 501 characters, at most 500",
        );
        check(
            Silence { id: "a b".to_owned(), ..silence(&[("a", "=", "1")]) },
            "an id has 1 to 64 letters, digits, `-` and `_`",
        );
        assert!(silence(&[("a", "=~", "(")]).compiled(1_500).is_err());
    }
}
