//! What a dashboard costs to show to a thousand viewers, and what readers who stop cost those who go on.
//!
//! `cargo bench --bench viewers -- --clients 200 --seconds 5 --rounds 3` is a short run; `WATCHROOM_BIN` names another
//! binary of ours.
#![expect(clippy::print_stdout, reason = "a bench prints")]

#[path = "shared/child.rs"]
mod child;
#[path = "viewers/dashboard.rs"]
mod dashboard;
#[path = "shared/options.rs"]
mod options;
#[path = "viewers/ours.rs"]
mod ours;
#[path = "viewers/stopped.rs"]
mod stopped;
#[path = "shared/table.rs"]
mod table;
#[path = "viewers/viewer.rs"]
mod viewer;

use options::options;
use watchroom::load::process::raise_open_files;

/// What is measured, and how long.
#[derive(Debug)]
struct Args {
    /// Viewers.
    clients: usize,
    /// Seconds of a round.
    seconds: f64,
    /// Rounds of the readers that stop.
    rounds: usize,
}

impl Args {
    fn read(words: impl Iterator<Item = String>) -> anyhow::Result<Self> {
        let mut args = Self { clients: 1_000, seconds: 6.0, rounds: 9 };
        for (word, value) in options(words)? {
            match word.as_str() {
                "--clients" => args.clients = value.parse()?,
                "--seconds" => args.seconds = value.parse()?,
                "--rounds" => args.rounds = value.parse()?,
                _ => anyhow::bail!("{word} is none of --clients, --seconds, --rounds"),
            }
        }
        anyhow::ensure!(10 <= args.clients, "--clients must be at least 10: a tenth of them stops");
        Ok(args)
    }
}

fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1).peekable();
    if words.peek().map(String::as_str) == Some(child::LEASH) {
        return Err(child::leash(words.skip(1)));
    }
    let args = Args::read(words)?;
    raise_open_files();
    dashboard::measure(args.clients, args.seconds)?;
    stopped::measure(args.clients, args.seconds, args.rounds)
}
