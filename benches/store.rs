//! The store's figures, against its bars.
//!
//! `cargo bench --bench store` runs all, `cargo bench --bench store -- disk` those whose name has
//! the word. Each figure is the median of several rounds.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::hint::black_box;

use tokio::time::Instant;
use watchroom::clock::Clock;
use watchroom::model::{Batch, BatchSample, Labels, Matcher, Sample, Source};
use watchroom::store::{
    Head, Selection, Store, StoreConfig,
    codec::{decode_chunk, encode_chunk},
};

#[path = "store/host.rs"]
mod host;

use host::Host;

const START: i64 = 1_700_000_000_000;

fn main() {
    let wanted: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let benches: &[(&str, fn())] = &[
        ("append", append),
        ("seal", seal),
        ("select", select),
        ("disk", disk),
        ("restart", restart),
        ("memory", memory),
        ("many", many),
    ];
    for (name, bench) in benches {
        if wanted.is_empty() || wanted.iter().any(|word| name.contains(word.as_str())) {
            bench();
        }
    }
}

/// The median over rounds of what one round took, in seconds.
fn median(rounds: usize, mut round: impl FnMut() -> f64) -> f64 {
    let mut took: Vec<f64> = (0..rounds).map(|_| round()).collect();
    took.sort_by(f64::total_cmp);
    took[took.len() / 2]
}

fn seconds(work: impl FnOnce()) -> f64 {
    let began = Instant::now();
    work();
    began.elapsed().as_secs_f64()
}

fn show(name: &str, value: f64, unit: &str, bar: &str) {
    println!("{name:<44} {value:>14.3} {unit:<12} {bar}");
}

fn labels(n: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", format!("host_metric_{}", n % 40)),
        ("instance", "web-03".to_owned()),
        ("job", "host".to_owned()),
        ("device", n.to_string()),
    ])
}

fn append() {
    const SERIES: usize = 1_000;
    const SAMPLES: usize = 400;
    let count = (SERIES * SAMPLES) as f64;
    let mut host = Host::new(SERIES);
    let values: Vec<Vec<f64>> = (0..SAMPLES).map(|_| host.second()).collect();
    let by_ref = median(7, || {
        let mut head = Head::new(SERIES);
        let ids: Vec<_> = (0..SERIES)
            .map(|n| head.append(&labels(n), Sample::new(START, 0.0)).expect("room").series)
            .collect();
        seconds(|| {
            for (at, values) in (1..).zip(&values) {
                for (id, v) in ids.iter().zip(values) {
                    black_box(head.append_ref(*id, Sample::new(START + at * 1_000, *v))).ok();
                }
            }
        })
    });
    show("append by reference", count / by_ref / 1e6, "M samples/s", ">= 5");
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let by_labels = median(7, || {
        let mut head = Head::new(SERIES);
        seconds(|| {
            for (at, values) in (1..).zip(&values) {
                for (labels, v) in sets.iter().zip(values) {
                    black_box(head.append(labels, Sample::new(START + at * 1_000, *v))).ok();
                }
            }
        })
    });
    show("append by labels", count / by_labels / 1e6, "M samples/s", "");
    let batches: Vec<Batch> =
        (1..).zip(&values).map(|(at, values)| batch(&sets, START + at * 1_000, values)).collect();
    let by_batch = median(7, || {
        let store = Store::in_memory();
        seconds(|| {
            for batch in &batches {
                black_box(store.append(batch, batch.samples[0].sample.t));
            }
        })
    });
    show("append of batches of 1,000 with report", count / by_batch / 1e6, "M samples/s", "");
}

fn batch(sets: &[Labels], t: i64, values: &[f64]) -> Batch {
    let samples = sets
        .iter()
        .zip(values)
        .map(|(labels, v)| BatchSample { labels: labels.clone(), sample: Sample::new(t, *v) });
    let source = Source::Scheduled { name: "host@bench".to_owned(), interval_ms: 1_000 };
    Batch { source, step: Some(t), samples: samples.collect() }
}

