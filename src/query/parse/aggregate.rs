//! Aggregations, and which words are more than names.

use std::sync::Arc;

use crate::query::{
    QueryError,
    expr::{Aggregate, AggregateOp, Expr, Kind, Span},
};

use super::{Operand, Parser, token, token::Token};

/// What a word is where an operand is expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Name {
    /// An aggregation, if brackets or a grouping follow; else a metric.
    Aggregation,
    /// A metric, never a function.
    Keyword,
    /// An operator or modifier that is no metric's name.
    Operator,
    /// A function or a metric.
    Plain,
}

impl Name {
    pub(super) fn of(word: &str) -> Self {
        match word.to_ascii_lowercase().as_str() {
            "sum" | "avg" | "min" | "max" | "count" | "group" | "stddev" | "stdvar" | "topk" | "bottomk"
            | "limitk" | "limit_ratio" | "quantile" | "count_values" => Self::Aggregation,
            "and" | "or" | "unless" | "by" | "without" | "offset" | "anchored" | "smoothed" | "fill"
            | "fill_left" | "fill_right" => Self::Keyword,
            "atan2" | "bool" | "on" | "ignoring" | "group_left" | "group_right" => Self::Operator,
            _ => Self::Plain,
        }
    }
}

/// What the parameter of an aggregation is, if it has one.
fn param_kind(name: &str) -> Option<Kind> {
    match name {
        "count_values" => Some(Kind::Text),
        "topk" | "bottomk" | "limitk" | "limit_ratio" | "quantile" => Some(Kind::Scalar),
        _ => None,
    }
}

/// The labels of `by` or `without`, and whether they go.
type Grouping = (Vec<Arc<str>>, bool);

impl Parser<'_> {
    /// An aggregation after its name.
    pub(super) fn aggregate(&mut self, name: Token<'_>) -> Result<Expr, QueryError> {
        let lower = name.text.to_ascii_lowercase();
        let grouping = self.grouping()?;
        let param_kind = param_kind(&lower);
        if !self.next.is("(") {
            return Err(self.unexpected(&format!("\"(\" and what {lower} puts together")));
        }
        if param_kind == Some(Kind::Text) {
            self.check_label()?;
        }
        let args = self.arguments();
        args.and_then(|args| self.aggregated((name, &lower), grouping, args))
    }

    fn aggregated(
        &mut self,
        (name, lower): (Token<'_>, &str),
        mut grouping: Option<Grouping>,
        mut args: Vec<Operand>,
    ) -> Result<Expr, QueryError> {
        if grouping.is_none() {
            grouping = self.grouping()?;
        }
        let param_kind = param_kind(lower);
        let expected = 1 + usize::from(param_kind.is_some());
        if args.len() != expected {
            let found = args.len();
            return Err(self.error(name.at, match found {
                0 => "no arguments for aggregate expression provided".to_owned(),
                _ => format!(
                    "wrong number of arguments for aggregate expression provided, expected {expected}, got {found}"
                ),
            }));
        }
        let of = args.pop().ok_or_else(|| self.error(name.at, "no arguments"))?;
        self.check_kind(&of, Kind::Vector, "aggregation expression")?;
        let param = args.pop();
        if let (Some(param), Some(kind)) = (&param, param_kind) {
            self.check_kind(param, kind, "aggregation parameter")?;
        }
        let Some(op) = AggregateOp::by_name(lower) else {
            return Err(self.not_yet(name.at, lower));
        };
        let (labels, without) = grouping.unwrap_or_default();
        let (of, param) = (of.expr, param.map(|param| param.expr));
        let span = Span::new(name.at, self.end);
        Ok(Expr::Aggregate(Box::new(Aggregate { op, of, param, labels, without, span })))
    }

    /// `by (…)` or `without (…)`: the labels, and whether they go.
    fn grouping(&mut self) -> Result<Option<Grouping>, QueryError> {
        let by = self.next.is_word("by");
        if !by && !self.next.is_word("without") {
            return Ok(None);
        }
        self.bump()?;
        Ok(Some((self.labels()?, !by)))
    }

    /// A label's name that begins the arguments is UTF-8.
    fn check_label(&self) -> Result<(), QueryError> {
        let mut ahead = self.lexer.clone();
        let first = ahead.token().map_err(|error| self.error(error.at, error.message))?;
        if first.kind == token::Kind::Text {
            self.quoted_name(first, "invalid label name")?;
        }
        Ok(())
    }
}
