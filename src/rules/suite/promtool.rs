//! promtool's unit tests.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_saphyr::Spanned;

use super::{
    Load, Suite, SuiteError,
    case::{AlertCheck, Case, Expected, ExprCheck, Member},
    check_times,
    groups::ms,
};
use crate::document::FILE_BYTES_MAX;
use crate::model::Labels;
use crate::query::{Plan, shorthand};
use crate::rules::State;

/// promtool's evaluation interval if the file says nothing, ms.
const INTERVAL_MS: i64 = 60_000;

/// A text that may be written as a number.
#[derive(Debug, Clone, Default)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self)
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that may be there and change no test of ours")]
struct File {
    #[serde(default)]
    rule_files: Vec<Text>,
    #[serde(default)]
    evaluation_interval: Option<Spanned<Text>>,
    #[serde(default)]
    group_eval_order: Vec<Text>,
    #[serde(default)]
    fuzzy_compare: bool,
    #[serde(default)]
    tests: Vec<Group>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "keys that may be there and change no test of ours")]
struct Group {
    #[serde(default)]
    name: Option<Text>,
    #[serde(default)]
    interval: Option<Spanned<Text>>,
    #[serde(default)]
    input_series: Vec<Series>,
    #[serde(default)]
    alert_rule_test: Vec<AlertTest>,
    #[serde(default)]
    promql_expr_test: Vec<ExprTest>,
    #[serde(default)]
    external_labels: BTreeMap<String, Text>,
    #[serde(default)]
    external_url: Option<Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Series {
    series: Spanned<Text>,
    values: Text,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct AlertTest {
    eval_time: Spanned<Text>,
    alertname: Text,
    #[serde(default)]
    exp_alerts: Vec<ExpectedAlert>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedAlert {
    #[serde(default)]
    exp_labels: BTreeMap<String, Text>,
    #[serde(default)]
    exp_annotations: BTreeMap<String, Text>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExprTest {
    expr: Spanned<Text>,
    eval_time: Spanned<Text>,
    #[serde(default)]
    exp_samples: Vec<ExpectedSample>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ExpectedSample {
    #[serde(default)]
    labels: Option<Text>,
    #[serde(default)]
    value: Option<Text>,
    #[serde(default)]
    histogram: Option<Text>,
}

/// Reads a file of YAML; what is wrong has its place.
pub(super) fn read<T: DeserializeOwned>(name: &str, text: &str) -> Result<T, SuiteError> {
    if FILE_BYTES_MAX < text.len() as u64 {
        return Err(SuiteError::Text(format!("{name}: larger than {FILE_BYTES_MAX} bytes")));
    }
    serde_saphyr::from_str(text).map_err(|error| {
        let place = error.location().map(|at| format!("{}:{}: ", at.line(), at.column())).unwrap_or_default();
        // The place is said before, and once is enough.
        let text = error.without_snippet().to_string();
        let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
        SuiteError::Text(format!("{name}:{place}{text}"))
    })
}

/// Reads a test file.
pub(super) fn parse(name: &str, text: &str, load: &Load<'_>) -> Result<Suite, SuiteError> {
    let file: File = read(name, text)?;
    let reading = Reading { name };
    let every_ms = reading.interval(file.evaluation_interval.as_ref())?.unwrap_or(INTERVAL_MS);
    let mut members: Vec<Member> = Vec::new();
    for path in &file.rule_files {
        let (name, text) = load(&path.0)?;
        members.extend(super::rules(&name, &text)?);
    }
    let mut cases = Vec::new();
    let mut count = 0;
    for (number, group) in (1..).zip(file.tests) {
        let case = reading.case(number, group, every_ms, &mut count)?;
        check_times(name, every_ms, case.last_ms())?;
        cases.push(case);
    }
    Ok(Suite { name: name.to_owned(), interval_ms: every_ms, members, cases })
}

/// What every part of the file is read with.
struct Reading<'a> {
    name: &'a str,
}

impl Reading<'_> {
    fn wrong(&self, line: u64, what: &str) -> SuiteError {
        SuiteError::Text(format!("{}:{line}: {what}", self.name))
    }

    fn time(&self, text: &Spanned<Text>) -> Result<i64, SuiteError> {
        let what = || format!("`{}` is not a duration", text.value.0);
        ms(&text.value.0).ok_or_else(|| self.wrong(text.referenced.line(), &what()))
    }

    fn interval(&self, text: Option<&Spanned<Text>>) -> Result<Option<i64>, SuiteError> {
        // promtool takes nought for its default.
        text.map(|text| self.time(text)).transpose().map(|ms| ms.filter(|ms| 0 < *ms))
    }

    fn case(
        &self,
        number: usize,
        group: Group,
        every_ms: i64,
        count: &mut usize,
    ) -> Result<Case, SuiteError> {
        let name = group.name.map_or_else(|| format!("test {number}"), |name| name.0);
        let interval_ms = self.interval(group.interval.as_ref())?.unwrap_or(every_ms);
        let mut series = Vec::new();
        for Series { series: labels, values } in group.input_series {
            let line = labels.referenced.line();
            let described = super::series(&labels.value.0, &values.0, count);
            series.push(described.map_err(|why| self.wrong(line, &why))?);
        }
        let alerts =
            group.alert_rule_test.into_iter().map(|test| self.alerts(test)).collect::<Result<_, _>>()?;
        let exprs =
            group.promql_expr_test.into_iter().map(|test| self.expr(test)).collect::<Result<_, _>>()?;
        Ok(Case { name, interval_ms, series, alerts, exprs })
    }

    fn alerts(&self, test: AlertTest) -> Result<AlertCheck, SuiteError> {
        let line = usize::try_from(test.eval_time.referenced.line()).unwrap_or(1);
        let at_ms = self.time(&test.eval_time)?;
        let texts = |map: BTreeMap<String, Text>| map.into_iter().map(|(name, text)| (name, text.0));
        let expected = test.exp_alerts.into_iter().map(|alert| Expected {
            labels: Labels::from_pairs(texts(alert.exp_labels)).with("alertname", ""),
            state: State::Firing,
            annotations: texts(alert.exp_annotations).collect(),
            all_annotations: true,
        });
        Ok(AlertCheck { line, at_ms, rule: Some(test.alertname.0), expected: expected.collect() })
    }

    fn expr(&self, test: ExprTest) -> Result<ExprCheck, SuiteError> {
        let line = test.expr.referenced.line();
        let plan = Plan::parse(&test.expr.value.0).map_err(|error| self.wrong(line, &error.to_string()))?;
        let at_ms = self.time(&test.eval_time)?;
        let mut expected = Vec::new();
        for sample in test.exp_samples {
            if sample.histogram.is_some() {
                return Err(self.wrong(line, "native histograms are not read"));
            }
            let text = sample.labels.unwrap_or_default().0;
            let labels = if text.trim().is_empty() {
                Some(Labels::empty())
            } else {
                shorthand::parse(&text).map(|described| described.labels)
            };
            let labels = labels.ok_or_else(|| self.wrong(line, &format!("`{text}` is no series")))?;
            let value = sample.value.map_or(Ok(0.0), |value| value.0.parse());
            expected.push((labels, value.map_err(|_| self.wrong(line, "a value must be a number"))?));
        }
        Ok(ExprCheck { line: usize::try_from(line).unwrap_or(1), at_ms, plan, expected })
    }
}
