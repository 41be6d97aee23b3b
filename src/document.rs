//! TOML files that people write: read once, every problem found, each with its place.
//!
//! A reader takes keys out of a table; what is left when it is finished is unknown, and named with the nearest key
//! that there is.

mod problem;
mod words;

use std::{
    collections::BTreeMap,
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use miette::NamedSource;
pub use problem::{Problem, Problems};
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};
pub use words::{duration_ms, nearest};

/// Bytes of a file that is read: a dashboard of a hundred panels has 60 KiB.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Collects the problems of one file while it is read.
#[derive(Debug)]
pub struct Reader {
    source: Arc<NamedSource<String>>,
    problems: Vec<Problem>,
}

impl Reader {
    fn problem(&mut self, span: Range<usize>, message: String, label: &str, help: Option<String>) {
        let source = Arc::clone(&self.source);
        self.problems.push(Problem { source, span, message, label: label.to_owned(), help });
    }

    /// Notes that the value at `span` is wrong.
    pub fn wrong(&mut self, span: Range<usize>, message: impl Into<String>) {
        self.problem(span, message.into(), "here", None);
    }

    /// Where a part of a text stands in the file: the character of `text`'s value at a line and column, both from 1.
    /// The whole text, where it is written with escapes that make the two differ.
    pub fn place_in(&self, text: &Placed<String>, line: usize, column: usize) -> Range<usize> {
        let written = self.source.inner().get(text.span.clone()).unwrap_or_default();
        let Some(start) = written.find(text.value.as_str()) else { return text.span.clone() };
        let lines = text.value.split_inclusive('\n').take(line.saturating_sub(1));
        let before_line: usize = lines.map(str::len).sum();
        let rest = text.value.get(before_line..).unwrap_or_default();
        let before: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        let at = text.span.start + start + before_line + before;
        let length = rest.get(before..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        at..at + length
    }

    /// Like [`Reader::wrong`], with what to do.
    pub fn wrong_with(&mut self, span: Range<usize>, message: impl Into<String>, help: impl Into<String>) {
        self.problem(span, message.into(), "here", Some(help.into()));
    }
}

/// A file that could not be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The system's reason.
    #[error("{}: {source}", path.display())]
    Io {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Its name cannot be a name.
    #[error("{}: {why}", path.display())]
    Name {
        /// Which file.
        path: PathBuf,
        /// Why not, and what could be.
        why: &'static str,
    },
    /// Past [`FILE_BYTES_MAX`].
    #[error("{}: larger than {FILE_BYTES_MAX} bytes", path.display())]
    TooBig {
        /// Which file.
        path: PathBuf,
    },
}

/// The text of a file; nothing if there is no such file.
///
/// # Errors
///
/// [`FileError`].
pub fn text(path: &Path) -> Result<Option<String>, FileError> {
    let io = |source| FileError::Io { path: path.to_owned(), source };
    match std::fs::metadata(path) {
        Ok(metadata) if FILE_BYTES_MAX < metadata.len() => Err(FileError::TooBig { path: path.to_owned() }),
        Ok(_) => std::fs::read_to_string(path).map(Some).map_err(io),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(error)),
    }
}

/// Reads a document: parses it, hands its table to `read`, and names every key that `read` left.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn read<T>(name: &str, text: &str, read: impl FnOnce(&mut Table<'_>) -> T) -> Result<T, Problems> {
    let source = Arc::new(NamedSource::new(name, text.to_owned()).with_language("TOML"));
    let mut reader = Reader { source, problems: Vec::new() };
    let (root, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let span = error.span().unwrap_or(0..0);
        reader.problem(span, error.message().trim().to_owned(), "here", None);
    }
    if !reader.problems.is_empty() {
        return Err(Problems(reader.problems));
    }
    let span = root.span();
    let mut table = Table::new(root.get_ref(), span, &mut reader);
    let value = read(&mut table);
    table.finish();
    reader.problems.sort_by_key(|problem| problem.span.start);
    if reader.problems.is_empty() { Ok(value) } else { Err(Problems(reader.problems)) }
}

