//! A query that is parsed and checked, and what can be asked of it.

use std::{borrow::Cow, sync::Arc};

use crate::model::{
    AnySample, HistogramSample, Labels, Matcher, Sample, SampleSource, SelectedSeries, limits::LOOKBACK_MS,
};

use super::{
    EvalLimits, QueryError,
    column::{Column, Datum, is_present},
    duration::{Follows, resolve},
    eval::{Evaluated, Evaluator},
    expr::{BinaryOp, Expr, Kind},
    grid::Grid,
    parse::{self, Parsed},
    reach,
    standing::{self, Shape, Standing},
    value::{Answer, EvalRange, Selection, Value},
};

#[derive(Debug)]
struct Inner {
    text: String,
    parsed: Parsed,
}

/// The operator of which a whole query is the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outermost<'p> {
    /// The operator.
    pub op: BinaryOp,
    /// The text of its left operand.
    pub left: &'p str,
    /// The text of its right operand, without what modifies the operator.
    pub right: &'p str,
    /// Whether it is a comparison that answers 1 or 0.
    pub bool_result: bool,
    /// Whether brackets stand around the whole.
    pub bracketed: bool,
}

/// A parsed, checked query. A clone counts a reference.
#[derive(Debug, Clone)]
pub struct Plan(Arc<Inner>);

impl Plan {
    /// Parses a query.
    ///
    /// # Errors
    ///
    /// When the text is not PromQL, has what is not evaluated yet, or is too long or deep.
    pub fn parse(text: &str) -> Result<Self, QueryError> {
        let parsed = parse::parse(text)?;
        Ok(Self(Arc::new(Inner { text: text.to_owned(), parsed })))
    }

    /// The text as it was given.
    pub fn text(&self) -> &str {
        &self.0.text
    }

