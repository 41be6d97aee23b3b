//! Rules tested as data: series, times, and the alerts that are expected then.
//!
//! A test file is in our own form, TOML, or in promtool's, YAML; both become a [`Suite`], which is run over samples in
//! memory with the very evaluator and [`Machine`](super::Machine) that serve.

mod case;
mod diff;
mod groups;
mod own;
mod promtool;
mod samples;

use std::path::Path;

use case::{Case, Member};
pub use diff::time as duration_text;

use super::RuleFile;
use crate::document::{self, FileError, Problems};
use crate::query::shorthand::{self, Described, Item};

/// Evaluations of one test: more than two days by the second.
pub const STEPS_MAX: i64 = 200_000;
/// Values of all series of a file: at 16 bytes each, 32 MB.
pub(super) const VALUES_MAX: usize = 2_000_000;
/// The longest time that a test looks at, ms: a year.
pub const TIME_MS_MAX: i64 = 366 * 86_400_000;

/// Why a test file cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum SuiteError {
    /// It, or the rules in it, are wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// A file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
    /// A file in YAML is wrong, or there is none.
    #[error("{0}")]
    Text(String),
}

/// What a run found.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Tests that ran.
    pub tests: usize,
    /// Expectations in them.
    pub checks: usize,
    /// The expectations that did not hold, each with its place and what differs.
    pub failures: Vec<String>,
}

/// The tests of one file.
#[derive(Debug, Clone)]
pub struct Suite {
    /// The file's name, for messages.
    name: String,
    /// Milliseconds from evaluation to evaluation.
    interval_ms: i64,
    members: Vec<Member>,
    cases: Vec<Case>,
}

impl Suite {
    /// Reads a test file and the rules that it names, which lie beside it.
    ///
    /// # Errors
    ///
    /// [`SuiteError`]; of TOML all problems at once.
    pub fn read(path: &Path) -> Result<Self, SuiteError> {
        let folder = path.parent().unwrap_or(Path::new("."));
        let missing = |path: &Path| SuiteError::Text(format!("{}: there is no such file", path.display()));
        let text = document::text(path)?.ok_or_else(|| missing(path))?;
        Self::parse(&path.to_string_lossy(), &text, &|name| {
            let path = folder.join(name);
            let text = document::text(&path)?.ok_or_else(|| missing(&path))?;
            Ok((path.to_string_lossy().into_owned(), text))
        })
    }

    /// Reads a test file's text; a `name` that ends with `.yml` or `.yaml` has promtool's form. `load` gives the name
    /// and text of a rule file.
    ///
    /// # Errors
    ///
    /// As [`Suite::read`].
    pub fn parse(name: &str, text: &str, load: &Load<'_>) -> Result<Self, SuiteError> {
        if is_yaml(name) { promtool::parse(name, text, load) } else { own::parse(name, text, load) }
    }

    /// Runs the tests.
    pub fn run(&self) -> Report {
        let mut report = Report::default();
        for case in &self.cases {
            report.tests += 1;
            report.checks += case.alerts.len() + case.exprs.len();
            let failures = case.run(&self.members, self.interval_ms);
            let named = failures.into_iter().map(|(line, text)| format!("{}:{line}: {text}", self.name));
            report.failures.extend(named);
        }
        report
    }

    /// The names of the rules that a test expects to alert.
    pub fn tested(&self) -> Vec<&str> {
        let checks = self.cases.iter().flat_map(|case| &case.alerts);
        let firing = checks.filter(|check| !check.expected.is_empty());
        firing.filter_map(|check| check.rule.as_deref()).collect()
    }
}

/// Gives the name and the text of a file that another names.
pub type Load<'a> = dyn Fn(&str) -> Result<(String, String), SuiteError> + 'a;

fn is_yaml(name: &str) -> bool {
    let ending = Path::new(name).extension().unwrap_or_default();
    ending.eq_ignore_ascii_case("yml") || ending.eq_ignore_ascii_case("yaml")
}

/// The rules of a file, in whichever form it is.
fn rules(name: &str, text: &str) -> Result<Vec<Member>, SuiteError> {
    if is_yaml(name) {
        return groups::parse(name, text);
    }
    let RuleFile { rules, records } = super::parse(name, text, None)?;
    let records =
        records.into_iter().map(|one| Member::Record { name: one.name, plan: one.value, labels: one.labels });
    Ok(records.chain(rules.into_iter().map(|rule| Member::Rule(Box::new(rule)))).collect())
}

/// Reads a series, and counts its values into `count`.
///
/// # Errors
///
/// What is wrong with it.
fn series(labels: &str, values: &str, count: &mut usize) -> Result<Described, String> {
    let described = shorthand::parse(&format!("{labels} {values}"));
    let described = described.ok_or_else(|| format!("`{labels}` is no series with values"))?;
    *count += described.values.len();
    if described.is_start_times || described.values.iter().any(|item| matches!(item, Item::Histogram { .. }))
    {
        return Err("native histograms and start times are not read".to_owned());
    }
    if VALUES_MAX < *count {
        return Err(format!("more than {VALUES_MAX} values in one file"));
    }
    Ok(described)
}

/// Steps and times of a test that it may have.
fn check_times(name: &str, interval_ms: i64, last_ms: i64) -> Result<(), SuiteError> {
    if interval_ms <= 0 || TIME_MS_MAX < last_ms || STEPS_MAX < last_ms / interval_ms {
        let text = format!(
            "{name}: a test looks at most at 366 days and evaluates at most {STEPS_MAX} times; choose another interval"
        );
        return Err(SuiteError::Text(text));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
