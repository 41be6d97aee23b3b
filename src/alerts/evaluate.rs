//! One evaluation of a rule's expression.

use super::watch::Outcome;
use crate::model::limits::LOOKBACK_MS;
use crate::query::{EvalLimits, EvalRange, Plan};
use crate::rules::measured;
use crate::store::Store;

/// Evaluates an expression at a time; blocks. A scalar is one series without labels.
pub(super) fn evaluate(plan: &Plan, now_ms: i64, store: &Store) -> Outcome {
    let range = EvalRange::instant(now_ms, LOOKBACK_MS);
    let data = store.select(&plan.selections(range)).map_err(|error| error.to_string())?;
    let answer = plan.eval(range, &data, &EvalLimits::default()).map_err(|error| error.to_string())?;
    measured(answer.value).map_err(|error| error.to_string())
}
