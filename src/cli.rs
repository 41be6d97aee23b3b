//! The command line.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use clap::{Args, Parser, Subcommand};
use directories::ProjectDirs;

use crate::load::measure::Measure;

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "watchroom",
    version,
    about = "A live metrics dashboard: this machine and what you push, drawn as it happens.",
    after_help = "Examples:\n  \
        watchroom                              serve on http://127.0.0.1:8080\n  \
        watchroom --data /srv/watchroom        keep the data there\n  \
        watchroom check                        say all that is wrong in the files of --config\n  \
        watchroom --centrifugo config.json     serve Centrifugo's clients, by its configuration\n  \
        watchroom test-rules alerts.test.toml  run the tests of alert rules\n  \
        watchroom bench --pid PID              measure a server's fan-out\n  \
        watchroom backup copy.sqlite           copy samples, and events to copy.sqlite.events\n\n\
        Push a metric:\n  \
        curl http://127.0.0.1:8080/api/v1/push -d '{\"metric\":\"room_celsius\",\"value\":21.5}'"
)]
pub struct Cli {
    /// What to do; `serve` if nothing is said.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// What `serve` takes.
    #[command(flatten)]
    pub serve: Serve,
}

/// What there is to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Serve the dashboards (what happens without a command, too)
    Serve(Serve),
    /// Check the configuration, the alert rules and the dashboards, and say all that is wrong
    Check {
        /// Print each rule's expression for each severity
        #[arg(long)]
        explain: bool,
        /// Check this configuration of Centrifugo, too, and name what of it is not built
        #[arg(long, value_name = "FILE", env = "WATCHROOM_CENTRIFUGO")]
        centrifugo: Option<PathBuf>,
        /// Where the files are
        #[command(flatten)]
        folders: Folders,
    },
    /// Run tests of alert rules: series, and the alerts that are expected
    TestRules {
        /// Test files, in TOML or in promtool's YAML; their rules lie beside them
        #[arg(required = true, value_name = "FILE")]
        files: Vec<PathBuf>,
    },
    /// Put clients into a channel of a server of Centrifugo's protocol, publish, and say how fast and how dear that was
    Bench(Bench),
    /// Copy the samples into FILE and what was said in rooms into FILE.events, while the server runs
    Backup {
        /// The file of samples to write; neither it nor FILE.events may exist
        file: PathBuf,
        /// Where the data is
        #[command(flatten)]
        folders: Folders,
    },
}

/// Where files are.
#[derive(Debug, Clone, Args)]
pub struct Folders {
    /// Where samples and events are kept [default: the platform's data folder]
    #[arg(long, value_name = "DIR", env = "WATCHROOM_DATA")]
    pub data: Option<PathBuf>,
    /// Where watchroom.toml, alerts.toml and dashboards/ are
    #[arg(long, value_name = "DIR", env = "WATCHROOM_CONFIG", default_value = ".")]
    pub config: PathBuf,
}

/// What `serve` takes.
#[derive(Debug, Clone, Args)]
pub struct Serve {
    /// Where files are.
    #[command(flatten)]
    pub folders: Folders,
    /// Clients and channels as this configuration of Centrifugo has them, in JSON or TOML; watchroom.toml then says
    /// nothing of them
    #[arg(long, value_name = "FILE", env = "WATCHROOM_CENTRIFUGO")]
    pub centrifugo: Option<PathBuf>,
    /// Address and port to listen on; port 0 takes any free one [default: 127.0.0.1:8080, and port 8000 with
    /// --centrifugo]
    #[arg(long, value_name = "ADDRESS", env = "WATCHROOM_LISTEN", value_parser = crate::config::address)]
    pub listen: Option<SocketAddr>,
    /// The Redis that several nodes share; several, with commas between them, are those of one cluster [default: none,
    /// a single node]
    #[arg(long, value_name = "URL", env = "WATCHROOM_REDIS", hide_env_values = true, value_delimiter = ',')]
    pub redis: Vec<String>,
    /// Write logs as JSON
    #[arg(long)]
    pub log_json: bool,
}

/// What `bench` takes.
#[derive(Debug, Clone, Args)]
#[command(
    after_help = "The server must let its clients subscribe and publish in the channel. In watchroom.toml:\n\n  \
    [[channel.namespaces]]\n  name = \"bench\"\n  allow_subscribe_for_client = true\n  \
    allow_publish_for_subscriber = true"
)]
pub struct Bench {
    /// The server
    #[arg(default_value = "ws://127.0.0.1:8080/connection/websocket")]
    pub url: String,
    /// Clients; each needs an open file
    #[arg(long, default_value_t = 1_000)]
    pub clients: usize,
    /// Messages a second, all of them to each client
    #[arg(long, default_value_t = 100.0)]
    pub rate: f64,
    /// Seconds of a round
    #[arg(long, default_value_t = 4.0)]
    pub seconds: f64,
    /// Rounds; the middle one of them is what counts
    #[arg(long, default_value_t = 3)]
    pub rounds: usize,
    /// The channel that all are in
    #[arg(long, default_value = "bench:r")]
    pub channel: String,
    /// The token of each client [default: none]
    #[arg(
        long,
        env = "WATCHROOM_BENCH_TOKEN",
        hide_env_values = true,
        default_value = "",
        hide_default_value = true
    )]
    pub token: String,
    /// The server's process, if it is on this machine: then its processor time and memory are told, too
    #[arg(long)]
    pub pid: Option<u32>,
}

impl From<Bench> for Measure {
    fn from(Bench { url, clients, rate, seconds, rounds, channel, token, pid }: Bench) -> Self {
        Self { url, pid, clients, rate, seconds, rounds, token, channel }
    }
}

impl Folders {
    /// The data folder.
    ///
    /// # Errors
    ///
    /// When the platform names none.
    pub fn data(&self) -> anyhow::Result<PathBuf> {
        if let Some(data) = &self.data {
            return Ok(data.clone());
        }
        ProjectDirs::from("", "", "watchroom")
            .map(|folders| folders.data_dir().to_owned())
            .ok_or_else(|| anyhow::anyhow!("this platform names no data folder; say where with --data DIR"))
    }

    /// The folder of dashboards.
    pub fn dashboards(&self) -> PathBuf {
        self.config.join("dashboards")
    }

    /// Says what is wrong with the folder of the configuration; a name mistyped would mean the defaults.
    ///
    /// # Errors
    ///
    /// When it is not there.
    pub fn verify(&self) -> anyhow::Result<()> {
        let there = self.config.is_dir();
        anyhow::ensure!(there, "{}: there is no such folder for --config", self.config.display());
        Ok(())
    }

    /// The folder of `watchroom.toml` and `alerts.toml`.
    pub fn config(&self) -> &Path {
        &self.config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_of_a_cluster_have_commas_between_them() {
        let redis = |text: &str| Cli::try_parse_from(["watchroom", "--redis", text]).unwrap().serve.redis;
        assert_eq!(redis("redis://a:1,redis://b:2"), ["redis://a:1", "redis://b:2"]);
        assert_eq!(redis("redis://a:1"), ["redis://a:1"]);
    }
}
