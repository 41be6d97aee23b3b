//! The samples that a test has loaded, as Prometheus's storage would give them.

use std::{collections::BTreeMap, sync::Arc};

use rustc_hash::FxHashMap;

use crate::model::{
    Histogram, HistogramSample, Labels, METRIC_NAME, Sample, SelectedSeries, histogram::Layout,
};
use crate::query::{
    Plan, QueryError,
    shorthand::{self, Item},
    value::EvalRange,
};

use super::{case::not_yet, script::Load};

/// The samples that are loaded.
#[derive(Default)]
pub(super) struct Store {
    series: Vec<SelectedSeries>,
    places: FxHashMap<Labels, usize>,
    /// Series with start times, which we do not hold: an `eval` that reads one is not tried.
    tainted: Vec<Labels>,
}

/// The classic histograms that are loaded at once: by time, bounds and cumulative counts.
#[derive(Default)]
struct Classic {
    at: BTreeMap<i64, ClassicHistogram>,
}

#[derive(Default)]
struct ClassicHistogram {
    buckets: Vec<(f64, f64)>,
    count: Option<f64>,
    sum: f64,
}

impl Store {
    pub(super) fn load(&mut self, load: &Load) {
        let mut classics: FxHashMap<Labels, Classic> = FxHashMap::default();
        for line in &load.lines {
            let Some(described) = shorthand::parse(line) else {
                panic!("not a series: {line}");
            };
            if described.is_start_times {
                self.tainted.push(described.labels);
                continue;
            }
            let mut one = SelectedSeries::new(described.labels, Vec::new());
            for (item, t) in described.values.into_iter().zip((0..).map(|i| i * load.step)) {
                match item {
                    Item::Gap => {}
                    Item::Float(v) => one.samples.push(Sample::new(t, v)),
                    Item::Histogram { histogram, .. } => {
                        one.histograms.push(HistogramSample::new(t, histogram))
                    }
                }
            }
            if load.with_nhcb {
                collect_classic(&one, &mut classics);
            }
            self.append(one);
        }
        for (labels, classic) in classics {
            let converted =
                classic.at.into_iter().map(|(t, one)| HistogramSample::new(t, Arc::new(one.convert())));
            self.append(SelectedSeries { labels, samples: Vec::new(), histograms: converted.collect() });
        }
    }

    fn append(&mut self, one: SelectedSeries) {
        let at = *self.places.entry(one.labels.clone()).or_insert_with(|| {
            self.series.push(SelectedSeries::new(one.labels.clone(), Vec::new()));
            self.series.len() - 1
        });
        let known = &mut self.series[at];
        known.samples.extend(one.samples);
        // Stable, and of one time the last counts, as upstream's append does.
        known.samples.sort_by_key(|sample| sample.t);
        known.samples.reverse();
        known.samples.dedup_by_key(|sample| sample.t);
        known.samples.reverse();
        for mut sample in one.histograms {
            let before = known.histograms.last().filter(|before| {
                let between = |float: &Sample| float.t > before.t && float.t < sample.t;
                !known.samples.iter().any(between)
            });
            let hint = sample.histogram.hint_after(before.map(|before| &*before.histogram));
            Arc::make_mut(&mut sample.histogram).hint = hint;
            known.histograms.push(sample);
        }
    }

    /// The data of a plan; `Err` when it reads a series that we cannot hold.
    pub(super) fn select(
        &self,
        plan: &Plan,
        range: EvalRange,
    ) -> Result<Vec<Vec<SelectedSeries>>, QueryError> {
        let read = |selection: crate::query::Selection| {
            let fits = |labels: &Labels| selection.matchers.iter().all(|m| m.matches_labels(labels));
            if self.tainted.iter().any(fits) {
                return Err(not_yet("start times"));
            }
            let wanted = |t: i64| t > selection.from && t <= selection.to;
            let found =
                self.series.iter().filter(|series| fits(&series.labels)).map(|series| SelectedSeries {
                    labels: series.labels.clone(),
                    samples: series.samples.iter().filter(|one| wanted(one.t)).copied().collect(),
                    histograms: series.histograms.iter().filter(|one| wanted(one.t)).cloned().collect(),
                });
            let mut found: Vec<SelectedSeries> = found.collect();
            // As Prometheus's storage gives them.
            found.sort_by(|a, b| a.labels.cmp(&b.labels));
            Ok(found)
        };
        plan.selections(range).into_iter().map(read).collect()
    }
}

/// `load_with_nhcb` makes native histograms of the classic ones, under the name without the suffix.
fn collect_classic(series: &SelectedSeries, classics: &mut FxHashMap<Labels, Classic>) {
    let name = series.labels.metric_name();
    let suffix = ["_bucket", "_sum", "_count"].into_iter().find(|suffix| name.ends_with(suffix));
    let Some((suffix, base)) = suffix.and_then(|suffix| Some((suffix, name.strip_suffix(suffix)?))) else {
        return;
    };
    let bound = series.labels.get("le").and_then(|le| le.parse::<f64>().ok()).filter(|le| !le.is_nan());
    if suffix == "_bucket" && bound.is_none() {
        return;
    }
    let classic = classics.entry(series.labels.with("le", "").with(METRIC_NAME, base)).or_default();
    for sample in &series.samples {
        let one = classic.at.entry(sample.t).or_default();
        match (suffix, bound) {
            ("_bucket", Some(bound)) => one.buckets.push((bound, sample.v)),
            ("_sum", _) => one.sum = sample.v,
            _ => one.count = Some(sample.v),
        }
    }
}

impl ClassicHistogram {
    fn convert(mut self) -> Histogram {
        self.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        // One bound may be written in two ways.
        self.buckets.dedup_by(|next, kept| next.0 == kept.0);
        let highest = self.buckets.last().copied();
        let count = self.count.or(highest.map(|(_, count)| count)).unwrap_or(0.0);
        if highest.is_none_or(|(bound, _)| bound != f64::INFINITY) {
            self.buckets.push((f64::INFINITY, count));
        }
        let mut before = 0.0;
        let mut positive = Vec::new();
        for (i, &(_, count)) in (0i32..).zip(&self.buckets) {
            positive.push((i, count - before));
            before = count;
        }
        let bounds = self.buckets.iter().map(|(bound, _)| *bound).filter(|bound| bound.is_finite()).collect();
        let mut made =
            Histogram { count, sum: self.sum, positive, ..Histogram::empty(Layout::Custom { bounds }) };
        made.check_layout().expect("a histogram");
        made.compact();
        made
    }
}
