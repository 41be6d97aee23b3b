//! Test files in our form, TOML; `docs/alerts.md` describes it.

use std::collections::BTreeMap;

use super::{
    Load, Suite, SuiteError,
    case::{AlertCheck, Case, Expected, Member},
    check_times,
};
use crate::document::{self, Placed, Table};
use crate::model::Labels;
use crate::rules::{FILE, Severity, State};

/// Milliseconds from evaluation to evaluation if the file says nothing.
const INTERVAL_MS: i64 = 15_000;
/// Milliseconds from sample to sample if the test says nothing.
const STEP_MS: i64 = 60_000;

/// The file as read, its rules not yet.
struct File {
    rules: Vec<String>,
    every_ms: i64,
    cases: Vec<Case>,
}

/// Reads a test file.
pub(super) fn parse(name: &str, text: &str, load: &Load<'_>) -> Result<Suite, SuiteError> {
    let line_at = |at: usize| text.get(..at).unwrap_or_default().matches('\n').count() + 1;
    let file = document::read(name, text, |table| {
        let rules = rule_files(table);
        let every_ms = interval(table, "evaluation_interval", INTERVAL_MS);
        let mut count = 0;
        let cases = table.tables("test", |table| case(table, &line_at, &mut count));
        File { rules, every_ms, cases }
    })?;
    let mut members: Vec<Member> = Vec::new();
    for path in &file.rules {
        let (name, text) = load(path)?;
        members.extend(super::rules(&name, &text)?);
    }
    let names: Vec<&str> = members.iter().filter_map(Member::alert_name).collect();
    for check in file.cases.iter().flat_map(|case| &case.alerts) {
        if let Some(rule) = check.rule.as_deref().filter(|rule| !names.contains(rule)) {
            let help = document::nearest(rule, &names).map(|near| format!(", did you mean `{near}`?"));
            let text =
                format!("{name}:{}: there is no rule `{rule}`{}", check.line, help.unwrap_or_default());
            return Err(SuiteError::Text(text));
        }
    }
    for case in &file.cases {
        check_times(name, file.every_ms, case.last_ms())?;
    }
    Ok(Suite { name: name.to_owned(), interval_ms: file.every_ms, members, cases: file.cases })
}

impl Member {
    fn alert_name(&self) -> Option<&str> {
        match self {
            Self::Rule(rule) => Some(&rule.name),
            Self::Foreign(foreign) => Some(&foreign.rule.name),
            Self::Record { .. } => None,
        }
    }
}

fn rule_files(table: &mut Table<'_>) -> Vec<String> {
    let files = table.texts("rules").unwrap_or_default();
    if files.is_empty() {
        return vec![FILE.to_owned()];
    }
    files.into_iter().map(|file| file.value).collect()
}

fn interval(table: &mut Table<'_>, key: &'static str, otherwise: i64) -> i64 {
    let span = table.span();
    match table.duration_ms(key) {
        Some(0) => {
            table.reader().wrong(span.start..span.start + 1, format!("`{key}` must be above zero"));
            otherwise
        }
        Some(ms) => ms,
        None => otherwise,
    }
}

fn case(table: &mut Table<'_>, line_at: &dyn Fn(usize) -> usize, count: &mut usize) -> Case {
    let name = table.need_text("name").value;
    let interval_ms = interval(table, "interval", STEP_MS);
    let mut series = Vec::new();
    for (labels, values) in table.pairs("series") {
        match super::series(&labels, &values.value, count) {
            Ok(described) => series.push(described),
            Err(why) => {
                let help = "a series is such as 'up{job=\"a\"}' = '1 0x5 _ stale 1+2x10'";
                table.reader().wrong_with(values.span, why, help);
                // All that follow would be too many, too.
                if super::VALUES_MAX < *count {
                    break;
                }
            }
        }
    }
    let alerts = table.tables("expect", |table| expect(table, line_at));
    if alerts.is_empty() {
        let span = table.span();
        table.reader().wrong(span.start..span.start + 1, "a test without `[[test.expect]]`");
    }
    Case { name, interval_ms, series, alerts, exprs: Vec::new() }
}

fn expect(table: &mut Table<'_>, line_at: &dyn Fn(usize) -> usize) -> AlertCheck {
    let line = line_at(table.span().start);
    if !table.has("at") {
        let span = table.span();
        table.reader().wrong(span.start..span.start + 1, "`at` is missing");
    }
    let at_ms = table.duration_ms("at").unwrap_or(0);
    let rule = table.text("rule").map(|text| text.value);
    let expected = table.tables("alerts", alert);
    AlertCheck { line, at_ms, rule, expected }
}

fn alert(table: &mut Table<'_>) -> Expected {
    let severity = match table.text("severity") {
        None => Severity::Warning,
        Some(word) => Severity::by_name(&word.value).unwrap_or_else(|| {
            let message = format!("no severity is called `{}`", word.value);
            table.reader().wrong_with(word.span, message, "there are `warning` and `critical`");
            Severity::Warning
        }),
    };
    let state = match table.text("state") {
        None => State::Firing,
        Some(word) if word.value == "firing" => State::Firing,
        Some(word) if word.value == "pending" => State::Pending,
        Some(Placed { span, .. }) => {
            table.reader().wrong(span, "`state` is `firing` or `pending`");
            State::Firing
        }
    };
    let labels = table.pairs("labels").into_iter().map(|(name, value)| (name, value.value));
    let mut expected = Expected::at(severity, &Labels::from_pairs(labels), state);
    let texts = ["summary", "description"]
        .into_iter()
        .filter_map(|key| Some((key.to_owned(), table.text(key)?.value)));
    expected.annotations = texts.collect::<BTreeMap<String, String>>();
    expected
}
