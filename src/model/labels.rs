//! Label sets: what names a series.

use std::{
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use xxhash_rust::xxh3::Xxh3;

/// The label that holds a metric's name.
pub const METRIC_NAME: &str = "__name__";

/// One label. Both strings are shared, so that a clone copies no text.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Label {
    /// The name, for example `job`.
    pub name: Arc<str>,
    /// The value, never empty: an empty value means that the label is not there.
    pub value: Arc<str>,
}

#[derive(Debug)]
struct Inner {
    fingerprint: u64,
    pairs: Box<[Label]>,
}

/// A set of labels, sorted by name, each name once, no value empty.
///
/// A clone counts a reference. The fingerprint is kept beside the labels, so a look-up in a map
/// does not read the strings again.
#[derive(Clone)]
pub struct Labels(Arc<Inner>);

impl Labels {
    /// Makes a set from labels in any order; of two with one name the last counts, and labels with
    /// an empty value are left out.
    pub fn new(mut pairs: Vec<Label>) -> Self {
        // A stable sort, then the last of each name.
        pairs.sort_by(|a, b| a.name.cmp(&b.name));
        let mut kept: Vec<Label> = Vec::with_capacity(pairs.len());
        for label in pairs {
            match kept.last_mut() {
                Some(last) if last.name == label.name => *last = label,
                _ => kept.push(label),
            }
        }
        kept.retain(|label| !label.value.is_empty());
        let fingerprint = fingerprint(&kept);
        Self(Arc::new(Inner { fingerprint, pairs: kept.into_boxed_slice() }))
    }

    /// Makes a set from pairs of strings.
    pub fn from_pairs<N: AsRef<str>, V: AsRef<str>>(pairs: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::new(
            pairs
                .into_iter()
                .map(|(name, value)| Label {
                    name: Arc::from(name.as_ref()),
                    value: Arc::from(value.as_ref()),
                })
                .collect(),
        )
    }

    /// The set with no label.
    pub fn empty() -> Self {
        Self::new(Vec::new())
    }

    /// The value of label `name`, if the set has it.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.shared(name).map(|value| &**value)
    }

    /// The shared value of label `name`.
    pub fn shared(&self, name: &str) -> Option<&Arc<str>> {
        self.0.pairs.binary_search_by(|label| (*label.name).cmp(name)).ok().map(|at| &self.0.pairs[at].value)
    }

    /// The metric's name, or an empty string.
    pub fn metric_name(&self) -> &str {
        self.get(METRIC_NAME).unwrap_or_default()
    }

    /// The labels, by name.
    pub fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.0.pairs.iter()
    }

    /// The labels, by name.
    pub fn as_slice(&self) -> &[Label] {
        &self.0.pairs
    }

    /// How many labels there are, the name counted.
    pub fn len(&self) -> usize {
        self.0.pairs.len()
    }

    /// Whether the set has no label.
    pub fn is_empty(&self) -> bool {
        self.0.pairs.is_empty()
    }

    /// A 64-bit hash of names and values: the same on every node and in every version (XXH3 over
    /// `name 0xff value 0xff …`). Two sets can share it; compare them too.
    pub fn fingerprint(&self) -> u64 {
        self.0.fingerprint
    }

    /// The set without the labels that `keep` refuses.
    #[must_use]
    pub fn filtered(&self, mut keep: impl FnMut(&str) -> bool) -> Self {
        Self::new(self.iter().filter(|label| keep(&label.name)).cloned().collect())
    }

    /// The set with `name` set to `value`; an empty value takes the label away.
    #[must_use]
    pub fn with(&self, name: &str, value: &str) -> Self {
        let mut pairs = self.0.pairs.to_vec();
        pairs.push(Label { name: Arc::from(name), value: Arc::from(value) });
        Self::new(pairs)
    }

    /// The set without the metric's name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        if self.shared(METRIC_NAME).is_none() {
            return self.clone();
        }
        self.filtered(|name| name != METRIC_NAME)
    }
}

fn fingerprint(pairs: &[Label]) -> u64 {
    let mut hasher = Xxh3::new();
    for label in pairs {
        hasher.update(label.name.as_bytes());
        hasher.update(&[0xff]);
        hasher.update(label.value.as_bytes());
        hasher.update(&[0xff]);
    }
    hasher.digest()
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
            || (self.0.fingerprint == other.0.fingerprint && self.0.pairs == other.0.pairs)
    }
}

impl Eq for Labels {}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    /// By the labels in their order, name before value.
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.pairs.cmp(&other.0.pairs)
    }
}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0.fingerprint);
    }
}

impl Default for Labels {
    fn default() -> Self {
        Self::empty()
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Labels {
    /// As PromQL writes it: `name{a="1", b="2"}`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.metric_name();
        f.write_str(name)?;
        let mut rest = self.iter().filter(|label| &*label.name != METRIC_NAME).peekable();
        if rest.peek().is_none() && !name.is_empty() {
            return Ok(());
        }
        f.write_str("{")?;
        for (at, label) in rest.enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{}={:?}", label.name, label.value)?;
        }
        f.write_str("}")
    }
}

impl serde::Serialize for Labels {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.iter().map(|label| (&*label.name, &*label.value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_sorted_and_unique() {
        let labels = Labels::from_pairs([("b", "2"), ("a", "1"), ("b", "3"), ("c", "")]);
        assert_eq!(labels.to_string(), r#"{a="1", b="3"}"#);
        assert_eq!(labels, Labels::from_pairs([("a", "1"), ("b", "3")]));
        assert_eq!(labels.get("c"), None);
    }

    #[test]
    fn the_fingerprint_tells_name_from_value() {
        let one = Labels::from_pairs([("ab", "c")]);
        let two = Labels::from_pairs([("a", "bc")]);
        assert_ne!(one.fingerprint(), two.fingerprint());
    }

    #[test]
    fn a_name_is_written_before_the_braces() {
        let labels = Labels::from_pairs([(METRIC_NAME, "up"), ("job", "node")]);
        assert_eq!(labels.to_string(), r#"up{job="node"}"#);
        assert_eq!(labels.without_name().to_string(), r#"{job="node"}"#);
    }
}
