//! From the crate's tree to ours, with what the crate does not check.

pub mod call;
pub mod operators;

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use promql_parser::{
    label as parsed_label,
    parser::{self as parsed, AtModifier, Offset},
};

use crate::model::{METRIC_NAME, MatchOp, Matcher, MatcherError};

use super::{
    QueryError,
    expr::{At, Expr, Kind, Over, Range, Selector, Shift},
    limits::{SPAN_MS_MAX, TIME_MS_MAX},
    scan::{Scanned, explain},
};

/// The step of a subquery that gives none: Prometheus's default evaluation interval, ms.
pub const SUBQUERY_STEP_MS: i64 = 60_000;

/// Parses `text` into a tree, and counts its selectors.
///
/// # Errors
///
/// When the text is not PromQL, or has what is not evaluated yet.
pub fn parse(text: &str) -> Result<(Expr, usize), QueryError> {
    let scanned = Scanned::new(text)?;
    let tree = parsed::parse(text).map_err(|message| explain::refusal(&scanned, &message))?;
    let mut lowering = Lowering { scanned, selectors: 0 };
    let expr = lowering.expr(&tree)?;
    Ok((expr, lowering.selectors))
}

/// One text on its way to a tree.
#[derive(Debug)]
pub struct Lowering<'a> {
    /// The text, for places.
    pub scanned: Scanned<'a>,
    selectors: usize,
}