    /// The operator of which the query is the value, if it is one of two operands.
    pub fn outermost(&self) -> Option<Outermost<'_>> {
        let Expr::Binary(of) = &self.0.parsed.expr else { return None };
        let part = |start: usize, end: usize| self.0.text.get(start..end).unwrap_or_default().trim();
        Some(Outermost {
            op: of.op,
            left: part(of.span.start, of.op_span.start),
            right: part(of.right_span.start, of.right_span.end),
            bool_result: of.bool_result,
            bracketed: self.0.parsed.bracketed,
        })
    }

    /// The value, if the query is made of numbers and operators alone.
    pub fn constant(&self) -> Option<f64> {
        let is_constant = is_constant(&self.0.parsed.expr);
        let value = self.eval(EvalRange::instant(0, 0), &Vec::new(), &EvalLimits::default());
        match value {
            Ok(Answer { value: Value::Scalar(sample), .. }) if is_constant => Some(sample.v),
            _ => None,
        }
    }

    /// Whether it has a duration such as `[step()]`: then steps of another grid can have other values at the same time.
    pub fn follows_query(&self) -> bool {
        self.0.parsed.follows_query
    }

    /// The tree with all durations known.
    fn resolved(&self, range: EvalRange) -> Result<Cow<'_, Expr>, QueryError> {
        let Inner { text, parsed } = &*self.0;
        if !parsed.follows_query {
            return Ok(Cow::Borrowed(&parsed.expr));
        }
        let mut expr = parsed.expr.clone();
        resolve(&mut expr, Follows::new(range), text)?;
        Ok(Cow::Owned(expr))
    }

    /// What must be read from the store to evaluate the range: one selection for each selector, in
    /// the order of the text. Nothing is read for a range for which a duration has no value: then
    /// [`Plan::eval`] says so.
    pub fn selections(&self, range: EvalRange) -> Vec<Selection> {
        let selectors = self.0.parsed.selectors;
        match self.resolved(range) {
            Ok(expr) => reach::selections(&expr, range, selectors),
            Err(_) => reach::nothing(range, selectors),
        }
    }

    /// The conditions of each selector, in the order of the text: a series that satisfies one of
    /// them can change the value.
    pub fn selectors(&self) -> Vec<&[Matcher]> {
        let mut found = Vec::with_capacity(self.0.parsed.selectors);
        reach::selectors(&self.0.parsed.expr, &mut found);
        found
    }

    /// The conditions of a query that is one selector and nothing else.
    pub fn selector(&self) -> Option<&[Matcher]> {
        match &self.0.parsed.expr {
            Expr::Selector(selector) => Some(&selector.matchers),
            _ => None,
        }
    }

    /// How far back from a step the value can depend on samples, ms; so a sample at `t` can change
    /// the steps up to `t + reach_ms()`.
    ///
    /// Instant selectors count with the default lookback, subqueries with all that is in them. A
    /// negative offset shortens it, to no less than 0. `i64::MAX` when the query has `@` or a
    /// duration that follows the range: then a sample can change every step.
    pub fn reach_ms(&self) -> i64 {
        if self.follows_query() { i64::MAX } else { reach::reach_ms(&self.0.parsed.expr, LOOKBACK_MS) }
    }

    /// Whether the value can change at a step before which no sample came: the query has `time()`,
    /// `absent()`, `vector()`, `scalar()`, `predict_linear()`, a date of now, `@` or a duration that
    /// follows the range, or no selector.
    ///
    /// Windows that slide or empty and samples that get too old are not meant: they change every
    /// query, for at most [`Plan::reach_ms`] after its last sample.
    pub fn depends_on_clock(&self) -> bool {
        self.follows_query() || reach::depends_on_clock(&self.0.parsed.expr)
    }

    /// Evaluates at each step of the range. Selection `i` of `data` is what `selections(range)[i]`
    /// asked for, or more of it.
    ///
    /// *Shape*: an instant query gives a scalar, a text, a vector or, of a range, a matrix; a range
    /// query gives a matrix, of a scalar too.
    ///
    /// *Cost*: each operator passes once over its series; windows pass twice over their samples.
    ///
    /// # Errors
    ///
    /// When the range is not valid, the samples do not fit the query, or a limit is reached.
    pub fn eval(
        &self,
        range: EvalRange,
        data: &dyn SampleSource,
        limits: &EvalLimits,
    ) -> Result<Answer, QueryError> {
        let range = EvalRange { lookback: range.lookback.clamp(0, super::limits::SPAN_MS_MAX), ..range };
        self.answer(Evaluator::new(range, data, limits), limits)
    }

    /// What a standing query keeps of its selectors, in the order of the text: what each computes, or `None` for one
    /// that is to be read at each step.
    pub fn leaves(&self) -> Vec<Option<Shape>> {
        if self.follows_query() {
            return vec![None; self.0.parsed.selectors];
        }
        standing::leaves(&self.0.parsed.expr, self.0.parsed.selectors, LOOKBACK_MS)
    }

    /// As [`Plan::eval`], at one step: what is at hand of [`Plan::leaves`] is not read.
    ///
    /// # Errors
    ///
    /// As [`Plan::eval`].
    pub fn eval_standing(
        &self,
        step: EvalRange,
        data: &dyn SampleSource,
        at_hand: Standing<'_>,
        limits: &EvalLimits,
    ) -> Result<Answer, QueryError> {
        self.answer(Evaluator::standing(step, data, limits, at_hand), limits)
    }

    fn answer(&self, evaluator: Evaluator<'_>, limits: &EvalLimits) -> Result<Answer, QueryError> {
        let grid = Grid::of_query(evaluator.range, limits)?;
        let value = self.value(&evaluator, grid)?;
        let samples_read = evaluator.budget.samples_read();
        Ok(Answer { value, annotations: evaluator.notes.take(), samples_read })
    }

    fn value(&self, evaluator: &Evaluator<'_>, grid: Grid) -> Result<Value, QueryError> {
        let range = evaluator.range;
        let expr = self.resolved(range)?;
        let kind = expr.kind();
        if let Expr::Range(of) = &*expr
            && range.is_instant()
        {
            return evaluator.matrix(of, range.start).map(Value::Matrix);
        }
        if !range.is_instant() && matches!(kind, Kind::Text | Kind::Range) {
            return Err(QueryError::Eval(
                "a range query must be of a scalar or an instant vector".to_owned(),
            ));
        }
        Ok(match evaluator.eval(&expr, grid)? {
            Evaluated::Text(text) => Value::String(text),
            Evaluated::Scalar(values) if range.is_instant() => {
                let v = values.first().copied().unwrap_or(f64::NAN);
                Value::Scalar(Sample::new(range.start, v))
            }
            Evaluated::Scalar(values) => {
                let column = Column::new(Labels::empty(), false, values);
                Value::Matrix(matrix(vec![column], grid))
            }
            Evaluated::Vector(columns) => {
                let columns = evaluator.finish(columns)?;
                if range.is_instant() {
                    Value::Vector(vector(columns, range.start))
                } else {
                    Value::Matrix(matrix(columns, grid))
                }
            }
        })
    }
}

