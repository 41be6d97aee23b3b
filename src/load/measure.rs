//! `watchroom bench`: what a server makes of a load, as a table.

use std::{
    io::Write,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
    time::Duration,
};

use anyhow::Context as _;
use tokio::time::Instant;

use super::{
    Centrifugo, Load, MESSAGE_BYTES, Speech,
    process::{cpu_seconds, raise_open_files, resident_kib},
    table::{row, title},
};

/// Publishing before it is measured: what is compiled when it is hot is compiled then.
const WARM_UP_SECONDS: f64 = 1.0;
/// How long a server has before its memory is read.
const SETTLE: Duration = Duration::from_secs(1);
/// Messages a second, at most: more than one thread says.
const RATE_MAX: f64 = 1e6;
/// Seconds of a round, at most.
const SECONDS_MAX: f64 = 3_600.0;
/// Deliveries of a round: of each the latency is kept, 4 bytes.
const DELIVERIES_MAX: f64 = 1e8;
/// Files that are open beside the sockets of clients.
const OTHER_FILES: usize = 100;

/// What is measured.
#[derive(Debug, Clone)]
pub struct Measure {
    /// The server, `ws://HOST:PORT/PATH`.
    pub url: String,
    /// Its process, whose processor time and memory are read.
    pub pid: Option<u32>,
    /// Clients.
    pub clients: usize,
    /// Messages a second.
    pub rate: f64,
    /// Seconds of a round.
    pub seconds: f64,
    /// Rounds.
    pub rounds: usize,
    /// The token of each client; empty for none.
    pub token: String,
    /// The channel that all are in.
    pub channel: String,
}

/// What each round measured.
#[derive(Debug, Default)]
struct Rounds {
    connected_s: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    most_ms: Vec<f64>,
    delivered: Vec<f64>,
    cpu_us: Vec<f64>,
    kib: Vec<f64>,
    lost: u64,
    doubled: u64,
    closed: u64,
}

impl Measure {
    /// Measures, and writes the table to `out`; how far it is, to `progress`.
    ///
    /// # Errors
    ///
    /// When the server is not there, or refuses; the words say what.
    pub fn run(&self, out: &mut impl Write, progress: &mut impl Write) -> anyhow::Result<()> {
        let (address, path) = place(&self.url)?;
        anyhow::ensure!(0 < self.clients && 0 < self.rounds, "at least one client and one round are needed");
        let is_within = |value: f64, most: f64| 0.0 < value && value <= most;
        anyhow::ensure!(is_within(self.rate, RATE_MAX), "--rate is above 0 and at most {RATE_MAX}");
        anyhow::ensure!(
            is_within(self.seconds, SECONDS_MAX),
            "--seconds is above 0 and at most {SECONDS_MAX}"
        );
        let messages = self.rate * self.seconds;
        anyhow::ensure!(1.0 <= messages, "a round must have at least one message");
        let deliveries = messages * self.clients as f64;
        anyhow::ensure!(
            deliveries <= DELIVERIES_MAX,
            "{deliveries:.0} deliveries in a round, at most {DELIVERIES_MAX:.0}: fewer --clients, --rate or --seconds"
        );
        let files = raise_open_files();
        anyhow::ensure!(
            self.clients.saturating_add(OTHER_FILES) <= files,
            "{} clients need as many open files, and {files} are allowed here (ulimit -n)",
            self.clients
        );
        let own = Centrifugo { path, token: self.token.clone(), channel: self.channel.clone() };
        let speech = Speech::Centrifugo(Arc::new(own));
        let mut rounds = Rounds::default();
        for number in 1..=self.rounds {
            // Nobody may look.
            writeln!(progress, "round {number} of {}", self.rounds).unwrap_or_default();
            self.round(address, &speech, &mut rounds)?;
        }
        writeln!(out, "{}", title(&self.title(address)))?;
        for line in self.table(&rounds) {
            writeln!(out, "{line}")?;
        }
        Ok(())
    }

