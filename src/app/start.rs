//! Starts the tasks.

use std::sync::Arc;

use tokio::sync::{mpsc, watch};
use tokio_util::sync::CancellationToken;

use super::{alertfile::AlertFile, notices, own::StoreMetrics, parts::Parts, reload, upkeep::Upkeep};
use crate::alerts::{Alerts, AlertsParts, Change};
use crate::backend::{Backend, Delivery, Publishing, StreamOptions};
use crate::clock::Clock;
use crate::collect::{Collector, HostCollector, OwnCollector, Runner, TopProcesses};
use crate::config::Config;
use crate::dashboards::Pushed;
use crate::http::{PushCounters, Shared, Site, intake::Intake, pushed_panels};
use crate::hub::channel::{Namespaces, TOP};
use crate::hub::{self, Hub, PushedPanels};
use crate::ingest::Catalog;
use crate::live::{EngineParts, Live, Made};
use crate::model::Batch;
use crate::rooms::{self, Rooms};
use crate::rules::RuleFile;
use crate::supervisor::Supervisor;
use crate::telemetry::Registry;

/// Batches of collectors that wait for the engine.
const BATCHES_MAX: usize = 64;

/// Starts every task, and returns what the pages are made from.
pub(super) async fn site(
    config: &Config,
    parts: Parts,
    deliveries: mpsc::Receiver<Delivery>,
    supervisor: &Supervisor,
) -> anyhow::Result<Shared> {
    let Parts { instance, clock, registry, dashboards, folder, store, pushed, backend, .. } = parts.clone();
    // Nodes that share samples agree on the epochs of live queries.
    let generation = format!("{:016x}", backend.generation().unwrap_or_else(|| store.generation()));
    let engine = EngineParts { store: store.clone(), clock: clock.clone(), generation };
    let Made { engine, live, steps, carried, appended } = Made::new(engine, &registry);
    let (alerts, changes) = alerts(&parts, &live, appended, supervisor).await?;
    let hub = hub::Parts {
        node: instance.clone(),
        namespaces: Namespaces::new(
            config.namespaces.clone(),
            config.without_namespace.clone(),
            config.options.syntax.clone(),
        ),
        options: Arc::new(config.options.clone()),
        dashboards: dashboards.clone(),
        backend: backend.clone(),
        live: live.clone(),
        alerts: alerts.clone(),
        rooms: rooms(&parts),
        clock: clock.clone(),
        pushed: panels(&pushed),
    };
    let hub = Hub::start(hub, supervisor, &registry);
    let token = supervisor.token();
    supervisor.spawn("live", engine.run(token.clone()));
    supervisor.spawn_last("deliver", hub.clone().deliver(deliveries));
    supervisor.spawn("steps", hub.clone().steps(steps));
    if backend.is_shared() {
        supervisor.spawn("report", hub.clone().report());
    }
    supervisor.spawn("alert changes", hub.clone().changes(changes));
    supervisor.spawn("carry", carry(carried, backend.clone(), token.clone()));
    let storage = notices::storage(store.storage_state(), instance.clone(), backend.clone(), token.clone());
    supervisor.spawn("storage", storage);
    let upkeep = Upkeep {
        backend: backend.clone(),
        clock: clock.clone(),
        metrics: StoreMetrics::new(&registry),
        store,
        pushed: pushed.clone(),
        supervisor: supervisor.clone(),
        tasks: registry
            .gauge("watchroom_tasks", "Tasks that run: those of the server, and one for each connection."),
    };
    supervisor.spawn("upkeep", upkeep.run(token.clone()));
    reload::watch(folder, dashboards.clone(), backend.clone(), supervisor);
    let feeds = Feeds { live: &live, backend: &backend, clock: &clock, registry: &registry };
    let top = collectors(config, &instance, &feeds, supervisor);
    let counters = PushCounters::new(&registry);
    let (intake, catalog, started) = (Intake::new(&registry), Catalog::new(&registry), clock.now_ms());
    let timeouts = registry.counter("watchroom_http_timeouts_total", "Requests that took too long.");
    Ok(Arc::new(Site {
        instance,
        hub,
        backend,
        live,
        alerts,
        dashboards,
        pushed,
        top,
        registry,
        clock,
        counters,
        started,
        catalog,
        intake,
        timeouts,
    }))
}

/// Starts the alert engine and the recording rules, and watches their file.
async fn alerts(
    parts: &Parts,
    live: &Live,
    appended: mpsc::Receiver<Arc<Batch>>,
    supervisor: &Supervisor,
) -> anyhow::Result<(Alerts, mpsc::Receiver<Change>)> {
    let Parts { clock, dashboards, .. } = parts;
    let file =
        AlertFile { folder: parts.config.clone(), dashboards: dashboards.clone(), clock: clock.clone() };
    let text = file.text();
    let (RuleFile { rules, records }, read) = file.read().map_err(super::explain)?;
    live.record(records).await;
    let alerts = AlertsParts {
        node: parts.instance.clone(),
        store: parts.store.clone(),
        backend: parts.backend.clone(),
        journal: parts.journal.clone(),
        clock: clock.clone(),
        dashboards: dashboards.clone(),
        pushed: parts.pushed.clone(),
        rules,
        file: read,
        last_seen: parts.last_seen,
    };
    let (alerts, changes) = Alerts::start(alerts, appended, supervisor, &parts.registry).await?;
    file.watch(text, (alerts.clone(), live.clone()), supervisor);
    Ok((alerts, changes))
}

fn rooms(parts: &Parts) -> Rooms {
    let rooms = rooms::Parts {
        backend: parts.backend.clone(),
        dashboards: parts.dashboards.clone(),
        pushed: parts.pushed.clone(),
        clock: parts.clock.clone(),
    };
    Rooms::new(rooms, &parts.registry)
}

/// Answers for the panels of pushed metrics.
fn panels(pushed: &Pushed) -> PushedPanels {
    let pushed = pushed.clone();
    PushedPanels(Arc::new(move || pushed_panels(&pushed)))
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
            if let Err(error) =
                backend.publish(&channel, Publishing::json(data), StreamOptions::default()).await
            {
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