fn seal() {
    let mut host = Host::new(500);
    let seconds_of: Vec<Vec<f64>> = (0..480).map(|_| host.second()).collect();
    let columns: Vec<Vec<Sample>> = (0..500)
        .map(|n| {
            let times = (0..).map(|at| START + at * 1_000);
            times.zip(&seconds_of).map(|(t, values)| Sample::new(t, values[n])).collect()
        })
        .collect();
    let kinds = host.kinds();
    for kind in host::KINDS {
        let of_kind: Vec<&Vec<Sample>> =
            kinds.iter().zip(&columns).filter(|(of, _)| **of == kind).map(|(_, c)| c).collect();
        let mut bytes = 0;
        let encode =
            median(5, || seconds(|| bytes = of_kind.iter().map(|c| black_box(encode_chunk(c)).len()).sum()));
        let chunks: Vec<Vec<u8>> = of_kind.iter().map(|c| encode_chunk(c)).collect();
        let decode = median(5, || {
            seconds(|| {
                for chunk in &chunks {
                    let mut out = Vec::new();
                    decode_chunk(chunk, (i64::MIN, i64::MAX), &mut out).expect("ours");
                    black_box(out);
                }
            })
        });
        let per_chunk = 1e6 / of_kind.len() as f64;
        let size = bytes as f64 / (of_kind.len() * 480) as f64;
        println!(
            "seal 480 {:<12} x{:<4} {:>8.1} µs  unseal {:>6.1} µs  {size:>7.3} bytes/sample",
            kind.name(),
            of_kind.len(),
            encode * per_chunk,
            decode * per_chunk,
        );
    }
}

fn select() {
    let store = Store::in_memory();
    let sets: Vec<Labels> = (0..500).map(labels).collect();
    let mut host = Host::new(500);
    let mut now = START;
    let mut ticks = Vec::new();
    for _ in 0..1_500 {
        now += 1_000;
        store.append(&batch(&sets, now, &host.second()), now);
        ticks.push(seconds(|| store.tick(now)));
    }
    ticks.sort_by(f64::total_cmp);
    show("tick of 500 series, median", ticks[750] * 1e3, "ms", "");
    show("tick of 500 series, p99", ticks[1_485] * 1e3, "ms", "");
    for span in [5, 60, 300, 1_400] {
        let matchers = vec![Matcher::equal("job", "host")];
        let selections = [Selection { matchers, from: now - span * 1_000, to: now }];
        let took = median(21, || seconds(|| drop(black_box(store.select_recent(&selections)))));
        let bar = if span <= 300 { "< 10 in all" } else { "" };
        show(&format!("select 500 series over {span} s"), took * 1e3, "ms", bar);
    }
    let (ids, _) = store.resolve(&[Matcher::equal("job", "host")]);
    let took = median(21, || seconds(|| drop(black_box(store.select_ids_recent(&ids, now - 5_000, now)))));
    show("select 500 resolved series over 5 s", took * 1e3, "ms", "");
}

fn file_bytes(store: &Store, folder: &std::path::Path) -> f64 {
    // The backup has what the file has, with the log in it.
    let copy = folder.join("size.sqlite");
    assert!(store.flush());
    watchroom::store::copy(folder, &copy).expect("room");
    let bytes = std::fs::metadata(&copy).expect("just made").len();
    std::fs::remove_file(&copy).expect("just made");
    bytes as f64
}

fn disk() {
    const SERIES: usize = 500;
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::manual(START);
    let store = Store::open(folder.path(), StoreConfig::default(), &clock).expect("a new store");
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut host = Host::new(SERIES);
    let mut now = START;
    let mut sizes = vec![0.0];
    for _ in 0..3 {
        for _ in 0..3_600 {
            now += 1_000;
            clock.set(now);
            let report = store.append(&batch(&sets, now, &host.second()), now);
            store.persist_lazily(&report.rows);
            store.tick(now);
            settle(&store);
        }
        sizes.push(file_bytes(&store, folder.path()));
        let hour = (SERIES * 3_600) as f64;
        let growth = sizes[sizes.len() - 1] - sizes[sizes.len() - 2];
        let name = format!("disk, hour {}: growth", sizes.len() - 1);
        show(&name, growth / hour, "bytes/sample", "<= 0.8");
    }
    let stats = store.stats();
    println!("{stats:?}");
    drop(store);
    let folder = folder.path();
    let file = std::fs::metadata(folder.join("samples.sqlite")).expect("closed").len();
    show("disk, file after shutdown", file as f64 / 1e6, "MB", "");
    let sum = |sql: &str| {
        let file = rusqlite::Connection::open(folder.join("samples.sqlite")).expect("closed");
        file.query_row(sql, [], |row| row.get::<_, f64>(0)).expect("a number")
    };
    for table in ["chunk", "chunk_by_series", "pending", "carried", "series"] {
        let sql = format!("SELECT total(pgsize) FROM dbstat WHERE name = '{table}'");
        show(&format!("disk, pages of {table}"), sum(&sql) / 1e3, "kB", "");
    }
    show("disk, bodies of chunk", sum("SELECT total(length(body)) FROM chunk") / 1e3, "kB", "");
}

