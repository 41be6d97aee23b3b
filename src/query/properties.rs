//! What holds for every query: steps do not know of each other, what is asked for is enough, and
//! nothing panics.

use std::sync::Arc;

use proptest::{collection::vec, prelude::*};

use crate::model::{
    AnySample, CounterReset, Histogram, HistogramSample, Labels, STALE_NAN, Sample, SelectedSeries,
    histogram::Layout, limits::LOOKBACK_MS,
};

use super::{EvalLimits, EvalRange, Plan, QueryError, Value};

const STEP: i64 = 30_000;
const LAST: i64 = 20 * STEP;

fn value() -> impl Strategy<Value = f64> {
    prop_oneof![
        8 => (-5i32..20).prop_map(f64::from),
        1 => Just(f64::NAN),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(0.1),
        2 => Just(STALE_NAN),
    ]
}

fn layout() -> impl Strategy<Value = Layout> {
    let exponential = (0i8..3, prop::sample::select(vec![0.0, 0.5, 1.5]));
    let custom = prop::sample::select(vec![vec![1.0, 2.0], vec![2.0, 4.0], vec![]]);
    prop_oneof![
        3 => exponential.prop_map(|(schema, zero_threshold)| Layout::Exponential { schema, zero_threshold }),
        1 => custom.prop_map(|bounds| Layout::Custom { bounds: bounds.into() }),
    ]
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let hints = [CounterReset::Unknown, CounterReset::NotReset, CounterReset::Gauge, CounterReset::Reset];
    let buckets = |count| vec((0i32..4).prop_map(f64::from), count);
    let sum = prop_oneof![4 => -5.0..9.0, 1 => Just(f64::NAN)];
    let counts = (buckets(3), buckets(2), 0.0..3.0, sum);
    (layout(), prop::sample::select(hints.to_vec()), counts).prop_map(
        |(layout, hint, (positive, negative, zero, sum))| {
            let custom = layout.is_custom();
            let most = match &layout {
                Layout::Custom { bounds } => bounds.len() + 1,
                Layout::Exponential { .. } => 3,
            };
            let positive: Vec<_> = (0..).zip(positive).take(most).collect();
            let negative: Vec<_> = if custom { Vec::new() } else { (1..).zip(negative).collect() };
            let zero = if custom { 0.0 } else { zero };
            let count = zero + positive.iter().chain(&negative).map(|(_, count)| count).sum::<f64>();
            Histogram { layout, hint, count, sum, zero, positive, negative }
        },
    )
}

fn histograms() -> impl Strategy<Value = Vec<HistogramSample>> {
    let some = vec((0..LAST / 5_000, histogram()), 1..20).prop_map(|mut all| {
        all.sort_by_key(|(t, _)| *t);
        all.dedup_by_key(|(t, _)| *t);
        all.into_iter().map(|(t, one)| HistogramSample::new(t * 5_000, Arc::new(one))).collect()
    });
    prop_oneof![2 => Just(Vec::new()), 1 => some]
}

fn series() -> impl Strategy<Value = SelectedSeries> {
    let labels = ("[ab]", "[01]", prop_oneof!["[xy]", Just(String::new())], "0\\.5|1|\\+Inf|");
    let samples = vec((0..LAST / 5_000, value()), 0..40);
    (labels, samples, histograms()).prop_map(|((name, i, j, le), mut samples, histograms)| {
        samples.sort_by_key(|(t, _)| *t);
        samples.dedup_by_key(|(t, _)| *t);
        let pairs = [("__name__", name), ("i", i), ("j", j), ("le", le)];
        let free = |t: i64| histograms.iter().all(|one| one.t != t);
        let samples = samples.into_iter().map(|(t, v)| Sample::new(t * 5_000, v));
        let samples = samples.filter(|sample| free(sample.t)).collect();
        SelectedSeries { labels: Labels::from_pairs(pairs), samples, histograms }
    })
}

