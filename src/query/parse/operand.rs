//! Operands, and what stands after them: ranges, `offset`, `@`, `anchored`, `smoothed`.

use std::sync::Arc;

use crate::query::{
    QueryError,
    duration::{Computed, Written},
    expr::{At, Edges, Expr, Kind, Over, Range, Shift, Span},
    limits::TIME_MS_MAX,
};

use super::{Operand, Parser, SUBQUERY_STEP_MS, aggregate::Name, duration::Parsed, number, operators, token};

impl Parser<'_> {
    /// An operand with all that stands after it.
    ///
    /// What recurses has little on the stack: the rest is in functions that have returned by then.
    pub(super) fn operand(&mut self) -> Result<Operand, QueryError> {
        let bare = match self.next.kind {
            token::Kind::Symbol if self.next.is("(") => self.bracketed(),
            token::Kind::Word => self.named(),
            _ => self.literal(),
        };
        bare.and_then(|operand| self.suffixed(operand))
    }

    fn suffixed(&mut self, mut operand: Operand) -> Result<Operand, QueryError> {
        loop {
            let next = self.next;
            let (expr, span) = (&mut operand.expr, operand.span);
            let (first, bracketed) = (span.start, operand.bracketed);
            if next.is("[") {
                operand = self.ranged(operand)?;
                continue;
            } else if next.is_word("offset") {
                self.bump()?;
                let parsed = self.offset_duration()?;
                self.set_offset(expr, bracketed, first, parsed)?;
            } else if next.is("@") {
                self.bump()?;
                let at = self.at()?;
                self.set_at(expr, bracketed, first, at)?;
            } else if next.is_word("anchored") || next.is_word("smoothed") {
                self.bump()?;
                self.set_edges(expr, bracketed, next)?;
            } else {
                return Ok(operand);
            }
            stretch(&mut operand, self.end);
        }
    }

    fn literal(&mut self) -> Result<Operand, QueryError> {
        let token = self.next;
        match token.kind {
            token::Kind::Number | token::Kind::Duration => {
                self.bump()?;
                let v = number::number(token.text).or(number::duration_seconds(token.text).ok());
                Ok(Operand::new(Expr::Number(v.unwrap_or(f64::NAN), token.span())))
            }
            token::Kind::Text => {
                self.bump()?;
                Ok(Operand::new(Expr::Text(Arc::from(self.unquoted(token)?), token.span())))
            }
            token::Kind::Symbol if token.is("{") => self.selector(None).map(Operand::new),
            token::Kind::Symbol | token::Kind::Word | token::Kind::End => {
                Err(self.unexpected("an expression"))
            }
        }
    }

    fn bracketed(&mut self) -> Result<Operand, QueryError> {
        let open = self.bump()?;
        let inner = self.expression(operators::LOOSEST)?;
        self.close(open, ")", "an operator or \")\"")?;
        Ok(Operand { expr: inner.expr, span: Span::new(open.at, self.end), bracketed: true })
    }

    /// What begins with a word: an aggregation, a function or a metric.
    fn named(&mut self) -> Result<Operand, QueryError> {
        let name = self.next;
        match Name::of(name.text) {
            Name::Operator => return Err(self.unexpected("an expression")),
            Name::Aggregation => {
                self.bump()?;
                let grouped = self.next.is_word("by") || self.next.is_word("without");
                if grouped || self.next.is("(") {
                    return self.aggregate(name).map(Operand::new);
                }
            }
            Name::Keyword | Name::Plain => {
                self.bump()?;
                if self.next.is("(") && Name::of(name.text) == Name::Plain && !name.text.contains(':') {
                    return self.call(name).map(Operand::new);
                }
            }
        }
        self.selector(Some(name)).map(Operand::new)
    }

    /// `[5m]` or `[5m:1m]` after an operand.
    fn ranged(&mut self, of: Operand) -> Result<Operand, QueryError> {
        let open = self.bump()?;
        let (range, range_written) = self.window()?;
        let mut computed = Computed { range: range_written, ..Computed::default() };
        let over = if self.take(":")? {
            let (step, step_written) =
                if self.next.is("]") { (SUBQUERY_STEP_MS, None) } else { self.window()? };
            self.close(open, "]", "\"]\" after the subquery's step")?;
            computed.step = step_written;
            if of.expr.kind() != Kind::Vector {
                let found = of.expr.kind().name();
                let message = format!("subquery is only allowed on instant vector, got {found} instead");
                return Err(self.error(of.span.start, message));
            }
            Over::Subquery { expr: of.expr, step }
        } else {
            self.close(open, "]", "\":\" or \"]\" after the range")?;
            match of.expr {
                Expr::Selector(selector) if !of.bracketed => {
                    let shifted = selector.computed.is_some() || selector.shift.offset != 0;
                    if shifted {
                        return Err(
                            self.error(open.at, "no offset modifiers allowed before range; put it after")
                        );
                    }
                    if selector.shift.at.is_some() {
                        return Err(self.error(open.at, "no @ modifiers allowed before range; put it after"));
                    }
                    Over::Selector(selector)
                }
                _ => {
                    let message =
                        "ranges only allowed for vector selectors; a subquery has a colon, as in [5m:]";
                    return Err(self.error(open.at, message));
                }
            }
        };
        let edges = match &over {
            Over::Selector(selector) => selector.edges,
            Over::Subquery { .. } => Edges::Plain,
        };
        let follows = computed != Computed::default();
        self.follows_query |= follows;
        let computed = follows.then(|| Box::new(computed));
        let span = of.span.to(Span::new(0, self.end));
        let range = Range { over, range, shift: Shift::default(), edges, computed, span };
        Ok(Operand::new(Expr::Range(Box::new(range))))
    }

    fn set_offset(
        &mut self,
        expr: &mut Expr,
        bracketed: bool,
        first: usize,
        (ms, written): Parsed,
    ) -> Result<(), QueryError> {
        let Some((shift, computed)) = shift_of(expr, bracketed) else {
            return Err(self.error(first, misplaced("offset")));
        };
        if shift.offset != 0 || computed.as_ref().is_some_and(|computed| computed.offset.is_some()) {
            return Err(self.error(first, "offset may not be set multiple times"));
        }
        match written {
            None => shift.offset = ms,
            Some(written) => {
                self.follows_query = true;
                note_offset(computed, written);
            }
        }
        repeat_shift(expr);
        Ok(())
    }

    fn set_at(&self, expr: &mut Expr, bracketed: bool, first: usize, at: At) -> Result<(), QueryError> {
        let Some((shift, _)) = shift_of(expr, bracketed) else {
            return Err(self.error(first, misplaced("@")));
        };
        if shift.at.is_some() {
            return Err(self.error(first, "@ <timestamp> may not be set multiple times"));
        }
        shift.at = Some(at);
        repeat_shift(expr);
        Ok(())
    }

    /// What stands after `@`.
    fn at(&mut self) -> Result<At, QueryError> {
        let start = self.next.is_word("start");
        if start || self.next.is_word("end") {
            self.bump()?;
            let open = self.expect("(", "\"(\"")?;
            self.close(open, ")", "\")\"")?;
            return Ok(if start { At::Start } else { At::End });
        }
        let place = self.next.at;
        let ms = (self.signed_number("a time in seconds, start() or end()")? * 1000.0).round();
        #[expect(clippy::cast_precision_loss, reason = "a bound below 2^53")]
        let limit = TIME_MS_MAX as f64;
        if !(-limit..=limit).contains(&ms) {
            return Err(self.error(place, "timestamp out of bounds for @ modifier"));
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
        Ok(At::Time(ms as i64))
    }

    fn set_edges(&self, expr: &mut Expr, bracketed: bool, word: token::Token<'_>) -> Result<(), QueryError> {
        let edges = if word.is_word("anchored") { Edges::Anchored } else { Edges::Smoothed };
        let name = word.text.to_ascii_lowercase();
        let known = match expr {
            Expr::Selector(of) if !bracketed => &mut of.edges,
            Expr::Range(of) if !bracketed => match &mut of.over {
                Over::Selector(selector) => {
                    selector.edges = edges;
                    &mut of.edges
                }
                Over::Subquery { .. } => {
                    let message = format!("{name} modifier is not supported for subqueries");
                    return Err(self.error(word.at, message));
                }
            },
            _ => {
                let message = format!("{name} modifier must be preceded by a selector");
                return Err(self.error(word.at, message));
            }
        };
        if *known != Edges::Plain && *known != edges {
            return Err(self.error(word.at, "anchored and smoothed modifiers cannot be used together"));
        }
        *known = edges;
        Err(self.not_yet(word.at, &format!("{name} modifier")))
    }
}

fn misplaced(modifier: &str) -> String {
    format!(
        "{modifier} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
    )
}

/// Where in time an operand is read, if it is one that is read.
fn shift_of(expr: &mut Expr, bracketed: bool) -> Option<(&mut Shift, &mut Option<Box<Computed>>)> {
    match expr {
        Expr::Selector(of) if !bracketed => Some((&mut of.shift, &mut of.computed)),
        Expr::Range(of) if !bracketed => Some((&mut of.shift, &mut of.computed)),
        _ => None,
    }
}

fn note_offset(computed: &mut Option<Box<Computed>>, written: Written) {
    computed.get_or_insert_default().offset = Some(written);
}

/// A range tells its selector where in time it is.
fn repeat_shift(expr: &mut Expr) {
    if let Expr::Range(of) = expr
        && let Over::Selector(selector) = &mut of.over
    {
        selector.shift = of.shift;
    }
}

/// What stood after the operand is a part of it.
fn stretch(operand: &mut Operand, end: usize) {
    operand.span.end = end;
    match &mut operand.expr {
        Expr::Selector(of) => of.span.end = end,
        Expr::Range(of) => of.span.end = end,
        _ => {}
    }
}
