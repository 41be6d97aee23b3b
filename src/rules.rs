//! `alerts.toml`: what is to be watched.
//!
//! The file is read and checked here, by `serve` and by `check`; the engine that evaluates it stands above.

mod file;

pub use file::{FILE, RULES_MAX, RulesError, read};

use crate::query::Plan;

/// One rule of the file.
#[derive(Debug, Clone)]
pub struct Rule {
    /// Its name, unique in the file.
    pub name: String,
    /// What must have a value for the alert to stand.
    pub expr: Option<Plan>,
    /// How long it must stand before it fires, ms.
    pub for_ms: i64,
    /// How bad it is.
    pub severity: Severity,
    /// Labels that the alert adds.
    pub labels: Vec<(String, String)>,
    /// One line for people.
    pub summary: String,
    /// What to do.
    pub description: String,
}

/// How bad an alert is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Severity {
    /// Look soon.
    #[default]
    Warning,
    /// Look now.
    Critical,
}
