//! Prints the figures of a bench.

use std::ops::RangeBounds;

use watchroom::load::table;

/// Begins a table.
pub(crate) fn title(text: &str) {
    println!("{}", table::title(text));
}

/// Prints one figure; see [`table::row`].
pub(crate) fn show(name: &str, rounds: &[f64], unit: &str, bar: impl RangeBounds<f64>) {
    if let Some(row) = table::row(name, rounds, unit, bar) {
        println!("{row}");
    }
}
