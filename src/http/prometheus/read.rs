//! Remote read: raw samples of series, for another Prometheus. Protobuf in Snappy's block format, all at once.

use axum::{
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use prost::Message;

use super::{answer::ApiError, evaluate::QUERY_TIME_MAX, histogram::HistogramMessage};
use crate::http::Shared;
use crate::model::{MatchOp, Matcher, SelectedSeries, Selection};
use crate::store::Store;

/// Bytes of a request, before and after Snappy: queries of some hundred matchers.
const REQUEST_BYTES_MAX: usize = 1 << 20;
/// Queries of one request: a panel of a Prometheus asks for one per selector.
const QUERIES_MAX: usize = 64;
/// Samples of one answer, as Prometheus's default: 80 MB decoded.
const READ_SAMPLES_MAX: usize = 5_000_000;

#[derive(Clone, PartialEq, Message)]
struct ReadRequest {
    #[prost(message, repeated, tag = "1")]
    queries: Vec<Query>,
    #[prost(int32, repeated, tag = "2")]
    accepted_response_types: Vec<i32>,
}

#[derive(Clone, PartialEq, Message)]
struct Query {
    #[prost(int64, tag = "1")]
    start: i64,
    #[prost(int64, tag = "2")]
    end: i64,
    #[prost(message, repeated, tag = "3")]
    matchers: Vec<LabelMatcher>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct LabelMatcher {
    #[prost(int32, tag = "1")]
    kind: i32,
    #[prost(string, tag = "2")]
    name: String,
    #[prost(string, tag = "3")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct ReadResponse {
    #[prost(message, repeated, tag = "1")]
    results: Vec<QueryResult>,
}

#[derive(Clone, PartialEq, Message)]
struct QueryResult {
    #[prost(message, repeated, tag = "1")]
    timeseries: Vec<TimeSeries>,
}

#[derive(Clone, PartialEq, Message)]
struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    labels: Vec<Label>,
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    histograms: Vec<HistogramMessage>,
}

#[derive(Clone, PartialEq, Eq, Message)]
struct Label {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

#[derive(Clone, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
    #[prost(int64, tag = "2")]
    timestamp: i64,
}

impl Query {
    /// What is to be read; both ends are in it.
    fn selection(&self) -> Result<Selection, ApiError> {
        let matcher = |one: &LabelMatcher| {
            let op = match one.kind {
                0 => MatchOp::Equal,
                1 => MatchOp::NotEqual,
                2 => MatchOp::Regex,
                3 => MatchOp::NotRegex,
                other => return Err(ApiError::bad(format!("there is no matcher of type {other}"))),
            };
            Matcher::new(&one.name, op, &one.value)
                .map_err(|error| ApiError::bad(format!("the matcher of {:?}: {error}", one.name)))
        };
        let matchers = self.matchers.iter().map(matcher).collect::<Result<Vec<_>, _>>()?;
        if matchers.is_empty() {
            return Err(ApiError::bad(
                "a query without matchers asks for all series; name one label at least",
            ));
        }
        Ok(Selection { matchers, from: self.start.saturating_sub(1), to: self.end })
    }
}

/// `/api/v1/read`
pub(in crate::http) async fn read(State(site): State<Shared>, body: Bytes) -> Result<Response, ApiError> {
    let request = request(&body)?;
    let selections = request.queries.iter().map(Query::selection).collect::<Result<Vec<_>, _>>()?;
    let store = site.live.store().clone();
    let work = site.live.in_turn(move || answer(&store, &selections));
    let body = tokio::time::timeout(QUERY_TIME_MAX, work).await.map_err(|_| {
        ApiError::refused("timeout", format!("reading took longer than {QUERY_TIME_MAX:?}"))
    })???;
    let headers = [(header::CONTENT_TYPE, "application/x-protobuf"), (header::CONTENT_ENCODING, "snappy")];
    Ok((headers, body).into_response())
}

fn request(body: &[u8]) -> Result<ReadRequest, ApiError> {
    let length =
        snap::raw::decompress_len(body).map_err(|error| ApiError::bad(format!("Snappy: {error}")))?;
    if REQUEST_BYTES_MAX < length.max(body.len()) {
        return Err(ApiError::bad(format!("the request has more than {REQUEST_BYTES_MAX} bytes")));
    }
    let plain = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|error| ApiError::bad(format!("Snappy: {error}")))?;
    let request =
        ReadRequest::decode(&*plain).map_err(|error| ApiError::bad(format!("protobuf: {error}")))?;
    if QUERIES_MAX < request.queries.len() {
        return Err(ApiError::bad(format!("the request has more than {QUERIES_MAX} queries")));
    }
    // Type 0 is samples; no type at all means the same.
    if !request.accepted_response_types.is_empty() && !request.accepted_response_types.contains(&0) {
        return Err(ApiError::bad("only samples can be answered, response type 0"));
    }
    Ok(request)
}

fn answer(store: &Store, selections: &[Selection]) -> Result<Vec<u8>, ApiError> {
    let found = store.select(selections).map_err(|error| {
        tracing::error!(error = %error, "samples could not be read");
        ApiError::internal("the samples could not be read")
    })?;
    let samples: usize = found.iter().flatten().map(|one| one.samples.len() + one.histograms.len()).sum();
    if READ_SAMPLES_MAX < samples {
        let message =
            format!("the answer would have {samples} samples; at most {READ_SAMPLES_MAX} are read at once");
        return Err(ApiError::refused("execution", message));
    }
    let result = |series: Vec<SelectedSeries>| {
        let mut series: Vec<_> = series.into_iter().filter(|one| !one.is_empty()).collect();
        series.sort_by(|a, b| a.labels.cmp(&b.labels));
        QueryResult { timeseries: series.iter().map(time_series).collect() }
    };
    let response = ReadResponse { results: found.into_iter().map(result).collect() };
    snap::raw::Encoder::new()
        .compress_vec(&response.encode_to_vec())
        .map_err(|_| ApiError::internal("the answer is too large for Snappy"))
}

fn time_series(series: &SelectedSeries) -> TimeSeries {
    let label =
        |label: &crate::model::Label| Label { name: label.name.to_string(), value: label.value.to_string() };
    let sample = |sample: &crate::model::Sample| Sample { value: sample.v, timestamp: sample.t };
    TimeSeries {
        labels: series.labels.iter().map(label).collect(),
        samples: series.samples.iter().map(sample).collect(),
        histograms: series.histograms.iter().map(HistogramMessage::of).collect(),
    }
}
