//! A server that is started for a turn, and ends with it whatever happens.

use std::{
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    sync::mpsc,
    time::Duration,
};

use anyhow::Context as _;

/// How long a server may take until it listens.
const START_MAX: Duration = Duration::from_secs(15);
/// The argument with which this program takes a leash and becomes another.
pub(crate) const LEASH: &str = "--leash";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// Its files; they go after it.
    _folder: Option<tempfile::TempDir>,
}

impl Server {
    /// Starts ours on a free port with these settings, its files in `folder`; `WATCHROOM_BIN` names another binary of it.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub(crate) fn ours(config: &str, folder: tempfile::TempDir) -> anyhow::Result<Self> {
        std::fs::write(folder.path().join("watchroom.toml"), config)?;
        let path = folder.path().to_str().context("a path of text")?.to_owned();
        let binary = std::env::var("WATCHROOM_BIN");
        let binary = binary.as_deref().unwrap_or(env!("CARGO_BIN_EXE_watchroom"));
        let args = ["--listen", "127.0.0.1:0", "--config", &path, "--data", &path];
        Self::start(binary, &args, Some(folder))
    }

    /// Starts a program that prints a line with its address, such as `… 127.0.0.1:PORT`, when it
    /// listens.
    ///
    /// # Errors
    ///
    /// When it does not start in time; it is ended then.
    pub(crate) fn start(
        program: &str,
        args: &[&str],
        folder: Option<tempfile::TempDir>,
    ) -> anyhow::Result<Self> {
        let child = Command::new(std::env::current_exe()?)
            .args([LEASH, program])
            .args(args)
            .env("RUST_LOG", "error")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()?;
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        // From here on its end is certain.
        let mut server = Self { child, address: nowhere, _folder: folder };
        let output = server.child.stdout.take().context("it is piped")?;
        let (sender, addresses) = mpsc::channel();
        // Reads to the end, so that the server never waits for a reader; the end is the server's.
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let Some(address) = line.rsplit([' ', '/']).find_map(|word| word.parse().ok()) {
                    // Who asked may have given up.
                    sender.send(address).ok();
                }
            }
        });
        server.address =
            addresses.recv_timeout(START_MAX).with_context(|| format!("{program} does not start"))?;
        Ok(server)
    }

    /// Its number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Becomes another program that is ended by the system when this one's parent ends: a bench that is
/// killed leaves no servers behind. Comes back only when that fails.
pub(crate) fn leash(mut words: impl Iterator<Item = String>) -> anyhow::Error {
    let Some(program) = words.next() else { return anyhow::anyhow!("{LEASH} wants a program") };
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL))
    {
        return error.into();
    }
    use std::os::unix::process::CommandExt as _;
    Command::new(program).args(words).exec().into()
}
