//! A tenth of the readers stop reading: what that costs the others, and what becomes of those.

use std::time::Duration;

use watchroom::load::{
    Load, Speech,
    process::{most_kib, resident_kib},
    table::{median, ratios},
};

use super::{
    ours,
    table::{show, title},
};

/// Messages a second, and their bytes: what the kernel takes for a reader, some 170 KiB, is full after two seconds, and
/// what waits behind it a second later.
const RATE: f64 = 50.0;
const BYTES: usize = 2_000;
/// Of so many readers one stops.
const OF: usize = 10;
/// What a reader that stopped may cost, KiB.
const EACH_MAX: f64 = 256.0;

/// What one turn measured.
struct Turn {
    p50_ms: f64,
    p99_ms: f64,
    lost: u64,
    /// How many the server closed as slow.
    slow: f64,
    /// The most memory that it ever had above what it had before, KiB for each that stopped.
    each: f64,
}

/// Measures turns with all readers and turns in which some stop, one after the other in each round.
///
/// # Errors
///
/// When the server does not do what it must.
pub(crate) fn measure(clients: usize, seconds: f64, rounds: usize) -> anyhow::Result<()> {
    let stopped = clients / OF;
    title(&format!(
        "{stopped} of {clients} readers stop; {RATE} messages a second of {BYTES} bytes, {rounds} rounds of {seconds} s"
    ));
    let (mut all, mut some) = (Vec::new(), Vec::new());
    for round in 0..rounds {
        // Who is first in a round has the machine as the last of the round before left it.
        if round % 2 == 0 {
            all.push(turn(clients, 0, seconds)?);
            some.push(turn(clients, stopped, seconds)?);
        } else {
            some.push(turn(clients, stopped, seconds)?);
            all.push(turn(clients, 0, seconds)?);
        }
    }
    let of = |turns: &[Turn], figure: fn(&Turn) -> f64| turns.iter().map(figure).collect::<Vec<f64>>();
    for (name, turns) in [("all read", &all), ("some stop", &some)] {
        show(&format!("{name}: latency of the readers, p50"), &of(turns, |turn| turn.p50_ms), "ms", ..);
        show(&format!("{name}: latency of the readers, p99"), &of(turns, |turn| turn.p99_ms), "ms", ..);
        let lost = turns.iter().map(|turn| turn.lost).sum::<u64>() as f64;
        show(&format!("{name}: lost by readers, all rounds"), &[lost], "", ..=0.0);
    }
    let p99 = |turns: &[Turn]| of(turns, |turn| turn.p99_ms);
    show("p99, some stop / all read", &ratios(&p99(&some), &p99(&all)), "x", ..=1.3);
    let slow = of(&some, |turn| turn.slow);
    show("closed with 3008 in a round", &slow, "", stopped as f64..);
    anyhow::ensure!(median(&slow) <= stopped as f64, "more are closed than stopped");
    show("memory for one that stopped, at most", &of(&some, |turn| turn.each), "KiB", ..=EACH_MAX);
    Ok(())
}

fn turn(clients: usize, stopped: usize, seconds: f64) -> anyhow::Result<Turn> {
    let server = ours::start()?;
    let mut load = Load::connect(server.address, Speech::Centrifugo(Default::default()), clients)?;
    load.lengthen(BYTES);
    load.publish(RATE, 1.0)?;
    load.stop(stopped)?;
    let before = resident_kib(server.pid())?;
    let seen = load.publish(RATE, seconds)?;
    // A turn in which nobody stops takes nothing for those who did.
    let each = (most_kib(server.pid())? - before).max(0.0) / stopped.max(1) as f64;
    load.idle(Duration::from_millis(200))?;
    let slow = ours::metric(server.address, "watchroom_closes_total{code=\"3008\"}")?;
    Ok(Turn { p50_ms: seen.latency_ms(0.5), p99_ms: seen.latency_ms(0.99), lost: seen.lost, slow, each })
}
