//! What standing queries cost a second: the append, the step, its frames. All of it by the real engine, on a clock of its own.
//!
//! `cargo bench --bench standing -- --series 1000 --rounds 3 --seconds 10` is a short run; `--only rates` and
//! `--only dashboards` take one part.
#![expect(clippy::print_stdout, reason = "a bench prints")]

#[path = "shared/options.rs"]
mod options;
#[path = "shared/rounds.rs"]
mod rounds;
#[path = "shared/table.rs"]
mod table;
#[path = "standing/world.rs"]
mod world;

use rounds::{each, pairs};
use table::{show, title};
use tokio::runtime::Runtime;
use watchroom::load::table::ratios;
use world::{World, counters, host, hosts};

/// A dashboard of one host, and there are [`HOSTS`]: distinct queries, as each names its host.
const PANELS: [&str; 20] = [
    "sum by (mode) (rate(cpu_seconds_total{host=\"$h\"}[1m]))",
    "100 - avg(rate(cpu_seconds_total{host=\"$h\",mode=\"idle\"}[5m])) * 100",
    "max by (cpu) (rate(cpu_seconds_total{host=\"$h\",mode!=\"idle\"}[1m]))",
    "memory_bytes{host=\"$h\"}",
    "1 - memory_bytes{host=\"$h\",kind=\"free\"} / on (host) memory_bytes{host=\"$h\",kind=\"total\"}",
    "avg_over_time(memory_bytes{host=\"$h\",kind=\"free\"}[1h])",
    "rate(network_bytes_total{host=\"$h\"}[1m]) * 8",
    "sum by (direction) (rate(network_bytes_total{host=\"$h\"}[5m]))",
    "increase(network_bytes_total{host=\"$h\"}[1h])",
    "irate(network_bytes_total{host=\"$h\"}[1m])",
    "load{host=\"$h\"}",
    "max_over_time(load{host=\"$h\"}[10m])",
    "min_over_time(load{host=\"$h\"}[10m])",
    "load{host=\"$h\"} > 0.5",
    "sum(rate(requests_total{host=\"$h\"}[1m]))",
    "sum by (code) (rate(requests_total{host=\"$h\"}[5m]))",
    "sum(rate(requests_total{host=\"$h\",code=~\"5..\"}[5m])) / sum(rate(requests_total{host=\"$h\"}[5m]))",
    "histogram_quantile(0.99, sum by (le) (rate(latency_seconds_bucket{host=\"$h\"}[5m])))",
    "histogram_quantile(0.5, sum by (le) (rate(latency_seconds_bucket{host=\"$h\"}[5m])))",
    "changes(started_seconds{host=\"$h\"}[1h])",
];
/// Dashboards.
const HOSTS: usize = 50;
/// The bars: ns for a sample, and the part of a core that the dashboards take.
const SAMPLE_NS_MAX: f64 = 300.0;
const CORE_MAX: f64 = 0.1;

fn main() -> anyhow::Result<()> {
    let (mut only, mut series, mut rounds, mut seconds) = (String::new(), 10_000, 9, 30);
    for (word, value) in options::options(std::env::args().skip(1).peekable())? {
        match word.as_str() {
            "--only" => only = value,
            "--series" => series = value.parse()?,
            "--rounds" => rounds = value.parse()?,
            "--seconds" => seconds = value.parse()?,
            _ => anyhow::bail!("{word} is not an option; --only, --series, --rounds and --seconds are"),
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if "rates".starts_with(&only) {
        rates(&runtime, (series, rounds, seconds))?;
    }
    if "dashboards".starts_with(&only) {
        dashboards(&runtime, (rounds, seconds))?;
    }
    Ok(())
}

/// One query over many series, over a short and a long window.
fn rates(runtime: &Runtime, (series, rounds, seconds): (usize, usize, usize)) -> anyhow::Result<()> {
    let [minutes, hour] = ["5m", "1h"].map(|range| format!("sum by (job) (rate(requests_total[{range}]))"));
    title(&format!("{minutes} and [1h] over {series} series, {rounds} rounds of {seconds} s"));
    let mut short = World::new(runtime, counters(series), &[minutes])?;
    let mut long = World::new(runtime, counters(series), &[hour])?;
    let (short_costs, long_costs) =
        pairs(rounds, || short.costs(seconds).expect("a round"), || long.costs(seconds).expect("a round"));
    let of_one = |costs: &[f64]| each(costs, |cost| cost * 1e9 / series as f64);
    show("CPU for each sample that arrived, [5m]", &of_one(&short_costs), "ns", ..=SAMPLE_NS_MAX);
    show("CPU for each sample that arrived, [1h]", &of_one(&long_costs), "ns", ..=SAMPLE_NS_MAX);
    show("[1h] / [5m]", &ratios(&long_costs, &short_costs), "×", 0.8..=1.2);
    show("steps that stood, of all", &[short.stood(), long.stood()], "", 1.0..);
    Ok(())
}

/// Many queries over some series each.
fn dashboards(runtime: &Runtime, (rounds, seconds): (usize, usize)) -> anyhow::Result<()> {
    let queries: Vec<String> =
        (0..HOSTS).flat_map(|at| PANELS.map(|panel| panel.replace("$h", &host(at)))).collect();
    let sets = hosts(HOSTS);
    title(&format!(
        "{} queries of dashboards over {} series, {rounds} rounds of {seconds} s",
        queries.len(),
        sets.len()
    ));
    let mut world = World::new(runtime, sets, &queries)?;
    let costs = rounds::rounds(rounds, || world.costs(seconds).expect("a round"));
    show("CPU, of a core", &costs, "", ..=CORE_MAX);
    show("steps that stood, of all", &[world.stood()], "", 1.0..);
    Ok(())
}
