//! What holds for a pushed body of either format.

use watchroom::ingest::limits::{METRIC_NAME_BYTES_MAX, QUOTED_BYTES_MAX, REFUSED_LISTED_MAX};
use watchroom::ingest::{PushError, Pushed};
use watchroom::model::limits::{LABEL_NAME_BYTES_MAX, LABEL_VALUE_BYTES_MAX, LABELS_MAX};
use watchroom::model::{BatchHistogram, Labels, METRIC_NAME};

/// The time of arrival.
pub const NOW: i64 = 1_790_000_000_000;
/// Bytes of a reason: our words, and a sender's text with each of its characters escaped.
const REASON_BYTES_MAX: usize = 160 + 8 * QUOTED_BYTES_MAX;

/// Each of `items` is taken or refused, at its place, and what was taken is within the limits.
pub fn check(pushed: &Pushed, items: &[usize]) {
    assert_eq!(pushed.samples.len() + pushed.histograms.len() + pushed.refused_count, items.len());
    assert_eq!(pushed.refused.len(), pushed.refused_count.min(REFUSED_LISTED_MAX));
    let mut places: Vec<usize> = pushed.samples.iter().map(|(item, _)| *item).collect();
    assert!(places.is_sorted() && pushed.refused.is_sorted_by_key(|item| item.index));
    assert!(pushed.histograms.is_sorted_by_key(|(item, _)| *item));
    places.extend(pushed.histograms.iter().map(|(item, _)| *item));
    places.extend(pushed.refused.iter().map(|item| item.index));
    places.sort_unstable();
    if pushed.refused_count <= REFUSED_LISTED_MAX {
        assert_eq!(places, items);
    }
    for refused in &pushed.refused {
        assert!((1..=REASON_BYTES_MAX).contains(&refused.reason.len()), "{}", refused.reason);
        assert!(!refused.reason.contains(char::is_control), "{}", refused.reason);
    }
    pushed.samples.iter().for_each(|(_, sample)| check_labels(&sample.labels));
    for (_, BatchHistogram { labels, sample }) in &pushed.histograms {
        check_labels(labels);
        sample.histogram.check().expect("what the store takes");
    }
}

fn check_labels(labels: &Labels) {
    assert!(labels.len() <= LABELS_MAX);
    assert!((1..=METRIC_NAME_BYTES_MAX).contains(&labels.metric_name().len()));
    assert!(labels.get("job").is_some());
    for label in labels.iter() {
        assert!((1..=LABEL_NAME_BYTES_MAX).contains(&label.name.len()));
        assert!((1..=LABEL_VALUE_BYTES_MAX).contains(&label.value.len()));
        assert!(!label.name.contains(char::is_control));
        assert!(&*label.name != METRIC_NAME || !label.value.contains(char::is_control));
    }
}

/// A body of which nothing was taken says why.
pub fn check_error(error: &PushError) {
    assert!(!error.to_string().is_empty());
    if let PushError::NotJson { line, .. } = error {
        assert!(1 <= *line);
    }
}

/// The same samples, told in this format once more.
pub fn check_again(pushed: &Pushed, again: Result<Pushed, PushError>) {
    let again = again.expect("what was written");
    assert!(again.refused.is_empty(), "{}", again.refused[0]);
    assert_eq!(again.samples.len(), pushed.samples.len());
    for ((_, again), (_, sample)) in again.samples.iter().zip(&pushed.samples) {
        assert_eq!(again.labels, sample.labels);
        assert_eq!(again.sample.t, sample.sample.t);
        let (a, b) = (again.sample.v, sample.sample.v);
        assert!(a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan(), "{a} is not {b}");
    }
}