fn store() -> impl Strategy<Value = Vec<SelectedSeries>> {
    vec(series(), 0..8).prop_map(|mut all| {
        all.sort_by(|a, b| a.labels.cmp(&b.labels));
        all.dedup_by(|a, b| a.labels == b.labels);
        all
    })
}

/// One of some texts.
fn one_of(texts: &'static [&'static str]) -> impl Strategy<Value = String> + Clone {
    prop::sample::select(texts).prop_map(str::to_owned)
}

const SELECTORS: &[&str] =
    &["a", "b", "{i=\"0\"}", "a offset 1m", "b offset -40s", "a @ 200", "{__name__=~\"a|b\"}", "b{j!=\"\"}"];
const WINDOWS: &[&str] = &["a[1m]", "b[90s] offset 10s", "{i=\"1\"}[2m]", "a[1m] @ 300"];
/// Functions of a window, open.
const OF_WINDOW: &str = "rate increase delta irate idelta changes resets avg_over_time deriv \
    sum_over_time min_over_time max_over_time count_over_time last_over_time stddev_over_time \
    present_over_time absent_over_time mad_over_time";
/// Functions and aggregations of a vector, open.
const OF_VECTOR: &[&str] = &[
    "abs(",
    "-(",
    "sgn(",
    "sqrt(",
    "timestamp(",
    "absent(",
    "minute(",
    "day_of_year(",
    "sort(",
    "round(",
    "sum(",
    "sum by (i) (",
    "avg without (j) (",
    "min(",
    "max by (__name__) (",
    "count(",
    "group(",
    "stddev by (i, j) (",
    "topk(1, ",
    "bottomk by (i) (2, ",
    "quantile(0.3, ",
    "limitk(1, ",
    "count_values(\"v\", ",
    "histogram_quantile(0.9, ",
    "histogram_fraction(0, 1.5, ",
    "histogram_count(",
    "histogram_stddev(",
    "limit_ratio(0.5, ",
    "2 * (",
    "rate(a[1m]) + (",
];
const OPERATORS: &[&str] = &[
    "+",
    "-",
    "/",
    "%",
    "^",
    "atan2",
    "==",
    "!= bool",
    "> on (i)",
    "<= bool ignoring (j)",
    "and",
    "or",
    "unless on (i)",
    "* on (i) group_left ()",
    "+ ignoring (j) group_right (j)",
    "or on (j)",
    "> ignoring (le, j) group_left (le)",
    "+ fill (1)",
    "- on (i) fill_left (2)",
];

/// A vector, as text.
fn vector() -> impl Strategy<Value = String> {
    one_of(SELECTORS).prop_recursive(4, 24, 3, |inner| {
        let scalar =
            prop_oneof![one_of(&["2", "time()", "NaN"]), inner.clone().prop_map(|v| format!("scalar({v})")),];
        let window = prop_oneof![
            one_of(WINDOWS),
            inner.clone().prop_map(|v| format!("({v})[2m:20s]")),
            inner.clone().prop_map(|v| format!("({v})[1m:] offset 15s")),
        ];
        let of_window = prop::sample::select(OF_WINDOW.split(' ').collect::<Vec<_>>());
        let pair = (inner.clone(), one_of(OPERATORS), inner.clone());
        let with_scalar = (inner.clone(), one_of(&["+", "<", "== bool"]), scalar.clone());
        prop_oneof![
            (of_window, window.clone()).prop_map(|(f, w)| format!("{f}({w})")),
            (scalar, window).prop_map(|(s, w)| format!("quantile_over_time({s}, {w})")),
            (one_of(OF_VECTOR), inner.clone()).prop_map(|(f, v)| format!("{f}{v})")),
            pair.prop_map(|(l, op, r)| format!("({l}) {op} ({r})")),
            with_scalar.prop_map(|(l, op, r)| format!("({l}) {op} {r}")),
            inner.prop_map(|v| format!("label_replace({v}, \"i\", \"$1\", \"j\", \"(.*)\")")),
        ]
    })
}