impl Lowering<'_> {
    /// Lowers one node.
    ///
    /// # Errors
    ///
    /// When it is not valid or not evaluated yet.
    pub fn expr(&mut self, tree: &parsed::Expr) -> Result<Expr, QueryError> {
        match tree {
            parsed::Expr::Paren(paren) => self.expr(&paren.expr),
            parsed::Expr::NumberLiteral(number) => Ok(Expr::Number(number.val)),
            parsed::Expr::StringLiteral(text) => self.text(&text.val),
            parsed::Expr::VectorSelector(selector) => self.selector(selector).map(Expr::Selector),
            parsed::Expr::MatrixSelector(matrix) => self.matrix(matrix),
            parsed::Expr::Subquery(subquery) => self.subquery(subquery),
            parsed::Expr::Unary(unary) => Ok(Expr::Negate(Box::new(self.expr(&unary.expr)?))),
            parsed::Expr::Call(call) => self.call(call),
            parsed::Expr::Aggregate(aggregate) => self.aggregate(aggregate),
            parsed::Expr::Binary(binary) => self.binary(binary),
            parsed::Expr::Extension(_) => Err(self.refuse("unexpected extension")),
        }
    }

    /// Lowers a node that must be of a kind.
    ///
    /// # Errors
    ///
    /// When it is of another, or as [`Lowering::expr`].
    pub fn expr_of(&mut self, tree: &parsed::Expr, kind: Kind) -> Result<Expr, QueryError> {
        let expr = self.expr(tree)?;
        if expr.kind() == kind {
            return Ok(expr);
        }
        Err(self.refuse(&format!("expected {}, got {}", name(kind), name(expr.kind()))))
    }

    /// A parse error of which the place is not known.
    pub fn refuse(&self, message: &str) -> QueryError {
        self.scanned.error(0, message.to_owned())
    }

    /// A parse error at the first `word` of the text.
    pub fn refuse_at(&self, word: &str, message: &str) -> QueryError {
        let found = self.scanned.tokens.iter().find(|token| token.text.eq_ignore_ascii_case(word));
        self.scanned.error(found.map_or(0, |token| token.at), message.to_owned())
    }

    fn text(&self, text: &str) -> Result<Expr, QueryError> {
        // The crate reads `\xc5` as a character where Go reads a byte; a byte cannot be a label.
        let raw =
            |token: &&super::scan::Token<'_>| !token.text.starts_with('`') && has_byte_escape(token.text);
        match self.scanned.tokens.iter().find(raw) {
            Some(token) => Err(self.scanned.not_yet(token.text, "text with a byte escape")),
            None => Ok(Expr::Text(Arc::from(text))),
        }
    }

    fn selector(&mut self, from: &parsed::VectorSelector) -> Result<Selector, QueryError> {
        if !from.matchers.or_matchers.is_empty() {
            return Err(self.scanned.error(0, "unexpected or between matchers".to_owned()));
        }
        let mut matchers = Vec::with_capacity(from.matchers.matchers.len() + 1);
        matchers.extend(from.name.iter().map(|name| Matcher::equal(METRIC_NAME, name)));
        for matcher in &from.matchers.matchers {
            matchers.push(self.matcher(matcher)?);
        }
        let index = self.selectors;
        self.selectors += 1;
        let shift = self.shift(from.at.as_ref(), from.offset.as_ref())?;
        Ok(Selector { index, matchers, shift })
    }

    fn matcher(&self, from: &parsed_label::Matcher) -> Result<Matcher, QueryError> {
        let (op, regex) = match &from.op {
            parsed_label::MatchOp::Equal => (MatchOp::Equal, None),
            parsed_label::MatchOp::NotEqual => (MatchOp::NotEqual, None),
            parsed_label::MatchOp::Re(regex) => (MatchOp::Regex, Some(regex)),
            parsed_label::MatchOp::NotRe(regex) => (MatchOp::NotRegex, Some(regex)),
        };
        Matcher::new(&from.name, op, &from.value)
            .or_else(|error| {
                // The crate has escaped braces that Go takes for text, and anchored the whole.
                let escaped = regex.map(|regex| regex.as_str());
                let inner = escaped.and_then(|s| s.strip_prefix("^(?:")?.strip_suffix(")$"));
                inner.map_or(Err(error), |inner| Matcher::new(&from.name, op, inner))
            })
            .map_err(|error| match error {
                MatcherError::TooLarge(_) => self.refuse(&error.to_string()),
                MatcherError::Wrong(_) => {
                    self.refuse(&format!("invalid regular expression {:?}", from.value))
                }
            })
    }

    fn matrix(&mut self, from: &parsed::MatrixSelector) -> Result<Expr, QueryError> {
        let selector = self.selector(&from.vs)?;
        let shift = selector.shift;
        let range = self.span(from.range)?;
        Ok(Expr::Range(Box::new(Range { over: Over::Selector(selector), range, shift })))
    }

    fn subquery(&mut self, from: &parsed::SubqueryExpr) -> Result<Expr, QueryError> {
        let expr = self.expr_of(&from.expr, Kind::Vector)?;
        let range = self.span(from.range)?;
        let step = from.step.map(|step| self.span(step)).transpose()?.unwrap_or(SUBQUERY_STEP_MS);
        let shift = self.shift(from.at.as_ref(), from.offset.as_ref())?;
        Ok(Expr::Range(Box::new(Range { over: Over::Subquery { expr, step }, range, shift })))
    }

    fn shift(&self, at: Option<&AtModifier>, offset: Option<&Offset>) -> Result<Shift, QueryError> {
        let at = match at {
            None => None,
            Some(AtModifier::Start) => Some(At::Start),
            Some(AtModifier::End) => Some(At::End),
            Some(AtModifier::At(time)) => Some(At::Time(self.time(*time)?)),
        };
        let offset = match offset {
            None => 0,
            Some(Offset::Pos(span)) => self.millis(*span)?,
            Some(Offset::Neg(span)) => -self.millis(*span)?,
        };
        Ok(Shift { at, offset })
    }

    fn time(&self, time: SystemTime) -> Result<i64, QueryError> {
        let ms = match time.duration_since(SystemTime::UNIX_EPOCH) {
            Ok(after) => i64::try_from(after.as_millis()).ok(),
            Err(before) => i64::try_from(before.duration().as_millis()).ok().map(|ms| -ms),
        };
        ms.filter(|ms| (-TIME_MS_MAX..=TIME_MS_MAX).contains(ms))
            .ok_or_else(|| self.refuse("timestamp out of bounds for @ modifier"))
    }

    fn millis(&self, span: Duration) -> Result<i64, QueryError> {
        i64::try_from(span.as_millis())
            .ok()
            .filter(|ms| *ms <= SPAN_MS_MAX)
            .ok_or_else(|| self.refuse("the duration is out of range"))
    }

    /// A duration above zero.
    fn span(&self, span: Duration) -> Result<i64, QueryError> {
        match self.millis(span)? {
            0 => Err(self.refuse("duration must be greater than 0")),
            ms => Ok(ms),
        }
    }
}

/// The name of a kind in Prometheus's words.
fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Scalar => "scalar",
        Kind::Text => "string",
        Kind::Vector => "instant vector",
        Kind::Range => "range vector",
    }
}

/// Whether a quoted text has an escape for a byte that is no character by itself.
fn has_byte_escape(quoted: &str) -> bool {
    let mut rest = quoted;
    while let Some(at) = rest.find('\\') {
        let escape = &rest[at + 1..];
        let high = |c: Option<char>, digits: &str| c.is_some_and(|c| digits.contains(c));
        let mut chars = escape.chars();
        let first = chars.next();
        let second = chars.next();
        if first == Some('x') && high(second, "89abcdefABCDEF") {
            return true;
        }
        // Octal: `\200` and above.
        if high(first, "23") && high(second, "01234567") {
            return true;
        }
        rest = escape.get(first.map_or(0, char::len_utf8)..).unwrap_or_default();
    }
    false
}
