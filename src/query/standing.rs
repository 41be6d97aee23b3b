//! What a standing query keeps from step to step, so that a step costs by the samples that came and not by its windows.
//!
//! A [`Leaf`] is a selector, or a function of a selector's windows: it is given samples as they come and has a value
//! of each series at the newest step. Everything above the leaves is computed anew at each step, by the same code as for
//! a range; what depends on labels alone is kept in a [`Memory`].

pub mod groups;
pub mod leaf;
pub mod queue;
pub mod window;

use std::cell::RefCell;

use crate::model::Labels;

use super::{
    expr::{Call, Edges, Expr, Over, Range, Shift},
    functions::{Function, WindowFunction},
};
pub use groups::Groups;
pub use leaf::{Leaf, Shape};

/// What a leaf computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// The newest sample, until it is too old.
    Newest,
    /// Its time in seconds.
    NewestTime,
    /// A function of windows.
    Window(WindowFunction),
}

impl Kept {
    /// Whether the names of the series go.
    pub const fn drops_name(self) -> bool {
        match self {
            Self::Newest => false,
            Self::NewestTime => true,
            Self::Window(function) => !function.keeps_name(),
        }
    }

    /// Whether there is a form of it that looks at few samples of a window.
    const fn is_incremental(self) -> bool {
        match self {
            Self::Newest | Self::NewestTime => true,
            Self::Window(function) => {
                function.is_incremental() || matches!(function, WindowFunction::Changes)
            }
        }
    }
}

/// The values of a leaf at one step.
#[derive(Debug, Clone, Copy)]
pub struct Dense<'a> {
    /// The labels of its series, in the order of the store.
    pub labels: &'a [Labels],
    /// A value of each series, [`ABSENT`](super::column::ABSENT) where there is none.
    pub values: &'a [f64],
    /// Whether the names of the series go.
    pub drop_name: bool,
    /// Another one when a series went or came elsewhere than at the end.
    pub generation: u64,
}

/// What depends on labels alone.
#[derive(Debug, Default)]
pub struct Memory(RefCell<Groups>);

impl Memory {
    /// The groups of the query's aggregations.
    pub const fn groups(&self) -> &RefCell<Groups> {
        &self.0
    }
}

/// What an evaluation of one step finds already done.
#[derive(Debug, Clone, Copy)]
pub struct Standing<'a> {
    /// The values of leaves, by the number of their selector.
    pub leaves: &'a [Option<Dense<'a>>],
    /// What the query keeps.
    pub memory: &'a Memory,
}

/// The leaves of a tree by the numbers of their selectors: what they compute, and how far back a sample counts, ms.
/// `None` for a selector that must be read at each step.
pub fn leaves(expr: &Expr, count: usize, lookback: i64) -> Vec<Option<Shape>> {
    let mut found = vec![None; count];
    collect(expr, lookback, &mut found);
    found
}

fn collect(expr: &Expr, lookback: i64, found: &mut [Option<Shape>]) {
    if let Some((index, kept, range)) = leaf(expr) {
        if kept.is_incremental() {
            found[index] = Some(Shape { kept, range: range.unwrap_or(lookback) });
        }
        return;
    }
    match expr {
        Expr::Number(..) | Expr::Text(..) | Expr::Selector(_) | Expr::Range(_) => {}
        Expr::Negate(of, _) | Expr::Plus(of, _) => collect(of, lookback, found),
        Expr::Call(call) => call.args.iter().for_each(|arg| collect(arg, lookback, found)),
        Expr::Aggregate(of) => {
            of.param.iter().chain([&of.of]).for_each(|of| collect(of, lookback, found));
        }
        Expr::Binary(of) => [&of.left, &of.right].into_iter().for_each(|of| collect(of, lookback, found)),
    }
}

/// The number of the selector of a node that could be a leaf, with what it computes and the length of its windows.
pub fn leaf(expr: &Expr) -> Option<(usize, Kept, Option<i64>)> {
    match expr {
        Expr::Plus(of, _) => leaf(of),
        Expr::Selector(selector) if is_now(selector.shift) => Some((selector.index, Kept::Newest, None)),
        Expr::Call(call) => match call.function {
            Function::Timestamp => match call.args.first() {
                Some(Expr::Selector(selector)) if is_now(selector.shift) => {
                    Some((selector.index, Kept::NewestTime, None))
                }
                _ => None,
            },
            Function::Window(function) => window(call, function),
            _ => None,
        },
        _ => None,
    }
}

fn window(call: &Call, function: WindowFunction) -> Option<(usize, Kept, Option<i64>)> {
    let [Expr::Range(of)] = call.args.as_slice() else { return None };
    match &**of {
        Range { over: Over::Selector(selector), range, shift, edges: Edges::Plain, .. } if is_now(*shift) => {
            Some((selector.index, Kept::Window(function), Some(*range)))
        }
        _ => None,
    }
}

/// Whether windows end at the step itself. Samples of an offset's time are long sealed: they are read.
fn is_now(shift: Shift) -> bool {
    shift == Shift::default()
}
