//! Recording rules in a running engine, by a clock that stands until it is set.

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::clock::Clock;
use crate::live::{EngineParts, Live, Made};
use crate::model::{Matcher, Selection, is_stale};
use crate::rules::parse;

const START: i64 = 1_790_000_000_000;

/// An engine that works, and what it is told.
struct Bench {
    live: Live,
    clock: Clock,
    store: Store,
    registry: Registry,
    appended: mpsc::Receiver<Arc<Batch>>,
    _rest: (mpsc::Receiver<crate::live::Step>, mpsc::Receiver<Arc<Batch>>),
    end: CancellationToken,
}

impl Bench {
    /// One that has heard of the collector already: its first step has `values`.
    async fn start(values: &[f64]) -> Self {
        let (clock, registry, store) = (Clock::manual(START), Registry::default(), Store::in_memory());
        let parts = EngineParts { store: store.clone(), clock: clock.clone(), generation: "g".to_owned() };
        let Made { engine, live, steps, carried, appended } = Made::new(parts, &registry);
        let end = CancellationToken::new();
        #[expect(clippy::disallowed_methods, reason = "it ends with the bench")]
        tokio::spawn(engine.run(end.clone()));
        let bench = Self { live, clock, store, registry, appended, _rest: (steps, carried), end };
        bench.second(0, values).await;
        bench
    }

    async fn rules(&self, text: &str) {
        self.live.record(parse("alerts.toml", text, None).unwrap().records).await;
        // They begin by the clock of when they are taken up.
        self.live.records().await.unwrap();
    }

    /// A step of a collector that has `values`, one for each host.
    async fn second(&self, nth: i64, values: &[f64]) {
        let now = START + nth * 1_000;
        self.clock.set(now + 5);
        let samples = values.iter().zip(["a", "b", "c"]).map(|(&v, host)| BatchSample {
            labels: Labels::from_pairs([("__name__", "m"), ("host", host)]),
            sample: Sample::new(now, v),
        });
        let source = Source::Scheduled { name: "app".to_owned(), interval_ms: 1_000 };
        let batch = Batch::new(source, Some(now), samples.collect());
        assert_eq!(self.live.submit(Arc::new(batch)).await.unwrap().refused.len(), 0);
    }

    /// Waits until a batch with the step of a second was appended from a recording rule.
    async fn recorded(&mut self, id: &str, nth: i64) -> Arc<Batch> {
        loop {
            let next = tokio::time::timeout(Duration::from_secs(30), self.appended.recv());
            let batch = next.await.expect("it is recorded").unwrap();
            let is_of =
                matches!(&batch.source, Source::Scheduled { name, .. } if *name == format!("@record:{id}"));
            if is_of && batch.step == Some(START + nth * 1_000) {
                return batch;
            }
        }
    }

    /// Second and value of a metric's samples after the first step, of all its series; markers are NaN.
    fn samples(&self, name: &str) -> Vec<(String, i64, f64)> {
        let matchers = vec![Matcher::equal("__name__", name)];
        let found = self.store.select(&[Selection { matchers, from: 0, to: i64::MAX }]).unwrap().remove(0);
        let each = found.iter().flat_map(|series| {
            let labels = series.labels.without_name().to_string();
            let after = series.samples.iter().filter(|one| START < one.t);
            after.map(move |one| (labels.clone(), (one.t - START) / 1_000, one.v))
        });
        each.collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.end.cancel();
    }
}

fn of(labels: &str, t: i64, v: f64) -> (String, i64, f64) {
    (labels.to_owned(), t, v)
}

#[tokio::test]
async fn a_chain_has_all_its_values_at_one_step() {
    let mut bench = Bench::start(&[1.0, 0.0]).await;
    bench
        .rules(
            "[[record]]\nname = 'double'\nexpr = 'whole * 2'\nlabels = { kind = 'x' }\n\
             [[record]]\nname = 'whole'\nexpr = 'sum(m)'",
        )
        .await;
    for nth in 1..=3 {
        bench.second(nth, &[1.0, f64::from(i32::try_from(nth).unwrap())]).await;
        bench.recorded("double{kind=\"x\"}", nth).await;
    }
    assert_eq!(bench.samples("whole"), [of("{}", 1, 2.0), of("{}", 2, 3.0), of("{}", 3, 4.0)]);
    let twice = "{kind=\"x\"}";
    assert_eq!(bench.samples("double"), [of(twice, 1, 4.0), of(twice, 2, 6.0), of(twice, 3, 8.0)]);
    let now = bench.live.records().await.unwrap();
    let shown: Vec<_> = now.iter().map(|one| (one.rule.id.as_str(), one.evaluated, one.series)).collect();
    let at = Some(START + 3_000);
    assert_eq!(shown, [("whole", at, 1), ("double{kind=\"x\"}", at, 1)]);
    assert_eq!(bench.registry.counter("watchroom_recorded_samples_total", "").get(), 8);
}

