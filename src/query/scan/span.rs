//! The durations of a text, checked before the parser reads them: it panics on some and takes
//! others for zero.

use super::{Kind, Scanned, Token};
use crate::query::{QueryError, limits::SPAN_MS_MAX};

/// The units of a duration and their milliseconds, in the order in which they may stand.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Checks the numbers that stand for durations: in `[…]` and after `offset`.
///
/// # Errors
///
/// When one is zero or below in `[…]`, or longer than [`SPAN_MS_MAX`].
pub fn check(scanned: &Scanned<'_>) -> Result<(), QueryError> {
    let mut in_brackets = false;
    let mut after_offset = false;
    let mut in_braces = false;
    for (i, token) in scanned.tokens.iter().enumerate() {
        match token.text {
            "[" => in_brackets = true,
            "]" => in_brackets = false,
            "{" => in_braces = true,
            "}" => in_braces = false,
            _ => {}
        }
        let special = ["inf", "nan"].iter().any(|w| token.text.eq_ignore_ascii_case(w));
        let number = token.kind == Kind::Number || (special && token.kind == Kind::Word);
        if number && (in_brackets || after_offset) {
            check_one(scanned, token, in_brackets && stands_alone(&scanned.tokens, i))?;
        } else if token.kind == Kind::Number && token.text.ends_with(char::is_alphabetic) {
            // A duration that stands for a number of seconds: too large parts must not get lost.
            check_parts(scanned, token)?;
        }
        let sign = matches!(token.text, "+" | "-");
        after_offset = (after_offset && sign)
            || (!in_braces && token.kind == Kind::Word && token.text.eq_ignore_ascii_case("offset"));
    }
    Ok(())
}

/// Whether a number is the whole duration and not a part of a computed one.
fn stands_alone(tokens: &[Token<'_>], at: usize) -> bool {
    let edge = |token: Option<&Token<'_>>| token.is_some_and(|token| matches!(token.text, "[" | "]" | ":"));
    edge(at.checked_sub(1).and_then(|before| tokens.get(before))) && edge(tokens.get(at + 1))
}

fn check_one(scanned: &Scanned<'_>, token: &Token<'_>, above_zero: bool) -> Result<(), QueryError> {
    check_parts(scanned, token)?;
    let Some(ms) = duration_ms(token.text).or_else(|| seconds(token.text).map(|s| s * 1000.0)) else {
        return Err(scanned.error(token.at, format!("bad duration {:?}", token.text)));
    };
    let limit = ms_as_f64(SPAN_MS_MAX);
    if !(0.0..=limit).contains(&ms) {
        return Err(scanned.error(token.at, "the duration is out of range".to_owned()));
    }
    if above_zero && ms < 1.0 {
        return Err(scanned.error(token.at, "duration must be greater than 0".to_owned()));
    }
    Ok(())
}

fn check_parts(scanned: &Scanned<'_>, token: &Token<'_>) -> Result<(), QueryError> {
    match duration_ms(token.text) {
        Some(ms) if ms > ms_as_f64(SPAN_MS_MAX) => {
            Err(scanned.error(token.at, "the duration is out of range".to_owned()))
        }
        _ => Ok(()),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a bound, far above what matters to the last digit")]
fn ms_as_f64(ms: i64) -> f64 {
    ms as f64
}

/// A number of seconds, as the crate reads it: it panics on an `x` that does not follow a zero at
/// the start.
fn seconds(text: &str) -> Option<f64> {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    if !hex && text.contains(['x', 'X']) {
        return None;
    }
    promql_parser::util::parse_str_radix(text).ok()
}

/// The milliseconds of `1h30m`; `None` if it is not of that form.
fn duration_ms(text: &str) -> Option<f64> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit())?;
        let count: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (_, ms) = UNITS.iter().find(|(name, _)| *name == &rest[..unit])?;
        total += count * ms_as_f64(*ms);
        rest = &rest[unit..];
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_text(text: &str, ok: bool) {
        assert_eq!(Scanned::new(text).is_ok(), ok, "{text}");
    }

    #[test]
    fn durations_out_of_range_are_refused() {
        check_text("a[5m]", true);
        check_text("a[0x10]", true);
        check_text("a[1y0x]", false);
        check_text("a[1e30]", false);
        check_text("a[0]", false);
        check_text("a[0s]", false);
        check_text("a offset 0s", true);
        check_text("a offset -5m", true);
        check_text("a offset inf", false);
        check_text("a offset - nan", false);
        check_text("a[99999999999y1s]", false);
        check_text("99999999999y1s", false);
        check_text("a{offset=\"1\"} + inf", true);
    }
}
