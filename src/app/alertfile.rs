//! `alerts.toml`: read at the start, and again when it changes.

use std::path::PathBuf;

use super::reload;
use crate::alerts::{Alerts, FileShape, ProblemShape};
use crate::clock::Clock;
use crate::dashboards::{self, Dashboards};
use crate::document::{self, Problem};
use crate::live::Live;
use crate::rules::{self, FILE, RuleFile, RulesError};
use crate::supervisor::Supervisor;

/// The rules of a folder, or those that are built in.
#[derive(Debug, Clone)]
pub(super) struct AlertFile {
    pub(super) folder: PathBuf,
    pub(super) dashboards: Dashboards,
    pub(super) clock: Clock,
}

impl AlertFile {
    /// Reads the file.
    ///
    /// # Errors
    ///
    /// [`RulesError`]; all problems at once.
    pub(super) fn read(&self) -> Result<(RuleFile, FileShape), RulesError> {
        let rooms = dashboards::rooms(&self.dashboards.all());
        let rules = rules::read(&self.folder, Some(&rooms))?;
        let built_in = if self.folder.join(FILE).exists() { "" } else { " (built in)" };
        let path = format!("{FILE}{built_in}");
        let (read, records) = (self.clock.now_ms(), rules.records.len());
        let file = FileShape { path, read, rules: rules.rules.len(), records, problems: Vec::new() };
        Ok((rules, file))
    }

    /// What the file says; nothing if it is not there or cannot be read.
    pub(super) fn text(&self) -> Option<String> {
        document::text(&self.folder.join(FILE)).ok().flatten()
    }

    /// Watches the file, of which `text` was read; a bad edit changes no rule, and is said in the log and to the pages.
    pub(super) fn watch(self, mut text: Option<String>, told: (Alerts, Live), supervisor: &Supervisor) {
        let shutdown = supervisor.token().clone();
        supervisor.track(async move {
            // Any file of the folder: this one may be a link, and what it leads to is changed by another name.
            let (_watcher, mut changes) = match reload::changes(&self.folder) {
                Ok(watched) => watched,
                Err(error) => {
                    tracing::warn!(folder = %self.folder.display(), error = %error, "alert rules are not watched");
                    return;
                }
            };
            // It may have changed since it was read.
            loop {
                let reading = self.clone();
                let Ok(now) = tokio::task::spawn_blocking(move || reading.text()).await else { return };
                if now != text {
                    text = now;
                    self.reload(text.as_deref(), &told).await;
                }
                if !reload::changed(&mut changes, &shutdown).await {
                    return;
                }
            }
        });
    }

    async fn reload(&self, text: Option<&str>, (alerts, live): &(Alerts, Live)) {
        // Most likely a mistake, or an editor halfway: every alert would end.
        let missing = match text {
            None => Some("the file is not there"),
            Some(text) if text.trim().is_empty() => Some("the file is empty"),
            Some(_) => None,
        };
        if let Some(message) = missing {
            tracing::warn!(error = message, "alert rules left as they are");
            let help = "for no rules at all, write a comment into it, such as # none".to_owned();
            let problem = ProblemShape { line: 1, column: 1, message: message.to_owned(), help: Some(help) };
            alerts.reload(None, self.with(vec![problem])).await;
            return;
        }
        let reading = self.clone();
        match tokio::task::spawn_blocking(move || reading.read()).await {
            Ok(Ok((rules, file))) => {
                let RuleFile { rules, records } = rules;
                tracing::info!(
                    rules.count = rules.len(),
                    records.count = records.len(),
                    "alert rules reloaded"
                );
                live.record(records).await;
                alerts.reload(Some(rules), file).await;
            }
            Ok(Err(error)) => {
                let text = error.to_string().replace('\n', "; ");
                tracing::warn!(error = text, "alert rules left as they are");
                alerts.reload(None, self.wrong(&error)).await;
            }
            Err(_) => {}
        }
    }

    /// The file and what is wrong with it.
    fn wrong(&self, error: &RulesError) -> FileShape {
        let problems = match error {
            RulesError::Problems(problems) => problems.0.iter().map(shape).collect(),
            RulesError::File(error) => {
                vec![ProblemShape { line: 1, column: 1, message: error.to_string(), help: None }]
            }
        };
        self.with(problems)
    }

    /// The file with problems; the engine knows how many rules hold.
    fn with(&self, problems: Vec<ProblemShape>) -> FileShape {
        FileShape { path: FILE.to_owned(), read: self.clock.now_ms(), rules: 0, records: 0, problems }
    }
}

fn shape(problem: &Problem) -> ProblemShape {
    let (line, column) = problem.place();
    ProblemShape {
        line,
        column,
        message: problem.message().to_owned(),
        help: problem.advice().map(str::to_owned),
    }
}
