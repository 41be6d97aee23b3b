//! What a template can call: as a filter, `value | humanize`, and as a function, `humanize(value)`.
//!
//! Each has a bound for what it makes: there is nothing that makes long texts of short ones.

use minijinja::{Environment, Error, ErrorKind, Output, State, Value, filters, tests, value::Rest};

use super::humanize;

/// Digits after the point that `printf` writes at most.
const PRECISION_MAX: usize = 30;
/// Characters to which `printf` pads at most.
const WIDTH_MAX: usize = 200;

/// The functions of one number.
type OfNumber = fn(f64) -> String;

const NUMBERS: [(&str, OfNumber); 6] = [
    ("humanize", humanize::humanize),
    ("humanize1024", humanize::humanize_1024),
    ("humanizeDuration", humanize::humanize_duration),
    ("humanizePercentage", humanize::humanize_percentage),
    ("humanizeTimestamp", humanize::humanize_timestamp),
    ("toTime", humanize::humanize_timestamp),
];

/// An environment with what templates can call, and no more.
pub(super) fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    for (name, function) in NUMBERS {
        let of = move |value: Value| number(&value).map(function);
        environment.add_filter(name, of);
        environment.add_function(name, of);
    }
    for (name, function) in [
        ("toUpper", (|text: &str| text.to_uppercase()) as fn(&str) -> String),
        ("toLower", |text| text.to_lowercase()),
        ("title", titled),
        ("stripPort", strip_port),
        ("stripDomain", strip_domain),
    ] {
        let of = move |value: Value| function(&text(&value));
        environment.add_filter(name, of);
        environment.add_function(name, of);
    }
    environment.add_function("printf", |pattern: &str, rest: Rest<Value>| printf(pattern, &rest));
    environment.add_filter("printf", |value: Value, pattern: &str| printf(pattern, &[value]));
    environment.add_function("print", |rest: Rest<Value>| rest.iter().map(text).collect::<String>());
    environment.add_filter("round", filters::round);
    environment.add_filter("abs", filters::abs);
    environment.add_filter("int", filters::int);
    environment.add_filter("float", filters::float);
    environment.add_filter("upper", filters::upper);
    environment.add_filter("lower", filters::lower);
    environment.add_filter("trim", filters::trim);
    environment.add_filter("default", filters::default);
    environment.add_filter("length", filters::length);
    environment.add_test("defined", tests::is_defined);
    environment.add_test("undefined", tests::is_undefined);
    environment.add_test("none", tests::is_none);
    environment.set_formatter(write);
    environment
}

/// Writes a value; a number as Go does, `8` and not `8.0`.
fn write(out: &mut Output<'_>, _: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    Ok(out.write_str(&text(value))?)
}

fn text(value: &Value) -> String {
    if value.is_undefined() || value.is_none() {
        return String::new();
    }
    match (value.is_number(), f64::try_from(value.clone())) {
        (true, Ok(number)) => humanize::plain(number),
        _ => value.to_string(),
    }
}

/// A number, or a text that is one.
fn number(value: &Value) -> Result<f64, Error> {
    let parsed = || value.as_str().and_then(|text| text.trim().parse().ok());
    let number = if value.is_number() { f64::try_from(value.clone()).ok() } else { parsed() };
    number.ok_or_else(|| {
        Error::new(ErrorKind::InvalidOperation, format!("a number is needed, not {}", value.kind()))
    })
}

/// Go's formats of numbers and texts: `%.2f`, `%5.1f`, `%d`, `%s`, `%v`, `%g`, `%e`, `%q`, `%%`.
fn printf(pattern: &str, values: &[Value]) -> Result<String, Error> {
    let wrong = |what: String| Error::new(ErrorKind::InvalidOperation, what);
    let mut values = values.iter();
    let mut written = String::new();
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        written.push_str(before);
        let end = after.find(|c: char| c.is_ascii_alphabetic() || c == '%');
        let end = end.ok_or_else(|| wrong(format!("`%{after}` is no format")))?;
        let (flags, verb) = (&after[..end], &after[end..=end]);
        rest = &after[end + 1..];
        if verb == "%" {
            written.push('%');
            continue;
        }
        let value = values.next().ok_or_else(|| wrong(format!("there is no value for `%{flags}{verb}`")))?;
        let (width, precision) = flags.split_once('.').unwrap_or((flags, ""));
        let (left, zeros) = (width.contains('-'), width.trim_start_matches(['-', '+', ' ']).starts_with('0'));
        let width: usize = width.trim_start_matches(['-', '+', ' ', '0']).parse().unwrap_or_default();
        let precision = precision.parse::<usize>().ok().map(|digits| digits.min(PRECISION_MAX));
        let text = formatted(verb, precision, value).map_err(|why| {
            wrong(format!("`%{flags}{verb}`: {}", why.detail().unwrap_or("no such format")))
        })?;
        let width = width.min(WIDTH_MAX);
        written.push_str(&match (left, zeros) {
            (true, _) => format!("{text:<width$}"),
            (false, true) if value.is_number() => padded(&text, width),
            (false, _) => format!("{text:>width$}"),
        });
    }
    written.push_str(rest);
    Ok(written)
}

