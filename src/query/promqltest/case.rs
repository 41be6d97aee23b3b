//! One `eval`: run it, and tell whether it is as expected.

use rustc_hash::FxHashMap;

use crate::model::{Labels, METRIC_NAME, Sample, SelectedSeries, limits::LOOKBACK_MS};
use crate::query::{EvalLimits, EvalRange, Plan, QueryError, Value, shorthand};

use super::{
    compare,
    script::{Eval, Load},
};

pub(super) enum Outcome {
    Passed,
    NotYet(String),
    Wrong(String),
}

/// The samples that are loaded.
#[derive(Default)]
pub(super) struct Store {
    series: Vec<SelectedSeries>,
    places: FxHashMap<Labels, usize>,
    /// Series that we cannot hold: an `eval` that reads one is not tried.
    tainted: Vec<Labels>,
}

impl Store {
    pub(super) fn load(&mut self, load: &Load) {
        for line in &load.lines {
            // A line of start times belongs to the series before it.
            let Some(described) = shorthand::parse(line) else {
                panic!("not a series: {line}");
            };
            if load.with_nhcb {
                self.taint_histogram(&described.labels);
            }
            if described.native {
                self.tainted.push(described.labels);
                continue;
            }
            let samples = described.values.iter().enumerate().filter_map(|(i, v)| {
                let step = i64::try_from(i).expect("few values");
                v.map(|v| Sample::new(step * load.step, v))
            });
            let samples: Vec<Sample> = samples.collect();
            self.append(described.labels, samples);
        }
    }

    fn append(&mut self, labels: Labels, samples: Vec<Sample>) {
        let at = *self.places.entry(labels.clone()).or_insert_with(|| {
            self.series.push(SelectedSeries { labels, samples: Vec::new() });
            self.series.len() - 1
        });
        let known = &mut self.series[at].samples;
        known.extend(samples);
        // Stable, and of one time the last counts, as upstream's append does.
        known.sort_by_key(|sample| sample.t);
        known.reverse();
        known.dedup_by_key(|sample| sample.t);
        known.reverse();
    }

    /// `load_with_nhcb` makes a native histogram without the suffix.
    fn taint_histogram(&mut self, labels: &Labels) {
        let base = labels.metric_name();
        for suffix in ["_bucket", "_sum", "_count"] {
            if let Some(name) = base.strip_suffix(suffix) {
                self.tainted.push(labels.with("le", "").with(METRIC_NAME, name));
            }
        }
    }

    /// The data of a plan; `Err` when it reads a series that we cannot hold.
    fn select(&self, plan: &Plan, range: EvalRange) -> Result<Vec<Vec<SelectedSeries>>, QueryError> {
        let read = |selection: crate::query::Selection| {
            let fits = |labels: &Labels| selection.matchers.iter().all(|m| m.matches_labels(labels));
            if self.tainted.iter().any(fits) {
                return Err(not_yet("native histograms and start times"));
            }
            let found = self.series.iter().filter(|series| fits(&series.labels)).map(|series| {
                let wanted = |sample: &&Sample| sample.t > selection.from && sample.t <= selection.to;
                let samples = series.samples.iter().filter(wanted).copied().collect();
                SelectedSeries { labels: series.labels.clone(), samples }
            });
            let mut found: Vec<SelectedSeries> = found.collect();
            // As Prometheus's storage gives them.
            found.sort_by(|a, b| a.labels.cmp(&b.labels));
            Ok(found)
        };
        plan.selections(range).into_iter().map(read).collect()
    }

    fn eval(&self, query: &str, range: EvalRange) -> Result<Value, QueryError> {
        let plan = Plan::parse(query)?;
        let data = self.select(&plan, range)?;
        plan.eval(range, &data, &EvalLimits::default())
    }
}

fn not_yet(what: &str) -> QueryError {
    QueryError::NotYet { what: what.to_owned(), line: 1, column: 1 }
}

pub(super) fn eval(store: &Store, eval: &Eval) -> Outcome {
    if eval.lines.iter().any(|line| line.contains("{{")) {
        return Outcome::NotYet("native histograms and start times".to_owned());
    }
    let range = EvalRange { start: eval.start, end: eval.end, step: eval.step, lookback: LOOKBACK_MS };
    let value = store.eval(&eval.query, range);
    match judge(eval, &value) {
        Outcome::Passed if eval.step == 0 && !eval.fails && !eval.ordered => around(store, eval),
        outcome => outcome,
    }
}

/// Each instant query again as a range query of three steps, of which the middle one is it.
fn around(store: &Store, eval: &Eval) -> Outcome {
    let step = 60_000;
    let range = EvalRange { start: eval.start - step, end: eval.start + step, step, lookback: LOOKBACK_MS };
    if eval.range_vector.is_some() || eval.string.is_some() {
        return Outcome::Passed;
    }
    match store.eval(&eval.query, range) {
        Err(QueryError::NotYet { what, .. }) => Outcome::NotYet(what),
        Err(error) => Outcome::Wrong(format!("the range query fails with {error}")),
        Ok(value) => judge(eval, &Ok(compare::at(&value, eval.start))),
    }
}

fn judge(eval: &Eval, value: &Result<Value, QueryError>) -> Outcome {
    match value {
        Err(QueryError::NotYet { what, .. }) => Outcome::NotYet(what.clone()),
        Err(error) if eval.fails => match &eval.message {
            Some(message) if !error.to_string().contains(message.as_str()) => {
                Outcome::Wrong(format!("fails with {error}, expected {message}"))
            }
            _ => Outcome::Passed,
        },
        Err(error) => Outcome::Wrong(format!("fails with {error}")),
        Ok(value) if eval.fails => Outcome::Wrong(format!("does not fail: {value:?}")),
        Ok(value) => match compare::check(eval, value) {
            Ok(()) => Outcome::Passed,
            Err(why) => Outcome::Wrong(why),
        },
    }
}
