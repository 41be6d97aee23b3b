//! Prometheus's query API, over what `query` can do.

use axum::{
    Form,
    extract::{FromRequest, Path, Query, Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use serde_json::{Value as Json, json};

use super::Shared;
use crate::document::duration_ms;
use crate::live::{LiveError, Unread};
use crate::model::limits::LOOKBACK_MS;
use crate::model::{Matcher, Sample};
use crate::query::{EvalLimits, EvalRange, Plan, QueryError, Value};
use crate::store::Store;

/// Steps of a range query, as in Prometheus.
const RANGE_STEPS_MAX: i64 = 11_000;
/// Seconds after which a client may try again when others' evaluations take too long.
pub(super) const RETRY_SECONDS: u32 = 5;

/// A refusal in Prometheus's shape.
#[derive(Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    kind: &'static str,
    message: String,
}

impl ApiError {
    fn bad(message: impl Into<String>) -> Self {
        Self { status: StatusCode::BAD_REQUEST, kind: "bad_data", message: message.into() }
    }
}

impl ApiError {
    fn internal(message: &str) -> Self {
        Self { status: StatusCode::INTERNAL_SERVER_ERROR, kind: "internal", message: message.to_owned() }
    }
}

impl From<QueryError> for ApiError {
    fn from(error: QueryError) -> Self {
        let (status, kind) = match &error {
            QueryError::Parse { .. } => (StatusCode::BAD_REQUEST, "bad_data"),
            QueryError::NotYet { .. } | QueryError::Eval(..) | QueryError::Limit { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "execution")
            }
        };
        Self { status, kind, message: error.to_string() }
    }
}

impl From<LiveError> for ApiError {
    fn from(error: LiveError) -> Self {
        match error {
            LiveError::Store(busy @ Unread::Busy) => Self {
                status: StatusCode::SERVICE_UNAVAILABLE,
                kind: "unavailable",
                message: busy.to_string(),
            },
            _ => Self::internal("the evaluation ended without a result"),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({ "status": "error", "errorType": self.kind, "error": self.message });
        let json = [(header::CONTENT_TYPE, "application/json")];
        let mut response = (self.status, json, body.to_string()).into_response();
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            response.headers_mut().insert(header::RETRY_AFTER, RETRY_SECONDS.into());
        }
        response
    }
}

type Answer = Result<Response, ApiError>;

fn success(data: &Json) -> Response {
    let body = json!({ "status": "success", "data": data });
    ([(header::CONTENT_TYPE, "application/json")], body.to_string()).into_response()
}

/// The parameters of every call; a form in a POST, the address otherwise.
#[derive(Debug, Default)]
struct Parameters {
    query: Option<String>,
    time: Option<String>,
    start: Option<String>,
    end: Option<String>,
    step: Option<String>,
    lookback_delta: Option<String>,
    selectors: Vec<String>,
}

async fn parameters(request: Request) -> Result<Parameters, ApiError> {
    let wrong = |error: &dyn std::fmt::Display| ApiError::bad(format!("parameters: {error}"));
    if *request.method() == Method::POST {
        let Form(pairs) =
            Form::<Vec<(String, String)>>::from_request(request, &()).await.map_err(|e| wrong(&e))?;
        return Ok(collect(pairs));
    }
    let Query(pairs) =
        Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map_err(|error| wrong(&error))?;
    Ok(collect(pairs))
}

fn collect(pairs: Vec<(String, String)>) -> Parameters {
    let mut parameters = Parameters::default();
    for (name, value) in pairs {
        match name.as_str() {
            "query" => parameters.query = Some(value),
            "time" => parameters.time = Some(value),
            "start" => parameters.start = Some(value),
            "end" => parameters.end = Some(value),
            "step" => parameters.step = Some(value),
            "lookback_delta" => parameters.lookback_delta = Some(value),
            "match[]" => parameters.selectors.push(value),
            _ => {}
        }
    }
    parameters
}

fn time(name: &str, value: Option<&str>) -> Result<Option<i64>, ApiError> {
    let Some(value) = value else { return Ok(None) };
    let wrong = || {
        ApiError::bad(format!("invalid parameter \"{name}\": cannot parse {value:?} to a valid timestamp"))
    };
    let seconds: f64 = match value.parse() {
        Ok(seconds) => seconds,
        Err(_) => return rfc3339_ms(value).map(Some).ok_or_else(wrong),
    };
    let ms = (seconds * 1_000.0).round();
    // The bound keeps every later sum within 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
    if ms.abs() < 9e15 { Ok(Some(ms as i64)) } else { Err(wrong()) }
}

