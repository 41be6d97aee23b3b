//! Operators by precedence.

use crate::query::{
    QueryError,
    expr::{Binary, BinaryOp, Expr, Group, Kind, Matching, Span},
};

use super::{Operand, Parser, matching::Modifiers, token};

/// How tight `or` binds, and with it every operator at least; each next is tighter.
pub(super) const LOOSEST: u8 = 1;
const AND: u8 = 2;
const COMPARISON: u8 = 3;
const SUM: u8 = 4;
const PRODUCT: u8 = 5;
const POWER: u8 = 6;

/// An operator of two operands where it stands.
#[derive(Debug, Clone, Copy)]
struct Operator {
    op: BinaryOp,
    power: u8,
}

impl Parser<'_> {
    /// Operands and operators that bind at least as tight as `min`.
    pub(super) fn expression(&mut self, min: u8) -> Result<Operand, QueryError> {
        let mut left = if self.next.is_sign() { self.signed() } else { self.operand() };
        while left.is_ok()
            && let Some(operator) = self.operator()
            && min <= operator.power
        {
            left = left.and_then(|left| self.with_right(left, operator));
        }
        left
    }

    /// An operator with its right operand.
    fn with_right(&mut self, left: Operand, operator: Operator) -> Result<Operand, QueryError> {
        let Operator { op, power } = operator;
        let at = self.bump()?.span();
        let modifiers = Box::new(self.modifiers()?);
        // `^` goes from right to left.
        let right = self.expression(if power == POWER { POWER } else { power + 1 })?;
        self.binary((left, op, right), at, *modifiers)
    }

    /// An operand with its signs: `-1^2` is `-(1^2)`, and `-a * b` is `(-a) * b`.
    fn signed(&mut self) -> Result<Operand, QueryError> {
        let sign = self.bump()?;
        let of = self.expression(POWER);
        of.and_then(|of| self.with_sign(sign, of))
    }

    fn with_sign(&self, sign: token::Token<'_>, of: Operand) -> Result<Operand, QueryError> {
        if !matches!(of.expr.kind(), Kind::Scalar | Kind::Vector) {
            let found = of.expr.kind().name();
            let message = format!(
                "unary expression only allowed on expressions of type scalar or instant vector, got {found:?}"
            );
            return Err(self.error(of.span.start, message));
        }
        let span = sign.span().to(of.span);
        Ok(Operand::new(match (of.expr, sign.is("-")) {
            (Expr::Number(v, _), negative) => Expr::Number(if negative { -v } else { v }, span),
            (other, true) => Expr::Negate(Box::new(other), span),
            (other, false) => Expr::Plus(Box::new(other), span),
        }))
    }

    /// The operator that is looked at.
    fn operator(&self) -> Option<Operator> {
        let known = matches!(self.next.kind, token::Kind::Symbol | token::Kind::Word);
        let op = BinaryOp::by_name(&self.next.text.to_ascii_lowercase()).filter(|_| known)?;
        let power = match op {
            BinaryOp::Or => LOOSEST,
            BinaryOp::And | BinaryOp::Unless => AND,
            BinaryOp::TrimUpper | BinaryOp::TrimLower => COMPARISON,
            op if op.is_comparison() => COMPARISON,
            BinaryOp::Add | BinaryOp::Sub => SUM,
            BinaryOp::Pow => POWER,
            _ => PRODUCT,
        };
        Some(Operator { op, power })
    }

    fn binary(
        &self,
        (left, op, right): (Operand, BinaryOp, Operand),
        op_span: Span,
        modifiers: Modifiers,
    ) -> Result<Operand, QueryError> {
        let Modifiers { bool_result, matching } = modifiers;
        let wrong = |message: String| Err(self.error(op_span.start, message));
        for side in [&left, &right] {
            if !matches!(side.expr.kind(), Kind::Scalar | Kind::Vector) {
                let message = "binary expression must contain only scalar and instant vector types";
                return Err(self.error(side.span.start, message));
            }
        }
        let scalars = [&left, &right].map(|side| side.expr.kind() == Kind::Scalar);
        if bool_result && !op.is_comparison() {
            return wrong("bool modifier can only be used on comparison operators".to_owned());
        }
        if op.is_comparison() && !bool_result && scalars == [true, true] {
            return wrong("comparisons between scalars must use BOOL modifier".to_owned());
        }
        if let Some(why) = refused(op, scalars, &matching, op_span.of(self.text)) {
            return wrong(why);
        }
        if op.is_trim() && scalars == [true, true] {
            return wrong(format!("operator \"{}\" not allowed for Scalar operations", op.text()));
        }
        let (span, right_span) = (left.span.to(right.span), right.span);
        let (left, right) = (left.expr, right.expr);
        Ok(Operand::new(Expr::Binary(Box::new(Binary {
            op,
            left,
            right,
            bool_result,
            matching,
            op_span,
            right_span,
            span,
        }))))
    }
}

/// Why an operator cannot have this matching.
fn refused(op: BinaryOp, scalars: [bool; 2], matching: &Matching, written: &str) -> Option<String> {
    let scalar = scalars.contains(&true);
    let fills = matching.fill_left.is_some() || matching.fill_right.is_some();
    if let Some(label) = matching.include.iter().find(|label| matching.on && matching.labels.contains(*label))
    {
        return Some(format!("label {label:?} must not occur in ON and GROUP clause at once"));
    }
    if op.is_set() && scalar {
        return Some(format!("set operator {written:?} not allowed in binary scalar expression"));
    }
    if scalar && !matching.labels.is_empty() {
        return Some("vector matching only allowed between instant vectors".to_owned());
    }
    if scalar && fills {
        return Some("filling in missing series only allowed between instant vectors".to_owned());
    }
    if op.is_set() && matching.group != Group::None {
        return Some(format!("no grouping allowed for {written:?} operation"));
    }
    if op.is_set() && fills {
        return Some("filling in missing series not allowed for set operators".to_owned());
    }
    None
}
