//! What this server is and holds, in the form in which a Prometheus says it.

use axum::extract::{Request, State};
use serde_json::{Value as Json, json};

use super::{
    answer::{Answer, ApiError, success},
    evaluate::QUERY_TIME_MAX,
    parameters::Parameters,
    time::rfc3339,
};
use crate::http::Shared;
use crate::live::{EVALUATIONS_MAX, EVALUATIONS_MIN};
use crate::model::limits::LOOKBACK_MS;
use crate::query::limits::SAMPLES_MAX;

/// The Prometheus whose API this is: clients choose by it what they may ask for.
const ANSWERS_AS: &str = "3.14.0";
/// Entries of each list of the store's page, unless `limit` says otherwise.
const LISTED: usize = 10;
/// The most that may be asked for.
const LISTED_MAX: usize = 10_000;

/// `/api/v1/status/buildinfo`
pub(in crate::http) async fn build() -> Answer {
    success(json!({
        "version": ANSWERS_AS,
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "application": "watchroom",
        "applicationVersion": env!("CARGO_PKG_VERSION"),
    }))
}

/// `/api/v1/status/runtimeinfo`
pub(in crate::http) async fn runtime(State(site): State<Shared>) -> Answer {
    let rules = site.alerts.rules_now().await;
    let file =
        rules.map(|rules| rules.file).map_err(|_| ApiError::internal("the alert engine has stopped"))?;
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    success(json!({
        "startTime": rfc3339(site.started),
        // Which folder that is, is nobody's business.
        "CWD": "",
        "hostname": site.instance,
        "serverTime": rfc3339(site.clock.now_ms()),
        "reloadConfigSuccess": file.problems.is_empty(),
        "lastConfigTime": rfc3339(file.read),
        "corruptionCount": site.live.store().stats().damaged_chunks,
        "goroutineCount": 0,
        "GOMAXPROCS": threads,
        "GOMEMLIMIT": 0,
        "GOGC": "",
        "GODEBUG": "",
        "storageRetention": retention(&site),
    }))
}

/// How long samples are kept, in days as people set it.
fn retention(site: &Shared) -> String {
    let ms = site.live.store().retention_ms();
    if ms % 86_400_000 == 0 { format!("{}d", ms / 86_400_000) } else { format!("{}s", ms / 1_000) }
}

/// `/api/v1/status/config`: what a Prometheus's file would say of us.
pub(in crate::http) async fn config() -> Answer {
    success(json!({ "yaml": "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\n" }))
}

/// `/api/v1/status/flags`: the limits that have a flag in Prometheus.
pub(in crate::http) async fn flags(State(site): State<Shared>) -> Answer {
    success(json!({
        "query.lookback-delta": format!("{}s", LOOKBACK_MS / 1_000),
        "query.max-concurrency": format!("{EVALUATIONS_MIN} to {EVALUATIONS_MAX}"),
        "query.max-samples": SAMPLES_MAX.to_string(),
        "query.timeout": format!("{}s", QUERY_TIME_MAX.as_secs()),
        "storage.tsdb.retention.time": retention(&site),
    }))
}

/// `/api/v1/targets`: nothing is scraped, samples come by themselves.
pub(in crate::http) async fn targets() -> Answer {
    success(json!({ "activeTargets": [], "droppedTargets": [], "droppedTargetCounts": {} }))
}

/// `/api/v1/alertmanagers`: alerts are told by ourselves.
pub(in crate::http) async fn alertmanagers() -> Answer {
    success(json!({ "activeAlertmanagers": [], "droppedAlertmanagers": [] }))
}

/// `/api/v1/status/tsdb`
pub(in crate::http) async fn store(State(site): State<Shared>, request: Request) -> Answer {
    let most = match Parameters::of(request).await?.limit()? {
        0 => LISTED,
        limit if limit <= LISTED_MAX => limit,
        _ => return Err(ApiError::parameter("limit", format_args!("at most {LISTED_MAX}"))),
    };
    let store = site.live.store().clone();
    let found = site.live.in_turn(move || store.cardinality(most)).await?;
    let list = |counted: &[(std::sync::Arc<str>, usize)]| -> Vec<Json> {
        counted.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect()
    };
    success(json!({
        "headStats": {
            "numSeries": found.series,
            "numLabelPairs": found.pairs,
            "chunkCount": found.chunks,
            "minTime": found.oldest.unwrap_or(i64::MAX),
            "maxTime": found.newest.unwrap_or(i64::MIN),
        },
        "seriesCountByMetricName": list(&found.metrics),
        "labelValueCountByLabelName": list(&found.labels),
        "memoryInBytesByLabelName": list(&found.label_bytes),
        "seriesCountByLabelValuePair": list(&found.label_values),
    }))
}