/// Milliseconds of a time such as `2026-11-22T03:12:46.5Z` or with an offset.
fn rfc3339_ms(text: &str) -> Option<i64> {
    let parsed: toml::value::Datetime = text.parse().ok()?;
    let (date, time) = (parsed.date?, parsed.time?);
    let offset_minutes = match parsed.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    // Days since the epoch, by the calendar that counts years from March.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = y * 365 + y.div_euclid(4) - y.div_euclid(100)
        + y.div_euclid(400)
        + (m * 153 + 2) / 5
        + i64::from(date.day)
        - 719_469;
    let seconds = days * 86_400
        + i64::from(time.hour) * 3_600
        + i64::from(time.minute) * 60
        + i64::from(time.second.unwrap_or(0))
        - offset_minutes * 60;
    Some(seconds * 1_000 + i64::from(time.nanosecond.unwrap_or(0)) / 1_000_000)
}

fn duration(name: &str, value: &str) -> Result<i64, ApiError> {
    let wrong =
        || ApiError::bad(format!("invalid parameter \"{name}\": cannot parse {value:?} to a valid duration"));
    match value.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
        Ok(seconds) if (0.0..9e12).contains(&seconds) => Ok((seconds * 1_000.0) as i64),
        Ok(_) => Err(wrong()),
        Err(_) => duration_ms(value).ok_or_else(wrong),
    }
}

/// `/api/v1/query`
pub(super) async fn instant(State(site): State<Shared>, request: Request) -> Answer {
    let parameters = parameters(request).await?;
    let at = time("time", parameters.time.as_deref())?.unwrap_or_else(|| site.clock.now_ms());
    let range = EvalRange { start: at, end: at, step: 0, lookback: lookback(&parameters)? };
    evaluate(&site, &parameters, range).await
}

