//! A native histogram as remote read sends it.

use prost::Message;

use crate::model::{CounterReset, Histogram, HistogramSample, histogram::Layout};

/// `prometheus.Histogram`, with counts that may be fractions.
#[derive(Clone, PartialEq, Message)]
pub(super) struct HistogramMessage {
    #[prost(double, optional, tag = "2")]
    count: Option<f64>,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(double, tag = "5")]
    zero_threshold: f64,
    #[prost(double, optional, tag = "7")]
    zero_count: Option<f64>,
    #[prost(message, repeated, tag = "8")]
    negative_spans: Vec<BucketSpan>,
    #[prost(double, repeated, tag = "10")]
    negative_counts: Vec<f64>,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<BucketSpan>,
    #[prost(double, repeated, tag = "13")]
    positive_counts: Vec<f64>,
    #[prost(int32, tag = "14")]
    reset_hint: i32,
    #[prost(int64, tag = "15")]
    timestamp: i64,
    #[prost(double, repeated, tag = "16")]
    custom_values: Vec<f64>,
}

/// Buckets next to each other.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct BucketSpan {
    /// The first one's index, or the gap after the span before.
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

impl HistogramMessage {
    pub(super) fn of(sample: &HistogramSample) -> Self {
        let Histogram { layout, hint, count, sum, zero, positive, negative } = &*sample.histogram;
        let counts = |buckets: &[(i32, f64)]| buckets.iter().map(|(_, count)| *count).collect();
        Self {
            count: Some(*count),
            sum: *sum,
            schema: i32::from(layout.schema()),
            zero_threshold: layout.zero_threshold(),
            zero_count: Some(*zero),
            negative_spans: spans(negative),
            negative_counts: counts(negative),
            positive_spans: spans(positive),
            positive_counts: counts(positive),
            reset_hint: match hint {
                CounterReset::Unknown => 0,
                CounterReset::Reset => 1,
                CounterReset::NotReset => 2,
                CounterReset::Gauge => 3,
            },
            timestamp: sample.t,
            custom_values: match layout {
                Layout::Custom { bounds } => bounds.to_vec(),
                Layout::Exponential { .. } => Vec::new(),
            },
        }
    }
}

fn spans(buckets: &[(i32, f64)]) -> Vec<BucketSpan> {
    let mut spans: Vec<BucketSpan> = Vec::new();
    // The index after the last bucket.
    let mut next = 0;
    for &(index, _) in buckets {
        match spans.last_mut() {
            Some(last) if index == next => last.length += 1,
            _ => spans.push(BucketSpan { offset: index.wrapping_sub(next), length: 1 }),
        }
        next = index.wrapping_add(1);
    }
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_become_spans() {
        let span = |offset, length| BucketSpan { offset, length };
        assert_eq!(spans(&[]), []);
        assert_eq!(spans(&[(0, 1.0), (1, 1.0)]), [span(0, 2)]);
        assert_eq!(spans(&[(-3, 1.0), (-2, 0.0), (4, 1.0)]), [span(-3, 2), span(5, 1)]);
        let custom = Histogram {
            positive: vec![(0, 1.0), (2, 2.0)],
            ..Histogram::empty(Layout::Custom { bounds: [0.5, 1.0].into() })
        };
        let message = HistogramMessage::of(&HistogramSample::new(7, std::sync::Arc::new(custom)));
        assert_eq!((message.schema, message.custom_values), (-53, vec![0.5, 1.0]));
        assert_eq!(
            (message.positive_spans, message.positive_counts),
            (vec![span(0, 1), span(1, 1)], vec![1.0, 2.0])
        );
    }
}
