//! Selectors: a name and conditions in braces.

use crate::model::{METRIC_NAME, MatchOp, Matcher};
use crate::query::{
    QueryError,
    expr::{Edges, Expr, Selector, Shift, Span},
    limits::REGEXES_MAX,
};

use super::{
    Parser, regex,
    token::{Kind, Token},
};

impl Parser<'_> {
    /// The conditions in braces, if there are any, after the name that was taken already.
    pub(super) fn selector(&mut self, name: Option<Token<'_>>) -> Result<Expr, QueryError> {
        let start = name.map_or(self.next.at, |name| name.at);
        let any = std::mem::take(&mut self.selects_any);
        let mut matchers: Vec<Matcher> =
            name.iter().map(|name| Matcher::equal(METRIC_NAME, name.text)).collect();
        if self.next.is("{") {
            self.conditions(&mut matchers)?;
        }
        let twice = matchers.iter().skip(1).find(|matcher| matcher.name == METRIC_NAME);
        if let (Some(name), Some(matcher)) = (name, twice) {
            let (name, value) = (name.text, &matcher.value);
            return Err(
                self.error(start, format!("metric name must not be set twice: {name:?} or {value:?}"))
            );
        }
        if !any && matchers.iter().all(|matcher| matcher.matches("")) {
            let message =
                "vector selector must contain at least one non-empty matcher, such as {job=\"node\"}";
            return Err(self.error(start, message));
        }
        let index = self.selectors;
        self.selectors += 1;
        let (shift, span) = (Shift::default(), Span::new(start, self.end));
        Ok(Expr::Selector(Selector { index, matchers, shift, edges: Edges::Plain, computed: None, span }))
    }

    fn conditions(&mut self, matchers: &mut Vec<Matcher>) -> Result<(), QueryError> {
        let open = self.bump()?;
        while !self.next.is("}") {
            if self.next.kind == Kind::End {
                return Err(self.not_closed(open));
            }
            let matcher = self.condition(open)?;
            matchers.push(matcher);
            if self.next.kind == Kind::End {
                return Err(self.not_closed(open));
            }
            if !self.next.is("}") {
                self.expect(",", "\",\" or \"}\" after a condition")?;
            }
        }
        self.bump().map(drop)
    }

    /// `name="value"`, or a metric's name in quotes.
    fn condition(&mut self, open: Token<'_>) -> Result<Matcher, QueryError> {
        let token = self.next;
        let name = match token.kind {
            Kind::Word => token.text.to_owned(),
            Kind::Text => self.unquoted(token)?,
            _ => return Err(self.unexpected("a label name or \"}\"")),
        };
        self.bump()?;
        let op = match (self.next.text, self.next.kind) {
            ("=", Kind::Symbol) => MatchOp::Equal,
            ("!=", Kind::Symbol) => MatchOp::NotEqual,
            ("=~", Kind::Symbol) => MatchOp::Regex,
            ("!~", Kind::Symbol) => MatchOp::NotRegex,
            _ if token.kind == Kind::Text => return Ok(Matcher::equal(METRIC_NAME, &name)),
            (_, Kind::End) => return Err(self.not_closed(open)),
            _ => return Err(self.unexpected("\"=\", \"!=\", \"=~\" or \"!~\"")),
        };
        self.bump()?;
        let value = self.next;
        if value.kind != Kind::Text {
            return Err(self.unexpected("a value in quotes"));
        }
        let text = self.unquoted(value)?;
        self.bump()?;
        if matches!(op, MatchOp::Regex | MatchOp::NotRegex) {
            self.regexes += 1;
            if REGEXES_MAX < self.regexes {
                return Err(QueryError::Limit { name: "regular expressions", max: REGEXES_MAX });
            }
        }
        regex::matcher(&name, op, &text).map_err(|why| self.error(value.at, why))
    }
}