fn formatted(verb: &str, precision: Option<usize>, value: &Value) -> Result<String, Error> {
    Ok(match verb {
        "f" | "F" => format!("{:.*}", precision.unwrap_or(6), number(value)?),
        "e" => {
            let text = format!("{:.*e}", precision.unwrap_or(6), number(value)?);
            match text.split_once('e') {
                Some((mantissa, exponent)) => {
                    let exponent: i32 = exponent.parse().unwrap_or_default();
                    let sign = if exponent < 0 { '-' } else { '+' };
                    format!("{mantissa}e{sign}{:02}", exponent.abs())
                }
                None => text,
            }
        }
        "g" => humanize::general(number(value)?, precision),
        "d" => format!("{:.0}", number(value)?.trunc()),
        "s" | "v" => match precision {
            Some(most) if verb == "s" => text(value).chars().take(most).collect(),
            _ => text(value),
        },
        "q" => format!("{:?}", text(value)),
        _ => return Err(Error::new(ErrorKind::InvalidOperation, "no such format")),
    })
}

/// A number with zeros before it, behind its sign.
fn padded(text: &str, width: usize) -> String {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text),
    };
    format!("{sign}{digits:0>width$}", width = width.saturating_sub(sign.len()))
}

fn titled(text: &str) -> String {
    let mut starts = true;
    let letter = |c: char| {
        let first = std::mem::replace(&mut starts, c.is_whitespace());
        if first { c.to_uppercase().to_string() } else { c.to_string() }
    };
    text.chars().map(letter).collect()
}

fn strip_port(text: &str) -> String {
    match text.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() && port.bytes().all(|digit| digit.is_ascii_digit()) => {
            match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                Some(inner) => inner.to_owned(),
                None if host.contains(':') => text.to_owned(),
                None => host.to_owned(),
            }
        }
        _ => text.to_owned(),
    }
}

fn strip_domain(text: &str) -> String {
    let host = strip_port(text);
    if host.parse::<std::net::IpAddr>().is_ok() {
        return text.to_owned();
    }
    let port = text.strip_prefix(&host).unwrap_or_default();
    format!("{}{port}", host.split('.').next().unwrap_or_default())
}

#[cfg(test)]
mod tests_of_functions {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, value: impl Into<Value>, expected: &str) {
        assert_eq!(printf(pattern, &[value.into()]).unwrap(), expected, "{pattern}");
    }

    #[test]
    fn formats_are_those_of_go() {
        check("%.2f %%", 12.345, "12.35 %");
        check("[%6.1f]", 1.25, "[   1.2]");
        check("[%-6d]", 42.9, "[42    ]");
        check("%06.2f", -1.5, "-01.50");
        check("%v", 8.0, "8");
        check("%.3g", 1234.5, "1.23e+03");
        check("%e", 0.001, "1.000000e-03");
        check("%q of %%", "a\"b", "\"a\\\"b\" of %");
        assert!(
            printf("%f", &[]).is_err() && printf("%", &[]).is_err() && printf("%f", &["a".into()]).is_err()
        );
        assert_eq!(printf("%900000000.900000000f", &[1.0.into()]).unwrap().len(), WIDTH_MAX);
    }

    #[test]
    fn hosts_are_shortened() {
        for (full, port, domain) in [
            ("db.example.org:9100", "db.example.org", "db:9100"),
            ("[::1]:80", "::1", "[::1]:80"),
            ("10.0.0.1:80", "10.0.0.1", "10.0.0.1:80"),
            ("box", "box", "box"),
        ] {
            assert_eq!((strip_port(full), strip_domain(full)), (port.to_owned(), domain.to_owned()));
        }
    }
}
