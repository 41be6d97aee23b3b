//! What can be wrong with a query.

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
            Self::Eval(_) | Self::Limit { .. } => None,
        }
    }

    /// What is wrong, without the place.
    pub fn message(&self) -> String {
        match self {
            Self::Parse { message, .. } => message.clone(),
            Self::NotYet { what, .. } => format!("not implemented yet: {what}"),
            Self::Eval(_) | Self::Limit { .. } => self.to_string(),
        }
    }

    /// Two series of one vector have the same labels, Prometheus's words.
    pub fn same_labelset() -> Self {
        Self::Eval("vector cannot contain metrics with the same labelset".to_owned())
    }
}
