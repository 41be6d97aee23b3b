//! Files that people write, in TOML or JSON: read once, every problem found, each with its place.
//!
//! Both formats become the same tree of nodes. A reader takes keys out of a table; what is left when it is finished is
//! unknown, and named with the nearest key that there is.

mod from_json;
mod from_toml;
mod node;
mod problem;
mod table;
mod words;

use std::{
    ops::Range,
    path::{Path, PathBuf},
    sync::Arc,
};

use miette::NamedSource;
pub use problem::{Problem, Problems};
pub use table::{Placed, Table};
pub use words::{duration_ms, go_duration_ns, nearest};

/// Bytes of a file that is read: a dashboard of a hundred panels has 60 KiB.
pub const FILE_BYTES_MAX: u64 = 1 << 20;

/// Collects the problems of one file while it is read.
#[derive(Debug)]
pub struct Reader {
    source: Arc<NamedSource<String>>,
    problems: Vec<Problem>,
    warnings: Vec<(usize, String)>,
    typing: Typing,
}

/// How a document is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// TOML 1.
    Toml,
    /// JSON, without comments.
    Json,
}

/// How strictly values have the types that are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Typing {
    /// As they are written.
    Strict,
    /// As Centrifugo reads its file: keys in any case, numbers and flags also as texts, one value for a list of one,
    /// numbers of nanoseconds for durations, and `null` for what is not said.
    Weak,
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

    /// Notes what is right and will not do what its writer may think; the message names the key with its path.
    pub fn warn(&mut self, span: &Range<usize>, message: &str) {
        let (line, column) = problem::place(self.source.inner(), span);
        let warning = format!("{}:{line}:{column}: {message}", self.source.name());
        self.warnings.push((span.start, warning));
    }

    /// The warnings so far, each with its place and in the order of the file; they are not kept.
    pub fn take_warnings(&mut self) -> Vec<String> {
        let mut warnings = std::mem::take(&mut self.warnings);
        warnings.sort_by_key(|(start, _)| *start);
        warnings.into_iter().map(|(_, warning)| warning).collect()
    }

    /// Where a part of a text stands in the file: the character of `text`'s value at a line and column, both from 1.
    /// The whole text, where it is written with escapes that make the two differ.
    pub fn place_in(&self, text: &Placed<String>, line: usize, column: usize) -> Range<usize> {
        self.exact_place_in(text, line, column).unwrap_or_else(|| text.span.clone())
    }

    /// As [`Reader::place_in`]; nothing where the text is written with escapes.
    pub fn exact_place_in(&self, text: &Placed<String>, line: usize, column: usize) -> Option<Range<usize>> {
        let written = self.source.inner().get(text.span.clone()).unwrap_or_default();
        let start = written.find(text.value.as_str())?;
        let lines = text.value.split_inclusive('\n').take(line.saturating_sub(1));
        let before_line: usize = lines.map(str::len).sum();
        let rest = text.value.get(before_line..).unwrap_or_default();
        let before: usize = rest.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum();
        let at = text.span.start + start + before_line + before;
        let length = rest.get(before..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        Some(at..at + length)
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

/// Reads a document in TOML: parses it, hands its table to `read`, and names every key that `read` left.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn read<T>(name: &str, text: &str, read: impl FnOnce(&mut Table<'_>) -> T) -> Result<T, Problems> {
    read_as(Format::Toml, Typing::Strict, name, text, read)
}

/// As [`read`], in another format or with another typing.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn read_as<T>(
    format: Format,
    typing: Typing,
    name: &str,
    text: &str,
    read: impl FnOnce(&mut Table<'_>) -> T,
) -> Result<T, Problems> {
    let language = match format {
        Format::Toml => "TOML",
        Format::Json => "JSON",
    };
    let source = Arc::new(NamedSource::new(name, text.to_owned()).with_language(language));
    let mut reader = Reader { source, problems: Vec::new(), warnings: Vec::new(), typing };
    let root = match format {
        Format::Toml => from_toml::parse(text, &mut reader),
        Format::Json => from_json::parse(text, &mut reader),
    };
    let value = root.as_ref().and_then(|root| {
        let mut table = Table::root(root, &mut reader)?;
        let value = read(&mut table);
        table.finish();
        Some(value)
    });
    reader.problems.sort_by_key(|problem| problem.span.start);
    match value {
        Some(value) if reader.problems.is_empty() => Ok(value),
        _ => Err(Problems(reader.problems)),
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

    #[track_caller]
    fn check_json(typing: Typing, text: &str, expected: Result<(i64, Vec<&str>), &[&str]>) {
        let result = read_as(Format::Json, typing, "c.json", text, |table| {
            let port = table.whole("port", 0..=65_535).unwrap_or(8_000);
            let names = table.texts("names").unwrap_or_default();
            table.table("token", |token| token.flag("enabled"));
            (port, names.into_iter().map(|name| name.value).collect::<Vec<_>>())
        });
        match (result, expected) {
            (Ok((port, names)), Ok(expected)) => {
                assert_eq!((port, names.iter().map(String::as_str).collect()), expected);
            }
            (Err(problems), Err(expected)) => {
                let lines: Vec<String> = problems.to_string().lines().map(str::to_owned).collect();
                assert_eq!(lines, expected);
            }
            (result, _) => panic!("{result:?}"),
        }
    }

    #[test]
    fn json_has_places_too() {
        use Typing::{Strict, Weak};
        check_json(Strict, "{}", Ok((8_000, vec![])));
        check_json(Strict, r#"{"port": 1, "names": ["a", "\u00fc"]}"#, Ok((1, vec!["a", "ü"])));
        check_json(
            Strict,
            "{\n  \"prt\": 1,\n  \"port\": \"1\",\n  \"token\": {\"enabeld\": true}\n}",
            Err(&[
                "c.json:2:3: unknown key `prt`",
                "c.json:3:11: `port` must be a whole number, not string",
                "c.json:4:13: unknown key `enabeld`",
            ]),
        );
        check_json(Strict, "[]", Err(&["c.json:1:1: the file must be a table, not array"]));
        check_json(Strict, r#"{"port": 1, "port": 2}"#, Err(&["c.json:1:13: `port` stands here twice"]));
        check_json(
            Weak,
            r#"{"Port": "8001", "NAMES": "a", "token": {"enabled": "true"}}"#,
            Ok((8_001, vec!["a"])),
        );
        check_json(Weak, r#"{"port": null, "names": [1, true], "token": null}"#, Ok((8_000, vec!["1", "1"])));
    }

    #[test]
    fn what_is_not_json_says_where() {
        for (text, place) in [
            ("", "c.json:1:1"),
            ("{\"a\": }", "c.json:1:"),
            ("{\n\"a\": 1,\n}", "c.json:"),
            ("{'a': 1}", "c.json:1:2"),
            ("{} // no", "c.json:1:4"),
            ("{} {}", "c.json:1:4"),
            ("{\"a\":\n \"\u{1}\"}", "c.json:2:3: control character"),
            (&"[".repeat(100_000), "c.json:1:"),
        ] {
            let problems = read_as(Format::Json, Typing::Weak, "c.json", text, |_| ()).unwrap_err();
            assert!(problems.to_string().starts_with(place), "{text:.20} {problems:.200}");
        }
    }

    proptest::proptest! {
        /// What another reader takes for JSON is JSON here, and nothing else is; nothing panics.
        #[test]
        fn json_is_what_others_take_for_it(
            text in "(\\PC|[\\[\\]{}:,\"\\\\/ \\n\\t\\r\\x000-9a-fu.eE+-]|true|null|\"[a-c]\":|\\\\ud83d|1e5){0,12}",
        ) {
            for text in [format!("{{\"a\":[{text}]}}"), format!("{{\"a\":\"{text}\"}}"), text] {
                let others: Result<serde_json::Value, _> = serde_json::from_str(&text);
                let ours = read_as(Format::Json, Typing::Strict, "c.json", &text, |table| {
                    table.leave("a");
                    table.leave("b");
                    table.leave("c");
                });
                let is_clear = ours.as_ref().err().is_none_or(|problems| {
                    let message = problems.0[0].message();
                    !["twice", "unknown key", "must be a table"].iter().any(|known| message.contains(known))
                });
                if is_clear {
                    proptest::prop_assert_eq!(others.is_ok(), ours.is_ok(), "{:?} {:?} {:?}", text, others, ours);
                }
            }
        }
    }

    #[test]
    fn durations_of_go_are_signed_and_have_parts() {
        for (text, ns) in [
            ("0", 0),
            ("1m30s", 90_000_000_000),
            ("-1s", -1_000_000_000),
            ("1.5h", 5_400_000_000_000),
            (".5ms", 500_000),
            ("2µs3ns", 2_003),
            ("30s1m", 90_000_000_000),
            ("720h", 2_592_000_000_000_000),
        ] {
            assert_eq!(go_duration_ns(text), Some(ns), "{text}");
        }
        for wrong in ["", "-", "5", "1d", "s", "1.2.3s", ".s", "1 s", "9999999999999h", "1s ", "--1s"] {
            assert_eq!(go_duration_ns(wrong), None, "{wrong}");
        }
    }
}
