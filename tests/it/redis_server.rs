//! A real redis-server on a free loopback port, with a folder of its own.

use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::Duration,
};

use redis::{Client, aio::MultiplexedConnection};
use tempfile::TempDir;
use tokio::time::{Instant, sleep};

/// How long a server may take to answer or to end.
const PATIENCE: Duration = Duration::from_secs(20);

/// The server; ends with its value.
#[derive(Debug)]
pub(crate) struct RedisServer {
    folder: TempDir,
    port: u16,
    /// Settings of the test's own.
    settings: &'static [&'static str],
    child: Option<Child>,
}

/// Whether redis-server is there; prints if it is not, and fails under CI.
pub(crate) fn is_installed() -> bool {
    if let Err(error) = Command::new("redis-server").arg("--version").output() {
        let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
        assert!(!ci, "redis-server is needed under CI: {error}");
        #[expect(clippy::print_stderr, reason = "says why nothing was tested")]
        {
            eprintln!("skipped: redis-server cannot be run: {error}");
        }
        return false;
    }
    true
}

impl RedisServer {
    /// Starts a server; none, with a printed reason, where redis-server is not installed. Fails there under CI.
    pub(crate) async fn start() -> Option<Self> {
        Self::start_with(&[]).await
    }

    /// Starts a server with settings.
    pub(crate) async fn start_with(settings: &'static [&'static str]) -> Option<Self> {
        if !is_installed() {
            return None;
        }
        // Another process may take the port before the server does; then it ends at once, and the next try has luck.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            let mut server = Self { folder: TempDir::new().unwrap(), port, settings, child: None };
            server.run();
            if server.answers().await {
                return Some(server);
            }
        }
        panic!("redis-server does not start");
    }

    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// A connection of the test's own.
    pub(crate) async fn connection(&self) -> MultiplexedConnection {
        Client::open(self.url()).unwrap().get_multiplexed_async_connection().await.unwrap()
    }

    /// Ends the server; with `save` it writes its memory to disk before.
    pub(crate) async fn stop(&mut self, save: bool) {
        let mut connection = self.connection().await;
        let how = if save { "SAVE" } else { "NOSAVE" };
        // The connection ends before an answer.
        drop(redis::cmd("SHUTDOWN").arg(how).exec_async(&mut connection).await);
        let mut child = self.child.take().unwrap();
        let deadline = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < deadline, "redis-server does not end");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Kills the server as a crash does.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }

    /// Starts the server again, on the same port and folder.
    pub(crate) async fn start_again(&mut self) {
        self.run();
        assert!(self.answers().await, "redis-server does not start again");
    }

    /// Stops the process where it stands (`STOP`), or lets it go on (`CONT`).
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").arg(format!("-{name}")).arg(pid).status().unwrap().success());
    }

    fn run(&mut self) {
        let port = self.port.to_string();
        let mut command = Command::new("redis-server");
        command.args(["--bind", "127.0.0.1", "--port", &port, "--save", "", "--appendonly", "no", "--dir"]);
        command.arg(self.folder.path()).args(self.settings).stdout(Stdio::null()).stderr(Stdio::null());
        self.child = Some(command.spawn().unwrap());
    }

    async fn answers(&mut self) -> bool {
        let deadline = Instant::now() + PATIENCE;
        while Instant::now() < deadline {
            if self.child.as_mut().unwrap().try_wait().unwrap().is_some() {
                return false;
            }
            let client = Client::open(self.url()).unwrap();
            if let Ok(mut connection) = client.get_multiplexed_async_connection().await
                && redis::cmd("PING").exec_async(&mut connection).await.is_ok()
            {
                return true;
            }
            sleep(Duration::from_millis(5)).await;
        }
        false
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            // It may have ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