/// Whether an expression has numbers and operators alone.
fn is_constant(expr: &Expr) -> bool {
    match expr {
        Expr::Number(..) => true,
        Expr::Negate(of, _) | Expr::Plus(of, _) => is_constant(of),
        Expr::Binary(of) => is_constant(&of.left) && is_constant(&of.right),
        Expr::Text(..) | Expr::Selector(_) | Expr::Range(_) | Expr::Call(_) | Expr::Aggregate(_) => false,
    }
}

fn vector(columns: Vec<Column>, at: i64) -> Vec<(Labels, AnySample)> {
    let sample = |column: Column| {
        let sample = match column.get(0)? {
            Datum::Float(v) => AnySample::Float(Sample::new(at, v)),
            Datum::Histogram(histogram) => AnySample::Histogram(HistogramSample::new(at, histogram)),
        };
        Some((column.labels, sample))
    };
    columns.into_iter().filter_map(sample).collect()
}

fn matrix(columns: Vec<Column>, grid: Grid) -> Vec<SelectedSeries> {
    let series = columns.into_iter().map(|column| {
        // Most steps have a value: room for all is less work than growing.
        let mut samples = Vec::with_capacity(column.values.len());
        let present = grid.times().zip(column.values).filter(|(_, v)| is_present(*v));
        samples.extend(present.map(|(t, v)| Sample::new(t, v)));
        let histograms = grid.times().zip(column.histograms);
        let histograms = histograms.filter_map(|(t, one)| Some(HistogramSample::new(t, one?))).collect();
        SelectedSeries { labels: column.labels, samples, histograms }
    });
    let mut series: Vec<SelectedSeries> = series.filter(|one| !one.is_empty()).collect();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One series `a` with a sample a minute that counts from 0, and the answer at ten minutes.
    #[track_caller]
    fn check(text: &str, expected: &str) {
        let samples = (0i32..=20).map(|i| Sample::new(i64::from(i) * 60_000, f64::from(i)));
        let labels = Labels::from_pairs([("__name__", "a"), ("job", "j")]);
        let series = SelectedSeries::new(labels, samples.collect());
        let answer = Plan::parse(text).and_then(|plan| {
            let data = vec![vec![series]; plan.selectors().len()];
            plan.eval(EvalRange::instant(600_000, LOOKBACK_MS), &data, &EvalLimits::default())
        });
        let answer = match answer.map(|answer| answer.value) {
            Ok(Value::Scalar(sample)) => sample.v.to_string(),
            Ok(Value::String(text)) => format!("{text:?}"),
            Ok(Value::Vector(vector)) => {
                let float = |sample: &AnySample| sample.float().unwrap_or(f64::NAN);
                let pairs = vector.iter().map(|(labels, sample)| format!("{labels} {}", float(sample)));
                pairs.collect::<Vec<_>>().join(", ")
            }
            Ok(Value::Matrix(series)) => {
                let pairs = series.iter().map(|one| format!("{} x{}", one.labels, one.samples.len()));
                pairs.collect::<Vec<_>>().join(", ")
            }
            Err(error) => error.to_string(),
        };
        assert_eq!(answer, expected, "{text}");
    }

    #[test]
    fn values() {
        check("1 + 2 * 3", "7");
        check("\"text\"", "\"text\"");
        check("a", "a{job=\"j\"} 10");
        check("a[5m]", "a{job=\"j\"} x5");
        check("rate(a[5m]) * 60", "{job=\"j\"} 1");
        check("a offset 5m", "a{job=\"j\"} 5");
        check("a > 20", "");
        check("a[step() + 2m] offset range()", "a{job=\"j\"} x2");
        check("a[step()]", "1:3: parse error: duration must be greater than 0, at least 1ms");
        check("a[2m / step()]", "1:6: parse error: division by zero");
        check("sum by (job) (a) and a", "{job=\"j\"} 10");
    }

    #[test]
    fn errors_have_places() {
        check("sum(a", "1:4: parse error: \"(\" is not closed");
        check("a +", "1:4: parse error: unexpected end of the text, expected an expression");
        check("a a", "1:3: parse error: unexpected \"a\", expected an operator or the end of the text");
        check("a +\n  * 2", "2:3: parse error: unexpected \"*\", expected an expression");
        check("1 + nope(a)", "1:5: parse error: unknown function with name \"nope\"");
        check("a[5m] smoothed", "1:7: not implemented yet: smoothed modifier");
        check(
            "1 + label_replace(a, 'b', '', 'c', '(')",
            "1:36: parse error: invalid regular expression in label_replace(): (",
        );
        check(
            r"a{b=~'\\w{20}'}",
            "1:6: parse error: the regular expression is too large: compiled, it has more than 256 KiB",
        );
        check("1 + info(a)", "1:5: not implemented yet: info");
        check(
            "a + on () a[5m]",
            "1:11: parse error: binary expression must contain only scalar and instant vector types",
        );
    }

    #[track_caller]
    fn check_selections(text: &str, expected: &[(i64, i64)]) {
        let range = EvalRange { start: 1000, end: 2000, step: 100, lookback: 300 };
        let plan = Plan::parse(text).expect("a query");
        let spans: Vec<_> = plan.selections(range).iter().map(|one| (one.from, one.to)).collect();
        assert_eq!(spans, expected, "{text}");
    }

    #[test]
    fn selections_cover_what_is_read() {
        check_selections("a + b offset 1s", &[(700, 2000), (-300, 1000)]);
        check_selections("rate(a[1s]) + a @ 5 + a @ end()", &[(0, 2000), (4700, 5000), (1700, 2000)]);
        check_selections("max_over_time(a[2s:1s] offset 1s)", &[(-2300, 1000)]);
        check_selections("a[step() * 2] offset range()", &[(-200, 1000)]);
        check_selections("a[step() - 1]", &[(1000, 1000)]);
    }

    #[track_caller]
    fn check_reach(text: &str, reach: i64, depends_on_clock: bool) {
        let plan = Plan::parse(text).expect("a query");
        assert_eq!((plan.reach_ms(), plan.depends_on_clock()), (reach, depends_on_clock), "{text}");
    }

    #[test]
    fn reach() {
        check_reach("a", 300_000, false);
        check_reach("rate(a[1m])", 60_000, false);
        check_reach("rate(a[1m] offset 1m) > 3", 120_000, false);
        check_reach("max_over_time(rate(a[1m])[10m:])", 660_000, false);
        check_reach("a[1m] offset -2m", 0, false);
        check_reach("a @ 5", i64::MAX, true);
        check_reach("absent(a)", 300_000, true);
        check_reach("a[step()]", i64::MAX, true);
        check_reach("hour()", 0, true);
        check_reach("3", 0, true);
    }

    #[test]
    fn limits_are_named() {
        let plan = Plan::parse("vector(1)").expect("a query");
        let eval = |end, limits: &EvalLimits| {
            plan.eval(EvalRange { start: 0, end, step: 1, lookback: 1 }, &Vec::new(), limits)
        };
        let limits = EvalLimits { samples_max: 10, steps_max: 100, ..EvalLimits::default() };
        let error = |name, max| Some(QueryError::Limit { name, max });
        assert_eq!(eval(1000, &limits).err(), error("steps", 100));
        assert_eq!(eval(50, &limits).err(), error("samples", 10));
        let samples: Vec<Sample> = (0..100_000).map(|t| Sample::new(t, 1.0)).collect();
        let read = vec![vec![SelectedSeries::new(Labels::empty(), samples[..20].to_vec())]; 2];
        let limits = EvalLimits { read_max: 30, ..EvalLimits::default() };
        let sum = Plan::parse("a + b").expect("a query");
        assert_eq!(sum.eval(EvalRange::instant(20, 1), &read, &limits).err(), error("stored samples", 30));
        let one = Plan::parse("a").expect("a query").eval(EvalRange::instant(20, 1), &read, &limits);
        assert_eq!(one.map(|answer| answer.samples_read), Ok(20));
        let data = vec![vec![SelectedSeries::new(Labels::empty(), samples)]; 2];
        let long = [
            "max_over_time(vector(1)[100y:1ms])",
            "max_over_time(absent_over_time(a[1m])[100y:1ms])",
            "max_over_time((a and on () b)[100y:1ms])",
            "max_over_time((a + on () fill (1) b)[100y:1ms])",
            "quantile_over_time(0.5, quantile_over_time(0.5, a[2m])[2m:1ms])",
        ];
        for text in long {
            let plan = Plan::parse(text).expect("a query");
            let answer = plan.eval(EvalRange::instant(100_000, 1), &data, &EvalLimits::default());
            let max = EvalLimits::default().samples_max;
            assert_eq!(answer.err(), error("samples", max), "{text}");
        }
    }
}
