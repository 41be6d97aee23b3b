//! What a document says, whatever it is written in.

use std::ops::Range;

/// A value with its place.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) value: Value,
    /// Its bytes in the file.
    pub(super) span: Range<usize>,
}

/// A value.
#[derive(Debug)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Real(f64),
    Flag(bool),
    Null,
    List(Vec<Node>),
    Table(Vec<Entry>),
    /// What nobody asks for, by the name of its type.
    Other(&'static str),
}

/// One key of a table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) key_span: Range<usize>,
    pub(super) node: Node,
}

impl Value {
    /// The name of its type, for people.
    pub(super) const fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Whole(_) => "integer",
            Self::Real(_) => "float",
            Self::Flag(_) => "boolean",
            Self::Null => "null",
            Self::List(_) => "array",
            Self::Table(_) => "table",
            Self::Other(name) => name,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) const fn as_flag(&self) -> Option<bool> {
        if let Self::Flag(flag) = self { Some(*flag) } else { None }
    }

    #[expect(clippy::cast_precision_loss, reason = "a number that people write is no larger than 2^53")]
    pub(super) const fn as_number(&self) -> Option<f64> {
        match self {
            Self::Whole(whole) => Some(*whole as f64),
            Self::Real(real) => Some(*real),
            Self::Text(_) | Self::Flag(_) | Self::Null | Self::List(_) | Self::Table(_) | Self::Other(_) => {
                None
            }
        }
    }

    pub(super) fn as_list(&self) -> Option<&[Node]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    pub(super) fn as_table(&self) -> Option<&[Entry]> {
        if let Self::Table(entries) = self { Some(entries) } else { None }
    }

    /// The same value with a weak type: a text that a number or a flag stands for, and the other way round.
    pub(super) fn weak_text(&self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Whole(whole) => Some(whole.to_string()),
            Self::Flag(flag) => Some(if *flag { "1" } else { "0" }.to_owned()),
            Self::Real(_) | Self::Null | Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }

    pub(super) fn weak_flag(&self) -> Option<bool> {
        match self {
            Self::Flag(flag) => Some(*flag),
            Self::Whole(whole) => Some(*whole != 0),
            Self::Text(text) => match text.as_str() {
                "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
                "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
                _ => None,
            },
            Self::Real(_) | Self::Null | Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }

    pub(super) fn weak_whole(&self) -> Option<i64> {
        match self {
            Self::Whole(whole) => Some(*whole),
            Self::Flag(flag) => Some(i64::from(*flag)),
            Self::Text(text) if text.is_empty() => Some(0),
            Self::Text(text) => text.parse().ok(),
            Self::Real(_) | Self::Null | Self::List(_) | Self::Table(_) | Self::Other(_) => None,
        }
    }

    /// Whether it says nothing: off, 0, empty, or a table of such, or one whose `enabled` is off.
    pub(super) fn is_nothing(&self) -> bool {
        match self {
            Self::Text(text) => text.is_empty(),
            Self::Whole(whole) => *whole == 0,
            Self::Real(real) => *real == 0.0,
            Self::Flag(flag) => !flag,
            Self::Null => true,
            Self::List(list) => list.is_empty(),
            Self::Table(entries) => match entries.iter().find(|entry| entry.key == "enabled") {
                Some(enabled) => enabled.node.value.is_nothing(),
                None => entries.iter().all(|entry| entry.node.value.is_nothing()),
            },
            Self::Other(_) => false,
        }
    }
}
