//! The store's figures, against its bars.
//!
//! `cargo bench --bench store` runs all, `cargo bench --bench store -- disk` those whose name has
//! the word.
#![expect(clippy::print_stdout, reason = "a bench prints")]

use std::hint::black_box;

use watchroom::model::{Batch, BatchSample, Labels, Matcher, Sample, Source};
use watchroom::store::{
    Head, Selection, Store,
    codec::{decode_chunk, encode_chunk},
};

#[path = "store/host.rs"]
mod host;
#[path = "store/kept.rs"]
mod kept;
#[path = "shared/rounds.rs"]
mod rounds;
#[path = "shared/table.rs"]
mod table;
#[path = "shared/timed.rs"]
mod timed;

use host::{Host, Kind};
use rounds::{each, pairs, rounds};
use table::{show, title};
use timed::seconds;
use watchroom::load::table::ratios;

const START: i64 = 1_700_000_000_000;

fn main() {
    let benches: &[(&str, fn())] = &[
        ("append", append),
        ("seal", seal),
        ("select", select),
        ("disk", kept::disk),
        ("restart", kept::restart),
        ("memory", kept::memory),
        ("many", many),
    ];
    let words: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let wanted = |name: &str| words.is_empty() || words.iter().any(|word| name.contains(word.as_str()));
    let chosen: Vec<_> = benches.iter().filter(|(name, _)| wanted(name)).collect();
    if let [(_, bench)] = *chosen {
        bench();
        return;
    }
    // Each in a process of its own: what one has freed would hide what the next one needs.
    for (name, _) in chosen {
        let this = std::env::current_exe().expect("this program has a file");
        let ended = std::process::Command::new(this).arg(name).status().expect("it starts again");
        assert!(ended.success(), "{name} failed");
    }
}

fn labels(n: usize) -> Labels {
    Labels::from_pairs([
        ("__name__", format!("host_metric_{}", n % 40)),
        ("instance", "web-03".to_owned()),
        ("job", "host".to_owned()),
        ("device", n.to_string()),
    ])
}

fn batch(sets: &[Labels], t: i64, values: &[f64]) -> Batch {
    let samples = sets
        .iter()
        .zip(values)
        .map(|(labels, v)| BatchSample { labels: labels.clone(), sample: Sample::new(t, *v) });
    let source = Source::Scheduled { name: "host@bench".to_owned(), interval_ms: 1_000 };
    Batch::new(source, Some(t), samples.collect())
}

/// What a series of each host's kind has, second after second.
fn columns(host: &mut Host, series: usize, count: usize) -> Vec<Vec<Sample>> {
    let seconds: Vec<Vec<f64>> = (0..count).map(|_| host.second()).collect();
    let column = |n: usize| {
        let times = (0..).map(|at| START + at * 1_000);
        times.zip(&seconds).map(|(t, values)| Sample::new(t, values[n])).collect()
    };
    (0..series).map(column).collect()
}

fn append() {
    const SERIES: usize = 1_000;
    const SAMPLES: usize = 400;
    const ROUNDS: usize = 9;
    title("append: 1,000 series, 400 samples each, 9 rounds, one core");
    let count = (SERIES * SAMPLES) as f64;
    let mut host = Host::new(SERIES);
    let values: Vec<Vec<f64>> = (0..SAMPLES).map(|_| host.second()).collect();
    let by_ref = || {
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
    };
    let plain = || {
        let mut series: Vec<Vec<Sample>> = vec![Vec::new(); SERIES];
        seconds(|| {
            for (at, values) in (1..).zip(&values) {
                for (series, v) in series.iter_mut().zip(values) {
                    series.push(black_box(Sample::new(START + at * 1_000, *v)));
                }
            }
        })
    };
    let rate = |took: &[f64]| each(took, |took| count / took / 1e6);
    let (by_ref, plain) = pairs(ROUNDS, by_ref, plain);
    show("by reference", &rate(&by_ref), "M samples/s", 5.0..);
    show("to a plain Vec for each series", &rate(&plain), "M samples/s", ..);
    show("time, by reference / to a plain Vec", &ratios(&by_ref, &plain), "x", ..);
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let by_labels = rounds(ROUNDS, || {
        let mut head = Head::new(SERIES);
        seconds(|| {
            for (at, values) in (1..).zip(&values) {
                for (labels, v) in sets.iter().zip(values) {
                    black_box(head.append(labels, Sample::new(START + at * 1_000, *v))).ok();
                }
            }
        })
    });
    show("by labels", &rate(&by_labels), "M samples/s", ..);
    let batches: Vec<Batch> =
        (1..).zip(&values).map(|(at, values)| batch(&sets, START + at * 1_000, values)).collect();
    let by_batch = rounds(ROUNDS, || {
        let store = Store::in_memory();
        seconds(|| {
            for batch in &batches {
                black_box(store.append(batch, batch.samples[0].sample.t));
            }
        })
    });
    show("in batches of 1,000, with a report", &rate(&by_batch), "M samples/s", ..);
}

