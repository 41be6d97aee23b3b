//! Opens the data and starts the tasks.

use std::{path::Path, sync::Arc};

use anyhow::Context;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{alertfile::AlertFile, notices, own::StoreMetrics, reload, upkeep::Upkeep};
use crate::alerts::{Alerts, AlertsParts};
use crate::backend::{Backend, Delivery, StreamOptions};
use crate::cli::Folders;
use crate::clock::Clock;
use crate::collect::{Collector, HostCollector, OwnCollector, Runner, TopProcesses, host_name};
use crate::config::Config;
use crate::dashboards::{
    Dashboard, Dashboards, Pushed,
    folder::{Folder, Reading},
};
use crate::http::{PushCounters, Shared, Site, intake::Intake, pushed_panels};
use crate::hub::channel::{Namespaces, TOP};
use crate::hub::{Hub, Parts, PushedPanels};
use crate::journal::{self, Journal, JournalConfig, Retention};
use crate::live::{Engine, EngineParts, Live, Made};
use crate::model::Batch;
use crate::rooms::{self, Rooms};
use crate::store::{Store, StoreConfig};
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;

/// Batches of collectors that wait for the engine.
const BATCHES_MAX: usize = 64;
/// Interval of the samples after which a series that ended with the last process gets its marker, ms.
const RESTART_MARK_MS: i64 = 1_000;

/// What a backup's file of events is called beside that of samples.
const EVENTS_ENDING: &str = ".events";

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

/// Opens the store, starts every task, and returns what the pages are made from.
pub(super) async fn site(
    config: &Config,
    folders: &Folders,
    clock: Clock,
    supervisor: &Supervisor,
) -> anyhow::Result<(Shared, Opened)> {
    let registry = Registry::default();
    let instance = config.instance.clone().unwrap_or_else(host_name);
    let dashboards = Dashboards::default();
    let folder = Folder { path: folders.dashboards(), instance: instance.clone() };
    dashboards.replace(all_right(folder.read().map_err(super::explain)?)?);
    let (store, last_seen) = open(config, folders, &clock).await?;
    let pushed = pushed_before(&store);
    let journal = open_journal(config, folders, &clock, &registry).await?;
    let (backend, deliveries) = shared(config, &instance, &journal, supervisor, &registry).await?;
    // Nodes that share samples agree on the epochs of live queries.
    let generation = format!("{:016x}", backend.generation().unwrap_or_else(|| store.generation()));
    let parts = EngineParts { store: store.clone(), clock: clock.clone(), generation };
    let Made { engine, live, steps, carried, appended } = Made::new(parts, &registry);
    let file = AlertFile {
        folder: folders.config().to_owned(),
        dashboards: dashboards.clone(),
        clock: clock.clone(),
    };
    let (rules, read) = file.read().map_err(super::explain)?;
    let parts = AlertsParts {
        node: instance.clone(),
        store: store.clone(),
        backend: backend.clone(),
        journal: journal.clone(),
        clock: clock.clone(),
        dashboards: dashboards.clone(),
        pushed: pushed.clone(),
        rules,
        file: read,
        last_seen,
    };
    let (alerts, changes) = Alerts::start(parts, appended, supervisor, &registry).await?;
    file.watch(alerts.clone(), supervisor);
    let rooms = rooms::Parts {
        backend: backend.clone(),
        dashboards: dashboards.clone(),
        pushed: pushed.clone(),
        clock: clock.clone(),
    };
    let parts = Parts {
        node: instance.clone(),
        namespaces: Namespaces::new(config.namespaces.clone(), config.without_namespace.clone()),
        dashboards: dashboards.clone(),
        backend: backend.clone(),
        live: live.clone(),
        alerts,
        rooms: Rooms::new(rooms, &registry),
        clock: clock.clone(),
        pushed: panels(&pushed),
    };
    let hub = Hub::start(parts, supervisor, &registry);
    let token = supervisor.token();
    supervisor.spawn("live", engine.run(token.clone()));
    supervisor.spawn("deliver", hub.clone().deliver(deliveries));
    supervisor.spawn("steps", hub.clone().steps(steps));
    supervisor.spawn("alert changes", hub.clone().changes(changes));
    supervisor.spawn("carry", carry(carried, backend.clone(), token.clone()));
    let storage = notices::storage(store.storage_state(), instance.clone(), backend.clone(), token.clone());
    supervisor.spawn("storage", storage);
    let upkeep = Upkeep {
        backend: backend.clone(),
        clock: clock.clone(),
        metrics: StoreMetrics::new(&registry),
        store: store.clone(),
        pushed: pushed.clone(),
    };
    supervisor.spawn("upkeep", upkeep.run(token.clone()));
    reload::watch(folder, dashboards.clone(), backend.clone(), supervisor);
    let feeds = Feeds { live: &live, backend: &backend, clock: &clock, registry: &registry };
    let top = collectors(config, &instance, &feeds, supervisor);
    let counters = PushCounters::new(&registry);
    let intake = Intake::new(&registry);
    let timeouts = registry.counter("watchroom_http_timeouts_total", "Requests that took too long.");
    let site = Site {
        instance,
        hub,
        backend,
        live,
        dashboards,
        pushed,
        top,
        registry,
        clock,
        counters,
        intake,
        timeouts,
    };
    Ok((Arc::new(site), Opened { store, journal }))
}

