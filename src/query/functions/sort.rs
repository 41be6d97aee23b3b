//! The order of a vector's series.

use std::{cmp::Ordering, sync::Arc};

use crate::query::column::Column;

/// `sort` and its like. They change instant queries only; a matrix is sorted by labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SortFunction {
    /// By value, NaN last.
    Values {
        /// Largest first.
        descending: bool,
    },
    /// By the values of labels, numbers in them by their size.
    Labels {
        /// Largest first.
        descending: bool,
    },
}

impl SortFunction {
    /// The function that PromQL calls `name`.
    pub fn by_name(name: &str) -> Option<Self> {
        Some(match name {
            "sort" => Self::Values { descending: false },
            "sort_desc" => Self::Values { descending: true },
            "sort_by_label" => Self::Labels { descending: false },
            "sort_by_label_desc" => Self::Labels { descending: true },
            _ => return None,
        })
    }

    /// Sorts the columns of a vector of one step.
    pub fn apply(self, columns: &mut [Column], names: &[Arc<str>]) {
        let value = |column: &Column| column.values.first().copied().unwrap_or(f64::NAN);
        match self {
            Self::Values { descending } => {
                columns.sort_by(|a, b| by_value(value(a), value(b), descending));
            }
            Self::Labels { descending } => columns.sort_by(|a, b| {
                let order = by_labels(a, b, names);
                if descending { order.reverse() } else { order }
            }),
        }
    }
}

/// Orders by value, NaN last either way.
pub fn by_value(a: f64, b: f64, descending: bool) -> Ordering {
    match a.partial_cmp(&b) {
        Some(order) if descending => order.reverse(),
        Some(order) => order,
        None => a.is_nan().cmp(&b.is_nan()),
    }
}

fn by_labels(a: &Column, b: &Column, names: &[Arc<str>]) -> Ordering {
    let text = |column: &Column, name: &str| column.labels.get(name).unwrap_or_default().to_owned();
    names
        .iter()
        .map(|name| natural(&text(a, name), &text(b, name)))
        .find(|order| order.is_ne())
        .unwrap_or_else(|| a.labels.cmp(&b.labels))
}

/// Orders texts with the numbers in them by size: `4m5` before `4m600`.
pub fn natural(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a, b);
    while !a.is_empty() && !b.is_empty() {
        let (head_a, rest_a) = chunk(a);
        let (head_b, rest_b) = chunk(b);
        let digits = |s: &str| s.starts_with(|c: char| c.is_ascii_digit());
        let order = if digits(head_a) && digits(head_b) {
            let (x, y) = (head_a.trim_start_matches('0'), head_b.trim_start_matches('0'));
            x.len().cmp(&y.len()).then_with(|| x.cmp(y))
        } else {
            head_a.cmp(head_b)
        };
        if order.is_ne() {
            return order;
        }
        (a, b) = (rest_a, rest_b);
    }
    a.len().cmp(&b.len())
}

/// The run of digits or of others at the start, and the rest.
fn chunk(text: &str) -> (&str, &str) {
    let digits = text.starts_with(|c: char| c.is_ascii_digit());
    let end = text.find(|c: char| c.is_ascii_digit() != digits).unwrap_or(text.len());
    text.split_at(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(a: &str, b: &str, expected: Ordering) {
        assert_eq!(natural(a, b), expected, "{a} {b}");
        assert_eq!(natural(b, a), expected.reverse(), "{b} {a}");
    }

    #[test]
    fn numbers_count_by_size() {
        check("4m5", "4m600", Ordering::Less);
        check("1.2.3", "1.11.3", Ordering::Less);
        check("10", "9", Ordering::Greater);
        check("a", "a1", Ordering::Less);
        check("a", "a", Ordering::Equal);
    }
}
