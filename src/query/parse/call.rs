//! Functions and their arguments.

use std::sync::Arc;

use crate::document::nearest;
use crate::model::Labels;
use crate::query::{
    QueryError,
    expr::{Call, Expr, Over, Prepared, Span},
    functions::{
        Function,
        labels::{Replace, of_absent},
        signature::{self, Signature},
    },
};

use super::{
    Operand, Parser, operators, regex,
    token::{self, Token},
};

impl Parser<'_> {
    /// A function after its name.
    pub(super) fn call(&mut self, name: Token<'_>) -> Result<Expr, QueryError> {
        let Some(signature) = signature::by_name(name.text) else {
            return Err(self.error(name.at, unknown(name.text)));
        };
        let args = self.arguments_of(name.text);
        args.and_then(|args| self.called(name, signature, args))
    }

    fn called(&self, name: Token<'_>, signature: &Signature, args: Vec<Operand>) -> Result<Expr, QueryError> {
        self.check_arguments(name, signature, &args)?;
        let Some(function) = Function::by_name(name.text) else {
            return Err(self.not_yet(name.at, name.text));
        };
        let span = Span::new(name.at, self.end);
        let prepared = match function {
            Function::Absent | Function::AbsentOverTime => Prepared::Labels(absent_labels(args.first())),
            Function::LabelReplace => Prepared::Replace(self.replace(&args)?),
            _ => Prepared::None,
        };
        let args = args.into_iter().map(|arg| arg.expr).collect();
        Ok(Expr::Call(Call { function, args, prepared, span }))
    }

    /// Expressions in brackets, with commas between them.
    pub(super) fn arguments(&mut self) -> Result<Vec<Operand>, QueryError> {
        self.arguments_of("")
    }

    fn arguments_of(&mut self, function: &str) -> Result<Vec<Operand>, QueryError> {
        let open = self.bump()?;
        let mut args = Vec::new();
        if self.take(")")? {
            return Ok(args);
        }
        loop {
            if self.next.kind == token::Kind::End {
                return Err(self.not_closed(open));
            }
            let arg = if function == "info" && args.len() == 1 {
                self.conditions_only()?
            } else {
                self.expression(operators::LOOSEST)?
            };
            args.push(arg);
            if self.take(")")? {
                return Ok(args);
            }
            let comma = self.next.at;
            self.close(open, ",", "an operator, \",\" or \")\"")?;
            if self.next.is(")") {
                return Err(self.error(comma, "trailing commas not allowed in function call args"));
            }
        }
    }

    /// An argument that is conditions and nothing else, which may select everything.
    fn conditions_only(&mut self) -> Result<Operand, QueryError> {
        let start = self.next;
        self.selects_any = start.is("{");
        let arg = self.expression(operators::LOOSEST)?;
        self.selects_any = false;
        match &arg.expr {
            Expr::Selector(_) if start.is("{") => Ok(arg),
            Expr::Selector(_) => {
                let message = "expected label selectors only, got vector selector instead";
                Err(self.error(start.at, message))
            }
            _ => Err(self.error(start.at, "expected label selectors only")),
        }
    }

    fn check_arguments(
        &self,
        name: Token<'_>,
        signature: &Signature,
        args: &[Operand],
    ) -> Result<(), QueryError> {
        let (found, least, most) = (args.len(), signature.least, signature.most);
        let expected = match most {
            Some(most) if most == least && found != least => format!("expected {least}"),
            _ if found < least => format!("expected at least {least}"),
            Some(most) if most < found => format!("expected at most {most}"),
            _ => String::new(),
        };
        if !expected.is_empty() {
            let name_text = signature.name;
            let message = format!("{expected} argument(s) in call to {name_text:?}, got {found}");
            return Err(self.error(name.at, message));
        }
        let context = format!("call to function {:?}", signature.name);
        for (at, arg) in args.iter().enumerate() {
            // The last kind repeats.
            if let Some(kind) = signature.args.get(at).or(signature.args.last()) {
                self.check_kind(arg, *kind, &context)?;
            }
        }
        Ok(())
    }

    /// The four texts of `label_replace`, checked and compiled.
    fn replace(&self, args: &[Operand]) -> Result<Arc<Replace>, QueryError> {
        let text = |at: usize| match args.get(at).map(|arg| &arg.expr) {
            Some(Expr::Text(text, _)) => &**text,
            _ => "",
        };
        let texts = [text(1), text(2), text(3), text(4)];
        let pattern = regex::escaped(texts[3]);
        let replace = Replace::new(texts)
            .or_else(|error| Replace::new([texts[0], texts[1], texts[2], &pattern]).map_err(|_| error));
        // Either the label or the regular expression.
        let wrong = if texts[0].is_empty() { 1 } else { 4 };
        let at = args.get(wrong).map_or(0, |arg| arg.span.start);
        replace.map(Arc::new).map_err(|why| self.error(at, why.to_string()))
    }
}

fn unknown(name: &str) -> String {
    let known: Vec<&str> = signature::SIGNATURES.iter().map(|signature| signature.name).collect();
    let advice = match nearest(name, &known) {
        Some(near) => format!(", did you mean {near:?}?"),
        None => String::new(),
    };
    format!("unknown function with name {name:?}{advice}")
}

fn absent_labels(of: Option<&Operand>) -> Labels {
    match of.map(|of| &of.expr) {
        Some(Expr::Selector(selector)) => of_absent(&selector.matchers),
        Some(Expr::Range(range)) => match &range.over {
            Over::Selector(selector) => of_absent(&selector.matchers),
            Over::Subquery { .. } => Labels::empty(),
        },
        _ => Labels::empty(),
    }
}
