//! Numbers for people, as Prometheus's template functions write them.

/// Large units of 1,000 each.
const LARGE: [&str; 8] = ["k", "M", "G", "T", "P", "E", "Z", "Y"];
/// Large units of 1,024 each.
const BINARY: [&str; 8] = ["ki", "Mi", "Gi", "Ti", "Pi", "Ei", "Zi", "Yi"];
/// Small units of a thousandth each.
const SMALL: [&str; 8] = ["m", "u", "n", "p", "f", "a", "z", "y"];

/// `1234567` is `1.235M`, `0.005` is `5m`.
pub(super) fn humanize(v: f64) -> String {
    if v == 0.0 || !v.is_finite() {
        return significant(v);
    }
    if v.abs() < 1.0 { small(v, "") } else { large(v, 1_000.0, &LARGE) }
}

/// `1048576` is `1Mi`.
pub(super) fn humanize_1024(v: f64) -> String {
    if v.abs() <= 1.0 || !v.is_finite() { significant(v) } else { large(v, 1_024.0, &BINARY) }
}

/// Seconds: `93784` is `1d 2h 3m 4s`, `0.25` is `250ms`.
pub(super) fn humanize_duration(v: f64) -> String {
    if !v.is_finite() {
        return significant(v);
    }
    if v == 0.0 {
        return format!("{}s", significant(v));
    }
    if v.abs() < 1.0 {
        return small(v, "s");
    }
    let sign = if v < 0.0 { "-" } else { "" };
    #[expect(clippy::cast_possible_truncation, reason = "a longer time ends at the longest")]
    let seconds = v.abs() as i64;
    let (s, m, h, d) = (seconds % 60, seconds / 60 % 60, seconds / 3_600 % 24, seconds / 86_400);
    match (d, h, m) {
        (0, 0, 0) => format!("{}s", significant(v)),
        (0, 0, m) => format!("{sign}{m}m {s}s"),
        (0, h, m) => format!("{sign}{h}h {m}m {s}s"),
        (d, h, m) => format!("{sign}{d}d {h}h {m}m {s}s"),
    }
}

/// A ratio: `0.123` is `12.3%`.
pub(super) fn humanize_percentage(v: f64) -> String {
    format!("{}%", significant(v * 100.0))
}

/// Seconds since the Unix epoch: `0` is `1970-01-01 00:00:00 +0000 UTC`.
pub(super) fn humanize_timestamp(v: f64) -> String {
    // Nanoseconds that fit an i64, as in Prometheus.
    if !v.is_finite() || 9.2e9 < v.abs() {
        return significant(v);
    }
    #[expect(clippy::cast_possible_truncation, reason = "checked above")]
    let ms = (v * 1_000.0) as i64;
    let (seconds, ms) = (ms.div_euclid(1_000), ms.rem_euclid(1_000));
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let second = seconds.rem_euclid(86_400);
    let (h, m, s) = (second / 3_600, second / 60 % 60, second % 60);
    let fraction = if ms == 0 { String::new() } else { format!(".{ms:03}") };
    let fraction = fraction.trim_end_matches('0');
    format!("{year:04}-{month:02}-{day:02} {h:02}:{m:02}:{s:02}{fraction} +0000 UTC")
}

/// The date of a day since 1970-01-01, by the calendar's 400-year cycle that begins on a first of March.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year + era * 400 + i64::from(month <= 2);
    (year, month, of_year - (153 * from_march + 2) / 5 + 1)
}

fn large(v: f64, unit: f64, names: &[&str]) -> String {
    let (mut v, mut prefix) = (v, "");
    for name in names {
        if v.abs() < unit {
            break;
        }
        (v, prefix) = (v / unit, name);
    }
    format!("{}{prefix}", significant(v))
}

fn small(v: f64, unit: &str) -> String {
    let (mut v, mut prefix) = (v, "");
    for name in SMALL {
        if 1.0 <= v.abs() {
            break;
        }
        (v, prefix) = (v * 1_000.0, name);
    }
    format!("{}{prefix}{unit}", significant(v))
}

/// Four significant digits, without zeros at the end: Go's `%.4g`.
fn significant(v: f64) -> String {
    general(v, Some(4))
}

/// A number as Go prints it by itself, `%v`.
pub(super) fn plain(v: f64) -> String {
    general(v, None)
}

/// Go's `%g`: of `digits` significant digits, or of as many as tell the number from all others.
pub(super) fn general(v: f64, digits: Option<usize>) -> String {
    if v.is_nan() {
        return "NaN".to_owned();
    }
    if v.is_infinite() {
        return if v < 0.0 { "-Inf" } else { "+Inf" }.to_owned();
    }
    let scientific = match digits {
        Some(digits) => format!("{v:.*e}", digits.saturating_sub(1)),
        None => format!("{v:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let most = digits.map_or(21, |digits| i32::try_from(digits.max(1)).unwrap_or(i32::MAX));
    if !(-4..most).contains(&exponent) {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{}e{sign}{:02}", shortened(mantissa), exponent.abs());
    }
    match digits {
        None => format!("{v}"),
        Some(digits) => {
            let digits = i32::try_from(digits).unwrap_or(i32::MAX);
            let places = usize::try_from(digits - 1 - exponent).unwrap_or_default();
            shortened(&format!("{v:.places$}")).to_owned()
        }
    }
}

/// Without the zeros at the end of a fraction.
fn shortened(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(function: fn(f64) -> String, cases: &[(f64, &str)]) {
        for (v, expected) in cases {
            assert_eq!(function(*v), *expected, "{v}");
        }
    }

    #[test]
    fn numbers_are_written_as_prometheus_does() {
        check(
            humanize,
            &[
                (0.0, "0"),
                (1.0, "1"),
                (1_234_567.0, "1.235M"),
                (0.12, "120m"),
                (-999.99, "-1000"),
                (f64::INFINITY, "+Inf"),
                (f64::NAN, "NaN"),
            ],
        );
        check(humanize_1024, &[(0.5, "0.5"), (1_048_576.0, "1Mi"), (1e30, "8.272e+05Yi")]);
        check(
            humanize_duration,
            &[
                (0.0, "0s"),
                (1.5, "1.5s"),
                (60.0, "1m 0s"),
                (3_600.0, "1h 0m 0s"),
                (93_784.0, "1d 2h 3m 4s"),
                (-86_400.0, "-1d 0h 0m 0s"),
                (0.25, "250ms"),
                (0.000_01, "10us"),
            ],
        );
        check(humanize_percentage, &[(0.123_456, "12.35%"), (1.0, "100%")]);
    }

    #[test]
    fn times_are_dates() {
        check(
            humanize_timestamp,
            &[
                (0.0, "1970-01-01 00:00:00 +0000 UTC"),
                (1_435_065_584.128, "2015-06-23 13:19:44.128 +0000 UTC"),
                (951_782_400.0, "2000-02-29 00:00:00 +0000 UTC"),
                (-1.5, "1969-12-31 23:59:58.5 +0000 UTC"),
                (1e300, "1e+300"),
            ],
        );
    }

    #[test]
    fn plain_numbers_have_no_needless_digits() {
        check(
            plain,
            &[(8.0, "8"), (0.1, "0.1"), (1e21, "1e+21"), (0.000_01, "1e-05"), (-2.5e-7, "-2.5e-07")],
        );
    }
}
