//! From text to tree, with types checked: a lexer ([`lexer`]) and a parser by precedence, with one token ahead.
//!
//! What is refused has a place. Recursion is bounded, since each level needs one of the [`DEPTH_MAX`] operators and
//! brackets that a text may have.

mod aggregate;
mod call;
mod duration;
pub mod lexer;
mod matching;
pub mod number;
mod operand;
mod operators;
pub mod quoted;
mod regex;
mod selector;
#[cfg(test)]
mod tests;
pub mod token;

use self::{
    lexer::Lexer,
    token::{Kind, Token},
};
use super::{
    QueryError,
    expr::{Expr, Kind as Gives, Span},
    limits::{DEPTH_MAX, QUERY_BYTES_MAX},
    span::place,
};

/// The step of a subquery that gives none: Prometheus's default evaluation interval, ms.
pub const SUBQUERY_STEP_MS: i64 = 60_000;

/// A text that is parsed.
#[derive(Debug)]
pub struct Parsed {
    /// The tree.
    pub expr: Expr,
    /// How many selectors it has.
    pub selectors: usize,
    /// Whether it has durations that follow the query, see [`duration`](super::duration).
    pub follows_query: bool,
    /// Whether the whole text stands in brackets.
    pub bracketed: bool,
}

/// Parses a query.
///
/// # Errors
///
/// When the text is not PromQL, has what is not evaluated yet, or reaches a limit.
pub fn parse(text: &str) -> Result<Parsed, QueryError> {
    if text.len() > QUERY_BYTES_MAX {
        return Err(QueryError::Limit { name: "bytes of text", max: QUERY_BYTES_MAX });
    }
    let mut parser = Parser::new(text)?;
    if parser.next.kind == Kind::End {
        return Err(parser.error(0, "no expression found in input"));
    }
    let whole = parser.expression(operators::LOOSEST)?;
    if parser.next.kind != Kind::End {
        return Err(parser.unexpected("an operator or the end of the text"));
    }
    let Parser { selectors, follows_query, .. } = parser;
    Ok(Parsed { expr: whole.expr, selectors, follows_query, bracketed: whole.bracketed })
}

/// A text on its way to a tree.
#[derive(Debug)]
struct Parser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
    /// The token that is looked at.
    next: Token<'a>,
    /// The end of the token before it.
    end: usize,
    /// Operators and open brackets so far.
    depth: usize,
    selectors: usize,
    regexes: usize,
    follows_query: bool,
    /// Whether the next selector may be one that selects everything.
    selects_any: bool,
}

/// A part of the tree with what its place needs.
#[derive(Debug)]
struct Operand {
    expr: Expr,
    /// With the brackets around it.
    span: Span,
    bracketed: bool,
}

impl Operand {
    const fn new(expr: Expr) -> Self {
        let span = expr.span();
        Self { expr, span, bracketed: false }
    }
}

impl<'a> Parser<'a> {
    fn new(text: &'a str) -> Result<Self, QueryError> {
        let mut parser = Self {
            text,
            lexer: Lexer::new(text),
            next: Token { kind: Kind::End, text: "", at: 0 },
            end: 0,
            depth: 0,
            selectors: 0,
            regexes: 0,
            follows_query: false,
            selects_any: false,
        };
        parser.bump()?;
        Ok(parser)
    }

    /// Takes the token that is looked at.
    fn bump(&mut self) -> Result<Token<'a>, QueryError> {
        let token = self.next;
        self.end = token.span().end;
        if token.deepens() {
            self.depth += 1;
            if DEPTH_MAX < self.depth {
                return Err(QueryError::Limit { name: "operators and brackets", max: DEPTH_MAX });
            }
        }
        self.next = self.lexer.token().map_err(|error| self.error(error.at, error.message))?;
        Ok(token)
    }

    /// Takes a symbol if it stands here.
    fn take(&mut self, symbol: &str) -> Result<bool, QueryError> {
        let found = self.next.is(symbol);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    /// Takes a keyword if it stands here.
    fn take_word(&mut self, keyword: &str) -> Result<bool, QueryError> {
        let found = self.next.is_word(keyword);
        if found {
            self.bump()?;
        }
        Ok(found)
    }

    fn expect(&mut self, symbol: &str, expected: &str) -> Result<Token<'a>, QueryError> {
        if self.next.is(symbol) { self.bump() } else { Err(self.unexpected(expected)) }
    }

    /// Takes what goes on or ends after the bracket `open`, which is told of at the end of the text.
    fn close(&mut self, open: Token<'_>, symbol: &str, expected: &str) -> Result<(), QueryError> {
        match self.next.kind {
            Kind::End => Err(self.not_closed(open)),
            _ => self.expect(symbol, expected).map(drop),
        }
    }

    fn not_closed(&self, open: Token<'_>) -> QueryError {
        self.error(open.at, format!("{open} is not closed"))
    }

    /// The token that is looked at cannot be here.
    fn unexpected(&self, expected: &str) -> QueryError {
        self.error(self.next.at, format!("unexpected {}, expected {expected}", self.next))
    }

    fn error(&self, at: usize, message: impl Into<String>) -> QueryError {
        let (line, column) = place(self.text, at);
        QueryError::Parse { message: message.into(), line, column }
    }

    fn not_yet(&self, at: usize, what: &str) -> QueryError {
        let (line, column) = place(self.text, at);
        QueryError::NotYet { what: what.to_owned(), line, column }
    }

    /// Checks what an operand gives; `context` says where.
    fn check_kind(&self, of: &Operand, wanted: Gives, context: &str) -> Result<(), QueryError> {
        let found = of.expr.kind();
        if found == wanted {
            return Ok(());
        }
        let advice = match (wanted, found) {
            (Gives::Range, Gives::Vector) if matches!(of.expr, Expr::Selector(_)) => {
                "; put a range such as [5m] after it"
            }
            (Gives::Range, Gives::Vector) => "; put a range and a colon such as [5m:] after it",
            (Gives::Vector, Gives::Scalar) => "; vector() makes one of it",
            (Gives::Scalar, Gives::Vector) => "; scalar() makes one of it",
            _ => "",
        };
        let (wanted, found) = (wanted.name(), found.name());
        let message = format!("expected type {wanted} in {context}, got {found}{advice}");
        Err(self.error(of.span.start, message))
    }

    /// The text that a quoted token stands for.
    fn unquoted(&self, token: Token<'_>) -> Result<String, QueryError> {
        quoted::unquote(token.text).map_err(|why| match why {
            quoted::NoText::Escape(at) => {
                self.error(token.at + at, "unknown escape in the text; a backslash is written \"\\\\\"")
            }
            quoted::NoText::NotUtf8(bytes) => self.error(token.at, format!("the text is not UTF-8: {bytes}")),
        })
    }

    /// The label name that a quoted token stands for.
    fn quoted_name(&self, token: Token<'_>, what: &str) -> Result<String, QueryError> {
        match quoted::unquote(token.text) {
            Err(quoted::NoText::NotUtf8(bytes)) => Err(self.error(token.at, format!("{what} {bytes}"))),
            Ok(name) if name.is_empty() => Err(self.error(token.at, format!("{what} \"\""))),
            _ => self.unquoted(token),
        }
    }
}
