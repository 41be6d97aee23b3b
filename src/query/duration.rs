//! Durations that are computed, such as `[step() * 2]`: they have a value once the query's range is known.

use super::{
    QueryError,
    expr::{Expr, Over, Span},
    limits::SPAN_MS_MAX,
    span::place,
    value::EvalRange,
};

/// A duration as it is written, in seconds.
#[derive(Debug, Clone, PartialEq)]
pub enum Duration {
    /// A number of seconds.
    Seconds(f64),
    /// `step()`: the query's step, 0 for an instant query.
    Step,
    /// `range()`: from the query's start to its end.
    Range,
    /// `-x`
    Negate(Box<Self>),
    /// Two operands.
    Binary(Box<Operation>),
}

/// Two durations and what is made of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Operation {
    /// The operator.
    pub op: DurationOp,
    /// The left operand.
    pub left: Duration,
    /// The right operand.
    pub right: Duration,
    /// Where the operator stands.
    pub at: usize,
}

/// What is made of two durations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the operators' names")]
pub enum DurationOp {
    Add,
    Sub,
    Mul,
    Div,
    Mod,
    Pow,
    /// `min_of(x, y)`
    Least,
    /// `max_of(x, y)`
    Most,
}

/// The steps and the length of a query in seconds: what `step()` and `range()` are.
#[derive(Debug, Clone, Copy)]
pub struct Follows {
    step: f64,
    range: f64,
}

impl Follows {
    /// What durations of a query over `range` follow.
    #[expect(clippy::cast_precision_loss, reason = "times in ms are below 2^53")]
    pub fn new(range: EvalRange) -> Self {
        let seconds = |ms: i64| ms as f64 / 1000.0;
        Self { step: seconds(range.step), range: seconds(range.end.saturating_sub(range.start)) }
    }
}

impl Duration {
    /// Whether it has a value only for a query.
    pub fn follows_query(&self) -> bool {
        match self {
            Self::Seconds(_) => false,
            Self::Step | Self::Range => true,
            Self::Negate(of) => of.follows_query(),
            Self::Binary(of) => of.left.follows_query() || of.right.follows_query(),
        }
    }

    /// Its seconds.
    ///
    /// # Errors
    ///
    /// When it divides by zero: the operator's place, and what is wrong.
    pub fn seconds(&self, query: Follows) -> Result<f64, (usize, &'static str)> {
        Ok(match self {
            Self::Seconds(v) => *v,
            Self::Step => query.step,
            Self::Range => query.range,
            Self::Negate(of) => -of.seconds(query)?,
            Self::Binary(of) => {
                let (left, right) = (of.left.seconds(query)?, of.right.seconds(query)?);
                match of.op {
                    DurationOp::Add => left + right,
                    DurationOp::Sub => left - right,
                    DurationOp::Mul => left * right,
                    DurationOp::Div if right == 0.0 => return Err((of.at, "division by zero")),
                    DurationOp::Mod if right == 0.0 => return Err((of.at, "modulo by zero")),
                    DurationOp::Div => left / right,
                    DurationOp::Mod => left % right,
                    DurationOp::Pow => left.powf(right),
                    // Unlike Rust's, Go's give NaN for NaN.
                    DurationOp::Least | DurationOp::Most if left.is_nan() || right.is_nan() => f64::NAN,
                    DurationOp::Least => left.min(right),
                    DurationOp::Most => left.max(right),
                }
            }
        })
    }
}

/// A duration with its place, and whether it may be zero and below.
#[derive(Debug, Clone, PartialEq)]
pub struct Written {
    /// How it is computed.
    pub duration: Duration,
    /// Where it stands.
    pub span: Span,
    /// Whether it shifts, so that zero and below have a meaning too.
    pub signed: bool,
}

impl Written {
    /// Its milliseconds; what is less than one is cut off.
    ///
    /// # Errors
    ///
    /// When it has no value, or one that is not allowed here: the place, and what is wrong.
    pub fn ms(&self, query: Follows) -> Result<i64, (usize, &'static str)> {
        let seconds = self.duration.seconds(query)?;
        // A number that stands there is taken to the nanosecond, a computed one not: so a client's own arithmetic
        // gives the same steps as Prometheus's.
        let ms = match self.duration {
            Duration::Seconds(v) => (v * 1e9).round() / 1e6,
            _ => seconds * 1000.0,
        };
        self.checked(ms).map_err(|why| (self.span.start, why))
    }

    fn checked(&self, ms: f64) -> Result<i64, &'static str> {
        #[expect(clippy::cast_precision_loss, reason = "a bound, far below 2^53")]
        let limit = SPAN_MS_MAX as f64;
        if ms.is_nan() {
            return Err("the duration is not a number");
        }
        if !(-limit..=limit).contains(&ms) {
            return Err("the duration is out of range");
        }
        if ms < 1.0 && !self.signed {
            return Err("duration must be greater than 0, at least 1ms");
        }
        #[expect(clippy::cast_possible_truncation, reason = "bounded just here")]
        Ok(ms as i64)
    }
}

/// The durations of one selector or subquery that follow the query.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Computed {
    /// The window's length.
    pub range: Option<Written>,
    /// A subquery's step.
    pub step: Option<Written>,
    /// The offset.
    pub offset: Option<Written>,
}

/// Gives each duration of a tree that follows the query its milliseconds; `text` is the query's, for places.
///
/// # Errors
///
/// When one has no value or one that is not allowed.
pub fn resolve(expr: &mut Expr, query: Follows, text: &str) -> Result<(), QueryError> {
    let ms = |written: &Written| {
        written.ms(query).map_err(|(at, why)| {
            let (line, column) = place(text, at);
            QueryError::Parse { message: why.to_owned(), line, column }
        })
    };
    match expr {
        Expr::Number(..) | Expr::Text(..) => {}
        Expr::Selector(of) => {
            if let Some(offset) = of.computed.as_ref().and_then(|computed| computed.offset.as_ref()) {
                of.shift.offset = ms(offset)?;
            }
        }
        Expr::Range(of) => {
            if let Some(computed) = &of.computed {
                of.range = computed.range.as_ref().map(ms).transpose()?.unwrap_or(of.range);
                of.shift.offset = computed.offset.as_ref().map(ms).transpose()?.unwrap_or(of.shift.offset);
            }
            match &mut of.over {
                Over::Selector(selector) => selector.shift = of.shift,
                Over::Subquery { expr, step } => {
                    let written = of.computed.as_ref().and_then(|computed| computed.step.as_ref());
                    *step = written.map(ms).transpose()?.unwrap_or(*step);
                    resolve(expr, query, text)?;
                }
            }
        }
        Expr::Negate(of, _) | Expr::Plus(of, _) => resolve(of, query, text)?,
        Expr::Call(of) => of.args.iter_mut().try_for_each(|arg| resolve(arg, query, text))?,
        Expr::Aggregate(of) => {
            of.param.iter_mut().try_for_each(|param| resolve(param, query, text))?;
            resolve(&mut of.of, query, text)?;
        }
        Expr::Binary(of) => {
            resolve(&mut of.left, query, text)?;
            resolve(&mut of.right, query, text)?;
        }
    }
    Ok(())
}
