//! A chart that follows a live query ends with what the range query says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::live::{Live, evaluate};
use crate::model::{BatchSample, STALE_NAN};
use crate::store::Store;

const START: i64 = 1_790_000_000_000;

/// What a page holds: the values by series and time, from frames alone.
#[derive(Debug, Default)]
struct Chart {
    series: Vec<BTreeMap<String, String>>,
    values: BTreeMap<i64, Vec<(String, serde_json::Value)>>,
    offsets: Vec<u64>,
}

impl Chart {
    fn take(&mut self, step: &Step) {
        let publication = step.cast.as_publication().unwrap();
        self.offsets.extend((0 < publication.offset).then_some(publication.offset));
        let data: serde_json::Value = serde_json::from_slice(&publication.data).unwrap();
        if let Some(from) = data["from"].as_u64() {
            self.series.truncate(usize::try_from(from).unwrap());
            for labels in data["series"].as_array().unwrap() {
                self.series.push(serde_json::from_value(labels.clone()).unwrap());
            }
        }
        for (at, time) in data["t"].as_array().unwrap().iter().enumerate() {
            let cells = data["v"].as_array().unwrap().iter().map(|column| column[at].clone());
            let row = self.series.iter().map(|labels| format!("{labels:?}")).zip(cells).collect();
            self.values.insert(time.as_i64().unwrap(), row);
        }
    }

    /// The values by labels and time, without those that are not there.
    fn flat(&self) -> BTreeMap<(String, i64), String> {
        let mut flat = BTreeMap::new();
        for (time, row) in &self.values {
            for (labels, value) in row.iter().filter(|(_, value)| !value.is_null()) {
                flat.insert((labels.clone(), *time), value.to_string());
            }
        }
        flat
    }
}

/// What the range query says, in the same form.
fn batch_result(plan: &Plan, store: &Store, (start, end): (i64, i64)) -> BTreeMap<(String, i64), String> {
    let mut flat = BTreeMap::new();
    for series in evaluate::range(plan, (start, end, 1_000), store).unwrap().series {
        let labels: BTreeMap<String, String> =
            series.labels.iter().map(|label| (label.name.to_string(), label.value.to_string())).collect();
        for sample in series.samples {
            let mut json = Vec::new();
            crate::live::block::write_cell(Some(sample.v), &mut json);
            flat.insert((format!("{labels:?}"), sample.t), String::from_utf8(json).unwrap());
        }
    }
    flat
}

struct World {
    book: Book,
    store: Store,
    plan: Plan,
    channel: Arc<str>,
    chart: Chart,
    first: i64,
}

impl World {
    fn new(expr: &str) -> Self {
        let plan = Plan::parse(expr).unwrap();
        let channel: Arc<str> = Live::channel(expr, 1_000).into();
        let mut book = Book::new("g");
        let (last, _) = book.open(&channel, &plan, 1_000, START).unwrap();
        let store = Store::in_memory();
        Self { book, store, plan, channel, chart: Chart::default(), first: last + 1_000 }
    }

    fn push(&mut self, series: u8, sample: Sample, source: Source, now: i64) {
        let name = series.to_string();
        let labels = Labels::from_pairs([("__name__", "m"), ("i", name.as_str())]);
        let step = matches!(source, Source::Scheduled { .. }).then_some(sample.t);
        let batch = Batch::new(source, step, vec![BatchSample { labels, sample }]);
        self.append(&batch, now);
    }

    fn append(&mut self, batch: &Batch, now: i64) {
        let report = self.store.append(batch, now);
        if report.refused.is_empty() {
            let rows = batch.samples.iter().zip(&*report.rows.rows);
            let accepted = rows.map(|(item, row)| (row.series, &item.labels, item.sample));
            self.book.appended(batch, accepted, now);
        }
    }

    fn advance(&mut self, now: i64) {
        for due in self.book.due(now) {
            let result =
                evaluate::range(&due.plan, (due.start, due.end, due.step), &self.store).unwrap().series;
            for step in self.book.evaluated(&due, &result, now) {
                self.chart.take(&step);
            }
        }
    }

    fn last(&self) -> i64 {
        self.book.queries[&self.channel].last
    }
}

fn scheduled() -> Source {
    Source::Scheduled { name: "host@a".to_owned(), interval_ms: 1_000 }
}

#[test]
fn a_step_waits_for_its_source_but_not_for_ever() {
    let mut world = World::new("m");
    let source = scheduled();
    world.push(0, Sample::new(START, 1.0), source.clone(), START + 5);
    world.advance(START + 6);
    assert_eq!(world.last(), START, "delivered");
    world.advance(START + 1_100);
    assert_eq!(world.last(), START, "waits for the next");
    world.advance(START + 1_000 + WAIT_MS_MAX);
    assert_eq!(world.last(), START + 1_000, "waited long enough");
}

#[test]
fn a_source_that_delivered_nothing_yet_is_waited_for() {
    let mut world = World::new("m");
    // A sample between two whole seconds makes the source known, and delivers no step.
    let sample = Sample::new(START + 500, 1.0);
    let labels = Labels::from_pairs([("__name__", "m"), ("i", "0")]);
    let batch = Batch::new(scheduled(), None, vec![BatchSample { labels, sample }]);
    world.append(&batch, START + 500);
    world.advance(START + 1_000 + WAIT_MS_MAX - 1);
    assert_eq!(world.last(), START, "waits");
    world.advance(START + 1_000 + WAIT_MS_MAX);
    assert_eq!(world.last(), START + 1_000, "waited long enough");
}

