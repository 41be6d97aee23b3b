//! The pieces of a query's text.

use std::fmt;

use crate::query::span::Span;

/// Characters of a token that a message shows.
const SHOWN_MAX: usize = 40;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A name or a keyword.
    Word,
    /// A number, `inf` and `nan` among them.
    Number,
    /// A number with units, such as `1h30m`.
    Duration,
    /// A quoted text.
    Text,
    /// An operator, a bracket, a comma, a colon, `@`.
    Symbol,
    /// The end of the text.
    End,
}

/// A piece of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token<'a> {
    /// What it is.
    pub kind: Kind,
    /// How it is written.
    pub text: &'a str,
    /// Its first byte.
    pub at: usize,
}

impl Token<'_> {
    /// Where it stands.
    pub const fn span(&self) -> Span {
        Span::new(self.at, self.at + self.text.len())
    }

    /// Whether it is this symbol.
    pub fn is(&self, symbol: &str) -> bool {
        self.kind == Kind::Symbol && self.text == symbol
    }

    /// Whether it is this keyword, in letters of any case.
    pub fn is_word(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    /// Whether it is `+` or `-`.
    pub fn is_sign(&self) -> bool {
        self.is("+") || self.is("-")
    }

    /// Whether the tree may get a level for it.
    pub fn deepens(&self) -> bool {
        match self.kind {
            Kind::Symbol => !matches!(self.text, "," | ":" | "@" | "=" | "=~" | "!~" | ")" | "]" | "}"),
            Kind::Word => ["and", "or", "unless", "atan2"].iter().any(|op| self.is_word(op)),
            Kind::Number | Kind::Duration | Kind::Text | Kind::End => false,
        }
    }
}

impl fmt::Display for Token<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.kind {
            Kind::End => f.write_str("end of the text"),
            _ => match self.text.char_indices().nth(SHOWN_MAX) {
                Some((cut, _)) => write!(f, "{:?}…", &self.text[..cut]),
                None => write!(f, "{:?}", self.text),
            },
        }
    }
}
