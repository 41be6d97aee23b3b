//! A dashboard of live queries, shown to many: bytes on the wire beside those of the same samples as JSON objects, and the
//! server's processor time.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
        mpsc,
    },
    time::Duration,
};

use prost::Message as _;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::time::Instant;
use watchroom::clock::Clock;
use watchroom::load::process::{cpu_seconds, resident_kib};
use watchroom::wire::centrifugo::Subscribe;

use super::{
    ours,
    table::{show, title},
    viewer::{Reads, Viewers},
};

/// Queries of the dashboard.
const QUERIES: usize = 24;
/// Series of each.
const SERIES: usize = 4;
/// Their steps, ms.
const STEP_MS: i64 = 1_000;
/// What a viewer asks for of the past, ms.
const WINDOW_MS: i64 = 60_000;
/// The labels of each series beside its metric.
const INSTANCES: [&str; SERIES] = ["10.0.4.17:9100", "10.0.4.18:9100", "10.0.4.21:9100", "10.0.4.33:9100"];
/// How often the source tells values.
const PUSH_EVERY: Duration = Duration::from_secs(1);
/// How long viewers are there before they are measured.
const SETTLE: Duration = Duration::from_secs(3);
/// How long it may take until they are gone.
const GONE_MAX: Duration = Duration::from_secs(20);

/// What a source tells each second: a third of the queries show whole numbers, such as bytes; a third fractions of three
/// decimals, such as seconds; a third quotients with all of their digits, such as shares.
struct Source {
    random: fastrand::Rng,
}

impl Source {
    fn value(&mut self, query: usize) -> f64 {
        match query % 3 {
            0 => self.random.u64(1_000_000_000..9_000_000_000) as f64,
            1 => f64::from(self.random.u32(1..90_000)) / 1e3,
            _ => f64::from(self.random.u32(1..1_500)) / 1_500.0,
        }
    }

    /// One value of each series: as text for the door of pushes, and how long they are as one JSON object each.
    fn second(&mut self, now_ms: i64) -> (String, usize) {
        let (mut text, mut objects) = (String::new(), 0);
        for query in 0..QUERIES {
            for instance in INSTANCES {
                let (metric, value) = (metric(query), self.value(query));
                // Writing to a String does not fail.
                writeln!(
                    text,
                    "{metric}{{job=\"api\",instance=\"{instance}\",region=\"eu-west\",method=\"GET\"}} {value}"
                )
                .unwrap_or_default();
                let labels =
                    json!({ "job": "api", "instance": instance, "region": "eu-west", "method": "GET" });
                let object = json!({ "metric": metric, "labels": labels, "t": now_ms, "v": value });
                objects += object.to_string().len();
            }
        }
        (text, objects)
    }
}

fn metric(query: usize) -> String {
    format!("bench_requests_{query}_total")
}

/// A command, as protobuf has it.
#[derive(Clone, PartialEq, prost::Message)]
struct Command {
    #[prost(uint32, tag = "1")]
    id: u32,
    #[prost(message, optional, tag = "4")]
    connect: Option<Nothing>,
    #[prost(message, optional, tag = "5")]
    subscribe: Option<Subscribe>,
}

#[derive(Clone, PartialEq, prost::Message)]
struct Nothing {}

/// What each viewer says: that it is there, and which queries it wants.
fn commands(reads: Reads) -> Vec<Vec<u8>> {
    if reads.protobuf {
        let connect = Command { id: 1, connect: Some(Nothing {}), subscribe: None };
        let subscribes = (2..).zip(wanted()).map(|(id, (channel, data))| {
            let data = data.to_string().into();
            Command {
                id,
                connect: None,
                subscribe: Some(Subscribe { channel, data, ..Subscribe::default() }),
            }
        });
        [connect].into_iter().chain(subscribes).map(|one| one.encode_length_delimited_to_vec()).collect()
    } else {
        let subscribes = (2..).zip(wanted()).map(
            |(id, (channel, data))| json!({ "id": id, "subscribe": { "channel": channel, "data": data } }),
        );
        let connect = json!({ "id": 1, "connect": {} });
        [connect].into_iter().chain(subscribes).map(|one| one.to_string().into_bytes()).collect()
    }
}

