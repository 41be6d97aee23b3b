//! Quantiles and fractions of histograms: classic ones, whose buckets are put together by their other
//! labels, and native ones beside them.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::model::{Label, Labels};
use crate::query::{
    QueryError,
    annotations::{About, Note},
    column::{ABSENT, Column, is_present, merge_same_labels, with_labels},
    expr::{Call, Expr, Span},
    functions::{
        Function,
        histogram::{BUCKET_LABEL, Bucket, bucket_fraction, bucket_quantile, parse_bound},
        labels::check_name,
        native::quantile::{fraction, quantile},
    },
    grid::Grid,
};

use super::{Evaluator, Wanted, call::argument};

/// One histogram: its classic buckets, the native one of the same labels, or both.
struct Histogram {
    labels: Labels,
    /// Upper bound and counts of each bucket.
    buckets: Vec<(f64, Vec<f64>)>,
    native: Option<Column>,
}

/// What is asked of a histogram, a value for each step.
enum Asked<'a> {
    Quantile(&'a [f64]),
    Fraction { lower: &'a [f64], upper: &'a [f64] },
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
                let q = self.quantile_argument(argument(call, 0)?, grid)?;
                let (found, span) = self.histograms(argument(call, 1)?, grid)?;
                self.each(&found, span, grid, &Asked::Quantile(&q))?
            }
            Function::HistogramFraction => {
                let lower = self.scalar(argument(call, 0)?, grid)?;
                let upper = self.scalar(argument(call, 1)?, grid)?;
                let (found, span) = self.histograms(argument(call, 2)?, grid)?;
                self.each(&found, span, grid, &Asked::Fraction { lower: &lower, upper: &upper })?
            }
            _ => self.quantiles(call, grid)?,
        };
        merge_same_labels(columns)
    }

    fn quantiles(&self, call: &Call, grid: Grid) -> Result<Vec<Column>, QueryError> {
        let (found, span) = self.histograms(argument(call, 0)?, grid)?;
        let name: Arc<str> = Arc::from(self.text(argument(call, 1)?));
        check_name(&name)?;
        let mut all = Vec::new();
        for arg in call.args.iter().skip(2) {
            let q = self.quantile_argument(arg, grid)?;
            let value: Arc<str> = Arc::from(open_metrics_float(q.first().copied()));
            for mut column in self.each(&found, span, grid, &Asked::Quantile(&q))? {
                let label = Label { name: Arc::clone(&name), value: Arc::clone(&value) };
                column.labels = with_labels(&column.labels, [label]);
                all.push(column);
            }
        }
        Ok(all)
    }

    fn quantile_argument(&self, arg: &Expr, grid: Grid) -> Result<Vec<f64>, QueryError> {
        let q = self.scalar(arg, grid)?;
        for &q in q.iter().filter(|q| !(0.0..=1.0).contains(*q)) {
            self.note(arg.span(), Note::InvalidQuantile(q));
        }
        Ok(q)
    }

    fn histograms(&self, of: &Expr, grid: Grid) -> Result<(Vec<Histogram>, Span), QueryError> {
        let columns = self.wanting(Wanted::Buckets, || self.vector(of, grid))?;
        Ok((self.group(columns, of.span()), of.span()))
    }

    /// Puts buckets together by all labels but the bound. Two metrics are two histograms, even if
    /// nothing but the name tells them apart; that is an error once the name is gone.
    fn group(&self, columns: Vec<Column>, span: Span) -> Vec<Histogram> {
        let mut places: FxHashMap<Labels, usize> = FxHashMap::default();
        let mut found: Vec<Histogram> = Vec::new();
        let mut place = |key: Labels, found: &mut Vec<Histogram>| {
            *places.entry(key).or_insert_with_key(|key| {
                found.push(Histogram { labels: key.clone(), buckets: Vec::new(), native: None });
                found.len() - 1
            })
        };
        for mut column in columns {
            if column.has_histograms() {
                let at = place(column.labels.clone(), &mut found);
                let values = std::mem::take(&mut column.values);
                let buckets = Column::new(column.labels.clone(), column.drop_name, values);
                found[at].native = Some(column);
                column = buckets;
                if column.is_empty() {
                    continue;
                }
            }
            let label = column.labels.get(BUCKET_LABEL).unwrap_or_default();
            match parse_bound(label) {
                Some(upper) => {
                    let key = column.labels.filtered(|name| name != BUCKET_LABEL);
                    let at = place(key, &mut found);
                    found[at].buckets.push((upper, column.values));
                }
                None if column.is_empty() => {}
                None => {
                    let metric = column.labels.metric_name();
                    self.note(span, Note::BadBucketLabel { metric, label });
                }
            }
        }
        found.sort_by(|a, b| a.labels.cmp(&b.labels));
        found
    }

    fn each(
        &self,
        found: &[Histogram],
        span: Span,
        grid: Grid,
        asked: &Asked<'_>,
    ) -> Result<Vec<Column>, QueryError> {
        let mut columns = Vec::with_capacity(found.len());
        let mut buckets = Vec::new();
        for histogram in found {
            self.budget.samples(grid.count)?;
            let about = About { notes: &self.notes, span, metric: histogram.labels.metric_name() };
            let mut values = vec![ABSENT; grid.count];
            for (step, value) in values.iter_mut().enumerate() {
                buckets.clear();
                buckets.extend(histogram.buckets.iter().filter_map(|(upper, counts)| {
                    let count = counts[step];
                    is_present(count).then_some(Bucket { upper: *upper, count })
                }));
                let native = histogram.native.as_ref().and_then(|column| column.histogram(step));
                *value = match native {
                    Some(_) if !buckets.is_empty() => {
                        about.say(Note::MixedClassicAndNative(about.metric));
                        ABSENT
                    }
                    Some(native) => asked.of_native(step, native, &about),
                    None if buckets.is_empty() => ABSENT,
                    None => asked.of_buckets(step, &mut buckets, grid, &about),
                };
            }
            columns.push(Column::new(histogram.labels.clone(), true, values));
        }
        Ok(columns)
    }
}

impl Asked<'_> {
    fn of_native(&self, step: usize, native: &crate::model::Histogram, about: &About<'_>) -> f64 {
        match self {
            Self::Quantile(q) => quantile(q[step], native, about),
            Self::Fraction { lower, upper } => fraction(lower[step], upper[step], native, about),
        }
    }

    fn of_buckets(&self, step: usize, buckets: &mut Vec<Bucket>, grid: Grid, about: &About<'_>) -> f64 {
        match self {
            Self::Quantile(q) => {
                let (value, forced) = bucket_quantile(q[step], buckets);
                if let Some(forced) = forced {
                    let metric = about.metric;
                    about.say(Note::ForcedMonotonicity { metric, forced, at: grid.time(step) });
                }
                value
            }
            Self::Fraction { lower, upper } => bucket_fraction(lower[step], upper[step], buckets),
        }
    }
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