/// The files that are open.
#[derive(Debug)]
pub(super) struct Opened {
    store: Store,
    journal: Journal,
}

/// A start with a part of the dashboards would hide that something is wrong.
fn all_right(reading: Reading) -> anyhow::Result<Vec<Dashboard>> {
    match reading.wrong.into_iter().next() {
        None => Ok(reading.dashboards),
        Some(wrong) => Err(super::explain(wrong.error)),
    }
}

/// Answers for the panels of pushed metrics.
fn panels(pushed: &Pushed) -> PushedPanels {
    let pushed = pushed.clone();
    PushedPanels(Arc::new(move || pushed_panels(&pushed)))
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
async fn open(config: &Config, folders: &Folders, clock: &Clock) -> anyhow::Result<(Store, Option<i64>)> {
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
    if let Some(url) = &config.redis {
        let kept = journal.retention();
        return Backend::redis(url, instance, supervisor, registry, kept).await.context("redis");
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

/// What collectors feed.
struct Feeds<'a> {
    live: &'a Live,
    backend: &'a Backend,
    clock: &'a Clock,
    registry: &'a Registry,
}

fn collectors(
    config: &Config,
    instance: &str,
    parts: &Feeds<'_>,
    supervisor: &Supervisor,
) -> watch::Receiver<Arc<TopProcesses>> {
    let (top, newest) = watch::channel(Arc::new(TopProcesses::default()));
    let mut collectors: Vec<Box<dyn Collector>> = vec![Box::new(OwnCollector::new(instance, parts.registry))];
    if config.collect_host {
        collectors.push(Box::new(HostCollector::new(instance, parts.registry, top)));
    }
    let (sink, batches) = mpsc::channel(BATCHES_MAX);
    let runner = Runner::new(instance, collectors, parts.clock.clone(), parts.registry);
    let token = supervisor.token();
    let shutdown = token.clone();
    supervisor.spawn("collect", async move { runner.run(sink, shutdown).await.map_err(Into::into) });
    supervisor.spawn("batches", submit(batches, parts.live.clone(), token.clone()));
    let channel = format!("{TOP}{instance}");
    supervisor.spawn("processes", publish_top(newest.clone(), channel, parts.backend.clone(), token.clone()));
    newest
}

/// Hands what collectors read to the engine and, without waiting for it, to the disk.
async fn submit(
    mut batches: mpsc::Receiver<Arc<Batch>>,
    live: Live,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    while let Some(Some(batch)) = shutdown.run_until_cancelled(batches.recv()).await {
        let Ok(report) = live.submit(batch).await else { return Ok(()) };
        // One commit a second: after a crash the chart's gap is the outage, and not also the seconds before it.
        // Nobody waits for it; while the disk takes nothing, the samples go with the next block that it takes.
        if live.store().persist(&report.rows).is_err() {
            live.store().persist_lazily(&report.rows);
        }
    }
    Ok(())
}

async fn publish_top(
    mut newest: watch::Receiver<Arc<TopProcesses>>,
    channel: String,
    backend: Backend,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    loop {
        tokio::select! {
            biased;
            () = shutdown.cancelled() => return Ok(()),
            changed = newest.changed() => if changed.is_err() {
                shutdown.cancelled().await;
                return Ok(());
            },
        }
        let data = serde_json::value::to_raw_value(&**newest.borrow_and_update());
        if let Ok(data) = data {
            // The next second has a newer one.
            if let Err(error) = backend.publish(&channel, data, None, StreamOptions::default()).await {
                tracing::debug!(error = %error, "busiest processes not published");
            }
        }
    }
}

async fn carry(
    mut batches: mpsc::Receiver<Arc<Batch>>,
    backend: Backend,
    shutdown: CancellationToken,
) -> anyhow::Result<()> {
    while let Some(Some(batch)) = shutdown.run_until_cancelled(batches.recv()).await {
        if let Err(error) = backend.carry(&batch).await {
            tracing::debug!(error = %error, "samples not carried to other nodes");
        }
    }
    Ok(())
}

/// Seals and flushes; blocks.
pub(super) fn close(opened: &Opened) {
    opened.journal.shutdown();
    opened.store.shutdown();
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