#[tokio::test]
async fn a_series_that_has_no_value_any_more_ends_at_once() {
    let mut bench = Bench::start(&[9.0, 9.0]).await;
    bench.rules("[[record]]\nname = 'high'\nexpr = 'm > 5'").await;
    for (nth, values) in [(1, [9.0, 9.0]), (2, [1.0, 9.0]), (3, [1.0, 1.0]), (4, [7.0, 1.0])] {
        bench.second(nth, &values).await;
        bench.recorded("high", nth).await;
    }
    let samples = bench.samples("high");
    let (a, b) = ("{host=\"a\"}", "{host=\"b\"}");
    let shown: Vec<_> = samples.iter().map(|(labels, t, v)| (labels.as_str(), *t, is_stale(*v))).collect();
    let expected = [(a, 1, false), (a, 2, true), (a, 4, false), (b, 1, false), (b, 2, false), (b, 3, true)];
    assert_eq!(shown, expected);
}

#[tokio::test]
async fn what_cannot_be_recorded_is_told_and_nobody_waits_for_it() {
    let mut bench = Bench::start(&[1.0]).await;
    bench
        .rules(
            "[[record]]\nname = 'same'\nexpr = 'm'\nlabels = { host = '' }\n\
             [[record]]\nname = 'after'\nexpr = 'count(m) or same'",
        )
        .await;
    bench.second(1, &[1.0, 2.0]).await;
    bench.recorded("after", 1).await;
    assert_eq!(bench.samples("same"), []);
    assert_eq!(bench.samples("after"), [of("{}", 1, 2.0)]);
    let now = bench.live.records().await.unwrap();
    let error = "two series would be recorded as same; the expression or `labels` must leave them apart";
    assert_eq!(now[0].error.as_deref(), Some(error));
    assert_eq!(bench.registry.counter("watchroom_evaluations_failed_total", "").get(), 1);
    bench.second(2, &[1.0, STALE_NAN]).await;
    bench.recorded("after", 2).await;
    assert_eq!(bench.samples("same"), [of("{}", 2, 1.0)]);
    assert_eq!(bench.live.records().await.unwrap()[0].error, None);
}

#[tokio::test]
async fn other_rules_take_the_place_of_those_before() {
    let mut bench = Bench::start(&[1.0]).await;
    bench
        .rules("[[record]]\nname = 'old'\nexpr = 'sum(m)'\n[[record]]\nname = 'kept'\nexpr = 'max(m)'")
        .await;
    bench.second(1, &[1.0]).await;
    bench.recorded("kept", 1).await;
    bench
        .rules("[[record]]\nname = 'kept'\nexpr = 'max(m)'\n[[record]]\nname = 'new'\nexpr = 'min(kept)'")
        .await;
    bench.second(2, &[2.0]).await;
    bench.recorded("new", 2).await;
    assert_eq!(bench.samples("old"), [of("{}", 1, 1.0)]);
    assert_eq!(bench.samples("kept"), [of("{}", 1, 1.0), of("{}", 2, 2.0)]);
    // It begins with the step that the ones before had just done.
    assert_eq!(bench.samples("new"), [of("{}", 1, 1.0), of("{}", 2, 2.0)]);
    let now = bench.live.records().await.unwrap();
    assert_eq!(now.iter().map(|one| one.rule.id.as_str()).collect::<Vec<_>>(), ["kept", "new"]);
}

#[test]
fn more_series_than_a_rule_may_write_are_an_error() {
    let rule = parse("a", "[[record]]\nname = 'r'\nexpr = 'm'", None).unwrap().records.remove(0);
    let series = |n: usize| {
        let of = |n: usize| SelectedSeries::new(Labels::from_pairs([("n", n.to_string())]), Vec::new());
        (0..n).map(of).collect::<Vec<_>>()
    };
    let max = crate::rules::RECORD_SERIES_MAX;
    assert_eq!(rule.series(series(max)).unwrap().len(), max);
    assert_eq!(rule.series(series(max + 1)).unwrap_err(), crate::rules::RecordError::TooMany(max + 1));
}
