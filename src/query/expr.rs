//! The tree that is evaluated: what is left of PromQL's syntax once it is checked.

mod operators;

use std::sync::Arc;

use crate::model::{Labels, Matcher};

use super::{
    duration::Computed,
    functions::{Function, labels::Replace},
};

pub use super::span::Span;
pub use operators::{AggregateOp, BinaryOp};

/// An expression. Every node knows where it stands, see [`Expr::span`].
#[derive(Debug, Clone)]
pub enum Expr {
    /// A number.
    Number(f64, Span),
    /// A text, an argument of functions.
    Text(Arc<str>, Span),
    /// The newest sample of each series.
    Selector(Selector),
    /// Windows of samples: an argument of functions, or a whole instant query.
    Range(Box<Range>),
    /// `-x`
    Negate(Box<Self>, Span),
    /// `+x`: the same values; but it is no selector any more.
    Plus(Box<Self>, Span),
    /// A function.
    Call(Call),
    /// `sum by (…) (…)` and its like.
    Aggregate(Box<Aggregate>),
    /// Two operands.
    Binary(Box<Binary>),
}

/// What an expression gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number for each step.
    Scalar,
    /// A text.
    Text,
    /// Series with one value for each step.
    Vector,
    /// Series with a window of samples for each step.
    Range,
}

impl Kind {
    /// Its name in Prometheus's words.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scalar => "scalar",
            Self::Text => "string",
            Self::Vector => "instant vector",
            Self::Range => "range vector",
        }
    }
}

impl Expr {
    /// Where it stands in the text.
    ///
    /// Brackets around the whole of it are not in it, as Prometheus takes them away before it evaluates; those around
    /// the first or last operand of an operator are.
    pub const fn span(&self) -> Span {
        match self {
            Self::Number(_, span) | Self::Text(_, span) => *span,
            Self::Negate(_, span) | Self::Plus(_, span) => *span,
            Self::Selector(of) => of.span,
            Self::Range(of) => of.span,
            Self::Call(of) => of.span,
            Self::Aggregate(of) => of.span,
            Self::Binary(of) => of.span,
        }
    }

    /// What the expression gives.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Number(..) => Kind::Scalar,
            Self::Text(..) => Kind::Text,
            Self::Selector(_) | Self::Aggregate(_) => Kind::Vector,
            Self::Range(_) => Kind::Range,
            Self::Negate(of, _) | Self::Plus(of, _) => of.kind(),
            Self::Call(call) => call.function.kind(),
            Self::Binary(binary) => match (binary.left.kind(), binary.right.kind()) {
                (Kind::Scalar, Kind::Scalar) => Kind::Scalar,
                _ => Kind::Vector,
            },
        }
    }
}

/// Where in time something is read, relative to the step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Shift {
    /// The time that stands for the step's.
    pub at: Option<At>,
    /// Milliseconds earlier; negative for later.
    pub offset: i64,
}

/// A time that `@` fixes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum At {
    /// The query's start.
    Start,
    /// The query's end.
    End,
    /// Milliseconds since the Unix epoch.
    Time(i64),
}

/// An instant selector, or the series under a range.
#[derive(Debug, Clone)]
pub struct Selector {
    /// Its place among the query's selectors.
    pub index: usize,
    /// The conditions; the first is the name, if the query gives it outside the braces.
    pub matchers: Vec<Matcher>,
    /// Where in time.
    pub shift: Shift,
    /// What counts at the edges of its windows, or at the step of an instant selector.
    pub edges: Edges,
    /// Its offset, where that follows the query.
    pub computed: Option<Box<Computed>>,
    /// Where it stands: under a range without the brackets and what follows them.
    pub span: Span,
}

/// What counts at the edges of a window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Edges {
    /// The samples in the window and no others.
    #[default]
    Plain,
    /// `anchored`: at the start the newest sample before it.
    Anchored,
    /// `smoothed`: at both ends the value on the line between the samples around it.
    Smoothed,
}

/// Windows of `range` ms, open on the left.
#[derive(Debug, Clone)]
pub struct Range {
    /// What the samples are.
    pub over: Over,
    /// The window's length, ms.
    pub range: i64,
    /// Where in time; of a selector its own, repeated here.
    pub shift: Shift,
    /// What counts at the edges; of a selector its own, repeated here.
    pub edges: Edges,
    /// Its length, step and offset, where they follow the query; see [`Computed`].
    pub computed: Option<Box<Computed>>,
    /// Where it stands.
    pub span: Span,
}

/// The source of the samples in a window.
#[derive(Debug, Clone)]
pub enum Over {
    /// Stored samples.
    Selector(Selector),
    /// The values of an expression at its own steps.
    Subquery {
        /// The expression.
        expr: Expr,
        /// Milliseconds from step to step.
        step: i64,
    },
}

/// A function with its arguments, of the number and the kinds that it wants.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which.
    pub function: Function,
    /// The arguments.
    pub args: Vec<Expr>,
    /// What was made of the arguments once for all evaluations.
    pub prepared: Prepared,
    /// Where it stands.
    pub span: Span,
}

/// What a function makes of its arguments once.
#[derive(Debug, Clone)]
pub enum Prepared {
    /// Nothing.
    None,
    /// The labels of `absent` and `absent_over_time`.
    Labels(Labels),
    /// The expression of `label_replace`, compiled.
    Replace(Arc<Replace>),
}

/// How series are put together.
#[derive(Debug, Clone)]
pub struct Aggregate {
    /// What is computed over a group.
    pub op: AggregateOp,
    /// The series.
    pub of: Expr,
    /// `k` of `topk`, the label of `count_values` and so on.
    pub param: Option<Expr>,
    /// The label names of the group, sorted.
    pub labels: Vec<Arc<str>>,
    /// Whether `labels` are those that go.
    pub without: bool,
    /// Where it stands.
    pub span: Span,
}

/// Two operands and how they meet.
#[derive(Debug, Clone)]
pub struct Binary {
    /// The operator.
    pub op: BinaryOp,
    /// The left operand.
    pub left: Expr,
    /// The right operand.
    pub right: Expr,
    /// Whether a comparison answers 1 or 0, not filters.
    pub bool_result: bool,
    /// How the series of two vectors meet.
    pub matching: Matching,
    /// Where the operator itself stands.
    pub op_span: Span,
    /// Where the right operand stands, with brackets around it.
    pub right_span: Span,
    /// Where the whole stands, with the brackets around an operand.
    pub span: Span,
}

/// How series of two vectors meet.
#[derive(Debug, Clone, Default)]
pub struct Matching {
    /// The labels of `on` or `ignoring`, sorted.
    pub labels: Vec<Arc<str>>,
    /// Whether `labels` are the ones that count, not the ones that do not.
    pub on: bool,
    /// Which side may have several series for one of the other.
    pub group: Group,
    /// The labels that the "many" side gets from the "one" side.
    pub include: Vec<Arc<str>>,
    /// The value of a left series that is not there; of a right one under `group_right`.
    pub fill_left: Option<f64>,
    /// The value of a right series that is not there; of a left one under `group_right`.
    pub fill_right: Option<f64>,
}

/// Which side may have several series for one of the other.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Group {
    /// Neither.
    #[default]
    None,
    /// The left one: `group_left`.
    Left,
    /// The right one: `group_right`.
    Right,
}
