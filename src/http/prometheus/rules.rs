//! `rules` and `alerts`: a rule of ours is one of Prometheus's for each of its severities.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use serde::Serialize;
use serde_json::json;

use super::{
    answer::{Answer, ApiError, success},
    encode::number,
    parameters::Parameters,
    time::rfc3339,
};
use crate::alerts::{EVALUATE_MS, RuleNow};
use crate::http::Shared;
use crate::live::RecordNow;
use crate::model::{Labels, Matcher};
use crate::rules::{Alert, Severity, State as AlertState, duration_text};

/// The name of the group of alerting rules, and of the file of all.
const GROUP: &str = "alerts.toml";
/// What an evaluation of long ago is said to be.
const NEVER: &str = "0001-01-01T00:00:00Z";

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Group {
    name: String,
    file: &'static str,
    interval: f64,
    limit: usize,
    rules: Vec<AnyRule>,
    evaluation_time: f64,
    last_evaluation: String,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum AnyRule {
    Alerting(RuleJson),
    Recording(RecordJson),
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecordJson {
    name: String,
    query: String,
    #[serde(skip_serializing_if = "Labels::is_empty")]
    labels: Labels,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    r#type: &'static str,
}

impl RecordJson {
    fn of(now: &RecordNow) -> Self {
        let rule = &now.rule;
        Self {
            name: rule.name.clone(),
            query: rule.value.text().to_owned(),
            labels: Labels::from_pairs(rule.labels.iter().map(|(name, value)| (name, value))),
            health: health(now.error.is_some(), now.evaluated),
            last_error: now.error.clone(),
            evaluation_time: now.took.as_secs_f64(),
            last_evaluation: now.evaluated.map_or_else(|| NEVER.to_owned(), rfc3339),
            r#type: "recording",
        }
    }
}

fn health(failed: bool, evaluated: Option<i64>) -> &'static str {
    match (failed, evaluated) {
        (true, _) => "err",
        (false, Some(_)) => "ok",
        (false, None) => "unknown",
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct RuleJson {
    state: &'static str,
    name: String,
    query: String,
    duration: f64,
    keep_firing_for: f64,
    labels: Labels,
    annotations: BTreeMap<&'static str, String>,
    alerts: Vec<AlertJson>,
    health: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_error: Option<String>,
    evaluation_time: f64,
    last_evaluation: String,
    r#type: &'static str,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AlertJson {
    labels: Labels,
    annotations: BTreeMap<&'static str, String>,
    state: &'static str,
    active_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    keep_firing_since: Option<String>,
    value: String,
}

impl AlertJson {
    fn of(alert: &Alert, runbook: &str) -> Self {
        Self {
            labels: alert.labels.clone(),
            annotations: annotations(&alert.summary, &alert.description, runbook),
            state: if alert.state == AlertState::Firing { "firing" } else { "pending" },
            active_at: rfc3339(alert.since),
            keep_firing_since: alert.quiet_since.map(rfc3339),
            value: number(alert.value),
        }
    }
}

fn annotations(summary: &str, description: &str, runbook: &str) -> BTreeMap<&'static str, String> {
    let all = [("summary", summary), ("description", description), ("runbook_url", runbook)];
    all.into_iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| (name, text.to_owned())).collect()
}

/// The rule of one severity.
fn rule(now: &RuleNow, severity: Severity, query: String, with_alerts: bool) -> RuleJson {
    let rule = &now.rule;
    let active = now.alerts.iter().filter(|alert| alert.is_active() && alert.severity == severity);
    let state = active.clone().map(|alert| alert.state);
    let state = match (state.clone().any(|state| state == AlertState::Firing), state.count()) {
        (true, _) => "firing",
        (false, 0) => "inactive",
        (false, _) => "pending",
    };
    let mut labels = Labels::from_pairs([("severity", severity.name())]);
    for (name, value) in &rule.labels {
        labels = labels.with(name, value);
    }
    RuleJson {
        state,
        name: rule.name.clone(),
        query,
        duration: seconds(rule.for_ms),
        keep_firing_for: seconds(rule.keep_firing_ms),
        labels,
        annotations: annotations(&rule.summary, &rule.description, &rule.runbook),
        alerts: if with_alerts {
            active.map(|alert| AlertJson::of(alert, &rule.runbook)).collect()
        } else {
            Vec::new()
        },
        health: health(now.error.is_some(), now.evaluated),
        last_error: now.error.clone(),
        evaluation_time: seconds(now.took_ms),
        last_evaluation: now.evaluated.map_or_else(|| NEVER.to_owned(), rfc3339),
        r#type: "alerting",
    }
}

#[expect(clippy::cast_precision_loss, reason = "durations in ms are far below 2^53")]
fn seconds(ms: i64) -> f64 {
    ms as f64 / 1_000.0
}

/// Whether one of the values, or none at all, is asked for.
fn is_asked(parameters: &Parameters, name: &str, value: &str) -> bool {
    let mut asked = parameters.all(name).peekable();
    asked.peek().is_none() || asked.any(|one| one == value)
}

async fn standing(site: &Shared) -> Result<Vec<RuleNow>, ApiError> {
    let now = site.alerts.rules_now().await;
    now.map(|now| now.rules).map_err(|_| ApiError::internal("the alert engine has stopped"))
}

/// `/api/v1/rules`
pub(in crate::http) async fn rules(State(site): State<Shared>, request: Request) -> Answer {
    let parameters = Parameters::of(request).await?;
    let with_alerts = !parameters.flag("exclude_alerts")?;
    let kind = parameters.get("type").unwrap_or_default();
    if !matches!(kind, "" | "alert" | "record") {
        return Err(ApiError::parameter("type", format_args!("not supported value {kind:?}")));
    }
    let matchers = parameters.matchers()?;
    let fits = |labels: &Labels, one: &Vec<Matcher>| one.iter().all(|matcher| matcher.matches_labels(labels));
    let is_meant = |labels: &Labels| matchers.is_empty() || matchers.iter().any(|one| fits(labels, one));
    let all = standing(&site).await?;
    let of =
        all.iter().filter(|now| kind != "record" && is_asked(&parameters, "rule_name[]", &now.rule.name));
    let rules = of.flat_map(|now| {
        let levels = now.rule.explain().into_iter();
        levels.map(move |(severity, query)| rule(now, severity, query, with_alerts))
    });
    let rules: Vec<AnyRule> = rules.filter(|rule| is_meant(&rule.labels)).map(AnyRule::Alerting).collect();
    let mut groups = Vec::new();
    if kind != "alert" {
        let recorded = site.live.records().await.map_err(|_| ApiError::internal("the engine has stopped"))?;
        groups.extend(record_groups(recorded, |now| {
            let one = RecordJson::of(now);
            (is_asked(&parameters, "rule_name[]", &one.name) && is_meant(&one.labels)).then_some(one)
        }));
    }
    if !rules.is_empty() {
        groups.push(Group {
            name: GROUP.to_owned(),
            file: GROUP,
            interval: seconds(EVALUATE_MS),
            limit: 0,
            evaluation_time: all.iter().map(|now| seconds(now.took_ms)).sum(),
            last_evaluation: all
                .iter()
                .filter_map(|now| now.evaluated)
                .max()
                .map_or_else(|| NEVER.to_owned(), rfc3339),
            rules,
        });
    }
    let is_group = |group: &Group| {
        is_asked(&parameters, "rule_group[]", &group.name) && is_asked(&parameters, "file[]", GROUP)
    };
    groups.retain(is_group);
    success(json!({ "groups": groups }))
}

/// The recording rules, a group for each interval.
fn record_groups(
    all: Vec<RecordNow>,
    take: impl Fn(&RecordNow) -> Option<RecordJson>,
) -> impl Iterator<Item = Group> {
    let mut by_step: BTreeMap<i64, Vec<RecordNow>> = BTreeMap::new();
    for one in all {
        by_step.entry(one.rule.step).or_default().push(one);
    }
    let groups = by_step.into_iter().map(move |(step, of)| Group {
        name: format!("record {}", duration_text(step)),
        file: GROUP,
        interval: seconds(step),
        limit: 0,
        evaluation_time: of.iter().map(|one| one.took.as_secs_f64()).sum(),
        last_evaluation: of
            .iter()
            .filter_map(|one| one.evaluated)
            .max()
            .map_or_else(|| NEVER.to_owned(), rfc3339),
        rules: of.iter().filter_map(&take).map(AnyRule::Recording).collect(),
    });
    groups.filter(|group| !group.rules.is_empty())
}

/// `/api/v1/alerts`
pub(in crate::http) async fn alerts(State(site): State<Shared>) -> Answer {
    let all = standing(&site).await?;
    let alerts = all.iter().flat_map(|now| {
        let active = now.alerts.iter().filter(|alert| alert.is_active());
        active.map(|alert| AlertJson::of(alert, &now.rule.runbook))
    });
    success(json!({ "alerts": alerts.collect::<Vec<_>>() }))
}
