//! One table for all figures: what, the median of its rounds, the unit, the least and the most, the
//! bar.

use std::ops::{Bound, RangeBounds};

/// The head of a table.
pub fn title(text: &str) -> String {
    format!("\n{text}\n  {:<54} {:>12} {:<14} {:<23} bar", "figure", "median", "unit", "least – most")
}

/// One figure, given what each round measured, and the bar: `5.0..`, `..=0.8`, `..` for none;
/// `..=f64::INFINITY` too. Nothing where no round measured any.
pub fn row(name: &str, rounds: &[f64], unit: &str, bar: impl RangeBounds<f64>) -> Option<String> {
    let (least, most) = (least(rounds)?, most(rounds)?);
    let median = median(rounds);
    let span =
        if rounds.len() == 1 { String::new() } else { format!("{} – {}", short(least), short(most)) };
    let missed = if bar.contains(&median) { "" } else { ", MISSED" };
    let bar = match (bar.start_bound(), bar.end_bound()) {
        (Bound::Included(least), _) => format!(">= {least}"),
        (_, Bound::Included(most)) if most.is_finite() => format!("<= {most}"),
        _ => String::new(),
    };
    Some(format!("  {name:<54} {:>12} {unit:<14} {span:<23} {bar}{missed}", short(median)))
}

/// The middle one, the upper of two; 0 of none.
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

/// The quotients of what was measured in the same rounds.
pub fn ratios(ours: &[f64], others: &[f64]) -> Vec<f64> {
    ours.iter().zip(others).map(|(ours, other)| ours / other).collect()
}

fn least(values: &[f64]) -> Option<f64> {
    values.iter().copied().min_by(f64::total_cmp)
}

fn most(values: &[f64]) -> Option<f64> {
    values.iter().copied().max_by(f64::total_cmp)
}

/// Four digits that say something.
fn short(value: f64) -> String {
    let decimals = match value.abs() {
        size if 1_000.0 <= size => 0,
        size if 100.0 <= size => 1,
        size if 10.0 <= size => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}
