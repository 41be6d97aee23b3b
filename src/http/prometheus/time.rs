//! Times and durations, as Prometheus's API reads and writes them.

use serde::{Serialize, Serializer};

use super::answer::ApiError;
use crate::document::duration_ms;

/// A time of the address: seconds since the epoch, or RFC 3339; ms.
///
/// # Errors
///
/// When it is neither.
pub(super) fn parse(name: &str, value: Option<&str>) -> Result<Option<i64>, ApiError> {
    let Some(value) = value.filter(|value| !value.is_empty()) else { return Ok(None) };
    let wrong = || ApiError::parameter(name, format_args!("cannot parse {value:?} to a valid timestamp"));
    let seconds: f64 = match value.parse() {
        Ok(seconds) => seconds,
        Err(_) => return rfc3339_ms(value).map(Some).ok_or_else(wrong),
    };
    let ms = (seconds * 1_000.0).round();
    // The bound keeps every later sum within 64 bits.
    #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
    if ms.abs() < 9e15 { Ok(Some(ms as i64)) } else { Err(wrong()) }
}

/// Milliseconds of a time such as `2026-11-22T03:12:46.5Z` or with an offset.
fn rfc3339_ms(text: &str) -> Option<i64> {
    let parsed: toml::value::Datetime = text.parse().ok()?;
    let (date, time) = (parsed.date?, parsed.time?);
    let offset_minutes = match parsed.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let (year, month) = (i64::from(date.year), i64::from(date.month));
    // Days since the epoch, by the calendar that counts years from March.
    let (y, m) = if month <= 2 { (year - 1, month + 9) } else { (year, month - 3) };
    let days = y * 365 + y.div_euclid(4) - y.div_euclid(100)
        + y.div_euclid(400)
        + (m * 153 + 2) / 5
        + i64::from(date.day)
        - 719_469;
    let seconds = days * 86_400
        + i64::from(time.hour) * 3_600
        + i64::from(time.minute) * 60
        + i64::from(time.second.unwrap_or(0))
        - offset_minutes * 60;
    Some(seconds * 1_000 + i64::from(time.nanosecond.unwrap_or(0)) / 1_000_000)
}

/// A time as RFC 3339 in UTC, with milliseconds where it has some.
pub(super) fn rfc3339(ms: i64) -> String {
    let days = ms.div_euclid(86_400_000);
    let of_day = ms.rem_euclid(86_400_000);
    // The inverse of the calendar above.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let of_era = z.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let m = (5 * of_year + 2) / 153;
    let day = of_year - (153 * m + 2) / 5 + 1;
    let month = if m < 10 { m + 3 } else { m - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, rest) = (of_day / 1_000 % 60, of_day % 1_000);
    let fraction = if rest == 0 { String::new() } else { format!(".{rest:03}") };
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}{fraction}Z")
}

/// A duration of the address: seconds, or text such as `1m30s`; ms.
///
/// # Errors
///
/// When it is neither, or negative.
pub(super) fn duration(name: &str, value: &str) -> Result<i64, ApiError> {
    let wrong = || ApiError::parameter(name, format_args!("cannot parse {value:?} to a valid duration"));
    match value.parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
        Ok(seconds) if (0.0..9e12).contains(&seconds) => Ok((seconds * 1_000.0) as i64),
        Ok(_) => Err(wrong()),
        Err(_) => duration_ms(value).ok_or_else(wrong),
    }
}

/// A time in ms, written as seconds, whole where they are whole.
pub(super) struct Seconds(pub(super) i64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0 % 1_000 == 0 {
            return serializer.serialize_i64(self.0 / 1_000);
        }
        #[expect(clippy::cast_precision_loss, reason = "times stay far below 2^53 ms")]
        let seconds = self.0 as f64 / 1_000.0;
        serializer.serialize_f64(seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_seconds_or_rfc_3339() {
        assert_eq!(parse("time", Some("1790000000.5")).unwrap(), Some(1_790_000_000_500));
        assert_eq!(parse("time", Some("2015-07-01T20:10:51.781Z")).unwrap(), Some(1_435_781_451_781));
        assert_eq!(parse("time", Some("1970-01-01T01:00:00+01:00")).unwrap(), Some(0));
        assert_eq!(parse("time", Some("")).unwrap(), None);
        assert!(parse("time", Some("yesterday")).is_err());
        assert!(parse("time", Some("1e300")).is_err());
    }

    #[test]
    fn written_times_are_read_again() {
        for ms in [0, 1_435_781_451_781, 951_782_400_000, -1, -62_135_596_800_000, 253_402_300_799_999] {
            let text = rfc3339(ms);
            assert_eq!(rfc3339_ms(&text), Some(ms), "{text}");
        }
        assert_eq!(rfc3339(951_782_400_000), "2000-02-29T00:00:00Z");
    }
}