#[test]
fn a_source_that_was_silent_is_waited_for_again() {
    let mut world = World::new("m");
    let deliver = |world: &mut World, time: i64| {
        world.push(0, Sample::new(time, 1.0), scheduled(), time + 5);
        world.advance(time + 6);
        world.book.sweep(time + 6);
    };
    deliver(&mut world, START);
    let silence = START + 20_000;
    world.advance(silence);
    world.book.sweep(silence);
    assert_eq!(world.last(), silence, "nothing waits for who is silent");
    deliver(&mut world, silence + 1_000);
    world.advance(silence + 2_000);
    assert_eq!(world.last(), silence + 1_000, "waits for the next step");
    deliver(&mut world, silence + 2_000);
    assert_eq!(world.last(), silence + 2_000);
}

#[test]
fn a_query_without_sources_goes_with_the_clock() {
    let mut world = World::new("vector(1)");
    world.advance(START + 3_000);
    assert_eq!(world.last(), START + 3_000);
    let offsets = &world.chart.offsets;
    assert!(offsets.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{offsets:?}");
}

#[test]
fn a_late_sample_corrects_what_was_sent() {
    let mut world = World::new("sum(m)");
    world.push(0, Sample::new(START + 1_000, 1.0), Source::Pushed, START + 1_000);
    world.advance(START + 5_000);
    world.push(1, Sample::new(START + 2_500, 10.0), Source::Pushed, START + 5_100);
    let offsets = world.chart.offsets.len();
    world.advance(START + 5_100 + GATHER_MS);
    assert_eq!(world.chart.offsets.len(), offsets, "a correction has no offset");
    let range = (world.first, world.last());
    assert_eq!(world.chart.flat(), batch_result(&world.plan, &world.store, range));
}

#[test]
fn a_silent_series_gets_its_marker_one_interval_after_its_end() {
    let mut world = World::new("m");
    world.push(0, Sample::new(START, 1.0), scheduled(), START);
    assert!(world.book.silent(START + SILENT_MS_MIN - 1).is_empty());
    let silent = world.book.silent(START + SILENT_MS_MIN);
    assert_eq!(silent.iter().map(|(_, time)| *time).collect::<Vec<_>>(), [START + 1_000]);
    assert!(world.book.silent(START + 2 * SILENT_MS_MIN).is_empty(), "once");
}

#[test]
fn series_that_come_and_go_do_not_fill_the_table_for_ever() {
    let mut world = World::new("m");
    for n in 0..200_u8 {
        let now = START + 1_000 + i64::from(n) * 4_000;
        world.push(n, Sample::new(now, f64::from(n)), Source::Pushed, now);
        world.push(n, Sample::new(now + 2_000, STALE_NAN), Source::Pushed, now + 2_000);
        world.advance(now + 3_000);
    }
    let range = (world.first, world.last());
    assert_eq!(world.chart.flat(), batch_result(&world.plan, &world.store, range), "none was left out");
    assert!(world.chart.series.len() <= crate::live::SERIES_DRAWN_MAX);
}

#[test]
fn queries_without_viewers_go_after_a_while() {
    let mut world = World::new("m");
    world.book.close(&world.channel.clone(), START);
    world.book.sweep(START + LINGER_MS - 1);
    assert_eq!(world.book.len(), 1);
    world.book.sweep(START + LINGER_MS);
    assert!(world.book.is_empty());
}

/// What happens to one sample on its way.
#[derive(Debug, Clone, Copy)]
enum Fate {
    OnTime,
    Late(i64),
    Lost,
    Stale,
}

fn fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        6 => Just(Fate::OnTime),
        2 => (1_i64..20_000).prop_map(Fate::Late),
        1 => Just(Fate::Lost),
        1 => Just(Fate::Stale),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    /// Every step once, and after corrections the chart equals the range query.
    #[test]
    fn after_corrections_a_chart_equals_the_range_query(
        which in 0..5_usize,
        samples in prop::collection::vec((0_u8..3, 0_i64..30_000, -100_i32..100, fate()), 1..60),
    ) {
        let expr = ["m", "sum(m)", "rate(m[5s])", "max_over_time(m[3s])", "count by (i) (m > 0)"][which];
        let mut world = World::new(expr);
        let mut arrivals: Vec<(i64, u8, Sample)> = samples
            .iter()
            .filter_map(|(series, after, value, fate)| {
                let t = START + after;
                let value = f64::from(*value);
                match fate {
                    Fate::OnTime => Some((t, *series, Sample::new(t, value))),
                    Fate::Late(by) => Some((t + by, *series, Sample::new(t, value))),
                    Fate::Stale => Some((t, *series, Sample::new(t, STALE_NAN))),
                    Fate::Lost => None,
                }
            })
            .collect();
        arrivals.sort_by_key(|(at, ..)| *at);
        let mut arrivals = arrivals.into_iter().peekable();
        for now in (START..START + 55_000).step_by(250) {
            while let Some((_, series, sample)) = arrivals.next_if(|(at, ..)| *at <= now) {
                world.push(series, sample, Source::Pushed, now);
            }
            world.advance(now);
        }
        let offsets = &world.chart.offsets;
        prop_assert!(offsets.windows(2).all(|pair| pair[0] + 1 == pair[1]), "{offsets:?}");
        let range = (world.first, world.last());
        prop_assert_eq!(world.chart.flat(), batch_result(&world.plan, &world.store, range));
    }
}
