//! The push doors: JSON and the text exposition format.

use std::sync::Arc;

use axum::{Json, body::Body, extract::State};
use http::{HeaderMap, StatusCode};

use super::{Answer, Shared, Site, error::Failure};
use crate::hub::notice;
use crate::ingest::{self, PushError, Pushed};
use crate::model::{Batch, Source};
use crate::store::{AppendReport, PersistError, Refused};
use crate::telemetry::{Counter, Registry};

/// Seconds after which a pusher may try again when the disk refuses.
const RETRY_SECONDS: u32 = 5;
/// Refused items that an answer lists; the rest are counted.
const REFUSED_SHOWN_MAX: usize = 100;

/// What the push doors count.
#[derive(Debug, Clone)]
pub struct Counters {
    requests: Counter,
    accepted: Counter,
    refused: Counter,
    unavailable: Counter,
}

impl Counters {
    /// Registers them.
    pub fn new(registry: &Registry) -> Self {
        Self {
            requests: registry.counter("watchroom_push_requests_total", "Push requests."),
            accepted: registry.counter("watchroom_push_samples_total", "Samples accepted from pushes."),
            refused: registry.counter("watchroom_push_refused_total", "Items refused from pushes."),
            unavailable: registry.counter(
                "watchroom_push_unavailable_total",
                "Pushes answered with 503: the disk did not keep up.",
            ),
        }
    }
}

/// The answer to a push.
#[derive(Debug, serde::Serialize)]
pub(super) struct Report {
    /// Samples that are stored.
    accepted: usize,
    /// Items that are not, by their place in the request (for text: the line).
    refused: Vec<serde_json::Value>,
    /// How many items are not stored; more than the list may hold.
    refused_total: usize,
}

/// `POST /api/v1/push`
pub(super) async fn json(State(site): State<Shared>, headers: HeaderMap, body: Body) -> Answer<Json<Report>> {
    take(&site, &headers, body, ingest::parse_push).await
}

/// `POST /api/v1/import/prometheus`
pub(super) async fn exposition(
    State(site): State<Shared>,
    headers: HeaderMap,
    body: Body,
) -> Answer<Json<Report>> {
    take(&site, &headers, body, ingest::parse_exposition).await
}

type Parse = fn(&[u8], i64) -> Result<Pushed, PushError>;

async fn take(site: &Site, headers: &HeaderMap, body: Body, parse: Parse) -> Answer<Json<Report>> {
    site.counters.requests.increment();
    let body = site.intake.take(headers, body).await?;
    let now = site.clock.now_ms();
    let parsed = site.intake.parse(body, move |bytes| parse(bytes, now)).await?;
    let parsed = parsed.map_err(|error| wrong(site, &error))?;
    let mut refused_total = parsed.refused_count;
    let mut refused: Vec<(usize, String)> =
        parsed.refused.into_iter().map(|item| (item.index, item.reason.to_string())).collect();
    site.catalog.note(parsed.metadata);
    let (mut items, samples): (Vec<usize>, Vec<_>) = parsed.samples.into_iter().unzip();
    let (with_histograms, histograms): (Vec<usize>, Vec<_>) = parsed.histograms.into_iter().unzip();
    // The store counts them after the numbers.
    items.extend(with_histograms);
    let mut accepted = 0;
    let mut only_limits = refused.is_empty();
    if !items.is_empty() {
        let batch = Arc::new(Batch { histograms, ..Batch::new(Source::Pushed, None, samples) });
        // Before the samples are seen: an alert on the first of a metric goes to the room of its panel.
        let any_new = note(&site.pushed, &batch);
        let report = site.live.submit(Arc::clone(&batch)).await.map_err(|error| Failure::internal(&error))?;
        for refusal in &report.refused {
            let item = items.get(refusal.index).copied().unwrap_or_default();
            refused_total += 1;
            only_limits &= refusal.reason == Refused::SeriesLimit;
            refused.push((item, refusal.reason.to_string()));
        }
        accepted = report.accepted;
        if any_new {
            notice::tell_pushed(&site.backend).await;
        }
        keep(site, &report).await?;
    }
    site.counters.accepted.add(accepted as u64);
    site.counters.refused.add(refused_total as u64);
    refused.sort_by_key(|(item, _)| *item);
    refused.truncate(REFUSED_SHOWN_MAX);
    let refused: Vec<serde_json::Value> = refused
        .into_iter()
        .map(|(item, reason)| serde_json::json!({ "item": item, "reason": reason }))
        .collect();
    if accepted == 0 && 0 < refused_total {
        let (status, detail) = if only_limits {
            (StatusCode::TOO_MANY_REQUESTS, "no more series are stored; the limit is reached")
        } else {
            (StatusCode::BAD_REQUEST, "every item was refused")
        };
        return Err(Failure::new(status, detail).refused(refused));
    }
    Ok(Json(Report { accepted, refused, refused_total }))
}

/// A body of which nothing can be taken.
fn wrong(site: &Site, error: &PushError) -> Failure {
    match error {
        PushError::TooLarge { .. } | PushError::TooManyItems { .. } => site.intake.too_big(error.to_string()),
        PushError::NotJson { .. } | PushError::WrongForm { .. } => {
            Failure::new(StatusCode::BAD_REQUEST, error.to_string())
        }
    }
}

/// Waits until what was accepted is on the disk.
async fn keep(site: &Site, report: &AppendReport) -> Answer<()> {
    let unavailable = |error: &PersistError| {
        site.counters.unavailable.increment();
        tracing::debug!(error = %error, "push not acknowledged");
        let detail =
            format!("{error}; send the same samples with their time stamps again in {RETRY_SECONDS} s");
        Failure::new(StatusCode::SERVICE_UNAVAILABLE, detail).retry_after(RETRY_SECONDS)
    };
    let durable = site.live.store().persist(&report.rows).map_err(|error| unavailable(&error))?;
    durable.wait().await.map_err(|error| unavailable(&error))
}

/// Takes note of the metrics of a batch; tells whether one is new.
fn note(pushed: &crate::dashboards::Pushed, batch: &Batch) -> bool {
    let mut any_new = false;
    let mut last = None;
    for one in &batch.histograms {
        any_new |= pushed.note_histogram(&one.labels);
    }
    for labels in batch.samples.iter().map(|one| &one.labels) {
        let this = (labels.metric_name(), labels.get("job"));
        // Most bodies have the series of a metric together.
        if last != Some(this) {
            any_new |= pushed.note(labels);
            last = Some(this);
        }
    }
    any_new
}
