//! Prometheus's rule files, as far as tests need them.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_saphyr::Spanned;

use super::{
    SuiteError,
    case::{Foreign, Member},
    promtool::{Text, read},
};
use crate::document;
use crate::query::Plan;
use crate::rules::{Level, OnNoData, Rule, Severity, Template, rule::Templates, split};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    #[serde(default)]
    groups: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that may be there and change no test")]
struct Group {
    name: Text,
    #[serde(default)]
    interval: Option<Text>,
    #[serde(default)]
    query_offset: Option<Text>,
    #[serde(default)]
    limit: Option<Text>,
    #[serde(default)]
    labels: BTreeMap<String, Text>,
    #[serde(default)]
    rules: Vec<RuleEntry>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleEntry {
    #[serde(default)]
    alert: Option<Text>,
    #[serde(default)]
    record: Option<Text>,
    expr: Spanned<Text>,
    #[serde(default, rename = "for")]
    hold: Option<Spanned<Text>>,
    #[serde(default)]
    keep_firing_for: Option<Spanned<Text>>,
    #[serde(default)]
    labels: BTreeMap<String, Text>,
    #[serde(default)]
    annotations: BTreeMap<String, Text>,
}

/// Reads a rule file.
pub(super) fn parse(name: &str, text: &str) -> Result<Vec<Member>, SuiteError> {
    let file: File = read(name, text)?;
    let mut members = Vec::new();
    for group in file.groups {
        for entry in group.rules {
            members.push(member(name, entry, &group.labels)?);
        }
    }
    Ok(members)
}

fn member(name: &str, entry: RuleEntry, shared: &BTreeMap<String, Text>) -> Result<Member, SuiteError> {
    let line = entry.expr.referenced.line();
    let wrong = |line: u64, what: String| SuiteError::Text(format!("{name}:{line}: {what}"));
    let expr = &entry.expr.value.0;
    let mut labels: BTreeMap<String, String> =
        shared.iter().map(|(name, text)| (name.clone(), text.0.clone())).collect();
    labels.extend(entry.labels.into_iter().map(|(name, text)| (name, text.0)));
    let labels: Vec<(String, String)> = labels.into_iter().collect();
    let duration = |text: &Option<Spanned<Text>>| match text {
        None => Ok(0),
        Some(text) => {
            let line = text.referenced.line();
            ms(&text.value.0).ok_or_else(|| wrong(line, format!("`{}` is not a duration", text.value.0)))
        }
    };
    match (entry.alert, entry.record) {
        (Some(alert), None) => {
            let split = split::split(expr).map_err(|error| wrong(line, error.to_string()))?;
            let (for_ms, keep_firing_ms) = (duration(&entry.hold)?, duration(&entry.keep_firing_for)?);
            let rule = Rule {
                id: Rule::id_of(&alert.0),
                name: alert.0,
                value: split.value,
                levels: vec![Level { severity: Severity::Warning, condition: split.condition }],
                for_ms,
                keep_firing_ms,
                on_no_data: OnNoData::Resolve,
                templates: Templates::new("", "", &labels),
                labels,
                summary: String::new(),
                description: String::new(),
                runbook: String::new(),
                unit: String::new(),
                rooms: Vec::new(),
                text: expr.clone(),
                line: usize::try_from(line).unwrap_or(1),
            };
            let annotations =
                entry.annotations.into_iter().map(|(name, text)| (name, Template::new(&text.0)));
            Ok(Member::Foreign(Box::new(Foreign { rule, annotations: annotations.collect() })))
        }
        (None, Some(record)) => {
            let plan = Plan::parse(expr).map_err(|error| wrong(line, error.to_string()))?;
            Ok(Member::Record { name: record.0, plan, labels })
        }
        _ => Err(wrong(line, "a rule has either `alert` or `record`".to_owned())),
    }
}

/// A duration of Prometheus's, of which a bare `0` is one.
pub(super) fn ms(text: &str) -> Option<i64> {
    if text == "0" { Some(0) } else { document::duration_ms(text) }
}
