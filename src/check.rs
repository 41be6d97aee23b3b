//! `watchroom check`: the very code that serves reads every file, and says all that is wrong.

use crate::cli::Folders;
use crate::config::{self, ConfigError};
use crate::dashboards::folder::{Folder, Reading, WrongFile};
use crate::document::{Problem, Problems};
use crate::rules::{self, RulesError};

/// What a check found.
#[derive(Debug, Default)]
pub struct Findings {
    /// Problems with a place.
    pub problems: Vec<Problem>,
    /// Files that cannot be read.
    pub unreadable: Vec<String>,
    /// What was read without a problem, one line each.
    pub good: Vec<String>,
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

/// Reads every file.
pub fn check(folders: &Folders) -> Findings {
    let mut findings = Findings::default();
    if let Err(error) = folders.verify() {
        findings.unreadable.push(error.to_string());
        return findings;
    }
    match config::read(folders.config()) {
        Ok(config) => findings.good.push(format!("{}: listens on {}", config::FILE, config.listen)),
        Err(ConfigError::Problems(problems)) => findings.problems(problems),
        Err(error @ ConfigError::File(_)) => findings.unreadable.push(error.to_string()),
    }
    match rules::read(folders.config()) {
        Ok(rules) => findings.good.push(format!("{}: {} rules", rules::FILE, rules.len())),
        Err(RulesError::Problems(problems)) => findings.problems(problems),
        Err(error @ RulesError::File(_)) => findings.unreadable.push(error.to_string()),
    }
    // What is right for one machine is right for each.
    let folder = Folder { path: folders.dashboards(), instance: crate::collect::host_name() };
    match folder.read() {
        Ok(Reading { dashboards, wrong }) => {
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
    findings
}