fn seal() {
    const SERIES: usize = 500;
    const SAMPLES: usize = 480;
    const ROUNDS: usize = 9;
    title("seal: chunks of 480 samples, 9 rounds, time of one chunk");
    let mut host = Host::new(SERIES);
    let columns = columns(&mut host, SERIES, SAMPLES);
    let kinds = host.kinds();
    let of_kind = |kind: Kind| -> Vec<&[Sample]> {
        kinds.iter().zip(&columns).filter(|(of, _)| **of == kind).map(|(_, column)| &**column).collect()
    };
    for kind in host::KINDS {
        seal_of(&format!("{}, {} series", kind.name(), of_kind(kind).len()), &of_kind(kind), ROUNDS);
    }
    let all: Vec<&[Sample]> = columns.iter().map(Vec::as_slice).collect();
    let (sealed, copied) = seal_of("the host set", &all, ROUNDS);
    show("the host set: seal / copy of the samples", &ratios(&sealed, &copied), "x", ..);
}

/// Shows what sealing and reading these columns costs; gives the times of sealing and of a copy.
fn seal_of(name: &str, columns: &[&[Sample]], count: usize) -> (Vec<f64>, Vec<f64>) {
    let samples: usize = columns.iter().map(|column| column.len()).sum();
    let chunks: Vec<Vec<u8>> = columns.iter().map(|column| encode_chunk(column)).collect();
    let bytes: usize = chunks.iter().map(Vec::len).sum();
    let encode = || {
        seconds(|| {
            for column in columns {
                black_box(encode_chunk(column));
            }
        })
    };
    let copy = || {
        seconds(|| {
            for column in columns {
                black_box(column.to_vec());
            }
        })
    };
    let decode = || {
        seconds(|| {
            for chunk in &chunks {
                let mut out = Vec::new();
                decode_chunk(chunk, (i64::MIN, i64::MAX), &mut out).expect("ours");
                black_box(out);
            }
        })
    };
    let (encoded, copied) = pairs(count, encode, copy);
    let decoded = rounds(count, decode);
    let one = |took: &[f64]| each(took, |took| took * 1e6 / columns.len() as f64);
    show(&format!("{name}: seal"), &one(&encoded), "µs", ..);
    show(&format!("{name}: read"), &one(&decoded), "µs", ..);
    show(&format!("{name}: size"), &[bytes as f64 / samples as f64], "bytes/sample", ..);
    (encoded, copied)
}

fn select() {
    const SERIES: usize = 500;
    const ROUNDS: usize = 21;
    title("select: 500 series, 1,500 samples each, in memory, 21 rounds");
    let store = Store::in_memory();
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut host = Host::new(SERIES);
    let mut plain: Vec<Vec<Sample>> = vec![Vec::new(); SERIES];
    let mut now = START;
    let mut ticks = Vec::new();
    for _ in 0..1_500 {
        now += 1_000;
        let values = host.second();
        store.append(&batch(&sets, now, &values), now);
        ticks.push(seconds(|| store.tick(now)) * 1e3);
        plain.iter_mut().zip(values).for_each(|(series, v)| series.push(Sample::new(now, v)));
    }
    show("tick, with the seals that are due", &ticks, "ms", ..);
    for span in [5, 60, 300, 1_400] {
        let matchers = vec![Matcher::equal("job", "host")];
        let selections = [Selection { matchers, from: now - span * 1_000, to: now }];
        let select = || seconds(|| drop(black_box(store.select_recent(&selections))));
        let copy = || {
            let from = now - span * 1_000;
            let part =
                |series: &Vec<Sample>| series[series.partition_point(|sample| sample.t < from)..].to_vec();
            seconds(|| drop(black_box(plain.iter().map(part).collect::<Vec<_>>())))
        };
        let (selected, copied) = pairs(ROUNDS, select, copy);
        let most = if span <= 300 { 10.0 } else { f64::INFINITY };
        show(&format!("the last {span} s"), &each(&selected, |took| took * 1e3), "ms", ..=most);
        show(&format!("the last {span} s / a copy of the samples"), &ratios(&selected, &copied), "x", ..);
    }
    let (ids, _) = store.resolve(&[Matcher::equal("job", "host")]);
    let took =
        rounds(ROUNDS, || seconds(|| drop(black_box(store.select_ids_recent(&ids, now - 5_000, now)))));
    show("the last 5 s of series resolved before", &each(&took, |took| took * 1e3), "ms", ..);
}

/// As many series as there may be, all with the same times.
fn many() {
    const SERIES: usize = 100_000;
    /// Seconds: to the first seals and through all of them.
    const SECONDS: i64 = 520;
    title("many: 100,000 series at one sample a second, for 520 s");
    let before = host::resident_mb();
    let store = Store::in_memory();
    let sets: Vec<Labels> = (0..SERIES).map(labels).collect();
    let mut host = Host::new(SERIES);
    let (mut appends, mut ticks) = (Vec::new(), Vec::new());
    for at in 1..=SECONDS {
        let now = START + at * 1_000;
        let batch = batch(&sets, now, &host.second());
        appends.push(seconds(|| drop(black_box(store.append(&batch, now)))) * 1e3);
        ticks.push(seconds(|| store.tick(now)) * 1e3);
        if at == 240 {
            show("resident memory before the first seal", &[host::resident_mb() - before], "MB", ..);
        }
    }
    show("append of a second", &appends, "ms", ..);
    show("tick", &ticks, "ms", ..);
    show("resident memory with chunks", &[host::resident_mb() - before], "MB", ..);
    show("chunks sealed", &[store.stats().seals as f64], "", ..);
}
