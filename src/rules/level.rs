//! From which value on something is an alert, and how bad it is then.

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub enum Severity {
    /// Look soon.
    #[default]
    Warning,
    /// Look now.
    Critical,
}

impl Severity {
    /// Its name in files, labels and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    /// The severity of a name.
    pub fn by_name(name: &str) -> Option<Self> {
        [Self::Warning, Self::Critical].into_iter().find(|severity| severity.name() == name)
    }
}

/// One severity of a rule: an alert of its own, told from the rule's others by its label `severity`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Level {
    /// How bad.
    pub severity: Severity,
    /// From which value on.
    pub condition: Condition,
}

/// The comparisons that have no side to which a value is worse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `>=`
    AtLeast,
    /// `<=`
    AtMost,
}

impl Comparison {
    /// As PromQL writes it.
    pub const fn sign(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::AtLeast => ">=",
            Self::AtMost => "<=",
        }
    }
}

/// Which values are an alert. A NaN is none, but under [`Condition::Present`].
///
/// A `clear` limit is where an alert that fires ends; without one it ends where it began.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Condition {
    /// Any value: the expression itself leaves out what is well.
    Present,
    /// Values above a limit.
    Above {
        /// The limit, itself well.
        limit: f64,
        /// An alert that fires ends below this.
        clear: Option<f64>,
    },
    /// Values below a limit.
    Below {
        /// The limit, itself well.
        limit: f64,
        /// An alert that fires ends above this.
        clear: Option<f64>,
    },
    /// Values below one limit or above another.
    Outside {
        /// The lower limit, itself well.
        low: f64,
        /// The upper limit, itself well.
        high: f64,
        /// An alert that fires because the value is low ends above this.
        clear_low: Option<f64>,
        /// An alert that fires because the value is high ends below this.
        clear_high: Option<f64>,
    },
    /// Values of another comparison.
    Compare {
        /// Which.
        op: Comparison,
        /// With what.
        limit: f64,
    },
}

impl Condition {
    /// Whether a value is an alert; `fires` for one that fires already, which ends at the `clear` limits.
    pub fn holds(&self, value: f64, fires: bool) -> bool {
        let above = |limit: f64, clear: Option<f64>| {
            limit < value || (fires && clear.is_some_and(|clear| clear <= value))
        };
        let below = |limit: f64, clear: Option<f64>| {
            value < limit || (fires && clear.is_some_and(|clear| value <= clear))
        };
        match *self {
            Self::Present => true,
            Self::Above { limit, clear } => above(limit, clear),
            Self::Below { limit, clear } => below(limit, clear),
            Self::Outside { low, high, clear_low, clear_high } => {
                let middle = f64::midpoint(low, high);
                // What is left between the clear limits is well, on whichever side the value was.
                (value < middle && below(low, clear_low)) || (middle <= value && above(high, clear_high))
            }
            Self::Compare { .. } if value.is_nan() => false,
            Self::Compare { op: Comparison::Equal, limit } => value == limit,
            Self::Compare { op: Comparison::NotEqual, limit } => value != limit,
            Self::Compare { op: Comparison::AtLeast, limit } => limit <= value,
            Self::Compare { op: Comparison::AtMost, limit } => value <= limit,
        }
    }

    /// Whether `value` is worse than `than`; any value is worse than a NaN.
    pub fn is_worse(&self, value: f64, than: f64) -> bool {
        if than.is_nan() || value.is_nan() {
            return !value.is_nan();
        }
        match *self {
            Self::Below { .. } | Self::Compare { op: Comparison::AtMost, .. } => value < than,
            Self::Outside { low, high, .. } => {
                let far = |value: f64| (low - value).max(value - high);
                far(than) < far(value)
            }
            Self::Present | Self::Above { .. } | Self::Compare { .. } => than < value,
        }
    }

    /// The expression that gives the values that are an alert, of the expression of all; the `clear` limits are not in
    /// it.
    pub fn expression(&self, value: &str) -> String {
        // A comment in the expression ends with its line.
        let space = if value.contains('#') { '\n' } else { ' ' };
        match *self {
            Self::Present => value.to_owned(),
            Self::Above { limit, .. } => format!("{value}{space}> {limit}"),
            Self::Below { limit, .. } => format!("{value}{space}< {limit}"),
            Self::Outside { low, high, .. } => {
                format!("{value}{space}< {low} or {value}{space}> {high}")
            }
            Self::Compare { op, limit } => format!("{value}{space}{} {limit}", op.sign()),
        }
    }
}
