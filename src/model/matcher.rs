//! What a selector asks of a label.

use regex::Regex;

use super::Labels;

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

impl Matcher {
    /// Makes a matcher; a regular expression is anchored at both ends, and `.` matches a line break,
    /// as in Prometheus.
    ///
    /// # Errors
    ///
    /// When `value` is not a regular expression and `op` wants one.
    pub fn new(name: &str, op: MatchOp, value: &str) -> Result<Self, regex::Error> {
        let regex = match op {
            MatchOp::Equal | MatchOp::NotEqual => None,
            MatchOp::Regex | MatchOp::NotRegex => Some(Regex::new(&format!("^(?s:{value})$"))?),
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
    fn a_missing_label_is_the_empty_string() {
        let labels = Labels::from_pairs([("b", "1")]);
        assert!(Matcher::equal("a", "").matches_labels(&labels));
        assert!(Matcher::new("a", MatchOp::NotEqual, "x").unwrap().matches_labels(&labels));
    }
}
