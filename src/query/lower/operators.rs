//! Aggregations and operators of two operands.

use std::sync::Arc;

use promql_parser::parser::{self as parsed, LabelModifier, VectorMatchCardinality};

use crate::query::{
    QueryError,
    expr::{Aggregate, AggregateOp, Binary, BinaryOp, Expr, Group, Kind, Matching},
};

use super::Lowering;

impl Lowering<'_> {
    /// Lowers an aggregation.
    ///
    /// # Errors
    ///
    /// When it is not valid or not evaluated yet.
    pub fn aggregate(&mut self, from: &parsed::AggregateExpr) -> Result<Expr, QueryError> {
        let name = from.op.to_string();
        let Some(op) = aggregate_op(&name) else {
            return Err(self.scanned.not_yet(&name, &name));
        };
        let kind = if op == AggregateOp::CountValues { Kind::Text } else { Kind::Scalar };
        let param = match &from.param {
            Some(param) => Some(self.expr_of(param, kind)?),
            None => None,
        };
        let of = self.expr_of(&from.expr, Kind::Vector)?;
        let (labels, without) = match &from.modifier {
            None => (Vec::new(), false),
            Some(LabelModifier::Include(labels)) => (sorted(&labels.labels), false),
            Some(LabelModifier::Exclude(labels)) => (sorted(&labels.labels), true),
        };
        Ok(Expr::Aggregate(Box::new(Aggregate { op, of, param, labels, without })))
    }

    /// Lowers an operator.
    ///
    /// # Errors
    ///
    /// When it is not valid or not evaluated yet.
    pub fn binary(&mut self, from: &parsed::BinaryExpr) -> Result<Expr, QueryError> {
        let name = from.op.to_string();
        let Some(op) = binary_op(&name) else {
            return Err(self.scanned.not_yet(&name, &name));
        };
        let left = self.expr(&from.lhs)?;
        let right = self.expr(&from.rhs)?;
        for side in [&left, &right] {
            if !matches!(side.kind(), Kind::Scalar | Kind::Vector) {
                return Err(self.refuse("an operator takes scalars and instant vectors"));
            }
        }
        let scalar = left.kind() == Kind::Scalar || right.kind() == Kind::Scalar;
        if op.is_set() && scalar {
            return Err(self.refuse(&format!("set operator '{name}' not allowed with a scalar")));
        }
        let modifier = from.modifier.as_ref();
        let bool_result = modifier.is_some_and(|modifier| modifier.return_bool);
        let matching = modifier.map(matching).unwrap_or_default();
        let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
        if fills && (op.is_set() || scalar) {
            return Err(self.refuse("fill is for operators of two instant vectors"));
        }
        Ok(Expr::Binary(Box::new(Binary { op, left, right, bool_result, matching })))
    }
}

fn matching(from: &parsed::BinModifier) -> Matching {
    let (labels, on) = match &from.matching {
        None => (Vec::new(), false),
        Some(LabelModifier::Include(labels)) => (sorted(&labels.labels), true),
        Some(LabelModifier::Exclude(labels)) => (sorted(&labels.labels), false),
    };
    let (group, include) = match &from.card {
        VectorMatchCardinality::OneToOne | VectorMatchCardinality::ManyToMany => (Group::None, Vec::new()),
        VectorMatchCardinality::ManyToOne(labels) => (Group::Left, sorted(&labels.labels)),
        VectorMatchCardinality::OneToMany(labels) => (Group::Right, sorted(&labels.labels)),
    };
    let fill = &from.fill_values;
    Matching { labels, on, group, include, fill_left: fill.lhs, fill_right: fill.rhs }
}

fn sorted(names: &[String]) -> Vec<Arc<str>> {
    let mut names: Vec<Arc<str>> = names.iter().map(|name| Arc::from(name.as_str())).collect();
    names.sort_unstable();
    names.dedup();
    names
}

fn aggregate_op(name: &str) -> Option<AggregateOp> {
    Some(match name {
        "sum" => AggregateOp::Sum,
        "avg" => AggregateOp::Avg,
        "min" => AggregateOp::Min,
        "max" => AggregateOp::Max,
        "count" => AggregateOp::Count,
        "group" => AggregateOp::Group,
        "stddev" => AggregateOp::Stddev,
        "stdvar" => AggregateOp::Stdvar,
        "topk" => AggregateOp::TopK,
        "bottomk" => AggregateOp::BottomK,
        "limitk" => AggregateOp::LimitK,
        "quantile" => AggregateOp::Quantile,
        "count_values" => AggregateOp::CountValues,
        _ => return None,
    })
}

fn binary_op(name: &str) -> Option<BinaryOp> {
    Some(match name {
        "+" => BinaryOp::Add,
        "-" => BinaryOp::Sub,
        "*" => BinaryOp::Mul,
        "/" => BinaryOp::Div,
        "%" => BinaryOp::Mod,
        "^" => BinaryOp::Pow,
        "atan2" => BinaryOp::Atan2,
        "==" => BinaryOp::Equal,
        "!=" => BinaryOp::NotEqual,
        "<" => BinaryOp::Less,
        "<=" => BinaryOp::LessEqual,
        ">" => BinaryOp::Greater,
        ">=" => BinaryOp::GreaterEqual,
        "and" => BinaryOp::And,
        "or" => BinaryOp::Or,
        "unless" => BinaryOp::Unless,
        _ => return None,
    })
}
