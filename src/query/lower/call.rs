//! Functions and their arguments.

use std::sync::Arc;

use promql_parser::parser as parsed;

use crate::model::Labels;
use crate::query::{
    QueryError,
    expr::{Call, Expr, Kind, Over, Prepared},
    functions::{
        Function,
        labels::{Replace, of_absent},
    },
};

use super::Lowering;

impl Lowering<'_> {
    /// Lowers a function. The crate has checked how many arguments there are.
    ///
    /// # Errors
    ///
    /// When an argument is of the wrong kind, or the function is not evaluated yet.
    pub fn call(&mut self, from: &parsed::Call) -> Result<Expr, QueryError> {
        let name = from.func.name;
        let Some(function) = Function::by_name(name) else {
            return Err(self.scanned.not_yet(name, name));
        };
        let mut args = Vec::with_capacity(from.args.len());
        let kinds = &from.func.arg_types;
        for (at, arg) in from.args.args.iter().enumerate() {
            // The last kind repeats; a function without arguments has none.
            let kind = kinds.get(at).or(kinds.last()).copied().map_or(Kind::Vector, kind_of);
            args.push(self.expr_of(arg, kind)?);
        }
        let prepared = match function {
            Function::Absent | Function::AbsentOverTime => Prepared::Labels(absent_labels(args.first())),
            Function::LabelReplace => {
                let replace = replace(&args);
                Prepared::Replace(replace.map_err(|why| self.refuse_at(name, &why.to_string()))?)
            }
            _ => Prepared::None,
        };
        Ok(Expr::Call(Call { function, args, prepared }))
    }
}

/// The four texts of `label_replace`, checked and compiled.
fn replace(args: &[Expr]) -> Result<Arc<Replace>, QueryError> {
    let text = |at: usize| match args.get(at) {
        Some(Expr::Text(text)) => &**text,
        _ => "",
    };
    Replace::new([text(1), text(2), text(3), text(4)]).map(Arc::new)
}

fn kind_of(value: parsed::value::ValueType) -> Kind {
    match value {
        parsed::value::ValueType::Scalar => Kind::Scalar,
        parsed::value::ValueType::String => Kind::Text,
        parsed::value::ValueType::Vector => Kind::Vector,
        parsed::value::ValueType::Matrix => Kind::Range,
    }
}

fn absent_labels(of: Option<&Expr>) -> Labels {
    match of {
        Some(Expr::Selector(selector)) => of_absent(&selector.matchers),
        Some(Expr::Range(range)) => match &range.over {
            Over::Selector(selector) => of_absent(&selector.matchers),
            Over::Subquery { .. } => Labels::empty(),
        },
        _ => Labels::empty(),
    }
}
