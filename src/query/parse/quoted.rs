//! Quoted texts: what they stand for.

/// Why a quoted text stands for none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoText {
    /// An escape that is none, at this byte of the quoted text.
    Escape(usize),
    /// Its bytes are not UTF-8; it, quoted again with the bytes written as escapes.
    NotUtf8(String),
}

/// The text that `quoted` stands for, which begins and ends with one of `"`, `'` and `` ` ``.
///
/// *Source*: the escapes are Go's; in backticks there are none.
///
/// # Errors
///
/// When it has a wrong escape, or escapes bytes that are not UTF-8.
pub fn unquote(quoted: &str) -> Result<String, NoText> {
    let quote = quoted.chars().next().filter(|c| matches!(c, '"' | '\'' | '`')).ok_or(NoText::Escape(0))?;
    let inside = quoted[1..].strip_suffix(quote).ok_or(NoText::Escape(0))?;
    if quote == '`' || !inside.contains('\\') {
        return Ok(inside.to_owned());
    }
    let mut bytes = Vec::with_capacity(inside.len());
    let mut rest = inside;
    while let Some(at) = rest.find('\\') {
        bytes.extend_from_slice(&rest.as_bytes()[..at]);
        let place = quoted.len() - 1 - rest.len() + at;
        rest = escape(&rest[at + 1..], quote, &mut bytes).ok_or(NoText::Escape(place))?;
    }
    bytes.extend_from_slice(rest.as_bytes());
    String::from_utf8(bytes).map_err(|error| NoText::NotUtf8(escaped(error.as_bytes())))
}

/// Appends what the escape at the start of `text` stands for; gives the rest.
fn escape<'t>(text: &'t str, quote: char, bytes: &mut Vec<u8>) -> Option<&'t str> {
    let first = text.chars().next()?;
    let rest = &text[first.len_utf8()..];
    let simple = match first {
        'a' => 0x07,
        'b' => 0x08,
        'f' => 0x0c,
        'n' => b'\n',
        'r' => b'\r',
        't' => b'\t',
        'v' => 0x0b,
        '\\' => b'\\',
        c if c == quote => u8::try_from(c).ok()?,
        'x' => {
            bytes.push(u8::try_from(digits(rest, 2, 16)?).ok()?);
            return rest.get(2..);
        }
        '0'..='7' => {
            bytes.push(u8::try_from(digits(text, 3, 8)?).ok()?);
            return text.get(3..);
        }
        'u' | 'U' => {
            let len = if first == 'u' { 4 } else { 8 };
            let c = char::from_u32(digits(rest, len, 16)?)?;
            bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
            return rest.get(len..);
        }
        _ => return None,
    };
    bytes.push(simple);
    Some(rest)
}

/// The number of `len` digits at the start of `text`.
fn digits(text: &str, len: usize, radix: u32) -> Option<u32> {
    let digits = text.get(..len).filter(|digits| digits.chars().all(|c| c.is_digit(radix)))?;
    u32::from_str_radix(digits, radix).ok()
}

/// Bytes in double quotes, those that are not UTF-8 as `\xc5`.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::from("\"");
    for chunk in bytes.utf8_chunks() {
        text.extend(chunk.valid().chars().flat_map(char::escape_debug));
        text.extend(chunk.invalid().iter().map(|byte| format!("\\x{byte:02x}")));
    }
    text.push('"');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(quoted: &str, expected: &str) {
        assert_eq!(unquote(quoted).as_deref(), Ok(expected), "{quoted}");
    }

    #[test]
    fn escapes_are_those_of_go() {
        check(r#""a""#, "a");
        check(r#"'a"b'"#, "a\"b");
        check(r"`a\n`", "a\\n");
        check(r#""\a\b\f\n\r\t\v\\\"""#, "\x07\x08\x0c\n\r\t\x0b\\\"");
        check(r"'\''", "'");
        check(r#""\x41\102\u00e9\U0001F600""#, "ABé😀");
        check(r#""\xc3\xa9""#, "é");
        check(r#""é\n""#, "é\n");
    }

    #[test]
    fn wrong_escapes_have_a_place() {
        for (quoted, at) in [
            (r#""a\q""#, 2),
            (r#""\'""#, 1),
            (r#"'\"'"#, 1),
            (r#""ab\x4""#, 3),
            (r#""\u12""#, 1),
            (r#""\ud800""#, 1),
            (r#""\400""#, 1),
            (r#""\08""#, 1),
            (r#""é\x+1""#, 3),
        ] {
            assert_eq!(unquote(quoted), Err(NoText::Escape(at)), "{quoted}");
        }
        assert_eq!(unquote(r#""a\xc5z\n""#), Err(NoText::NotUtf8("\"a\\xc5z\\n\"".to_owned())));
    }
}