/// What a store would give for the plan's selections.
fn read(plan: &Plan, range: EvalRange, store: &[SelectedSeries]) -> Vec<Vec<SelectedSeries>> {
    let selections = plan.selections(range).into_iter().map(|selection| {
        let fits = |one: &&SelectedSeries| {
            selection.matchers.iter().all(|matcher| matcher.matches_labels(&one.labels))
        };
        let cut = |one: &SelectedSeries| {
            let inside = |s: &&Sample| s.t > selection.from && s.t <= selection.to;
            let samples = one.samples.iter().filter(inside).copied().collect();
            let inside = |s: &&HistogramSample| s.t > selection.from && s.t <= selection.to;
            let histograms = one.histograms.iter().filter(inside).cloned().collect();
            SelectedSeries { labels: one.labels.clone(), samples, histograms }
        };
        store.iter().filter(fits).map(cut).collect()
    });
    selections.collect()
}

/// A value that equals another but for rounding: sums are in the order of their series, which
/// matching can change from step to step.
#[derive(Debug, Clone, Copy, PartialOrd)]
struct Close(f64);

impl PartialEq for Close {
    fn eq(&self, other: &Self) -> bool {
        let (a, b) = (self.0, other.0);
        a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= 1e-9 * a.abs().max(b.abs()).min(1e300)
    }
}

/// The numbers of a sample, of a histogram with those that say what they are.
fn numbers(sample: &AnySample) -> Vec<Close> {
    let one = match sample {
        AnySample::Float(sample) => return vec![Close(sample.v)],
        AnySample::Histogram(sample) => &sample.histogram,
    };
    let layout = match &one.layout {
        Layout::Exponential { schema, zero_threshold } => vec![f64::from(*schema), *zero_threshold],
        Layout::Custom { bounds } => bounds.to_vec(),
    };
    let buckets = one.positive.iter().chain(&one.negative).filter(|(_, count)| count.abs() > 1e-9);
    let buckets = buckets.flat_map(|&(i, count)| [f64::from(i), count]);
    layout.into_iter().chain([one.count, one.sum, one.zero]).chain(buckets).map(Close).collect()
}

type Answer = Result<Vec<(String, Vec<Close>)>, QueryError>;

/// An instant vector in a form that can be compared.
fn instant(plan: &Plan, at: i64, store: &[SelectedSeries]) -> Answer {
    let range = EvalRange::instant(at, LOOKBACK_MS);
    let value = plan.eval(range, &read(plan, range, store), &EvalLimits::default())?;
    let Value::Vector(vector) = value.value else {
        panic!("{} gives no vector", plan.text());
    };
    let pairs = vector.into_iter().map(|(labels, sample)| (labels.to_string(), numbers(&sample)));
    let mut answer: Vec<_> = pairs.collect();
    answer.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(answer)
}

