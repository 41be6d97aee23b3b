//! One `eval`: run it, and tell whether it is as expected.

use crate::model::limits::LOOKBACK_MS;
use crate::query::{Annotations, Answer, EvalLimits, EvalRange, Level, Plan, QueryError, Value};

use super::{
    compare,
    script::{Eval, Notes},
    store::Store,
};

pub(super) enum Outcome {
    Passed,
    NotYet(String),
    Wrong(String),
}

pub(super) fn not_yet(what: &str) -> QueryError {
    QueryError::NotYet { what: what.to_owned(), line: 1, column: 1 }
}

fn run(store: &Store, query: &str, range: EvalRange) -> Result<Answer, QueryError> {
    let plan = Plan::parse(query)?;
    let data = store.select(&plan, range)?;
    plan.eval(range, &data, &EvalLimits::default())
}

pub(super) fn eval(store: &Store, eval: &Eval) -> Outcome {
    let range = EvalRange { start: eval.start, end: eval.end, step: eval.step, lookback: LOOKBACK_MS };
    let answer = run(store, &eval.query, range);
    if let Ok(answer) = &answer
        && let Err(outcome) = check_notes(eval, &answer.annotations)
    {
        return outcome;
    }
    match judge(eval, &answer.map(|answer| answer.value)) {
        Outcome::Passed if eval.step == 0 && !eval.fails && !eval.ordered => around(store, eval),
        outcome => outcome,
    }
}

/// Each instant query again as a range query of three steps, of which the middle one is it.
fn around(store: &Store, eval: &Eval) -> Outcome {
    let step = 60_000;
    let range = EvalRange { start: eval.start - step, end: eval.start + step, step, lookback: LOOKBACK_MS };
    // `range()` is another then, as upstream knows too.
    let follows = Plan::parse(&eval.query).is_ok_and(|plan| plan.follows_query());
    if eval.range_vector.is_some() || eval.string.is_some() || follows {
        return Outcome::Passed;
    }
    match run(store, &eval.query, range) {
        Err(QueryError::NotYet { what, .. }) => Outcome::NotYet(what),
        Err(error) => Outcome::Wrong(format!("the range query fails with {error}")),
        Ok(answer) => judge(eval, &Ok(compare::at(&answer.value, eval.start))),
    }
}

fn judge(eval: &Eval, value: &Result<Value, QueryError>) -> Outcome {
    match value {
        Err(QueryError::NotYet { what, .. }) => Outcome::NotYet(what.clone()),
        Err(error) if eval.fails => match &eval.message {
            Some(message) if !error.to_string().contains(message.as_str()) => {
                Outcome::Wrong(format!("fails with {error}, expected {message}"))
            }
            _ => Outcome::Passed,
        },
        Err(error) => Outcome::Wrong(format!("fails with {error}")),
        Ok(value) if eval.fails => Outcome::Wrong(format!("does not fail: {value:?}")),
        Ok(value) => match compare::check(eval, value) {
            Ok(()) => Outcome::Passed,
            Err(why) => Outcome::Wrong(why),
        },
    }
}

fn check_notes(eval: &Eval, found: &Annotations) -> Result<(), Outcome> {
    let all = |level| found.texts(level, &eval.query, usize::MAX);
    check_level(&eval.warnings, &all(Level::Warning))?;
    check_level(&eval.infos, &all(Level::Info))
}

fn check_level(notes: &Notes, found: &[String]) -> Result<(), Outcome> {
    if notes.none && !found.is_empty() {
        return Err(Outcome::Wrong(format!("unexpected annotations {found:?}")));
    }
    if notes.expected.is_empty() {
        return Ok(());
    }
    let fits = |text: &String| notes.expected.iter().any(|pattern| pattern.fits(text));
    let met = notes.expected.iter().all(|pattern| found.iter().any(|text| pattern.fits(text)));
    if met && found.iter().all(fits) {
        Ok(())
    } else {
        Err(Outcome::Wrong(format!("other annotations: {found:?}")))
    }
}
