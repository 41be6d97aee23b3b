//! JSON, as RFC 8259 has it: what a file says here, it says to every other reader of it.

use std::{collections::BTreeSet, ops::Range};

use jsonc_parser::{
    CollectOptions, ParseOptions, ast,
    common::{Range as Bytes, Ranged},
    parse_to_ast,
};

use super::{
    Reader, Typing,
    node::{Entry, Node, Value},
};

const STRICT: ParseOptions = ParseOptions {
    allow_comments: false,
    allow_loose_object_property_names: false,
    allow_trailing_commas: false,
    allow_missing_commas: false,
    allow_single_quoted_strings: false,
    allow_hexadecimal_numbers: false,
    allow_unary_plus_numbers: false,
    allow_bare_decimal_point_numbers: false,
    allow_non_finite_numbers: false,
    allow_extended_string_escapes: false,
};

/// The document's value; nothing if it is no JSON, and the reader knows why. The parser refuses what is nested so deep
/// that reading it would overflow the stack.
pub(super) fn parse(text: &str, reader: &mut Reader) -> Option<Node> {
    let root = parsed(text, reader)?;
    // The parser that knows places lets some pass, such as a line break within a text: the other one has the last word.
    if let Err(error) = serde_json::from_str::<serde_json::Value>(text) {
        let lines = text.split_inclusive('\n').take(error.line().saturating_sub(1));
        let start = lines.map(str::len).sum::<usize>() + error.column().saturating_sub(1);
        let start = text.floor_char_boundary(start);
        let message = error.to_string();
        let message = message.split_once(" at line ").map_or(message.as_str(), |(message, _)| message);
        reader.wrong(start..start, message);
        return None;
    }
    Some(root)
}

fn parsed(text: &str, reader: &mut Reader) -> Option<Node> {
    match parse_to_ast(text, &CollectOptions::default(), &STRICT) {
        Ok(parsed) => match parsed.value {
            Some(value) => Some(node(&value, reader)),
            None => {
                reader.wrong(0..0, "the file is empty; write `{}` for the defaults");
                None
            }
        },
        Err(error) => {
            reader.wrong(span(error.range()), error.kind().to_string());
            None
        }
    }
}

const fn span(range: Bytes) -> Range<usize> {
    range.start..range.end
}

fn node(value: &ast::Value<'_>, reader: &mut Reader) -> Node {
    let read = match value {
        ast::Value::StringLit(text) => Value::Text(text.value.to_string()),
        ast::Value::NumberLit(number) => match (number.value.parse(), number.value.parse()) {
            (Ok(whole), _) => Value::Whole(whole),
            (Err(_), Ok(real)) => Value::Real(real),
            (Err(_), Err(_)) => Value::Other("number"),
        },
        ast::Value::BooleanLit(flag) => Value::Flag(flag.value),
        ast::Value::NullKeyword(_) => Value::Null,
        ast::Value::Array(list) => Value::List(list.elements.iter().map(|item| node(item, reader)).collect()),
        ast::Value::Object(object) => Value::Table(entries(object, reader)),
    };
    Node { value: read, span: span(value.range()) }
}

fn entries(object: &ast::Object<'_>, reader: &mut Reader) -> Vec<Entry> {
    let mut seen = BTreeSet::new();
    let mut entries = Vec::new();
    for property in &object.properties {
        let mut key = property.name.as_str().to_owned();
        if reader.typing == Typing::Weak {
            key.make_ascii_lowercase();
        }
        let key_span = span(property.name.range());
        if !seen.insert(key.clone()) {
            reader.wrong(key_span.clone(), format!("`{key}` stands here twice"));
        }
        entries.push(Entry { key, key_span, node: node(&property.value, reader) });
    }
    entries
}
