//! The real server in a process of its own, which ends as in a crash.

use std::{
    io::{BufRead, BufReader},
    net::SocketAddr,
    path::Path,
    process::{Child, Command, Stdio},
};

/// The server in a process of its own.
pub(crate) struct Process {
    child: Child,
    pub(crate) address: SocketAddr,
    pub(crate) http: reqwest::Client,
}

impl Process {
    /// Starts it with its files in `folder`.
    pub(crate) fn start(folder: &Path, environment: &[(&str, &Path)]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_watchroom"))
            .args(["--listen", "127.0.0.1:0", "--config", ".", "--data", "data"])
            .current_dir(folder)
            .envs(environment.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().rsplit('/').find(|part| part.contains(':')).unwrap().parse().unwrap();
        Self { child, address, http: reqwest::Client::new() }
    }
}

impl Drop for Process {
    /// A crash: what the test looks at afterwards was acknowledged.
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}
