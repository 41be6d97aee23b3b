//! What a tree reads: its selectors, their spans, and whether time alone changes the value.

use crate::model::Matcher;

use super::{
    expr::{At, Call, Expr, Over, Range, Selector, Shift},
    functions::{Function, WindowFunction},
    value::{EvalRange, Selection},
};

/// The operands of a node, in the order of the text.
fn operands(expr: &Expr) -> Vec<&Expr> {
    match expr {
        Expr::Number(..) | Expr::Text(..) | Expr::Selector(_) | Expr::Range(_) => Vec::new(),
        Expr::Negate(of, _) | Expr::Plus(of, _) => vec![of],
        Expr::Call(call) => call.args.iter().collect(),
        Expr::Aggregate(of) => of.param.iter().chain([&of.of]).collect(),
        Expr::Binary(of) => vec![&of.left, &of.right],
    }
}

/// The times at which a node is evaluated.
#[derive(Debug, Clone, Copy)]
struct Times {
    first: i64,
    last: i64,
}

impl Times {
    fn shifted(self, shift: Shift, range: EvalRange) -> Self {
        let (first, last) = match shift.at {
            None => (self.first, self.last),
            Some(At::Start) => (range.start, range.start),
            Some(At::End) => (range.end, range.end),
            Some(At::Time(t)) => (t, t),
        };
        Self { first: first.saturating_sub(shift.offset), last: last.saturating_sub(shift.offset) }
    }

    /// The span that windows of `range` ms at these times cover.
    fn selection(self, selector: &Selector, range: i64) -> Selection {
        let from = self.first.saturating_sub(range);
        Selection { matchers: selector.matchers.clone(), from, to: self.last }
    }
}

/// What each selector reads, in the order of their numbers.
pub fn selections(expr: &Expr, range: EvalRange, count: usize) -> Vec<Selection> {
    let mut found = nothing(range, count);
    collect(expr, range, Times { first: range.start, last: range.end }, &mut found);
    found
}

/// A selection without time for each of `count` selectors.
pub fn nothing(range: EvalRange, count: usize) -> Vec<Selection> {
    vec![Selection { matchers: Vec::new(), from: range.start, to: range.start }; count]
}

fn collect(expr: &Expr, range: EvalRange, times: Times, found: &mut [Selection]) {
    match expr {
        Expr::Selector(selector) => {
            let times = times.shifted(selector.shift, range);
            found[selector.index] = times.selection(selector, range.lookback);
        }
        Expr::Range(of) => {
            let times = times.shifted(of.shift, range);
            match &of.over {
                Over::Selector(selector) => {
                    found[selector.index] = times.selection(selector, of.range);
                }
                Over::Subquery { expr, .. } => {
                    let first = times.first.saturating_sub(of.range);
                    collect(expr, range, Times { first, last: times.last }, found);
                }
            }
        }
        other => operands(other).into_iter().for_each(|of| collect(of, range, times, found)),
    }
}

/// The conditions of each selector, in the order of their numbers.
pub fn selectors<'e>(expr: &'e Expr, found: &mut Vec<&'e [Matcher]>) {
    match expr {
        Expr::Selector(selector) => found.push(&selector.matchers),
        Expr::Range(of) => match &of.over {
            Over::Selector(selector) => found.push(&selector.matchers),
            Over::Subquery { expr, .. } => selectors(expr, found),
        },
        other => operands(other).into_iter().for_each(|of| selectors(of, found)),
    }
}

/// How long before a step a sample can lie that the value there depends on, ms. `i64::MAX` where
/// `@` fixes the time.
pub fn reach_ms(expr: &Expr, lookback: i64) -> i64 {
    match expr {
        Expr::Selector(selector) => shifted(selector.shift, lookback),
        Expr::Range(of) => match &of.over {
            Over::Selector(_) => shifted(of.shift, of.range),
            Over::Subquery { expr, .. } => {
                shifted(of.shift, of.range.saturating_add(reach_ms(expr, lookback)))
            }
        },
        other => operands(other).into_iter().map(|of| reach_ms(of, lookback)).max().unwrap_or(0),
    }
}

fn shifted(shift: Shift, span: i64) -> i64 {
    if shift.at.is_some() { i64::MAX } else { span.saturating_add(shift.offset).max(0) }
}

/// Whether the value can change at a step before which no sample came, other than by windows that
/// empty and samples that get too old.
pub fn depends_on_clock(expr: &Expr) -> bool {
    let mut found = Vec::new();
    selectors(expr, &mut found);
    found.is_empty() || moves(expr)
}

fn moves(expr: &Expr) -> bool {
    match expr {
        Expr::Selector(selector) => selector.shift.at.is_some(),
        Expr::Range(of) => range_moves(of),
        Expr::Call(call) => call_moves(call) || call.args.iter().any(moves),
        other => operands(other).into_iter().any(moves),
    }
}

fn range_moves(of: &Range) -> bool {
    let inner = match &of.over {
        Over::Selector(_) => false,
        Over::Subquery { expr, .. } => moves(expr),
    };
    inner || of.shift.at.is_some()
}

fn call_moves(call: &Call) -> bool {
    match call.function {
        Function::Time
        | Function::Vector
        | Function::Scalar
        | Function::Absent
        | Function::AbsentOverTime
        | Function::Window(WindowFunction::PredictLinear) => true,
        Function::Date(_) => call.args.is_empty(),
        // Of anything but a selector it is the step's time.
        Function::Timestamp => !matches!(call.args.first(), Some(Expr::Selector(_))),
        _ => false,
    }
}