/// `/api/v1/query_range`
pub(super) async fn range(State(site): State<Shared>, request: Request) -> Answer {
    let parameters = parameters(request).await?;
    let need = |name: &str, value: Option<i64>| {
        value.ok_or_else(|| {
            ApiError::bad(format!("invalid parameter \"{name}\": cannot parse \"\" to a valid timestamp"))
        })
    };
    let start = need("start", time("start", parameters.start.as_deref())?)?;
    let end = need("end", time("end", parameters.end.as_deref())?)?;
    let step = duration("step", parameters.step.as_deref().unwrap_or_default())?;
    if end < start {
        return Err(ApiError::bad("invalid parameter \"end\": end timestamp must not be before start time"));
    }
    if step <= 0 {
        return Err(ApiError::bad(
            "invalid parameter \"step\": zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    if RANGE_STEPS_MAX < (end - start) / step {
        return Err(ApiError::bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let range = EvalRange { start, end, step, lookback: lookback(&parameters)? };
    evaluate(&site, &parameters, range).await
}

fn lookback(parameters: &Parameters) -> Result<i64, ApiError> {
    match parameters.lookback_delta.as_deref() {
        None | Some("") => Ok(LOOKBACK_MS),
        Some(text) => duration("lookback_delta", text),
    }
}

async fn evaluate(site: &Shared, parameters: &Parameters, range: EvalRange) -> Answer {
    let plan = Plan::parse(parameters.query.as_deref().unwrap_or_default())
        .map_err(|error| ApiError::bad(format!("invalid parameter \"query\": {error}")))?;
    let store = site.live.store().clone();
    site.live.in_turn(move || run(&plan, range, &store)).await?
}

/// The answer of a query, encoded: both take their time.
fn run(plan: &Plan, range: EvalRange, store: &Store) -> Answer {
    let data = store.select(&plan.selections(range)).map_err(|error| {
        tracing::error!(error = %error, "samples could not be read");
        ApiError::internal("the samples could not be read")
    })?;
    let value = plan.eval(range, &data, &EvalLimits::default())?;
    Ok(success(&encode(&value, range.end)))
}

fn encode(value: &Value, at: i64) -> Json {
    match value {
        Value::Scalar(sample) => json!({ "resultType": "scalar", "result": pair(*sample) }),
        Value::String(text) => json!({ "resultType": "string", "result": [seconds(at), text] }),
        Value::Vector(vector) => {
            let result: Vec<Json> = vector
                .iter()
                .map(|(labels, sample)| json!({ "metric": labels, "value": pair(*sample) }))
                .collect();
            json!({ "resultType": "vector", "result": result })
        }
        Value::Matrix(matrix) => {
            let result: Vec<Json> = matrix
                .iter()
                .map(|series| {
                    let values: Vec<Json> = series.samples.iter().map(|sample| pair(*sample)).collect();
                    json!({ "metric": series.labels, "values": values })
                })
                .collect();
            json!({ "resultType": "matrix", "result": result })
        }
    }
}

fn pair(sample: Sample) -> Json {
    json!([seconds(sample.t), number(sample.v)])
}

/// Seconds, whole where they are whole.
fn seconds(ms: i64) -> Json {
    if ms % 1_000 == 0 {
        return json!(ms / 1_000);
    }
    #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53 ms")]
    let seconds = ms as f64 / 1_000.0;
    json!(seconds)
}

fn number(value: f64) -> String {
    if value.is_nan() {
        "NaN".to_owned()
    } else if value.is_infinite() {
        if 0.0 < value { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else if value != 0.0 && !(1e-7..1e21).contains(&value.abs()) {
        // Go's 'f' format turns to an exponent of at least two digits out there.
        let text = format!("{value:e}");
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, digits) = exponent.strip_prefix('-').map_or(('+', exponent), |digits| ('-', digits));
        format!("{mantissa}e{sign}{digits:0>2}")
    } else {
        format!("{value}")
    }
}

fn matchers(parameters: &Parameters) -> Result<Vec<Vec<Matcher>>, ApiError> {
    let mut all = Vec::new();
    for selector in &parameters.selectors {
        let plan = Plan::parse(selector)
            .map_err(|error| ApiError::bad(format!("invalid parameter \"match[]\": {error}")))?;
        all.extend(plan.selectors().into_iter().map(<[Matcher]>::to_vec));
    }
    Ok(all)
}

/// `/api/v1/labels`
pub(super) async fn labels(State(site): State<Shared>, request: Request) -> Answer {
    let store = site.live.store();
    let mut names = std::collections::BTreeSet::new();
    let matchers = matchers(&parameters(request).await?)?;
    if matchers.is_empty() {
        names.extend(store.label_names(&[]));
    }
    for matchers in &matchers {
        names.extend(store.label_names(matchers));
    }
    Ok(success(&json!(names)))
}

/// `/api/v1/label/{name}/values`
pub(super) async fn values(State(site): State<Shared>, Path(name): Path<String>, request: Request) -> Answer {
    let store = site.live.store();
    let mut values = std::collections::BTreeSet::new();
    let matchers = matchers(&parameters(request).await?)?;
    if matchers.is_empty() {
        values.extend(store.label_values(&name, &[]));
    }
    for matchers in &matchers {
        values.extend(store.label_values(&name, matchers));
    }
    Ok(success(&json!(values)))
}

/// `/api/v1/series`
pub(super) async fn series(State(site): State<Shared>, request: Request) -> Answer {
    let matchers = matchers(&parameters(request).await?)?;
    if matchers.is_empty() {
        return Err(ApiError::bad("no match[] parameter provided"));
    }
    let store = site.live.store();
    let mut series = std::collections::BTreeSet::new();
    for matchers in &matchers {
        series.extend(store.series(matchers));
    }
    Ok(success(&json!(series)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_refused_evaluation_may_be_tried_again() {
        let response = ApiError::from(LiveError::Store(Unread::Busy)).into_response();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(response.headers()[header::RETRY_AFTER], "5");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        let body: Json = serde_json::from_slice(&body).unwrap();
        assert_eq!((&body["status"], &body["errorType"]), (&json!("error"), &json!("unavailable")));
        assert!(body["error"].as_str().unwrap().contains("try again"), "{body}");
    }

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        assert_eq!(time("time", Some("1790000000.5")).unwrap(), Some(1_790_000_000_500));
        assert_eq!(time("time", Some("2015-07-01T20:10:51.781Z")).unwrap(), Some(1_435_781_451_781));
        assert_eq!(time("time", Some("1970-01-01T01:00:00+01:00")).unwrap(), Some(0));
        assert!(time("time", Some("yesterday")).is_err());
        assert!(time("time", Some("1e300")).is_err());
    }

    #[test]
    fn numbers_are_written_as_prometheus_writes_them() {
        for (value, expected) in [
            (1.0, "1"),
            (0.1, "0.1"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "+Inf"),
            (1e21, "1e+21"),
            (1.5e-9, "1.5e-09"),
            (-2.0, "-2"),
        ] {
            assert_eq!(number(value), expected);
        }
    }
}
