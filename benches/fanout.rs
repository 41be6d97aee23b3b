//! Fan-out: what a delivered message costs our server, beside the least that one can do and beside
//! two that are widely used; and what an idle connection costs ours.
//!
//! `cargo bench --bench fanout -- --clients 200 --rate 50 --seconds 2 --rounds 3` is a short run;
//! `--idle 0` leaves the idle connections out. `WATCHROOM_BIN` names another binary of ours.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::time::Duration;

#[path = "fanout/args.rs"]
mod args;
#[path = "shared/child.rs"]
mod child;
#[path = "fanout/floor.rs"]
mod floor;
#[path = "shared/options.rs"]
mod options;
#[path = "fanout/peer.rs"]
mod peer;
#[path = "shared/table.rs"]
mod table;

use args::Args;
use peer::Peer;
use table::{show, title};
use watchroom::load::{
    Load, MESSAGE_BYTES,
    process::{cpu_seconds, raise_open_files, resident_kib},
    table::{median, ratios},
};

/// Publishing before it is measured: what is compiled when it is hot is compiled then.
const WARM_UP_SECONDS: f64 = 1.0;
/// A floor that is slower than this at the median does not keep up, ms.
const QUEUES_MS: f64 = 50.0;
/// Files that are open beside the sockets of clients.
const OTHER_FILES: usize = 100;

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1).peekable();
    match words.peek().map(String::as_str) {
        Some(peer::FLOOR) => floor::serve(),
        Some(child::LEASH) => Err(child::leash(words.skip(1))),
        _ => measure(&Args::read(words)?),
    }
}

fn measure(args: &Args) -> anyhow::Result<()> {
    let files = raise_open_files();
    fan_out(args)?;
    let idle = args.idle.min(files.saturating_sub(OTHER_FILES));
    if idle < args.idle {
        println!("{idle} idle connections, not {}: {files} files may be open here", args.idle);
    }
    if 0 < idle { idle_connections(idle, args.pings) } else { Ok(()) }
}

/// What one server did at one rate, one value for each round.
#[derive(Debug)]
struct Row {
    peer: Peer,
    rate: f64,
    cpu_us: Vec<f64>,
    p50_ms: Vec<f64>,
    p99_ms: Vec<f64>,
    lost: u64,
    doubled: u64,
    closed: u64,
}

fn fan_out(args: &Args) -> anyhow::Result<()> {
    let mut peers = peer::all();
    let mut rows: Vec<Row> = Vec::new();
    for rate in &args.rates {
        rows.extend(peers.iter().map(|peer| Row {
            peer: *peer,
            rate: *rate,
            cpu_us: Vec::new(),
            p50_ms: Vec::new(),
            p99_ms: Vec::new(),
            lost: 0,
            doubled: 0,
            closed: 0,
        }));
    }
    for _ in 0..args.rounds {
        for peer in &peers {
            turn(*peer, args, &mut rows)?;
        }
        // Who is first in a round has the machine as the last of the round before left it.
        peers.rotate_left(1);
    }
    for rate in &args.rates {
        title(&format!(
            "fan-out: {} clients, {rate} messages a second of {MESSAGE_BYTES} bytes, {} rounds of {} s",
            args.clients,
            args.rounds,
            args.seconds_of(*rate)
        ));
        report(&rows.iter().filter(|row| row.rate == *rate).collect::<Vec<_>>());
    }
    Ok(())
}

/// One server's turn in a round, at every rate.
fn turn(peer: Peer, args: &Args, rows: &mut [Row]) -> anyhow::Result<()> {
    let server = peer.start()?;
    let mut load = Load::connect(server.address, peer.speech(), args.clients)?;
    load.publish(args.rates[0], WARM_UP_SECONDS)?;
    for row in rows.iter_mut().filter(|row| row.peer == peer) {
        let before = cpu_seconds(server.pid())?;
        let seen = load.publish(row.rate, args.seconds_of(row.rate))?;
        let cpu = cpu_seconds(server.pid())? - before;
        row.cpu_us.push(cpu * 1e6 / seen.delivered.max(1) as f64);
        row.p50_ms.push(seen.latency_ms(0.5));
        row.p99_ms.push(seen.latency_ms(0.99));
        row.lost += seen.lost;
        row.doubled += seen.doubled;
        row.closed += seen.closed;
    }
    Ok(())
}

fn report(rows: &[&Row]) {
    for row in rows {
        let name = row.peer.name();
        show(&format!("{name}: CPU per delivery"), &row.cpu_us, "µs", ..);
        show(&format!("{name}: latency, p50"), &row.p50_ms, "ms", ..);
        show(&format!("{name}: latency, p99"), &row.p99_ms, "ms", ..);
        let most = if row.peer == Peer::Ours { 0.0 } else { f64::INFINITY };
        let counts = [("lost", row.lost), ("doubled", row.doubled), ("clients closed", row.closed)];
        for (what, count) in counts.into_iter().filter(|(what, count)| 0 < *count || *what == "lost") {
            show(&format!("{name}: {what}, all rounds"), &[count as f64], "", ..=most);
        }
    }
    let Some((ours, others)) = rows.split_first() else { return };
    for other in others {
        let name = other.peer.name();
        let (most, p99_most) = match other.peer {
            Peer::Floor => (1.5, 1.5),
            Peer::Ws => (0.75, f64::INFINITY),
            Peer::SocketIo => (0.45, f64::INFINITY),
            Peer::Ours => (f64::INFINITY, f64::INFINITY),
        };
        show(&format!("CPU, ours / {name}"), &ratios(&ours.cpu_us, &other.cpu_us), "x", ..=most);
        show(&format!("p99, ours / {name}"), &ratios(&ours.p99_ms, &other.p99_ms), "x", ..=p99_most);
        if other.peer == Peer::Floor && QUEUES_MS < median(&other.p50_ms) {
            println!("  This machine is too busy for that rate: messages queue, and latencies say how long.");
        }
    }
}

/// What subscribed connections cost while nothing is said.
fn idle_connections(count: usize, pings_seconds: f64) -> anyhow::Result<()> {
    /// How long the server is watched before anyone comes, and before memory is read.
    const SETTLE: Duration = Duration::from_secs(2);
    title(&format!("{count} subscribed connections, nothing published, one round"));
    let server = Peer::Ours.start()?;
    // The first clients pay for what all share.
    let mut first = Load::connect(server.address, Peer::Ours.speech(), 1)?;
    first.publish(20.0, 0.5)?;
    let cpu = cpu_seconds(server.pid())?;
    first.idle(SETTLE)?;
    let alone = (cpu_seconds(server.pid())? - cpu) / SETTLE.as_secs_f64();
    let before = resident_kib(server.pid())?;
    let mut load = Load::connect(server.address, Peer::Ours.speech(), count)?;
    load.idle(SETTLE)?;
    let each = (resident_kib(server.pid())? - before) / count as f64;
    show("resident memory per connection", &[each], "KiB", ..=3.0);
    show("CPU with nobody there", &[alone * 100.0], "% of a core", ..);
    if 0.0 < pings_seconds {
        let cpu = cpu_seconds(server.pid())?;
        load.idle(Duration::from_secs_f64(pings_seconds))?;
        let share = (cpu_seconds(server.pid())? - cpu) / pings_seconds;
        show("CPU while each is pinged every 25 s and answers", &[share * 100.0], "% of a core", ..=0.6);
    }
    Ok(())
}