    fn round(&self, address: SocketAddr, speech: &Speech, rounds: &mut Rounds) -> anyhow::Result<()> {
        let before = self.pid.map(resident_kib).transpose()?;
        let began = Instant::now();
        let mut load = Load::connect(address, speech.clone(), self.clients)?;
        rounds.connected_s.push(began.elapsed().as_secs_f64());
        load.idle(SETTLE)?;
        // What the first round takes, later ones find.
        if let (Some(pid), Some(before)) = (self.pid, before)
            && rounds.kib.is_empty()
        {
            rounds.kib.push((resident_kib(pid)? - before) / self.clients as f64);
        }
        load.publish(self.rate, WARM_UP_SECONDS.max(1.0 / self.rate))?;
        let cpu = self.pid.map(cpu_seconds).transpose()?;
        let seen = load.publish(self.rate, self.seconds)?;
        if let (Some(pid), Some(cpu)) = (self.pid, cpu) {
            rounds.cpu_us.push((cpu_seconds(pid)? - cpu) * 1e6 / seen.delivered.max(1) as f64);
        }
        rounds.p50_ms.push(seen.latency_ms(0.5));
        rounds.p99_ms.push(seen.latency_ms(0.99));
        rounds.most_ms.push(seen.latency_ms(1.0));
        rounds.delivered.push(seen.delivered as f64 / self.seconds);
        rounds.lost += seen.lost;
        rounds.doubled += seen.doubled;
        rounds.closed += seen.closed;
        Ok(())
    }

    fn title(&self, address: SocketAddr) -> String {
        let Self { clients, rate, rounds, seconds, channel, .. } = self;
        format!(
            "{address}: {clients} clients in {channel}, {rate} messages a second of {MESSAGE_BYTES} bytes, \
             {rounds} rounds of {seconds} s"
        )
    }

    fn table(&self, rounds: &Rounds) -> Vec<String> {
        let all = |count: u64| vec![count as f64];
        let rows = [
            row("all connected and subscribed within", &rounds.connected_s, "s", ..),
            row("latency, p50", &rounds.p50_ms, "ms", ..),
            row("latency, p99", &rounds.p99_ms, "ms", ..),
            row("latency, most", &rounds.most_ms, "ms", ..),
            row("delivered", &rounds.delivered, "a second", ..),
            row("CPU of the server per delivery", &rounds.cpu_us, "µs", ..),
            row("resident memory of the server per client", &rounds.kib, "KiB", ..),
            row("lost, all rounds", &all(rounds.lost), "", ..=0.0),
            row("doubled, all rounds", &all(rounds.doubled), "", ..=0.0),
            row("clients closed, all rounds", &all(rounds.closed), "", ..=0.0),
        ];
        rows.into_iter().flatten().collect()
    }
}

/// The address and the path of `ws://HOST:PORT/PATH`.
fn place(url: &str) -> anyhow::Result<(SocketAddr, String)> {
    anyhow::ensure!(
        !url.starts_with("wss://"),
        "{url}: TLS is not spoken here; measure behind it, with ws://"
    );
    let rest = url.strip_prefix("ws://").unwrap_or(url);
    let (host, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
    let path = if path.is_empty() { Centrifugo::default().path } else { path.to_owned() };
    let found = host
        .to_socket_addrs()
        .with_context(|| format!("{url} is not like ws://127.0.0.1:8000/connection/websocket"))?;
    let address = found.into_iter().next().with_context(|| format!("{host} has no address"))?;
    Ok((address, path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_may_be_short() {
        let (address, path) = place("127.0.0.1:8000").unwrap();
        assert_eq!((address.port(), path.as_str()), (8000, "/connection/websocket"));
        assert_eq!(place("ws://127.0.0.1:1/x/y").unwrap().1, "/x/y");
        for wrong in ["wss://127.0.0.1:8000", "nowhere", "ws://127.0.0.1"] {
            assert!(place(wrong).is_err(), "{wrong}");
        }
    }
}
