//! Reading `alerts.toml`.

use std::path::Path;

use super::{Level, OnNoData, Rule, Severity, split};
use crate::document::{self, FileError, Problems, Table};

/// The file's name.
pub const FILE: &str = "alerts.toml";
/// Rules of one file.
pub const RULES_MAX: usize = 2_000;
/// Labels that a rule adds.
pub const LABELS_MAX: usize = 16;

/// Why the rules cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// They are wrong.
    #[error(transparent)]
    Problems(#[from] Problems),
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] FileError),
}

/// Reads the rules of a folder; none if there is no file.
///
/// # Errors
///
/// [`RulesError`]; all problems at once.
pub fn read(folder: &Path) -> Result<Vec<Rule>, RulesError> {
    let path = folder.join(FILE);
    match document::text(&path)? {
        Some(text) => Ok(parse(&path.to_string_lossy(), &text)?),
        None => Ok(Vec::new()),
    }
}

/// Reads the rules of a text; `name` is the file's, for problems.
///
/// # Errors
///
/// [`Problems`], all of them at once.
pub fn parse(name: &str, text: &str) -> Result<Vec<Rule>, Problems> {
    document::read(name, text, |table| {
        let mut names = std::collections::BTreeSet::new();
        let rules = table.tables("rule", |table| rule(table, &mut names));
        let span = table.span();
        if RULES_MAX < rules.len() {
            table.reader().wrong(span, format!("{} rules, at most {RULES_MAX}", rules.len()));
        }
        rules.into_iter().flatten().collect()
    })
}

fn rule(table: &mut Table<'_>, names: &mut std::collections::BTreeSet<String>) -> Option<Rule> {
    let name = table.need_text("name");
    if !name.value.is_empty() && !names.insert(name.value.clone()) {
        table.reader().wrong(name.span, format!("a second rule with the name `{}`", name.value));
    }
    let expr = table.need_text("expr");
    let split = match split::split(&expr.value) {
        Ok(split) => Some(split),
        Err(error) => {
            table.reader().wrong(expr.span, format!("the expression: {error}"));
            None
        }
    };
    let severity = severity(table);
    let (for_ms, labels) = (table.duration_ms("for").unwrap_or(0), table.pairs("labels"));
    let summary = table.text("summary").map(|text| text.value).unwrap_or_default();
    let description = table.text("description").map(|text| text.value).unwrap_or_default();
    let split = split?;
    Some(Rule {
        id: Rule::id_of(&name.value),
        name: name.value,
        levels: vec![Level { severity, condition: split.condition }],
        value: split.value,
        for_ms,
        keep_firing_ms: 0,
        on_no_data: OnNoData::default(),
        labels: labels.into_iter().map(|(name, value)| (name, value.value)).collect(),
        summary,
        description,
        runbook: String::new(),
        unit: String::new(),
        rooms: Vec::new(),
        text: expr.value,
        line: 1,
    })
}

fn severity(table: &mut Table<'_>) -> Severity {
    match table.text("severity") {
        None => Severity::default(),
        Some(word) if word.value == "warning" => Severity::Warning,
        Some(word) if word.value == "critical" => Severity::Critical,
        Some(word) => {
            let message = format!("no severity is called `{}`", word.value);
            table.reader().wrong_with(word.span, message, "there are `warning` and `critical`");
            Severity::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_checked_with_their_expressions() {
        let good =
            "[[rule]]\nname = 'Load high'\nexpr = 'node_load1 > 8'\nfor = '5m'\nseverity = 'critical'\n";
        let rules = parse("alerts.toml", good).unwrap();
        assert_eq!((rules[0].for_ms, rules[0].levels[0].severity), (300_000, Severity::Critical));
        let bad = "[[rule]]\nname = 'a'\nexpr = 'sum('\nseverity = 'bad'\nfro = '5m'\n";
        let problems = parse("alerts.toml", bad).unwrap_err().to_string();
        for expected in [
            "alerts.toml:3:8: the expression",
            "alerts.toml:4:12: no severity",
            "alerts.toml:5:1: unknown key `fro`",
        ] {
            assert!(problems.contains(expected), "{problems}");
        }
    }
}
