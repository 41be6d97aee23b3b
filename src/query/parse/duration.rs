//! Durations: numbers in `[…]` and after `offset`, and what is computed of them.

use crate::query::{
    QueryError,
    duration::{Duration, DurationOp, Follows, Operation, Written},
    expr::Span,
    value::EvalRange,
};

use super::{Parser, number, token::Kind};

/// How tight the operators of durations bind; a sign binds as tight as `*`.
const SUM: u8 = 1;
const PRODUCT: u8 = 2;
const POWER: u8 = 3;

/// A duration: its milliseconds, and how to compute them where they follow the query.
pub(super) type Parsed = (i64, Option<Written>);

impl Parser<'_> {
    /// A range or a subquery's step: above zero.
    pub(super) fn window(&mut self) -> Result<Parsed, QueryError> {
        let start = self.next.at;
        let duration = self.duration(SUM)?;
        self.known(Written { duration, span: Span::new(start, self.end), signed: false })
    }

    /// What stands after `offset`: of a computation without brackets the first operand only, so that
    /// `a offset 5m + 3` adds to the value.
    pub(super) fn offset_duration(&mut self) -> Result<Parsed, QueryError> {
        let start = self.next.at;
        let duration = if self.next.is("(") {
            // As in Prometheus's grammar, what begins with a bracket goes on.
            self.duration(SUM)?
        } else if self.next.is_sign() {
            let negative = self.next.is("-");
            self.bump()?;
            let of = self.duration_operand()?;
            if negative { negated(of) } else { of }
        } else {
            self.duration_operand()?
        };
        self.known(Written { duration, span: Span::new(start, self.end), signed: true })
    }

    /// The value, if it does not follow the query.
    fn known(&self, written: Written) -> Result<Parsed, QueryError> {
        if written.duration.follows_query() {
            return Ok((1, Some(written)));
        }
        let any = Follows::new(EvalRange::instant(0, 0));
        match written.ms(any) {
            Ok(ms) => Ok((ms, None)),
            Err((at, why)) => Err(self.error(at, why)),
        }
    }

    /// Operands and operators that bind at least as tight as `min`.
    fn duration(&mut self, min: u8) -> Result<Duration, QueryError> {
        let mut left = self.signed_duration()?;
        while let Some((op, power)) = self.duration_operator()
            && min <= power
        {
            let at = self.bump()?.at;
            // `^` goes from right to left.
            let right = self.duration(if power == POWER { POWER } else { power + 1 })?;
            let zero = matches!(right, Duration::Seconds(0.0));
            match op {
                DurationOp::Div if zero => return Err(self.error(at, "division by zero")),
                DurationOp::Mod if zero => return Err(self.error(at, "modulo by zero")),
                _ => left = Duration::Binary(Box::new(Operation { op, left, right, at })),
            }
        }
        Ok(left)
    }

    fn signed_duration(&mut self) -> Result<Duration, QueryError> {
        if !self.next.is_sign() {
            return self.duration_operand();
        }
        let negative = self.next.is("-");
        self.bump()?;
        let of = self.duration(POWER)?;
        Ok(if negative { negated(of) } else { of })
    }

    fn duration_operator(&self) -> Option<(DurationOp, u8)> {
        if self.next.kind != Kind::Symbol {
            return None;
        }
        Some(match self.next.text {
            "+" => (DurationOp::Add, SUM),
            "-" => (DurationOp::Sub, SUM),
            "*" => (DurationOp::Mul, PRODUCT),
            "/" => (DurationOp::Div, PRODUCT),
            "%" => (DurationOp::Mod, PRODUCT),
            "^" => (DurationOp::Pow, POWER),
            _ => return None,
        })
    }

    fn duration_operand(&mut self) -> Result<Duration, QueryError> {
        let token = self.next;
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.bump()?;
                let seconds = number::number(token.text).or(number::duration_seconds(token.text).ok());
                Ok(Duration::Seconds(seconds.unwrap_or(f64::NAN)))
            }
            Kind::Symbol if token.is("(") => {
                let open = self.bump()?;
                let inner = self.duration(SUM)?;
                self.close(open, ")", "an operator or \")\"")?;
                Ok(inner)
            }
            Kind::Word => match token.text.to_ascii_lowercase().as_str() {
                "step" => self.duration_call(Duration::Step),
                "range" => self.duration_call(Duration::Range),
                "min_of" => self.duration_of_two(DurationOp::Least),
                "max_of" => self.duration_of_two(DurationOp::Most),
                _ => Err(self.unexpected("a duration such as 5m, or step() or range()")),
            },
            _ => Err(self.unexpected("a duration such as 5m")),
        }
    }

    fn duration_call(&mut self, gives: Duration) -> Result<Duration, QueryError> {
        self.bump()?;
        let open = self.expect("(", "\"(\"")?;
        self.close(open, ")", "\")\"")?;
        Ok(gives)
    }

    fn duration_of_two(&mut self, op: DurationOp) -> Result<Duration, QueryError> {
        let at = self.bump()?.at;
        let open = self.expect("(", "\"(\"")?;
        let left = self.duration(SUM)?;
        self.close(open, ",", "an operator or \",\"")?;
        let right = self.duration(SUM)?;
        self.close(open, ")", "an operator or \")\"")?;
        Ok(Duration::Binary(Box::new(Operation { op, left, right, at })))
    }
}

fn negated(of: Duration) -> Duration {
    match of {
        Duration::Seconds(v) => Duration::Seconds(-v),
        other => Duration::Negate(Box::new(other)),
    }
}