/// One table of a document, whose keys are taken out one by one.
#[derive(Debug)]
pub struct Table<'a> {
    entries: BTreeMap<&'a str, (&'a Spanned<std::borrow::Cow<'a, str>>, &'a Spanned<DeValue<'a>>)>,
    known: Vec<&'static str>,
    span: Range<usize>,
    reader: &'a mut Reader,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq)]
pub struct Placed<T> {
    /// The value.
    pub value: T,
    /// Its bytes in the file.
    pub span: Range<usize>,
}

impl<'a> Table<'a> {
    fn new(table: &'a DeTable<'a>, span: Range<usize>, reader: &'a mut Reader) -> Self {
        let entries = table.iter().map(|(key, value)| (key.get_ref().as_ref(), (key, value))).collect();
        Self { entries, known: Vec::new(), span, reader }
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// What collects the problems.
    pub fn reader(&mut self) -> &mut Reader {
        self.reader
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Spanned<DeValue<'a>>> {
        self.known.push(key);
        self.entries.remove(key).map(|(_, value)| value)
    }

    fn mismatch(&mut self, key: &str, expected: &str, value: &Spanned<DeValue<'_>>) {
        let message = format!("`{key}` must be {expected}, not {}", value.get_ref().type_str());
        self.reader.wrong(value.span(), message);
    }

    fn taken<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&DeValue<'_>) -> Option<T>,
    ) -> Option<Placed<T>> {
        let value = self.take(key)?;
        match read(value.get_ref()) {
            Some(read) => Some(Placed { value: read, span: value.span() }),
            None => {
                self.mismatch(key, expected, value);
                None
            }
        }
    }

    /// A text, if the key is there.
    pub fn text(&mut self, key: &'static str) -> Option<Placed<String>> {
        self.taken(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    /// A text that must be there.
    pub fn need_text(&mut self, key: &'static str) -> Placed<String> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            self.missing(key);
        }
        self.text(key).unwrap_or_else(|| Placed { value: String::new(), span: self.span() })
    }

    fn missing(&mut self, key: &str) {
        let span = self.span.start..self.span.end.min(self.span.start + 1);
        self.reader.wrong(span, format!("`{key}` is missing"));
    }

    /// A yes or no, if the key is there.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        self.taken(key, "true or false", |value| value.as_bool()).map(|placed| placed.value)
    }

    /// A number, if the key is there.
    pub fn number(&mut self, key: &'static str) -> Option<Placed<f64>> {
        self.taken(key, "a number", number)
    }

