//! What a selector asks of a label.

use regex::{Regex, RegexBuilder};

use super::Labels;

/// Bytes that any regular expression may have when compiled: three words (`\w+-\w+-\w+`) have 150 KB, for all of
/// Unicode.
const REGEX_BYTES_BASE: usize = 256 << 10;
/// Bytes beside for each byte as written: a list of host names becomes a hundred bytes for each of its own, so that
/// one of 6 KB passes, while a short one cannot ask for more than some hundred KiB.
const REGEX_BYTES_EACH: usize = 128;
/// Bytes that none has more than: as many as a query allows.
const REGEX_BYTES_MAX: usize = 1 << 20;
/// Of what it has compiled, what it may note while it compares. With less, long lists of names are compared twenty
/// times slower.
const NOTES: usize = 2;

/// How a label is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchOp {
    /// `=`
    Equal,
    /// `!=`
    NotEqual,
    /// `=~`
    Regex,
    /// `!~`
    NotRegex,
}

/// One condition on one label. A label that a series lacks counts as the empty string.
#[derive(Debug, Clone)]
pub struct Matcher {
    /// The label's name.
    pub name: String,
    /// How it is compared.
    pub op: MatchOp,
    /// What it is compared with: text, or the regular expression as written.
    pub value: String,
    regex: Option<Regex>,
}

/// Why a regular expression cannot be used.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum MatcherError {
    /// It would take too much memory.
    #[error("the regular expression is too large: compiled, it has more than {0} KiB")]
    TooLarge(usize),
    /// It is none.
    #[error(transparent)]
    Wrong(regex::Error),
}

impl Matcher {
    /// Makes a matcher; a regular expression is anchored at both ends, and `.` matches a line break,
    /// as in Prometheus.
    ///
    /// # Errors
    ///
    /// When `op` wants a regular expression, and `value` is none or a large one.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, MatcherError> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(compiled(value)?),
        };
        Ok(Self { name: name.to_owned(), op, value: value.to_owned(), regex })
    }

    /// Makes a matcher for equality.
    pub fn equal(name: &str, value: &str) -> Self {
        Self { name: name.to_owned(), op: MatchOp::Equal, value: value.to_owned(), regex: None }
    }

    /// Whether a label with this value satisfies the condition; the empty string stands for a label
    /// that is not there.
    pub fn matches(&self, value: &str) -> bool {
        match (self.op, &self.regex) {
            (MatchOp::Regex, Some(regex)) => regex.is_match(value),
            (MatchOp::NotRegex, Some(regex)) => !regex.is_match(value),
            (MatchOp::NotEqual, _) => self.value != value,
            (MatchOp::Equal | MatchOp::Regex | MatchOp::NotRegex, _) => self.value == value,
        }
    }

    /// Whether the condition holds for a series with these labels.
    pub fn matches_labels(&self, labels: &Labels) -> bool {
        self.matches(labels.get(&self.name).unwrap_or_default())
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.name, self.op, &self.value) == (&other.name, other.op, &other.value)
    }
}

fn compiled(pattern: &str) -> Result<Regex, MatcherError> {
    let bytes = pattern.len().saturating_mul(REGEX_BYTES_EACH).saturating_add(REGEX_BYTES_BASE);
    let bytes = bytes.min(REGEX_BYTES_MAX);
    let built = RegexBuilder::new(&format!("^(?s:{pattern})$"))
        .size_limit(bytes)
        .dfa_size_limit(NOTES * bytes)
        .build();
    built.map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => MatcherError::TooLarge(limit >> 10),
        other => MatcherError::Wrong(other),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(op: MatchOp, pattern: &str, value: &str, expected: bool) {
        let matcher = Matcher::new("a", op, pattern).unwrap();
        assert_eq!(matcher.matches(value), expected, "{pattern} {value:?}");
    }

    #[test]
    fn expressions_are_anchored() {
        check(MatchOp::Regex, "a.c", "abc", true);
        check(MatchOp::Regex, "a.c", "xabc", false);
        check(MatchOp::Regex, "a|b", "b", true);
        check(MatchOp::Regex, "a.b", "a\nb", true);
        check(MatchOp::NotRegex, "a+", "aaa", false);
    }

    #[test]
    fn large_expressions_are_refused() {
        let new = |pattern: &str| Matcher::new("a", MatchOp::Regex, pattern);
        let hosts: Vec<String> = (0..200).map(|at| format!("host-{at:04}.example.org:9100")).collect();
        check(MatchOp::Regex, &hosts.join("|"), &hosts[199], true);
        check(MatchOp::Regex, &format!("(?i){}", hosts.join("|")), "HOST-0007.example.org:9100", true);
        check(MatchOp::Regex, r"\w+-\w+-\w+", "a-b-c", true);
        let error = new(r"\w{20}").unwrap_err();
        let told = "the regular expression is too large: compiled, it has more than 256 KiB";
        assert_eq!(error.to_string(), told);
        assert!(matches!(new("(.{99}){99}"), Err(MatcherError::TooLarge(_))));
        assert!(matches!(new("("), Err(MatcherError::Wrong(_))));
    }

    #[test]
    fn a_missing_label_is_the_empty_string() {
        let labels = Labels::from_pairs([("b", "1")]);
        assert!(Matcher::equal("a", "").matches_labels(&labels));
        assert!(Matcher::new("a", MatchOp::NotEqual, "x").unwrap().matches_labels(&labels));
    }
}
