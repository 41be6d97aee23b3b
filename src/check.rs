//! `watchroom check`: the very code that serves reads every file, and says all that is wrong.

use std::path::{Path, PathBuf};

use crate::cli::Folders;
use crate::config::{self, ConfigError};
use crate::dashboards::{
    self,
    folder::{Folder, Reading, WrongFile},
};
use crate::document::{Problem, Problems};
use crate::rules::{self, Condition, Rule, RulesError, Suite, SuiteError};

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Problems with a place.
    pub problems: Vec<Problem>,
    /// Files that cannot be read.
    pub unreadable: Vec<String>,
    /// What is right and does not do what it says, one line each; all is well in spite of it.
    pub warnings: Vec<String>,
    /// What was read without a problem, one line each.
    pub good: Vec<String>,
    /// The rules that were read.
    pub rules: Vec<Rule>,
}

impl Findings {
    /// Whether all is well.
    pub const fn is_good(&self) -> bool {
        self.problems.is_empty() && self.unreadable.is_empty()
    }

    fn problems(&mut self, problems: Problems) {
        self.problems.extend(problems.0);
    }
}

/// Reads every file, and with them that of Centrifugo, if one is named.
pub fn check(folders: &Folders, centrifugo: Option<&Path>) -> Findings {
    let mut findings = Findings::default();
    if let Err(error) = folders.verify() {
        findings.unreadable.push(error.to_string());
        return findings;
    }
    settings(folders, centrifugo, &mut findings);
    // What is right for one machine is right for each.
    let folder = Folder { path: folders.dashboards(), instance: crate::collect::host_name() };
    let mut rooms = None;
    match folder.read() {
        Ok(Reading { dashboards, wrong }) => {
            // A dashboard that is wrong has its room, too, once it is mended.
            rooms = wrong.is_empty().then(|| dashboards::rooms(&dashboards));
            let panels: usize = dashboards.iter().map(|dashboard| dashboard.panels.len()).sum();
            findings.good.push(format!("dashboards: {}, with {panels} panels", dashboards.len()));
            for wrong in wrong {
                match wrong.error {
                    WrongFile::Problems(problems) => findings.problems(problems),
                    WrongFile::File(error) => findings.unreadable.push(error.to_string()),
                }
            }
        }
        Err(error) => findings.unreadable.push(error.to_string()),
    }
    match rules::read(folders.config(), rooms.as_deref()) {
        Ok(file) => {
            let records = match file.records.len() {
                0 => String::new(),
                1 => ", and 1 recording rule".to_owned(),
                more => format!(", and {more} recording rules"),
            };
            findings.good.push(format!("{}: {} rules{records}", rules::FILE, file.rules.len()));
            findings.rules = file.rules;
        }
        Err(RulesError::Problems(problems)) => findings.problems(problems),
        Err(error @ RulesError::File(_)) => findings.unreadable.push(error.to_string()),
    }
    findings
}

fn settings(folders: &Folders, centrifugo: Option<&Path>, findings: &mut Findings) {
    match config::read(folders.config(), centrifugo) {
        Ok(config) => {
            let file = centrifugo.map_or_else(|| config::FILE.to_owned(), |file| file.display().to_string());
            if config.listen.ip().is_loopback() {
                findings.good.push(format!("{}: listens on {}", config::FILE, config.listen));
            } else {
                findings.unreadable.push(format!("{file}: {}", config::NotLoopback(config.listen)));
            }
            if centrifugo.is_some() {
                findings.good.push(format!("{file}: {} namespaces", config.namespaces.len()));
            }
            findings.warnings = config.warnings;
        }
        Err(ConfigError::Problems(problems)) => findings.problems(problems),
        Err(error @ (ConfigError::File(_) | ConfigError::Missing(_))) => {
            findings.unreadable.push(error.to_string());
        }
    }
}

/// Each rule with its expression for each severity, as text.
pub fn explain(rules: &[Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        text.push_str(&format!("\n{}\n", rule.name));
        for ((severity, expression), level) in rule.explain().into_iter().zip(&rule.levels) {
            let clear = match level.condition {
                Condition::Above { clear: Some(clear), .. } => format!(", clears below {clear}"),
                Condition::Below { clear: Some(clear), .. } => format!(", clears above {clear}"),
                Condition::Outside { clear_low, clear_high, .. } => {
                    let low = clear_low.map(|clear| format!(", clears above {clear}"));
                    let high = clear_high.map(|clear| format!(", clears below {clear}"));
                    format!("{}{}", low.unwrap_or_default(), high.unwrap_or_default())
                }
                Condition::Above { .. }
                | Condition::Below { .. }
                | Condition::Compare { .. }
                | Condition::Present => String::new(),
            };
            let held = match rule.for_ms {
                0 => String::new(),
                ms => format!(", for {}", rules::duration_text(ms)),
            };
            text.push_str(&format!("  {}{held}{clear}:\n", severity.name()));
            for line in expression.lines() {
                text.push_str(&format!("    {line}\n"));
            }
        }
    }
    text
}

/// Runs the tests of rules; gives what was found, and how many tests and expectations there were.
pub fn test_rules(files: &[PathBuf]) -> Findings {
    let mut findings = Findings::default();
    for file in files {
        match Suite::read(file) {
            Ok(suite) => {
                let report = suite.run();
                if report.failures.is_empty() {
                    let (tests, checks) = (report.tests, report.checks);
                    findings.good.push(format!("{}: {tests} tests, {checks} expectations", file.display()));
                }
                findings.unreadable.extend(report.failures);
            }
            Err(SuiteError::Problems(problems)) => findings.problems(problems),
            Err(error @ (SuiteError::File(_) | SuiteError::Text(_))) => {
                findings.unreadable.push(error.to_string());
            }
        }
    }
    findings
}
