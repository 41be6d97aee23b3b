//! Puts the parts together: build, run, drain.

mod alertfile;
mod log;
mod notices;
mod own;
mod parts;
mod reload;
mod start;
mod upkeep;

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::{Context, bail};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;

pub use log::log;

use crate::cli::{Folders, Serve};
use crate::clock::Clock;
use crate::config::{self, Config, NamedRedis};
use crate::http::{self, Shared};
use crate::supervisor::Supervisor;
use parts::Parts;

/// How long tasks may take to end.
const DRAIN: Duration = Duration::from_secs(5);

/// Serves until it is to end; tells where as soon as it listens.
///
/// Not `async`, and without type parameters: tasks are compiled where they are polled, and all of them once more in a binary
/// that polls them.
///
/// # Errors
///
/// As those of [`App::build`] and [`App::run`].
pub fn serve(arguments: &Serve, listens: &mut dyn FnMut(SocketAddr)) -> anyhow::Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("the runtime could not start")?;
    runtime.block_on(async {
        let app = App::build(arguments).await?;
        listens(app.address());
        app.run().await
    })
}

/// The server, bound and ready to run.
#[derive(Debug)]
pub struct App {
    address: SocketAddr,
    supervisor: Supervisor,
    parts: Parts,
    listener: TcpListener,
    site: Shared,
}

impl App {
    /// Reads the configuration, opens the data, binds the address, starts the tasks.
    ///
    /// # Errors
    ///
    /// When a file is wrong, the data cannot be opened, or the address is not to be had. Nothing is left behind.
    pub async fn build(arguments: &Serve) -> anyhow::Result<Self> {
        Self::at(Clock::System, arguments).await
    }

    /// As [`App::build`], by another clock.
    ///
    /// # Errors
    ///
    /// As [`App::build`].
    pub async fn at(clock: Clock, arguments: &Serve) -> anyhow::Result<Self> {
        arguments.folders.verify()?;
        let beside = arguments.centrifugo.as_deref();
        let mut config = config::read(arguments.folders.config(), beside).map_err(explain)?;
        for warning in &config.warnings {
            tracing::warn!(warning, "a setting does not do what it says");
        }
        if let Some(listen) = arguments.listen {
            config.listen = listen;
        }
        config.redis = NamedRedis { urls: arguments.redis.clone(), prefix: None }.or(config.redis);
        only_loopback(&config)?;
        parts::descriptors();
        let listener = TcpListener::bind(config.listen).await.with_context(|| {
            format!("{} cannot be listened on (another with --listen ADDRESS)", config.listen)
        })?;
        let address = listener.local_addr().context("the address of the listener")?;
        let supervisor = Supervisor::new(CancellationToken::new());
        let (parts, deliveries) = Parts::open(&config, &arguments.folders, clock, &supervisor).await?;
        let site = start::site(&config, parts.clone(), deliveries, &supervisor).await?;
        Ok(Self { address, supervisor, parts, listener, site })
    }

    /// Where the server listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What ends the server.
    pub const fn shutdown(&self) -> &CancellationToken {
        self.supervisor.token()
    }

    /// The site, for tests that look inside.
    pub const fn site(&self) -> &Shared {
        &self.site
    }

    /// Serves until a signal or until a task fails, then drains.
    ///
    /// # Errors
    ///
    /// When a task did not end in time, or the store could not be closed.
    pub async fn run(self) -> anyhow::Result<()> {
        let router = http::router(Arc::clone(&self.site));
        let refused = self.site.registry.counter(
            "watchroom_http_connections_refused_total",
            "Connections beyond the limit of those that are no sockets.",
        );
        let serve = http::serve::serve(self.listener, router, self.supervisor.clone(), refused);
        self.supervisor.spawn("http", serve);
        let mut terminate = signal(SignalKind::terminate()).context("signals")?;
        let mut interrupt = signal(SignalKind::interrupt()).context("signals")?;
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
            () = self.supervisor.token().cancelled() => {}
        }
        tracing::info!("shutting down");
        let drained = self.supervisor.drain(DRAIN).await;
        let parts = self.parts;
        tokio::task::spawn_blocking(move || parts.close()).await.context("closing the store")?;
        drained.context("shutdown")?;
        anyhow::ensure!(!self.supervisor.has_failed(), "a task failed; the log has more");
        Ok(())
    }
}

/// The problems of a file as an error, each with its place.
fn explain(error: impl std::error::Error) -> anyhow::Error {
    anyhow::anyhow!("{error}\n(`watchroom check` shows each with its line)")
}

/// Everyone who reaches an open server may do everything, so only this machine may reach it.
fn only_loopback(config: &Config) -> anyhow::Result<()> {
    if config.listen.ip().is_loopback() {
        return Ok(());
    }
    bail!("{}: {}", config::NotLoopback(config.listen), config::NotLoopback::HELP)
}

/// Copies the samples and the events of a running or stopped server.
///
/// # Errors
///
/// When there is no data, or a file cannot be written.
pub fn backup(folders: &Folders, file: &Path) -> anyhow::Result<()> {
    parts::backup(&folders.data()?, file)
}
