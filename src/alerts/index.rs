//! Which rules a series wakes.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::limits::SERIES_MAX;
use crate::model::{Labels, MatchOp, Matcher};
use crate::rules::Rule;

/// The conditions of one selector of one rule.
#[derive(Debug)]
struct Selector {
    rule: usize,
    matchers: Vec<Matcher>,
}

/// Tells which rules read a series; each series is matched once and then known.
///
/// At most [`SERIES_MAX`] series are known; past it all are forgotten, and matched anew as they come.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Selectors that name a metric.
    by_name: FxHashMap<String, Vec<Selector>>,
    /// Selectors that do not.
    others: Vec<Selector>,
    known: FxHashMap<Labels, Arc<[usize]>>,
}

impl Index {
    /// An index of rules; they are named by their places in `rules`.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a Rule>) -> Self {
        let mut index = Self::default();
        for (rule, text) in rules.enumerate() {
            for matchers in text.value.selectors() {
                let selector = Selector { rule, matchers: matchers.to_vec() };
                match metric(matchers) {
                    Some(name) => index.by_name.entry(name.to_owned()).or_default().push(selector),
                    None => index.others.push(selector),
                }
            }
        }
        index
    }

    /// The places of the rules that read a series, ascending.
    pub(super) fn readers(&mut self, labels: &Labels) -> &[usize] {
        if SERIES_MAX <= self.known.len() && !self.known.contains_key(labels) {
            self.known.clear();
        }
        let (by_name, others) = (&self.by_name, &self.others);
        self.known.entry(labels.clone()).or_insert_with(|| {
            let named = by_name.get(labels.metric_name()).into_iter().flatten();
            let reads = |one: &&Selector| one.matchers.iter().all(|matcher| matcher.matches_labels(labels));
            let mut rules: Vec<usize> =
                named.chain(others).filter(reads).map(|selector| selector.rule).collect();
            rules.sort_unstable();
            rules.dedup();
            rules.into()
        })
    }
}

/// The metric that a selector names.
pub(super) fn metric(matchers: &[Matcher]) -> Option<&str> {
    let name = matchers.iter().find(|one| one.op == MatchOp::Equal && one.name == crate::model::METRIC_NAME);
    name.map(|one| one.value.as_str())
}
