//! A table, whose keys are taken out one by one.

use std::{collections::BTreeMap, ops::Range};

use super::{
    Reader, Typing,
    node::{Entry, Node, Value},
    words::{duration_ms, go_duration_ns, nearest},
};

/// One table of a document, whose keys are taken out one by one.
#[derive(Debug)]
pub struct Table<'a> {
    entries: BTreeMap<&'a str, &'a Entry>,
    known: Vec<&'static str>,
    span: Range<usize>,
    /// What stands before its keys in messages that name them from the root: `client.token.`.
    path: String,
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
    fn new(entries: &'a [Entry], span: Range<usize>, path: String, reader: &'a mut Reader) -> Self {
        let entries = entries.iter().map(|entry| (entry.key.as_str(), entry)).collect();
        Self { entries, known: Vec::new(), span, path, reader }
    }

    /// The table of a whole document; nothing if that is no table, and the reader knows.
    pub(super) fn root(root: &'a Node, reader: &'a mut Reader) -> Option<Self> {
        let Some(entries) = root.value.as_table() else {
            let message = format!("the file must be a table, not {}", root.value.type_name());
            reader.wrong(root.span.clone(), message);
            return None;
        };
        Some(Self::new(entries, root.span.clone(), String::new(), reader))
    }

    /// Where the table stands.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The first byte of the table, for what is said of the whole of it.
    pub fn start(&self) -> Range<usize> {
        self.span.start..self.span.end.min(self.span.start + 1)
    }

    /// What collects the problems.
    pub fn reader(&mut self) -> &mut Reader {
        self.reader
    }

    /// The path of one of its keys from the root of the document.
    pub fn path(&self, key: &str) -> String {
        format!("{}{key}", self.path)
    }

    fn is_weak(&self) -> bool {
        self.reader.typing == Typing::Weak
    }

    fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let node = self.entries.remove(key).map(|entry| &entry.node)?;
        (!(self.is_weak() && matches!(node.value, Value::Null))).then_some(node)
    }

    fn mismatch(&mut self, key: &str, expected: &str, node: &Node) {
        let message = format!("`{key}` must be {expected}, not {}", node.value.type_name());
        self.reader.wrong(node.span.clone(), message);
    }

    fn taken<T>(
        &mut self,
        key: &'static str,
        expected: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Option<Placed<T>> {
        let node = self.take(key)?;
        match read(&node.value) {
            Some(read) => Some(Placed { value: read, span: node.span.clone() }),
            None => {
                self.mismatch(key, expected, node);
                None
            }
        }
    }

    /// A text, if the key is there.
    pub fn text(&mut self, key: &'static str) -> Option<Placed<String>> {
        let weak = self.is_weak();
        self.taken(
            key,
            "a text",
            |value| {
                if weak { value.weak_text() } else { value.as_text().map(str::to_owned) }
            },
        )
    }

    /// A text that must be there.
    pub fn need_text(&mut self, key: &'static str) -> Placed<String> {
        if !self.entries.contains_key(key) {
            self.known.push(key);
            let start = self.start();
            self.reader.wrong(start, format!("`{key}` is missing"));
        }
        self.text(key).unwrap_or_else(|| Placed { value: String::new(), span: self.span() })
    }

    /// A yes or no, if the key is there.
    pub fn flag(&mut self, key: &'static str) -> Option<bool> {
        let weak = self.is_weak();
        let read = |value: &Value| if weak { value.weak_flag() } else { value.as_flag() };
        self.taken(key, "true or false", read).map(|placed| placed.value)
    }

    /// A number, if the key is there.
    pub fn number(&mut self, key: &'static str) -> Option<Placed<f64>> {
        self.taken(key, "a number", Value::as_number)
    }

    /// Whether the key is there; it stays to be taken.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Whether the key is there and has a table below it; it stays to be taken.
    pub fn has_table(&self, key: &str) -> bool {
        self.entries.get(key).is_some_and(|entry| entry.node.value.as_table().is_some())
    }

    /// Where the key stands, if it is there; it stays to be taken.
    pub fn place(&self, key: &str) -> Option<Range<usize>> {
        self.entries.get(key).map(|entry| entry.key_span.clone())
    }

    /// Takes a key with all below it unread, and gives its place if it says anything: not if it is off, zero or empty.
    pub fn leave(&mut self, key: &'static str) -> Option<Range<usize>> {
        let place = self.place(key);
        let node = self.take(key)?;
        place.filter(|_| !node.value.is_nothing())
    }

    /// A list of numbers, if the key is there.
    pub fn numbers(&mut self, key: &'static str) -> Option<Placed<Vec<f64>>> {
        self.taken(key, "a list of numbers", |value| {
            value.as_list()?.iter().map(|item| item.value.as_number()).collect()
        })
    }

    /// A whole number within a range, if the key is there.
    pub fn whole(&mut self, key: &'static str, range: std::ops::RangeInclusive<i64>) -> Option<i64> {
        let weak = self.is_weak();
        let read = |value: &Value| match value {
            Value::Whole(whole) => Some(*whole),
            other if weak => other.weak_whole(),
            _ => None,
        };
        let Placed { value, span } = self.taken(key, "a whole number", read)?;
        if range.contains(&value) {
            return Some(value);
        }
        self.reader.wrong(span, format!("`{key}` must be from {} to {}", range.start(), range.end()));
        None
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

    /// A duration in ns, if the key is there: as Go writes it, such as `1m30s` or `1.5h`, and where types are strict also
    /// with days, `7d`; where they are weak, a number is one of ns. It may be negative.
    pub fn duration_ns(&mut self, key: &'static str) -> Option<Placed<i64>> {
        let node = self.take(key)?;
        let weak = self.is_weak();
        let read = match &node.value {
            Value::Text(text) if weak => go_duration_ns(text),
            Value::Text(text) => {
                go_duration_ns(text).or_else(|| duration_ms(text).and_then(|ms| ms.checked_mul(1_000_000)))
            }
            Value::Whole(ns) if weak => Some(*ns),
            _ => None,
        };
        if let Some(value) = read {
            return Some(Placed { value, span: node.span.clone() });
        }
        let help = if weak {
            "write it like \"30s\", \"1m30s\" or \"720h\""
        } else {
            "write it like 30s, 5m, 1h or 7d"
        };
        self.reader.wrong_with(node.span.clone(), format!("`{key}` is not a duration"), help);
        None
    }

    /// A list of texts, if the key is there.
    pub fn texts(&mut self, key: &'static str) -> Option<Vec<Placed<String>>> {
        self.some_texts(key, self.is_weak())
    }

    /// A text, or a list of texts, if the key is there.
    pub fn text_or_texts(&mut self, key: &'static str) -> Option<Vec<Placed<String>>> {
        self.some_texts(key, true)
    }

    fn some_texts(&mut self, key: &'static str, or_one: bool) -> Option<Vec<Placed<String>>> {
        let node = self.take(key)?;
        let weak = self.is_weak();
        let placed = |item: &Node| {
            let text = if weak { item.value.weak_text() } else { item.value.as_text().map(str::to_owned) };
            text.map(|value| Placed { value, span: item.span.clone() })
        };
        let Some(list) = node.value.as_list() else {
            if or_one && let Some(one) = placed(node) {
                return Some(if one.value.is_empty() { Vec::new() } else { vec![one] });
            }
            self.mismatch(key, "a list of texts", node);
            return None;
        };
        let mut texts = Vec::new();
        for item in list {
            match placed(item) {
                Some(text) => texts.push(text),
                None => self.mismatch(key, "a list of texts", item),
            }
        }
        Some(texts)
    }

    /// Pairs of texts, if the key is there.
    pub fn pairs(&mut self, key: &'static str) -> Vec<(String, Placed<String>)> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Some(entries) = node.value.as_table() else {
            self.mismatch(key, "a table of texts", node);
            return Vec::new();
        };
        let mut pairs = Vec::new();
        for Entry { key, node, .. } in entries {
            match node.value.as_text() {
                Some(text) => {
                    pairs.push((key.clone(), Placed { value: text.to_owned(), span: node.span.clone() }));
                }
                None => self.mismatch(key, "a text", node),
            }
        }
        pairs
    }

    /// A table below this one, if the key is there.
    pub fn table<T>(&mut self, key: &'static str, read: impl FnOnce(&mut Table<'_>) -> T) -> Option<T> {
        let node = self.take(key)?;
        let Some(entries) = node.value.as_table() else {
            self.mismatch(key, "a table", node);
            return None;
        };
        let path = format!("{}{key}.", self.path);
        let mut table = Table::new(entries, node.span.clone(), path, self.reader);
        let read = read(&mut table);
        table.finish();
        Some(read)
    }

    /// The tables of a list, `[[key]]`; none if the key is absent.
    pub fn tables<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Table<'_>) -> T) -> Vec<T> {
        let Some(node) = self.take(key) else { return Vec::new() };
        let Some(list) = node.value.as_list() else {
            self.mismatch(key, "a list of tables", node);
            return Vec::new();
        };
        let mut all = Vec::new();
        for (at, item) in list.iter().enumerate() {
            match item.value.as_table() {
                Some(entries) => {
                    let path = format!("{}{key}[{at}].", self.path);
                    let mut table = Table::new(entries, item.span.clone(), path, self.reader);
                    all.push(read(&mut table));
                    table.finish();
                }
                None => self.mismatch(key, "a list of tables", item),
            }
        }
        all
    }

    /// Names every key that nobody asked for.
    pub(super) fn finish(self) {
        let Self { entries, known, reader, .. } = self;
        for (name, entry) in entries {
            let help = nearest(name, &known).map_or_else(
                || format!("known here: {}", known.join(", ")),
                |near| format!("did you mean `{near}`?"),
            );
            let span = entry.key_span.clone();
            reader.problem(span, format!("unknown key `{name}`"), "not known here", Some(help));
        }
    }
}
