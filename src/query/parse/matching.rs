//! How the series of two vectors meet: what stands between an operator and its right operand, and lists of labels.

use std::sync::Arc;

use crate::query::{
    QueryError,
    expr::{Group, Matching},
};

use super::{Parser, number, token::Kind};

/// What stands after an operator.
#[derive(Debug, Default)]
pub(super) struct Modifiers {
    pub(super) bool_result: bool,
    pub(super) matching: Matching,
}

impl Parser<'_> {
    /// `bool`, `on (…) group_left (…)`, `fill (…)`, each if it is there.
    pub(super) fn modifiers(&mut self) -> Result<Modifiers, QueryError> {
        let bool_result = self.take_word("bool")?;
        let mut matching = Matching::default();
        let on = self.take_word("on")?;
        if on || self.take_word("ignoring")? {
            matching.on = on;
            matching.labels = self.labels()?;
            matching.group = if self.take_word("group_left")? {
                Group::Left
            } else if self.take_word("group_right")? {
                Group::Right
            } else {
                Group::None
            };
            // A bracket here begins labels, even where an operand was meant.
            if matching.group != Group::None && self.next.is("(") {
                matching.include = self.labels()?;
            }
        }
        self.fills(&mut matching)?;
        Ok(Modifiers { bool_result, matching })
    }

    fn fills(&mut self, matching: &mut Matching) -> Result<(), QueryError> {
        if self.fill_word("fill")? {
            let value = self.fill_value()?;
            matching.fill_left = Some(value);
            matching.fill_right = Some(value);
            return Ok(());
        }
        // Either order, each once.
        for _ in 0..2 {
            if matching.fill_left.is_none() && self.fill_word("fill_left")? {
                matching.fill_left = Some(self.fill_value()?);
            }
            if matching.fill_right.is_none() && self.fill_word("fill_right")? {
                matching.fill_right = Some(self.fill_value()?);
            }
        }
        Ok(())
    }

    /// Takes a word that is a metric's name unless a bracket follows.
    fn fill_word(&mut self, word: &str) -> Result<bool, QueryError> {
        Ok(self.lexer.opens() && self.take_word(word)?)
    }

    fn fill_value(&mut self) -> Result<f64, QueryError> {
        let open = self.expect("(", "\"(\"")?;
        let value = self.signed_number("a number")?;
        self.close(open, ")", "\")\"")?;
        Ok(value)
    }

    /// A number or a duration in seconds, with or without a sign.
    pub(super) fn signed_number(&mut self, expected: &str) -> Result<f64, QueryError> {
        let negative = self.next.is("-");
        if self.next.is_sign() {
            self.bump()?;
        }
        let token = self.next;
        let value = match token.kind {
            Kind::Number => number::number(token.text),
            Kind::Duration => number::duration_seconds(token.text).ok(),
            Kind::Word | Kind::Text | Kind::Symbol | Kind::End => None,
        };
        let value = value.ok_or_else(|| self.unexpected(expected))?;
        self.bump()?;
        Ok(if negative { -value } else { value })
    }

    /// Label names in brackets, sorted, each once.
    pub(super) fn labels(&mut self) -> Result<Vec<Arc<str>>, QueryError> {
        let open = self.expect("(", "\"(\" and label names")?;
        let mut names = Vec::new();
        while !self.next.is(")") {
            names.push(self.label(open.at)?);
            if self.next.kind == Kind::End {
                return Err(self.not_closed(open));
            }
            if !self.next.is(")") {
                self.expect(",", "\",\" or \")\" after a label name")?;
            }
        }
        self.bump()?;
        names.sort_unstable();
        names.dedup();
        Ok(names)
    }

    fn label(&mut self, open: usize) -> Result<Arc<str>, QueryError> {
        let token = self.next;
        let name = match token.kind {
            // The one keyword that Prometheus does not take for a label here.
            Kind::Word if !token.is_word("without") => Arc::from(token.text),
            Kind::Text => Arc::from(self.quoted_name(token, "invalid label name for grouping:")?),
            Kind::End => return Err(self.error(open, "\"(\" is not closed")),
            Kind::Word | Kind::Number | Kind::Duration | Kind::Symbol => {
                return Err(self.unexpected("a label name or \")\""));
            }
        };
        self.bump()?;
        Ok(name)
    }
}