    /// Whether the key is there; it stays to be taken.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether the key is there and has a table below it; it stays to be taken.
    pub fn has_table(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|(_, value)| value.get_ref().is_table())
    }

    /// A list of numbers, if the key is there.
    pub fn numbers(&mut self, key: &'static str) -> Option<Placed<Vec<f64>>> {
        self.taken(key, "a list of numbers", |value| {
            value.as_array()?.iter().map(|item| number(item.get_ref())).collect()
        })
    }

    /// A whole number within a range, if the key is there.
    pub fn whole(&mut self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let value = self.take(key)?;
        let read = value
            .get_ref()
            .as_integer()
            .and_then(|integer| i64::from_str_radix(integer.as_str(), integer.radix()).ok());
        match read {
            Some(read) if range.contains(&read) => Some(read),
            Some(_) => {
                let message = format!("`{key}` must be from {} to {}", range.start(), range.end());
                self.reader.wrong(value.span(), message);
                None
            }
            None => {
                self.mismatch(key, "a whole number", value);
                None
            }
        }
    }

    /// A duration such as `30s`, `5m`, `1h`, `30d`, in ms, if the key is there.
    pub fn duration_ms(&mut self, key: &'static str) -> Option<i64> {
        let text = self.text(key)?;
        let read = duration_ms(&text.value);
        if read.is_none() {
            self.reader.wrong_with(
                text.span,
                format!("`{key}` is not a duration"),
                "write it like 30s, 5m, 1h or 7d",
            );
        }
        read
    }

    /// A list of texts, if the key is there.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<Placed<String>>> {
        let value = self.take(key)?;
        let Some(list) = value.get_ref().as_array() else {
            self.mismatch(key, "a list of texts", value);
            return None;
        };
        let mut texts = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_str() {
                Some(text) => texts.push(Placed { value: text.to_owned(), span: item.span() }),
                None => self.mismatch(key, "a list of texts", item),
            }
        }
        Some(texts)
    }

    /// Pairs of texts, if the key is there.
    pub fn pairs(&mut self, key: &'static str) -> Vec<(String, Placed<String>)> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(table) = value.get_ref().as_table() else {
            self.mismatch(key, "a table of texts", value);
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for (name, item) in table {
            match item.get_ref().as_str() {
                Some(text) => {
                    pairs.push((
                        name.get_ref().to_string(),
                        Placed { value: text.to_owned(), span: item.span() },
                    ));
                }
                None => self.mismatch(name.get_ref(), "a text", item),
            }
        }
        pairs
    }

    /// A table below this one, if the key is there.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table<'_>) -> T) -> Option<T> {
        let value = self.take(key)?;
        let Some(below) = value.get_ref().as_table() else {
            self.mismatch(key, "a table", value);
            return None;
        };
        let mut table = Table::new(below, value.span(), self.reader);
        let read = read(&mut table);
        table.finish();
        Some(read)
    }

    /// The tables of a list, `[[key]]`; none if the key is absent.
    pub fn tables<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Table<'_>) -> T) -> Vec<T> {
        let Some(value) = self.take(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            self.mismatch(key, "a list of tables", value);
            return Vec::new();
        };
        let mut all = Vec::new();
        for item in list.iter() {
            match item.get_ref().as_table() {
                Some(below) => {
                    let mut table = Table::new(below, item.span(), self.reader);
                    all.push(read(&mut table));
                    table.finish();
                }
                None => self.mismatch(key, "a list of tables", item),
            }
        }
        all
    }

    /// Names every key that nobody asked for.
    fn finish(self) {
        let Self { entries, known, reader, .. } = self;
        for (name, (key, _)) in entries {
            let help = nearest(name, &known).map_or_else(
                || format!("known here: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            reader.problem(key.span(), format!("unknown key `{name}`"), "not known here", Some(help));
        }
    }
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::String(_)
        | DeValue::Boolean(_)
        | DeValue::Datetime(_)
        | DeValue::Array(_)
        | DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[&str]) {
        let result = read("a.toml", text, |table| {
            table.need_text("title");
            table.whole("order", 0..=9);
            table.tables("panel", |panel| panel.text("kind").map(|kind| kind.value))
        });
        let problems = result.err().unwrap_or_default();
        let lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
        assert_eq!(lines, expected);
    }

    #[test]
    fn every_problem_is_found_with_its_place() {
        check("title = 'x'", &[]);
        check("titel = 'x'", &["a.toml:1:1: `title` is missing", "a.toml:1:1: unknown key `titel`"]);
        check(
            "title = 3\norder = 10\n[[panel]]\nkind = 'a'\nknd = 1",
            &[
                "a.toml:1:9: `title` must be a text, not integer",
                "a.toml:2:9: `order` must be from 0 to 9",
                "a.toml:5:1: unknown key `knd`",
            ],
        );
    }

    #[test]
    fn a_file_that_is_not_toml_says_where() {
        let problems = read("a.toml", "title = \n", |_| ()).unwrap_err();
        assert!(problems.to_string().starts_with("a.toml:1:"), "{problems}");
    }

    #[test]
    fn the_nearest_key_is_offered() {
        assert_eq!(nearest("titel", &["title", "order"]), Some("title"));
        assert_eq!(nearest("zzz", &["title", "order"]), None);
    }

    #[test]
    fn durations_have_units() {
        assert_eq!(duration_ms("1h30m"), Some(5_400_000));
        assert_eq!(duration_ms("250ms"), Some(250));
        for wrong in ["", "5", "m", "1m1h", "1x", "99999999999999999d"] {
            assert_eq!(duration_ms(wrong), None, "{wrong}");
        }
    }
}
