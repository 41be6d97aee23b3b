//! Numbers and durations as they are written.

/// The units of a duration in the order in which they may stand, and their milliseconds.
const UNITS: [(&str, i64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];
/// The longest duration that Prometheus has: its nanoseconds are an `i64`.
const DURATION_MS_MAX: i64 = i64::MAX / 1_000_000;

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoDuration {
    /// It does not look like one.
    Syntax,
    /// Its units are not from large to small.
    Order,
    /// It is longer than 292 years.
    Range,
}

impl NoDuration {
    /// What is wrong with `text`.
    pub fn message(self, text: &str) -> String {
        match self {
            Self::Syntax => format!("bad number or duration syntax: {text:?}"),
            Self::Order => {
                format!("not a valid duration: {text:?}: units go from large to small, each once")
            }
            Self::Range => "the duration is out of range".to_owned(),
        }
    }
}

/// The length of what looks like a number or duration at the start of `text`: digits, letters, points and the sign
/// of an exponent.
pub fn len(text: &str) -> usize {
    let hex = text.starts_with("0x") || text.starts_with("0X");
    let mut before = ' ';
    for (i, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E') && !hex;
        if !(c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign) {
            return i;
        }
        before = c;
    }
    text.len()
}

/// The value of a number: decimal, hexadecimal (`0x1f`), octal (`017`), `inf` or `nan`; underscores may part digits.
/// `None` if it is none, or beyond what a float holds.
pub fn number(text: &str) -> Option<f64> {
    if text.eq_ignore_ascii_case("inf") {
        return Some(f64::INFINITY);
    }
    if text.eq_ignore_ascii_case("nan") {
        return Some(f64::NAN);
    }
    let hex = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"));
    let digits = if text.contains('_') { without_underscores(text, hex.is_some())? } else { text.to_owned() };
    if hex.is_some() {
        return i64::from_str_radix(digits.get(2..)?, 16).ok().map(from_whole);
    }
    let octal =
        digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|b| (b'0'..=b'7').contains(&b));
    if octal && let Ok(v) = i64::from_str_radix(&digits, 8) {
        return Some(from_whole(v));
    }
    // What Rust takes beside: signs and words, which do not begin like a number.
    let v: f64 =
        digits.parse().ok().filter(|_| digits.starts_with(|c: char| c.is_ascii_digit() || c == '.'))?;
    v.is_finite().then_some(v)
}

#[expect(clippy::cast_precision_loss, reason = "a number of the language is a float")]
const fn from_whole(v: i64) -> f64 {
    v as f64
}

/// The text without the underscores that stand between digits, or between them and `0x`; `None` if others are there.
fn without_underscores(text: &str, hex: bool) -> Option<String> {
    let digit =
        |c: Option<&u8>| c.is_some_and(|c| if hex { c.is_ascii_hexdigit() } else { c.is_ascii_digit() });
    let bytes = text.as_bytes();
    for (i, _) in bytes.iter().enumerate().filter(|(_, byte)| **byte == b'_') {
        let before = i.checked_sub(1).and_then(|i| bytes.get(i));
        if !(digit(before) || (hex && i == 2)) || !digit(bytes.get(i + 1)) {
            return None;
        }
    }
    Some(text.replace('_', ""))
}

/// The milliseconds of a duration such as `1h30m`.
///
/// # Errors
///
/// When it is none.
pub fn duration_ms(text: &str) -> Result<i64, NoDuration> {
    let mut rest = text;
    let mut total: i64 = 0;
    let mut least = 0;
    let mut ordered = true;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).filter(|len| *len > 0);
        let (count, after) = rest.split_at(digits.ok_or(NoDuration::Syntax)?);
        let end = after.find(|c: char| c.is_ascii_digit()).unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let place = UNITS.iter().position(|(name, _)| *name == unit).ok_or(NoDuration::Syntax)?;
        ordered &= least <= place;
        least = place + 1;
        let ms = count.parse::<i64>().ok().and_then(|count| count.checked_mul(UNITS[place].1));
        total = total.saturating_add(ms.unwrap_or(i64::MAX));
        rest = after;
    }
    match total {
        _ if text.is_empty() => Err(NoDuration::Syntax),
        _ if !ordered => Err(NoDuration::Order),
        ms if ms > DURATION_MS_MAX => Err(NoDuration::Range),
        ms => Ok(ms),
    }
}

/// The seconds of a duration.
///
/// # Errors
///
/// As [`duration_ms`].
pub fn duration_seconds(text: &str) -> Result<f64, NoDuration> {
    duration_ms(text).map(|ms| from_whole(ms) / 1000.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<f64>) {
        assert_eq!(number(text), expected, "{text}");
    }

    #[test]
    fn numbers() {
        check("1", Some(1.0));
        check(".5", Some(0.5));
        check("5.", Some(5.0));
        check("5e-3", Some(0.005));
        check("1E+3", Some(1000.0));
        check("0xc", Some(12.0));
        check("0X_1F", Some(31.0));
        check("0755", Some(493.0));
        check("089", Some(89.0));
        check("00_7", Some(7.0));
        check("1_000.5", Some(1000.5));
        check("iNf", Some(f64::INFINITY));
        for wrong in
            ["", "1__0", "1_", "_1", "0x", "0x1.5", "0xfffffffffffffffff", "1e999", "1e", "+1", "1_.5", "a"]
        {
            check(wrong, None);
        }
    }

    #[test]
    fn durations() {
        assert_eq!(duration_ms("1y2w3d4h5m6s7ms"), Ok(33_019_506_007));
        assert_eq!(duration_ms("0s"), Ok(0));
        assert_eq!(duration_ms("1s1m"), Err(NoDuration::Order));
        assert_eq!(duration_ms("1s1s"), Err(NoDuration::Order));
        assert_eq!(duration_ms("300y"), Err(NoDuration::Range));
        assert_eq!(duration_ms("99999999999999999999y"), Err(NoDuration::Range));
        for wrong in ["", "1", "s", "1.5m", "1hs", "-1m", "1µs"] {
            assert_eq!(duration_ms(wrong), Err(NoDuration::Syntax), "{wrong}");
        }
    }
}