/// Parses; an error is at a place of the text, or about a limit.
fn check_parse(text: &str) -> Option<Plan> {
    match Plan::parse(text) {
        Ok(plan) => Some(plan),
        Err(error) => {
            if let Some((line, column)) = error.place() {
                let found = text.split('\n').nth(line - 1).expect("a line of the text");
                assert!((1..=found.chars().count() + 1).contains(&column), "{text:?}: {error}");
                assert_eq!(error.explain(text).lines().count(), 3, "{text:?}: {error}");
            } else {
                assert!(matches!(error, QueryError::Limit { .. }), "{text:?}: {error}");
            }
            None
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn a_range_query_is_an_instant_query_at_each_step(text in vector(), store in store()) {
        let plan = Plan::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let range = EvalRange { start: 0, end: LAST, step: STEP, lookback: LOOKBACK_MS };
        let value = plan.eval(range, &read(&plan, range, &store), &EvalLimits::default());
        let steps: Vec<i64> = (0..=LAST / STEP).map(|k| k * STEP).collect();
        let Ok(Value::Matrix(matrix)) = value.as_ref().map(|answer| &answer.value) else {
            // One step at least fails too.
            let fails = steps.iter().any(|&t| instant(&plan, t, &store).is_err());
            prop_assert!(fails, "{} fails in a range only: {:?}", text, value);
            return Ok(());
        };
        for t in steps {
            let mut here = Vec::new();
            for series in matrix {
                let found = series.samples.iter().find(|sample| sample.t == t);
                let histogram = series.histograms.iter().find(|sample| sample.t == t).cloned();
                let found = found.copied().map(AnySample::Float).or(histogram.map(AnySample::Histogram));
                here.extend(found.map(|sample| (series.labels.to_string(), numbers(&sample))));
            }
            here.sort_by(|a: &(String, Vec<Close>), b| a.0.cmp(&b.0));
            prop_assert_eq!(instant(&plan, t, &store), Ok(here), "{} at {}", &text, t);
        }
    }

    #[test]
    fn samples_out_of_reach_do_not_count(text in vector(), store in store(), k in 0..=LAST / STEP) {
        let plan = Plan::parse(&text).map_err(|error| TestCaseError::fail(format!("{text}: {error}")))?;
        let at = k * STEP;
        let mut near = store.clone();
        for series in &mut near {
            series.samples.retain(|sample| sample.t > at.saturating_sub(plan.reach_ms()));
            series.histograms.retain(|sample| sample.t > at.saturating_sub(plan.reach_ms()));
        }
        prop_assert_eq!(instant(&plan, at, &store), instant(&plan, at, &near), "{} at {}", &text, at);
    }

    #[test]
    fn parsing_never_panics(text in ".{0,80}") {
        check_parse(&text);
    }

    #[test]
    fn parsing_pieces_never_panics(pieces in vec("[-+*/%^<>=!~(){}\\[\\],:@#a-e0-9._ \"'`\\\\\n]{1,4}", 0..30)) {
        check_parse(&pieces.concat());
    }

    #[test]
    fn parsing_tokens_never_panics(
        words in vec(
            prop::sample::select(vec![
                "a", "sum", "rate", "(", ")", "[", "]", "{", "}", "5m", "1e30", "0", "inf", "nan",
                "offset", "@", "-", "+", "by", "on", "group_left", "bool", "=~", "\"x\"", "'(.{99}'",
                ",", ":", "start()", "fill", "and", "==", "label_replace", "\\", "#", "\n", "0x", "info",
                "99999999999y", "anchored", "step()", "</", "quantile", "exp", "time()", "{{", "'\\x'",
                "range()", "min_of(", "*", "/", "%", "^", "bool", "ignoring", "{a='b'}", "[5m]", "smoothed",
            ]),
            0..14,
        ),
        spaced in any::<bool>(),
    ) {
        let text = words.join(if spaced { " " } else { "" });
        if let Some(plan) = check_parse(&text) {
            let range = EvalRange::instant(0, LOOKBACK_MS);
            drop(plan.eval(range, &Vec::new(), &EvalLimits::default()));
        }
    }
}

/// The deepest queries that are allowed are evaluated on a test thread's stack.
#[test]
fn depth_within_the_limit_is_fine() {
    let deep =
        |open: &str, close: &str, times: usize| format!("{}a{}", open.repeat(times), close.repeat(times));
    let texts = [
        deep("(", ")", 250),
        deep("-", "", 250),
        deep("", " + a", 250),
        deep("1 ^ ", "", 250),
        deep("sum(", ")", 250),
        deep("max_over_time((", ")[1m:])", 80),
        deep("(", " or a)", 120),
    ];
    for text in texts {
        let plan = Plan::parse(&text).expect("within the limit");
        let range = EvalRange { start: 0, end: LAST, step: STEP, lookback: LOOKBACK_MS };
        let value = plan.eval(range, &Vec::new(), &EvalLimits::default());
        assert!(value.is_ok(), "{value:?}");
    }
}
