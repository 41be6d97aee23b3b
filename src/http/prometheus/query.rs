//! `query`, `query_range` and `query_exemplars`.

use axum::extract::{Request, State};
use serde_json::{Value as Json, json};

use super::{
    answer::{Answer, ApiError, Success, cut, success},
    encode::Data,
    evaluate::{Cost, evaluate},
    parameters::Parameters,
    time::duration,
};
use crate::http::Shared;
use crate::query::{EvalRange, Value};

/// Steps of a range query, as in Prometheus.
const RANGE_STEPS_MAX: i64 = 11_000;

/// `/api/v1/query`
pub(in crate::http) async fn instant(State(site): State<Shared>, request: Request) -> Answer {
    let parameters = Parameters::of(request).await?;
    let at = parameters.time("time")?.unwrap_or_else(|| site.clock.now_ms());
    let range = EvalRange { start: at, end: at, step: 0, lookback: parameters.lookback()? };
    answer(&site, &parameters, range).await
}

/// `/api/v1/query_range`
pub(in crate::http) async fn range(State(site): State<Shared>, request: Request) -> Answer {
    let parameters = Parameters::of(request).await?;
    let start = parameters.need_time("start")?;
    let end = parameters.need_time("end")?;
    if end < start {
        return Err(ApiError::parameter("end", "end timestamp must not be before start time"));
    }
    let step = duration("step", parameters.get("step").unwrap_or_default())?;
    if step <= 0 {
        return Err(ApiError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if RANGE_STEPS_MAX < (end - start) / step {
        return Err(ApiError::bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let range = EvalRange { start, end, step, lookback: parameters.lookback()? };
    answer(&site, &parameters, range).await
}

/// `/api/v1/query_exemplars`: there are none.
pub(in crate::http) async fn exemplars(State(_): State<Shared>, request: Request) -> Answer {
    let parameters = Parameters::of(request).await?;
    let start = parameters.time("start")?.unwrap_or(i64::MIN);
    if parameters.time("end")?.is_some_and(|end| end < start) {
        return Err(ApiError::bad("end timestamp must not be before start timestamp"));
    }
    parameters.plan()?;
    success(json!([]))
}

async fn answer(site: &Shared, parameters: &Parameters, range: EvalRange) -> Answer {
    let (limit, timeout) = (parameters.limit()?, parameters.timeout()?);
    let plan = parameters.plan()?;
    let query = plan.text().to_owned();
    let wants_stats = parameters.get("stats").is_some_and(|stats| !stats.is_empty());
    evaluate(site, &plan, range, timeout, move |mut answer, cost| {
        let is_cut = match &mut answer.value {
            Value::Vector(vector) => cut(vector, limit),
            Value::Matrix(matrix) => cut(matrix, limit),
            Value::Scalar(_) | Value::String(_) => false,
        };
        let stats = wants_stats.then(|| stats(cost));
        let data = Data { value: &answer.value, at: range.end, stats };
        let room = data.bytes();
        Success::new(data).annotated(&answer.annotations, &query).truncated(is_cut).response(room)
    })
    .await
}

/// What an evaluation took, under Prometheus's names; times in seconds.
fn stats(cost: &Cost) -> Json {
    let (queued, read, computed) =
        (cost.queued.as_secs_f64(), cost.read.as_secs_f64(), cost.computed.as_secs_f64());
    json!({
        "timings": {
            "evalTotalTime": read + computed,
            "resultSortTime": 0.0,
            "queryPreparationTime": read,
            "innerEvalTime": computed,
            "execQueueTime": queued,
            "execTotalTime": queued + read + computed,
        },
        "samples": { "totalQueryableSamples": cost.samples, "peakSamples": cost.samples },
    })
}
