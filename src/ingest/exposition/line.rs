//! One line of an exposition: name, labels, value, time.

use crate::ingest::series::{SeriesParts, quoted};
use crate::model::Labels;

/// A line's time, in the text's own unit.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Stamp {
    /// An integer.
    Whole(i64),
    /// With a fraction, as `OpenMetrics` has it.
    Fraction(f64),
}

/// What a line says.
#[derive(Debug, PartialEq)]
pub struct ParsedLine {
    /// The series.
    pub labels: Labels,
    /// Its value.
    pub value: f64,
    /// Its time, if one is given.
    pub stamp: Option<Stamp>,
}

/// Parses one line that is neither empty nor a comment, without its line break.
///
/// # Errors
///
/// Says what is wrong, in words.
pub fn parse_line(line: &[u8]) -> Result<ParsedLine, String> {
    let line = std::str::from_utf8(line).map_err(|_| "the line is not UTF-8")?;
    let mut cursor = Cursor { rest: line.trim() };
    let mut parts = SeriesParts::default();
    let name = cursor.take_while(is_name_char);
    if !name.is_empty() {
        if name.starts_with(|char: char| char.is_ascii_digit()) {
            return Err(format!("the metric's name {} begins with a digit; quote it", quoted(name)));
        }
        parts.set_name(name.to_owned())?;
    }
    cursor.skip_blanks();
    if cursor.skip('{') {
        cursor.read_labels(&mut parts)?;
    } else if name.is_empty() {
        return Err(format!("expected a metric's name, found {}", quoted(cursor.rest)));
    }
    let labels = parts.finish()?;
    let mut words = cursor.rest.split_ascii_whitespace();
    let value = parse_value(words.next().unwrap_or_default())?;
    let stamp = match words.next() {
        // An exemplar, which nothing here draws.
        None | Some("#") => None,
        Some(word) => {
            let stamp = parse_stamp(word)?;
            match words.next() {
                None | Some("#") => Some(stamp),
                Some(word) => return Err(format!("unexpected {} after the timestamp", quoted(word))),
            }
        }
    };
    Ok(ParsedLine { labels, value, stamp })
}

fn is_name_char(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | ':')
}

fn parse_value(word: &str) -> Result<f64, String> {
    if word.is_empty() {
        return Err("the value is missing".to_owned());
    }
    match word.parse::<f64>() {
        Ok(value) if value.is_infinite() && word.contains(|char: char| char.is_ascii_digit()) => {
            Err(format!("the value {} is beyond the range of a float", quoted(word)))
        }
        Ok(value) => Ok(value),
        Err(_) => Err(format!("the value {} is not a number", quoted(word))),
    }
}

fn parse_stamp(word: &str) -> Result<Stamp, String> {
    if let Ok(whole) = word.parse() {
        return Ok(Stamp::Whole(whole));
    }
    match word.parse::<f64>() {
        Ok(fraction) if fraction.is_finite() => Ok(Stamp::Fraction(fraction)),
        _ => Err(format!("the timestamp {} is not a number", quoted(word))),
    }
}

/// What is left of a line.
struct Cursor<'a> {
    rest: &'a str,
}

impl<'a> Cursor<'a> {
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_start_matches([' ', '\t']);
    }

    /// Passes over `char` if it comes next, and tells whether it did.
    fn skip(&mut self, char: char) -> bool {
        let Some(rest) = self.rest.strip_prefix(char) else { return false };
        self.rest = rest;
        true
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> &'a str {
        let end = self.rest.find(|char| !keep(char)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(end);
        self.rest = rest;
        taken
    }

    /// Everything between the braces, and the closing one.
    fn read_labels(&mut self, parts: &mut SeriesParts) -> Result<(), String> {
        loop {
            self.skip_blanks();
            if self.skip('}') {
                return Ok(());
            }
            self.read_label(parts)?;
            self.skip_blanks();
            // A comma may stand before the closing brace, too.
            if !self.skip(',') && !self.rest.starts_with('}') {
                return Err(format!("expected a comma or a closing brace, found {}", quoted(self.rest)));
            }
        }
    }

    /// `name="value"`, `"name"="value"`, or `"metric's name"`.
    fn read_label(&mut self, parts: &mut SeriesParts) -> Result<(), String> {
        let is_quoted = self.rest.starts_with('"');
        let name = if is_quoted { self.read_quoted()? } else { self.read_plain()? };
        self.skip_blanks();
        if !self.skip('=') {
            if is_quoted {
                return parts.set_name(name);
            }
            return Err(format!("label {} has no value", quoted(&name)));
        }
        self.skip_blanks();
        if !self.rest.starts_with('"') {
            return Err(format!("the value of label {} is not quoted", quoted(&name)));
        }
        let value = self.read_quoted()?;
        parts.add(name, value)
    }

    fn read_plain(&mut self) -> Result<String, String> {
        let name = self.take_while(|char| char.is_ascii_alphanumeric() || char == '_');
        if name.is_empty() || name.starts_with(|char: char| char.is_ascii_digit()) {
            return Err(format!("expected a label's name, found {}", quoted(self.rest)));
        }
        Ok(name.to_owned())
    }

    /// A text in quotes. `\\`, `\"` and `\n` are escapes; a backslash before anything else stands
    /// for itself, as in Prometheus: exporters write Windows paths that way.
    fn read_quoted(&mut self) -> Result<String, String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Ok(text);
                }
                '\\' => match chars.next() {
                    Some((_, 'n')) => text.push('\n'),
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    Some((_, other)) => text.extend(['\\', other]),
                    None => break,
                },
                _ => text.push(char),
            }
        }
        Err(format!("the quote is not closed: {}", quoted(self.rest)))
    }
}
