//! Recording rules: what is written back as series, and in which order.

use std::collections::HashSet;

use crate::model::{Labels, METRIC_NAME, SelectedSeries};
use crate::query::Plan;

/// Series that one evaluation of a recording rule gives.
pub const RECORD_SERIES_MAX: usize = 10_000;

/// One recording rule of the file.
#[derive(Debug, Clone)]
pub struct Record {
    /// Tells it from all others: its name, and its labels if it has some.
    pub id: String,
    /// The name of the series that it writes.
    pub name: String,
    /// What they have as values.
    pub value: Plan,
    /// From evaluation to evaluation, ms.
    pub step: i64,
    /// Labels that they get; one with an empty value is taken away.
    pub labels: Vec<(String, String)>,
    /// The ids of the recording rules that it reads, all of them before it in the file's order.
    pub reads: Vec<String>,
    /// How many of them come one after the other before it, at most.
    pub rank: usize,
    /// The line of the file where it begins, from 1.
    pub line: usize,
}

/// Why what an expression gave cannot be recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// Two series would be one.
    #[error("two series would be recorded as {0}; the expression or `labels` must leave them apart")]
    Same(Labels),
    /// There are too many.
    #[error("{0} series, a recording rule writes at most {RECORD_SERIES_MAX}")]
    TooMany(usize),
}

impl Record {
    /// The id of a recording rule with a name and labels.
    pub fn id_of(name: &str, labels: &[(String, String)]) -> String {
        if labels.is_empty() {
            return name.to_owned();
        }
        Labels::from_pairs(labels.iter().map(|(name, value)| (name, value)))
            .with(METRIC_NAME, name)
            .to_string()
    }

    /// The labels of what it writes for a series of its expression.
    pub fn named(&self, series: &Labels) -> Labels {
        let start = series.with(METRIC_NAME, &self.name);
        self.labels.iter().fold(start, |labels, (name, value)| labels.with(name, value))
    }

    /// What its expression gave, as it is written.
    ///
    /// # Errors
    ///
    /// [`RecordError`].
    pub fn series(&self, mut found: Vec<SelectedSeries>) -> Result<Vec<SelectedSeries>, RecordError> {
        if RECORD_SERIES_MAX < found.len() {
            return Err(RecordError::TooMany(found.len()));
        }
        let mut seen = HashSet::with_capacity(found.len());
        for series in &mut found {
            series.labels = self.named(&series.labels);
            if !seen.insert(series.labels.clone()) {
                return Err(RecordError::Same(series.labels.clone()));
            }
        }
        Ok(found)
    }

    /// Whether it may read what `other` writes: as far as that can be told from the name and the labels that `other`
    /// sets.
    pub fn may_read(&self, other: &Self) -> bool {
        let value = |name: &str| match name {
            METRIC_NAME => Some(other.name.as_str()),
            _ => other.labels.iter().find(|(set, _)| set == name).map(|(_, value)| value.as_str()),
        };
        let selectors = self.value.selectors();
        selectors.iter().any(|matchers| {
            matchers.iter().all(|matcher| value(&matcher.name).is_none_or(|value| matcher.matches(value)))
        })
    }
}

/// Puts recording rules in an order in which each comes after those that it reads, otherwise that of the file.
///
/// # Errors
///
/// The places of rules that read each other, each the one after it and the last the first.
pub(super) fn in_order(records: Vec<Record>) -> Result<Vec<Record>, Vec<usize>> {
    let reads: Vec<Vec<usize>> = records
        .iter()
        .map(|one| (0..records.len()).filter(|&other| one.may_read(&records[other])).collect())
        .collect();
    let mut ranks: Vec<Option<usize>> = vec![None; records.len()];
    loop {
        let mut is_done = true;
        let mut has_grown = false;
        for at in 0..records.len() {
            if ranks[at].is_some() {
                continue;
            }
            let before: Option<Vec<usize>> = reads[at].iter().map(|&other| ranks[other]).collect();
            ranks[at] = before.map(|before| before.into_iter().max().map_or(0, |rank| rank + 1));
            is_done &= ranks[at].is_some();
            has_grown |= ranks[at].is_some();
        }
        if is_done {
            break;
        }
        if !has_grown {
            return Err(cycle(&reads, &ranks));
        }
    }
    let ids: Vec<String> = records.iter().map(|one| one.id.clone()).collect();
    let mut ordered: Vec<Record> = records
        .into_iter()
        .zip(reads)
        .zip(ranks)
        .map(|((one, reads), rank)| Record {
            reads: reads.into_iter().map(|other| ids[other].clone()).collect(),
            rank: rank.unwrap_or_default(),
            ..one
        })
        .collect();
    ordered.sort_by_key(|one| one.rank);
    Ok(ordered)
}

/// A way from one rule without a rank over what it reads back to itself; there is one when no rank can be given.
fn cycle(reads: &[Vec<usize>], ranks: &[Option<usize>]) -> Vec<usize> {
    let mut way: Vec<usize> = Vec::new();
    let mut at = ranks.iter().position(Option::is_none).unwrap_or_default();
    loop {
        if let Some(start) = way.iter().position(|&seen| seen == at) {
            return way.split_off(start);
        }
        way.push(at);
        // Each rule without a rank reads another one without.
        at = reads[at].iter().copied().find(|&other| ranks[other].is_none()).unwrap_or(at);
    }
}
