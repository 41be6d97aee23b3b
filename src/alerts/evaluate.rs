//! One evaluation of a rule's expression.

use super::watch::Outcome;
use crate::model::limits::LOOKBACK_MS;
use crate::query::{EvalLimits, EvalRange, Plan};
use crate::rules::measured;
use crate::store::Store;

/// Notes on one rule that are told.
const NOTES_MAX: usize = 4;

/// Evaluates an expression at a time; blocks. A scalar is one series without labels. What there is to say of it goes into
/// `notes`.
pub(super) fn evaluate(plan: &Plan, now_ms: i64, store: &Store, notes: &mut Vec<String>) -> Outcome {
    let range = EvalRange::instant(now_ms, LOOKBACK_MS);
    let data = store.select(&plan.selections(range)).map_err(|error| error.to_string())?;
    let answer = plan.eval(range, &data, &EvalLimits::default()).map_err(|error| error.to_string())?;
    *notes = answer.annotations.lasting(plan.text(), NOTES_MAX);
    measured(answer.value).map_err(|error| error.to_string())
}
