//! `limit_ratio`: a part of the series, the same ones at every step.

use xxhash_rust::xxh64::xxh64;

use crate::model::Labels;
use crate::query::{
    QueryError,
    annotations::Note,
    column::Column,
    eval::Evaluator,
    expr::{Aggregate, Expr},
};

/// Keeps at each step the part of the series that the ratio says: from 0 the ratio's part, below 0 the
/// rest of them, so that a ratio `r` and `r - 1` share the series between them.
///
/// # Errors
///
/// When a ratio is not a number.
pub fn eval(
    (of, node): (&Evaluator<'_>, &Aggregate),
    ratios: &[f64],
    mut columns: Vec<Column>,
) -> Result<Vec<Column>, QueryError> {
    if ratios.iter().all(|&ratio| ratio == 0.0) || columns.is_empty() {
        return Ok(Vec::new());
    }
    if ratios.iter().any(|ratio| ratio.is_nan()) {
        return Err(QueryError::Eval("Ratio value is NaN".to_owned()));
    }
    let span = node.param.as_ref().map(Expr::span).unwrap_or_default();
    let extreme = |f: fn(f64, f64) -> f64| ratios.iter().copied().fold(0.0, f);
    for (got, capped) in [(extreme(f64::max), 1.0), (extreme(f64::min), -1.0)] {
        if got.abs() > 1.0 {
            of.note(span, Note::InvalidRatio { got, capped });
        }
    }
    for column in &mut columns {
        let place = place(&column.labels);
        for (step, &ratio) in ratios.iter().enumerate() {
            if !keeps(ratio, place) {
                column.set(step, None);
            }
        }
    }
    columns.retain(|column| !column.is_empty());
    Ok(columns)
}

fn keeps(ratio: f64, place: f64) -> bool {
    let ratio = ratio.clamp(-1.0, 1.0);
    if ratio >= 0.0 { ratio != 0.0 && place < ratio } else { place >= 1.0 + ratio }
}

/// Where a series is between 0 and 1, evenly spread: by the hash that Prometheus takes, over each text
/// with its length before it, so that both keep the same series.
fn place(labels: &Labels) -> f64 {
    let mut bytes = Vec::with_capacity(128);
    for text in labels.iter().flat_map(|label| [&label.name, &label.value]) {
        // A length is one byte, or 255 and three.
        match u8::try_from(text.len()) {
            Ok(length) if length < u8::MAX => bytes.push(length),
            _ => {
                bytes.push(u8::MAX);
                bytes.extend(text.len().to_le_bytes().iter().take(3));
            }
        }
        bytes.extend_from_slice(text.as_bytes());
    }
    #[expect(clippy::cast_precision_loss, reason = "a place between 0 and 1 needs no more digits")]
    let place = xxh64(&bytes, 0) as f64 / u64::MAX as f64;
    place
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ratio_and_its_rest_share_all() {
        for i in 0..200 {
            let place = place(&Labels::from_pairs([("i", i.to_string())]));
            for ratio in [0.1, 0.5, 0.9, 1.0] {
                assert!(keeps(ratio, place) != keeps(ratio - 1.0, place), "{i} {ratio}");
            }
            assert!(keeps(-1.0, place) && keeps(7.0, place) && !keeps(0.0, place));
        }
    }
}
