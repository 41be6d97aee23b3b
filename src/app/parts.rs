//! What is opened before anything runs: the files, the dashboards, and what nodes share.

use std::path::{Path, PathBuf};

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::mpsc;

use crate::backend::{Backend, Delivery};
use crate::cli::Folders;
use crate::clock::Clock;
use crate::collect::host_name;
use crate::config::Config;
use crate::dashboards::{
    Dashboard, Dashboards, Pushed,
    folder::{Folder, Reading},
};
use crate::journal::{self, Journal, JournalConfig, Retention};
use crate::store::{Store, StoreConfig};
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;

/// Interval of the samples after which a series that ended with the last process gets its marker, ms.
const RESTART_MARK_MS: i64 = 1_000;
/// What a backup's file of events is called beside that of samples.
const EVENTS_ENDING: &str = ".events";

/// What is open, before any task of the site runs.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    /// This node's name.
    pub(super) instance: String,
    pub(super) clock: Clock,
    pub(super) registry: Registry,
    /// The folder of `alerts.toml`.
    pub(super) config: PathBuf,
    pub(super) dashboards: Dashboards,
    /// Where dashboards are read from.
    pub(super) folder: Folder,
    pub(super) store: Store,
    /// When the last run was last seen, ms.
    pub(super) last_seen: Option<i64>,
    /// What was pushed to earlier runs.
    pub(super) pushed: Pushed,
    pub(super) journal: Journal,
    pub(super) backend: Backend,
}

impl Parts {
    /// Opens all of it; returns also what the backend delivers.
    ///
    /// # Errors
    ///
    /// When a file is wrong, or something cannot be opened or reached.
    pub(super) async fn open(
        config: &Config,
        folders: &Folders,
        clock: Clock,
        supervisor: &Supervisor,
    ) -> anyhow::Result<(Self, mpsc::Receiver<Delivery>)> {
        let registry = Registry::default();
        let instance = config.instance.clone().unwrap_or_else(host_name);
        let dashboards = Dashboards::default();
        let folder = Folder { path: folders.dashboards(), instance: instance.clone() };
        dashboards.replace(all_right(folder.read().map_err(super::explain)?)?);
        let (store, last_seen) = open_store(config, folders, &clock).await?;
        let pushed = pushed_before(&store);
        let journal = open_journal(config, folders, &clock, &registry).await?;
        let (backend, deliveries) = shared(config, &instance, &journal, supervisor, &registry).await?;
        let config = folders.config().to_owned();
        let parts = Self {
            instance,
            clock,
            registry,
            config,
            dashboards,
            folder,
            store,
            last_seen,
            pushed,
            journal,
            backend,
        };
        Ok((parts, deliveries))
    }

    /// Flushes and closes the files; blocks.
    pub(super) fn close(&self) {
        self.journal.shutdown();
        self.store.shutdown();
    }
}

/// Raises the limit of descriptors as far as the system allows: each connection takes one.
pub(super) fn descriptors() {
    let limit = getrlimit(Resource::Nofile);
    if limit.current != limit.maximum
        && let Err(error) =
            setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })
    {
        tracing::warn!(error = %error, "the limit of open files stays as it is");
    }
}

/// A start with a part of the dashboards would hide that something is wrong.
fn all_right(reading: Reading) -> anyhow::Result<Vec<Dashboard>> {
    match reading.wrong.into_iter().next() {
        None => Ok(reading.dashboards),
        Some(wrong) => Err(super::explain(wrong.error)),
    }
}

/// What was pushed to earlier runs.
fn pushed_before(store: &Store) -> Pushed {
    let pushed = Pushed::default();
    for labels in store.series(&[]) {
        pushed.note(&labels);
    }
    pushed
}

/// Opens the store; tells also when the last run was last seen.
async fn open_store(
    config: &Config,
    folders: &Folders,
    clock: &Clock,
) -> anyhow::Result<(Store, Option<i64>)> {
    let data = folders.data()?;
    std::fs::create_dir_all(&data).with_context(|| format!("{} cannot be made", data.display()))?;
    let defaults = StoreConfig::default();
    let settings = StoreConfig {
        retention_ms: config.retention_ms.unwrap_or(defaults.retention_ms),
        retention_bytes: config.retention_bytes.unwrap_or(defaults.retention_bytes),
        ..defaults
    };
    let clock = clock.clone();
    let store = tokio::task::spawn_blocking(move || Store::open(&data, settings, &clock))
        .await
        .context("opening the store")?
        .context("opening the store")?;
    // Whatever ended with the last process is a gap until its next sample, never a flat line.
    let newest = store.newest();
    let last_seen = newest.iter().filter_map(|(_, _, newest)| *newest).max();
    let ends: Vec<_> =
        newest.into_iter().filter_map(|(id, _, newest)| Some((id, newest? + RESTART_MARK_MS))).collect();
    store.persist_lazily(&store.mark_stale(&ends).rows);
    if store.unclean_restart() {
        tracing::warn!("the last run did not end in order; what was acknowledged is there");
    }
    Ok((store, last_seen))
}

/// What nodes share, in Redis or in the journal.
async fn shared(
    config: &Config,
    instance: &str,
    journal: &Journal,
    supervisor: &Supervisor,
    registry: &Registry,
) -> anyhow::Result<(Backend, mpsc::Receiver<Delivery>)> {
    if let Some(settings) = config.redis.settings() {
        let kept = journal.retention();
        return Backend::redis(&settings, instance, supervisor, registry, kept).await.context("redis");
    }
    let journal = journal.clone();
    let opened = tokio::task::spawn_blocking(move || Backend::embedded(journal)).await;
    opened.context("opening the journal")?.context("opening the journal")
}

async fn open_journal(
    config: &Config,
    folders: &Folders,
    clock: &Clock,
    registry: &Registry,
) -> anyhow::Result<Journal> {
    let data = folders.data()?;
    let mut retention = Retention::default();
    retention.ms = config.retention_events_ms.unwrap_or(retention.ms);
    let settings = JournalConfig { retention, registry: registry.clone() };
    let clock = clock.clone();
    tokio::task::spawn_blocking(move || Journal::open_with(&data, &clock, &settings))
        .await
        .context("opening the journal")?
        .context("opening the journal")
}

/// Copies the samples and the events of a data folder; a server may be writing to it.
pub(super) fn backup(data: &Path, file: &Path) -> anyhow::Result<()> {
    let mut events = file.as_os_str().to_owned();
    events.push(EVENTS_ENDING);
    let events = Path::new(&events);
    for file in [file, events] {
        anyhow::ensure!(!file.exists(), "{} exists already; name another file", file.display());
    }
    crate::store::copy(data, file)
        .with_context(|| format!("the samples of {} could not be copied", data.display()))?;
    // Data of a version without rooms has none.
    if data.join(journal::FILE_NAME).exists() {
        journal::copy(data, events)
            .with_context(|| format!("the events of {} could not be copied", data.display()))?;
    }
    Ok(())
}
