//! What can be wrong with a query.

/// Characters of a line that are shown with an error.
const SHOWN_MAX: usize = 100;
/// Of them, the most before the place.
const SHOWN_BEFORE_MAX: usize = 60;

/// Why a query has no value.
///
/// Lines and columns count from 1, columns in characters.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// The text is not PromQL.
    #[error("{line}:{column}: parse error: {message}")]
    Parse {
        /// What was found and what was expected.
        message: String,
        /// The line of the text.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// The text is PromQL that is not evaluated here yet.
    #[error("{line}:{column}: not implemented yet: {what}")]
    NotYet {
        /// The name of what is missing.
        what: String,
        /// The line of the text.
        line: usize,
        /// The column in that line.
        column: usize,
    },
    /// The samples do not fit the query, for example many-to-many matching.
    #[error("{0}")]
    Eval(String),
    /// It took longer than it may.
    #[error("query timed out in expression evaluation: it may take {0:?}")]
    Time(std::time::Duration),
    /// Nobody waits for it any more.
    #[error("query was canceled")]
    Cancelled,
    /// A limit was reached while evaluating.
    #[error("the query needs more than {max} {name}")]
    Limit {
        /// The limit's name, a field of [`EvalLimits`](super::EvalLimits).
        name: &'static str,
        /// Its figure.
        max: usize,
    },
}

impl QueryError {
    /// The line and column in the text that it is about, from 1, if it is about one.
    pub const fn place(&self) -> Option<(usize, usize)> {
        match self {
            Self::Parse { line, column, .. } | Self::NotYet { line, column, .. } => Some((*line, *column)),
            Self::Eval(_) | Self::Limit { .. } | Self::Time(_) | Self::Cancelled => None,
        }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> String {
        match self {
            Self::Parse { message, .. } => message.clone(),
            Self::NotYet { what, .. } => format!("not implemented yet: {what}"),
            Self::Eval(_) | Self::Limit { .. } | Self::Time(_) | Self::Cancelled => self.to_string(),
        }
    }

    /// The error, and below it the line of `text` that it is about, with a caret under the character.
    ///
    /// *Shape*: one line if it is about no place of the text, else three. A long line is cut around the place.
    pub fn explain(&self, text: &str) -> String {
        let line_of = |line: usize| text.split('\n').nth(line.saturating_sub(1));
        let Some((column, found)) = self.place().and_then(|(line, column)| Some((column, line_of(line)?)))
        else {
            return self.to_string();
        };
        let before = column.saturating_sub(1);
        let cut = before.saturating_sub(SHOWN_BEFORE_MAX);
        let shown: String = found.trim_end_matches('\r').chars().skip(cut).take(SHOWN_MAX).collect();
        let dots = |cut: bool| if cut { "…" } else { "" };
        let (start, end) = (dots(0 < cut), dots(cut + SHOWN_MAX < found.chars().count()));
        // A tab before the place is as wide below as it is above.
        let pad = shown.chars().take(before - cut).map(|c| if c == '\t' { '\t' } else { ' ' });
        let pad: String = start.chars().map(|_| ' ').chain(pad).collect();
        format!("{self}\n{start}{shown}{end}\n{pad}^")
    }

    /// Two series of one vector have the same labels, Prometheus's words.
    pub fn same_labelset() -> Self {
        Self::Eval("vector cannot contain metrics with the same labelset".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use crate::query::Plan;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Plan::parse(text).unwrap_err().explain(text), expected);
    }

    #[test]
    fn the_place_is_shown() {
        check(
            "a b",
            "1:3: parse error: unexpected \"b\", expected an operator or the end of the text\na b\n  ^",
        );
        check("a +\n\té * *", "2:2: parse error: unexpected character 'é'\n\té * *\n\t^");
        let long = format!("{} b {}", "a +".repeat(50), "c".repeat(200));
        let shown = Plan::parse(&format!("{long} d")).unwrap_err().explain(&long);
        let lines: Vec<&str> = shown.lines().collect();
        assert_eq!(lines[1].chars().count(), 102, "{shown}");
        assert_eq!(lines[1].chars().nth(lines[2].len() - 1), Some('c'), "{shown}");
    }

    #[test]
    fn a_limit_has_no_place() {
        let text = "-".repeat(300);
        check(&text, "the query needs more than 256 operators and brackets");
    }
}
