//! Range queries beside Debian's Prometheus, over the same samples: wall, CPU and memory of each.
//!
//! `PROMETHEUS_BIN` is the folder of `prometheus` and `promtool`; without it nothing is measured. `WATCHROOM_BIN` names
//! another binary of ours. `cargo bench --bench ranges -- --series 200 --hours 1 --rounds 3` is a short run,
//! `--only topk` takes those that begin so.
#![expect(clippy::print_stdout, reason = "a bench prints")]

#[path = "ranges/asked.rs"]
mod asked;
#[path = "shared/child.rs"]
mod child;
#[path = "ranges/history.rs"]
mod history;
#[path = "shared/options.rs"]
mod options;
#[path = "shared/table.rs"]
mod table;

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;

use asked::{Asked, Cost};
use child::Server;
use history::History;
use table::{show, title};
use watchroom::load::table::ratios;

/// Between two points of an answer, s.
const STEP: u32 = 15;
/// Each query, and what it may cost beside Prometheus.
const QUERIES: [(&str, f64); 5] = [
    ("sum by (instance) (rate(latency_seconds_bucket[1m]))", 0.35),
    ("latency_seconds_bucket", 0.35),
    ("topk(5, rate(latency_seconds_bucket[1m]))", 0.35),
    ("histogram_quantile(0.9, sum by (instance, le) (rate(latency_seconds_bucket[1m])))", 0.35),
    ("avg_over_time(latency_seconds_bucket[1h])", 0.7),
];

/// What is measured, and how much.
struct Args {
    /// Only queries that begin so.
    only: String,
    series: usize,
    hours: i64,
    rounds: usize,
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().map(String::as_str) == Some(child::LEASH) {
        return Err(child::leash(words.skip(1)));
    }
    let mut args = Args { only: String::new(), series: 1_000, hours: 6, rounds: 5 };
    for (word, value) in options::options(words)? {
        match word.as_str() {
            "--only" => args.only = value,
            "--series" => args.series = value.parse()?,
            "--hours" => args.hours = value.parse()?,
            "--rounds" => args.rounds = value.parse()?,
            _ => anyhow::bail!("{word} is not an option; --only, --series, --hours and --rounds are"),
        }
    }
    let Some(tools) = std::env::var_os("PROMETHEUS_BIN").map(PathBuf::from) else {
        println!("Ranges are not measured: PROMETHEUS_BIN does not name the folder of Debian's Prometheus.");
        return Ok(());
    };
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(measure(&args, &tools))
}

async fn measure(args: &Args, tools: &std::path::Path) -> anyhow::Result<()> {
    let history = History { series: args.series, seconds: args.hours * 3_600, end: history::a_minute_ago() };
    let [our_folder, their_folder] = [tempfile::tempdir()?, tempfile::tempdir()?];
    history.write_ours(our_folder.path())?;
    history.write_blocks(&tools.join("promtool"), their_folder.path())?;
    std::fs::write(our_folder.path().join("alerts.toml"), "")?;
    let ours = Server::ours("collect_host = false\n", our_folder)?;
    let theirs = prometheus(tools, their_folder.path())?;
    let client = reqwest::Client::builder().timeout(Duration::from_secs(120)).build()?;
    ready(&client, &theirs).await?;

    for (query, bar) in QUERIES.into_iter().filter(|(query, _)| query.starts_with(&args.only)) {
        title(&format!(
            "{query}: {} series, {} h at 1 s, a point each {STEP} s, {} rounds",
            args.series, args.hours, args.rounds
        ));
        let asked = Asked { query, start: history.start(), end: history.end, step: STEP };
        // What is compiled, mapped or cached when it is first asked for is so for both.
        let (first, second) = (asked.of(&client, &ours).await?, asked.of(&client, &theirs).await?);
        anyhow::ensure!(
            first.points == second.points,
            "{} points, and {} of theirs",
            first.points,
            second.points
        );
        let (mut our_costs, mut their_costs) = (Vec::new(), Vec::new());
        for _ in 0..args.rounds {
            our_costs.push(asked.of(&client, &ours).await?);
            their_costs.push(asked.of(&client, &theirs).await?);
        }
        report(&our_costs, &their_costs, bar);
    }
    Ok(())
}

fn report(ours: &[Cost], theirs: &[Cost], bar: f64) {
    let row = |name: &str, of: fn(&Cost) -> f64, unit: &str, bar: f64| {
        let each = |costs: &[Cost]| costs.iter().map(of).collect::<Vec<f64>>();
        let (ours, theirs) = (each(ours), each(theirs));
        show(&format!("{name}, ours"), &ours, unit, ..);
        show(&format!("{name}, Prometheus"), &theirs, unit, ..);
        show(&format!("{name}, ratio"), &ratios(&ours, &theirs), "×", ..=bar);
    };
    row("wall", |cost| cost.wall * 1e3, "ms", bar);
    row("CPU", |cost| cost.cpu * 1e3, "ms", bar);
    row("peak memory", |cost| cost.peak_kib / 1024.0, "MiB", 1.0);
}

fn prometheus(tools: &std::path::Path, folder: &std::path::Path) -> anyhow::Result<Server> {
    let free = std::net::TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let program = tools.join("prometheus");
    let (program, folder) =
        (program.to_str().context("a path of text")?, folder.to_str().context("a path of text")?);
    std::fs::write(format!("{folder}/prometheus.yml"), "")?;
    // It tells its address to nobody: the shell does.
    let command = format!(
        "echo {free}; exec '{program}' --config.file='{folder}/prometheus.yml' --storage.tsdb.path='{folder}' \
         --storage.tsdb.retention.time=10y --web.listen-address={free} --log.level=error"
    );
    Server::start("/bin/sh", &["-c", &command], None)
}

async fn ready(client: &reqwest::Client, server: &Server) -> anyhow::Result<()> {
    let url = format!("http://{}/-/ready", server.address);
    let wait = async {
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), wait).await.context("Prometheus is not ready")
}
