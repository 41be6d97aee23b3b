//! Starts the real server on a free port, and ends it in order.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use watchroom::{
    app::App,
    cli::{Folders, Serve},
    clock::Clock,
};

/// How long a test waits for what must come.
pub(crate) const SOON: Duration = Duration::from_secs(10);

/// A server of this test alone.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
    shutdown: CancellationToken,
    running: Option<JoinHandle<anyhow::Result<()>>>,
    folder: TempDir,
}

/// What the server of a test is told.
#[derive(Default)]
pub(crate) struct Settings {
    pub(crate) config: &'static str,
    /// One address, or several with commas between them.
    pub(crate) redis: Option<String>,
    /// How far its clock is off, ms.
    pub(crate) clock_ms: i64,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::with(Settings { config: "collect_host = false\n", redis: None, ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Self {
        Self::on(tempfile::tempdir().unwrap(), settings).await
    }

    pub(crate) async fn on(folder: TempDir, settings: Settings) -> Self {
        std::fs::write(folder.path().join("watchroom.toml"), settings.config).unwrap();
        let rules = folder.path().join("alerts.toml");
        if !rules.exists() {
            // Otherwise those that are built in would tell of this machine in the midst of a test.
            std::fs::write(rules, "").unwrap();
        }
        let arguments = Serve {
            folders: Folders { data: Some(folder.path().join("data")), config: folder.path().to_owned() },
            centrifugo: None,
            listen: Some("127.0.0.1:0".parse().unwrap()),
            redis: settings.redis.iter().flat_map(|urls| urls.split(',')).map(str::to_owned).collect(),
            log_json: false,
        };
        let app = App::at(Clock::Shifted(settings.clock_ms), &arguments).await.unwrap();
        let (address, shutdown) = (app.address(), app.shutdown().clone());
        #[expect(clippy::disallowed_methods, reason = "a test owns its server's task, and waits for it")]
        let running = Some(tokio::task::spawn(app.run()));
        Self { address, http: reqwest::Client::new(), shutdown, running, folder }
    }

    /// Where its files are.
    pub(crate) fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) async fn get(&self, path: &str) -> reqwest::Response {
        self.http.get(self.url(path)).send().await.unwrap()
    }

    pub(crate) async fn push(&self, body: serde_json::Value) -> reqwest::Response {
        self.http.post(self.url("/api/v1/push")).body(body.to_string()).send().await.unwrap()
    }

    /// The value of one of the server's own metrics, all labels summed.
    pub(crate) async fn metric(&self, name: &str) -> f64 {
        let text = self.get("/metrics").await.text().await.unwrap();
        text.lines()
            .filter(|line| line.starts_with(name) && line[name.len()..].starts_with([' ', '{']))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum()
    }

    /// Ends the server; every task must have ended.
    pub(crate) async fn stop(mut self) -> TempDir {
        self.shutdown.cancel();
        let ended = tokio::time::timeout(SOON, self.running.take().unwrap()).await;
        ended.expect("the server ends").unwrap().expect("no task is left");
        self.folder
    }
}
