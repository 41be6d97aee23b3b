//! TOML.

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Reader,
    node::{Entry, Node, Value},
};

/// The document's table; nothing if it is no TOML, and the reader knows why.
pub(super) fn parse(text: &str, reader: &mut Reader) -> Option<Node> {
    let (root, errors) = DeTable::parse_recoverable(text);
    if errors.is_empty() {
        return Some(Node { span: root.span(), value: table(root.get_ref()) });
    }
    for error in errors {
        reader.wrong(error.span().unwrap_or(0..0), error.message().trim());
    }
    None
}

fn table(table: &DeTable<'_>) -> Value {
    let entry = |(key, value): (&Spanned<_>, &Spanned<DeValue<'_>>)| {
        let name: &std::borrow::Cow<'_, str> = key.get_ref();
        Entry { key: name.to_string(), key_span: key.span(), node: node(value) }
    };
    Value::Table(table.iter().map(entry).collect())
}

fn node(value: &Spanned<DeValue<'_>>) -> Node {
    let read = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(integer) => i64::from_str_radix(integer.as_str(), integer.radix())
            .map_or(Value::Other("integer"), Value::Whole),
        DeValue::Float(float) => float.as_str().parse().map_or(Value::Other("float"), Value::Real),
        DeValue::Boolean(flag) => Value::Flag(*flag),
        DeValue::Datetime(_) => Value::Other("datetime"),
        DeValue::Array(list) => Value::List(list.iter().map(node).collect()),
        DeValue::Table(below) => table(below),
    };
    Node { value: read, span: value.span() }
}