/// The channel of each query, and what is said to subscribe to it.
fn wanted() -> impl Iterator<Item = (String, Value)> {
    (0..QUERIES).map(|query| {
        let expr = metric(query);
        let hash = Sha256::digest(format!("{STEP_MS}\n{expr}"));
        let hash: String = hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
        (format!("@live:{hash}"), json!({ "expr": expr, "step": STEP_MS, "window": WINDOW_MS }))
    })
}

/// Measures each way of reading.
///
/// # Errors
///
/// When the server does not do what it must.
pub(crate) fn measure(clients: usize, seconds: f64) -> anyhow::Result<()> {
    title(&format!(
        "{clients} viewers of {QUERIES} live queries with {SERIES} series at 1 Hz, {seconds} s each"
    ));
    let server = ours::start()?;
    let address = server.address;
    let source = feed(address);
    for (protobuf, deflate) in [(false, false), (true, false), (false, true), (true, true)] {
        let reads = Reads { protobuf, deflate };
        let before = resident_kib(server.pid())?;
        let wanted = (clients * QUERIES) as f64;
        let there = || Ok(wanted <= ours::metric(address, "watchroom_subscriptions")?);
        let mut viewers = Viewers::connect(address, clients, reads, &commands(reads), there)?;
        // What they asked for of the past is not what is measured.
        viewers.read(SETTLE)?;
        let each = (resident_kib(server.pid())? - before) / clients as f64;
        let cpu = cpu_seconds(server.pid())?;
        (viewers.bytes, viewers.frames) = (0, 0);
        let told = source.told();
        viewers.read(Duration::from_secs_f64(seconds))?;
        let cpu = cpu_seconds(server.pid())? - cpu;
        let told = source.told() - told;
        let of_objects = viewers.bytes as f64 / (told * clients as u64) as f64;
        let name = reads.name();
        let bar = if reads.deflate { 12.0 } else { f64::INFINITY };
        show(&format!("{name}: bytes, of those as JSON objects"), &[of_objects * 100.0], "%", ..=bar);
        let a_second = seconds * clients as f64;
        show(&format!("{name}: bytes to a viewer"), &[viewers.bytes as f64 / a_second], "a second", ..);
        show(&format!("{name}: messages to a viewer"), &[viewers.frames as f64 / a_second], "a second", ..);
        show(&format!("{name}: CPU of the server"), &[cpu / seconds * 100.0], "% of a core", ..=15.0);
        show(&format!("{name}: memory for a viewer"), &[each], "KiB", ..);
        drop(viewers);
        let late = Instant::now() + GONE_MAX;
        while ours::metric(address, "watchroom_subscriptions")? != 0.0 {
            anyhow::ensure!(Instant::now() < late, "viewers that left are still there");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
    Ok(())
}

/// Tells the source's values each second until it is dropped.
struct Feed {
    told: Arc<AtomicU64>,
    _end: mpsc::Sender<()>,
}

impl Feed {
    /// The bytes of what was told so far, as one JSON object each.
    fn told(&self) -> u64 {
        self.told.load(Ordering::Relaxed)
    }
}

fn feed(address: SocketAddr) -> Feed {
    let told = Arc::<AtomicU64>::default();
    let (end, ended) = mpsc::channel();
    let all = Arc::clone(&told);
    std::thread::spawn(move || {
        let mut source = Source { random: fastrand::Rng::with_seed(24) };
        let mut next = Instant::now();
        while ended.recv_timeout(next.saturating_duration_since(Instant::now()))
            == Err(mpsc::RecvTimeoutError::Timeout)
        {
            next += PUSH_EVERY;
            let (text, objects) = source.second(Clock::System.now_ms());
            match ours::ask(address, "POST", "/api/v1/import/prometheus", &text) {
                Ok(_) => drop(all.fetch_add(objects as u64, Ordering::Relaxed)),
                Err(error) => println!("  the source is refused: {error:#}"),
            }
        }
    });
    Feed { told, _end: end }
}
