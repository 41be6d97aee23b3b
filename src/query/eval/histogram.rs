//! Functions of classic histograms: buckets are put together by their other labels.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{Label, Labels};
use crate::query::{
    QueryError,
    column::{ABSENT, Column, is_present, merge_same_labels, with_labels, without_metadata},
    expr::Call,
    functions::{
        Function,
        histogram::{BUCKET_LABEL, Bucket, bucket_fraction, bucket_quantile, parse_bound},
        labels::check_name,
    },
    grid::Grid,
};

use super::{Evaluator, call::argument};

/// The buckets of one histogram.
struct Histogram {
    labels: Labels,
    /// Upper bound and counts of each bucket.
    buckets: Vec<(f64, Vec<f64>)>,
}

impl Evaluator<'_> {
    /// Evaluates a function of histograms.
    ///
    /// # Errors
    ///
    /// As [`Evaluator::eval`].
    pub fn histogram(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let columns = match call.function {
            Function::HistogramQuantile => {
                let q = self.scalar(argument(call, 0)?, grid)?;
                let found = histograms(self.vector(argument(call, 1)?, grid)?);
                self.each(&found, grid, |step, buckets| bucket_quantile(q[step], buckets))?
            }
            Function::HistogramFraction => {
                let lower = self.scalar(argument(call, 0)?, grid)?;
                let upper = self.scalar(argument(call, 1)?, grid)?;
                let found = histograms(self.vector(argument(call, 2)?, grid)?);
                self.each(&found, grid, |step, buckets| bucket_fraction(lower[step], upper[step], buckets))?
            }
            _ => self.quantiles(call, grid)?,
        };
        merge_same_labels(columns)
    }

    fn quantiles(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let found = histograms(self.vector(argument(call, 0)?, grid)?);
        let name: Arc<str> = Arc::from(self.text(argument(call, 1)?));
        check_name(&name)?;
        let mut all = Vec::new();
        for arg in call.args.iter().skip(2) {
            let q = self.scalar(arg, grid)?;
            let value: Arc<str> = Arc::from(open_metrics_float(q.first().copied()));
            for mut column in self.each(&found, grid, |step, b| bucket_quantile(q[step], b))? {
                let label = Label { name: Arc::clone(&name), value: Arc::clone(&value) };
                column.labels = with_labels(&column.labels, [label]);
                all.push(column);
            }
        }
        Ok(all)
    }

    fn each(
        &self,
        found: &[Histogram],
        grid: Grid,
        f: impl Fn(usize, &mut Vec<Bucket>) -> f64,
    ) -> Result<Vec<Column>, QueryError> {
        let mut columns = Vec::with_capacity(found.len());
        let mut buckets = Vec::new();
        for histogram in found {
            self.budget.samples(grid.count)?;
            let mut values = vec![ABSENT; grid.count];
            for (step, value) in values.iter_mut().enumerate() {
                buckets.clear();
                buckets.extend(histogram.buckets.iter().filter_map(|(upper, counts)| {
                    let count = counts[step];
                    is_present(count).then_some(Bucket { upper: *upper, count })
                }));
                if !buckets.is_empty() {
                    *value = f(step, &mut buckets);
                }
            }
            columns.push(Column { labels: histogram.labels.clone(), drop_name: false, values });
        }
        Ok(columns)
    }
}

/// Groups buckets by all labels but the bound. Two metrics are two histograms, even if nothing but
/// the name tells them apart; that is an error once the name is gone.
fn histograms(columns: Vec<Column>) -> Vec<Histogram> {
    let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
    let mut found: Vec<Histogram> = Vec::new();
    for column in columns {
        let Some(upper) = column.labels.get(BUCKET_LABEL).and_then(parse_bound) else {
            continue;
        };
        let key = column.labels.filtered(|name| name != BUCKET_LABEL);
        let at = *places.entry(key).or_insert_with_key(|key| {
            found.push(Histogram { labels: without_metadata(key), buckets: Vec::new() });
            found.len() - 1
        });
        found[at].buckets.push((upper, column.values));
    }
    found.sort_by(|a, b| a.labels.cmp(&b.labels));
    found
}

/// A number as `OpenMetrics` writes it: with a point, so that 1 is `1.0`.
fn open_metrics_float(v: Option<f64>) -> String {
    let v = v.unwrap_or(f64::NAN);
    if v.is_nan() {
        "NaN".to_owned()
    } else if v.is_infinite() {
        if v > 0.0 { "+Inf".to_owned() } else { "-Inf".to_owned() }
    } else {
        format!("{v:?}")
    }
}