/// Waits until the writer has little to do: the simulated hour is faster than a disk.
fn settle(store: &Store) {
    while store.stats().disk.pending_bytes > 4 << 20 {
        std::thread::yield_now();
    }
}

fn restart() {
    const SERIES: usize = 400;
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::manual(START);
    let store = Store::open(folder.path(), StoreConfig::default(), &clock).expect("a new store");
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut host = Host::new(SERIES);
    let mut now = START;
    for _ in 0..86_400 {
        now += 1_000;
        clock.set(now);
        let report = store.append(&batch(&sets, now, &host.second()), now);
        store.persist_lazily(&report.rows);
        store.tick(now);
        settle(&store);
    }
    println!("{:?}", store.stats());
    println!("resident {:.1} MB after 24 h", host::resident_mb());
    drop(store);
    let began = Instant::now();
    let store = Store::open(folder.path(), StoreConfig::default(), &clock).expect("a store");
    let opened = began.elapsed().as_secs_f64();
    let day = Selection { matchers: vec![Matcher::equal("device", "399")], from: now - 86_400_000, to: now };
    let hour = Selection { matchers: vec![Matcher::equal("job", "host")], from: now - 3_600_000, to: now };
    let one_day = store.select(&[day]).expect("history");
    let with_day = began.elapsed().as_secs_f64();
    let all_hour = store.select(&[hour]).expect("history");
    let with_hour = began.elapsed().as_secs_f64();
    show("restart, 24 h x 400 series: open", opened, "s", "");
    show("restart, and 24 h of one series", with_day, "s", "");
    show("restart, and 1 h of all", with_hour, "s", "<= 2");
    assert_eq!(one_day[0][0].samples.len(), 86_400);
    assert!(all_hour[0].iter().all(|series| series.samples.len() == 3_600));
}

fn memory() {
    const SERIES: usize = 600;
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Clock::manual(START);
    let before = host::resident_mb();
    let store = Store::open(folder.path(), StoreConfig::default(), &clock).expect("a new store");
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut host = Host::new(SERIES);
    let mut now = START;
    for hour in 1..=6 {
        for _ in 0..3_600 {
            now += 1_000;
            clock.set(now);
            let report = store.append(&batch(&sets, now, &host.second()), now);
            store.persist_lazily(&report.rows);
            store.tick(now);
            settle(&store);
        }
        let grown = host::resident_mb() - before;
        let head = store.stats().head_bytes as f64 / 1e6;
        println!("memory, 600 series, hour {hour}: +{grown:.1} MB resident, head {head:.1} MB");
    }
}

/// As many series as there may be, all with the same times.
fn many() {
    const SERIES: usize = 100_000;
    let before = host::resident_mb();
    let store = Store::in_memory();
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut host = Host::new(SERIES);
    let (mut appends, mut ticks) = (Vec::new(), Vec::new());
    for at in 1..=700 {
        let now = START + at * 1_000;
        let batch = batch(&sets, now, &host.second());
        appends.push(seconds(|| drop(black_box(store.append(&batch, now)))));
        ticks.push(seconds(|| store.tick(now)));
        if at == 240 {
            println!("many, before the first seal: +{:.0} MB", host::resident_mb() - before);
        }
    }
    for (name, mut took) in [("append of a batch", appends), ("tick", ticks)] {
        took.sort_by(f64::total_cmp);
        show(&format!("many, {name}, median"), took[350] * 1e3, "ms", "");
        show(&format!("many, {name}, worst"), took[699] * 1e3, "ms", "");
    }
    println!(
        "many, with tails of chunks: +{:.0} MB, {:?}",
        host::resident_mb() - before,
        store.stats().seals
    );
}
