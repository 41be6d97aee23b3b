//! PromQL: a text and a small store.

use watchroom::model::{Labels, STALE_NAN, Sample, SelectedSeries};
use watchroom::query::{EvalLimits, EvalRange, Plan, QueryError};

/// Values of one evaluation, its series and its steps: a fuzzer wants many small ones.
const SAMPLES_MAX: usize = 200_000;
const SERIES_MAX: usize = 100;
const METRICS: [&str; 4] = ["a", "b_total", "c_bucket", "d_info"];
const VALUES: [f64; 8] = [0.0, 1.0, -1.5, 1e300, f64::NAN, f64::INFINITY, 0.1, STALE_NAN];
/// Milliseconds between samples at most.
const GAP_MS_MAX: i64 = 60_000;

/// The bytes up to the first zero are the text, those after it the samples. An error is at a place of the text; what is
/// parsed is evaluated, at one time and over a range, and parses to the same again.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(2, |byte| *byte == 0);
    let Ok(text) = std::str::from_utf8(parts.next().unwrap_or_default()) else { return };
    let plan = match Plan::parse(text) {
        Ok(plan) => plan,
        Err(error) => return check_error(&error, text),
    };
    let limits = EvalLimits {
        samples_max: SAMPLES_MAX,
        series_max: SERIES_MAX,
        steps_max: SERIES_MAX,
        ..EvalLimits::default()
    };
    let store = store(parts.next().unwrap_or_default());
    assert_eq!(plan.selectors().len(), plan.selections(EvalRange::instant(0, 1)).len());
    if let Some(of) = plan.outermost() {
        for part in [of.left, of.right] {
            Plan::parse(part).expect("an operand is an expression");
        }
    }
    for range in [
        EvalRange::instant(300_000, 300_000),
        EvalRange { start: 0, end: 600_000, step: 30_000, lookback: 300_000 },
        EvalRange { start: -1, end: 5, step: 7, lookback: 0 },
    ] {
        if let Err(error) = plan.eval(range, &read(&plan, range, &store), &limits) {
            check_error(&error, text);
        }
    }
}

fn check_error(error: &QueryError, text: &str) {
    assert!(!error.message().is_empty());
    if let Some((line, column)) = error.place() {
        let found = text.split('\n').nth(line - 1).expect("a line of the text");
        assert!(0 < column && column <= found.chars().count() + 1, "{error}");
    }
    assert!(error.explain(text).lines().count() <= 3 + error.to_string().lines().count());
}

/// A series for each metric and two values of labels; each byte is the next sample of one of them.
fn store(data: &[u8]) -> Vec<SelectedSeries> {
    let mut store = Vec::new();
    for metric in METRICS {
        for (job, le) in [("x", "0.5"), ("x", "+Inf"), ("y", "1")] {
            let labels = Labels::from_pairs([("__name__", metric), ("job", job), ("le", le)]);
            store.push(SelectedSeries::new(labels, Vec::new()));
        }
    }
    store.sort_by(|a, b| a.labels.cmp(&b.labels));
    let mut t = 0;
    for bytes in data.chunks_exact(2) {
        let at = usize::from(bytes[0]) % store.len();
        t += i64::from(bytes[1]) * GAP_MS_MAX / 255;
        let value = VALUES[usize::from(bytes[0] >> 5)] * f64::from(bytes[1] % 16 + 1);
        let samples = &mut store[at].samples;
        if samples.last().is_none_or(|last: &Sample| last.t < t) {
            samples.push(Sample::new(t, value));
        }
    }
    store
}

/// What a store gives for the plan's selections.
fn read(plan: &Plan, range: EvalRange, store: &[SelectedSeries]) -> Vec<Vec<SelectedSeries>> {
    let selections = plan.selections(range).into_iter().map(|selection| {
        let fits = |one: &&SelectedSeries| selection.matchers.iter().all(|m| m.matches_labels(&one.labels));
        let cut = |one: &SelectedSeries| {
            let inside = |s: &&Sample| selection.from < s.t && s.t <= selection.to;
            let samples = one.samples.iter().filter(inside).copied().collect();
            SelectedSeries::new(one.labels.clone(), samples)
        };
        store.iter().filter(fits).map(cut).collect()
    });
    selections.collect()
}
