//! `kill -9` at 20 instants of pushing.

use std::io::{BufRead, BufReader, Write};

use super::*;

const SERIES: usize = 20;
const KILLS: usize = 20;

/// Pushes a second after the other, and prints each one that is acknowledged. Five pushes are on
/// their way at any time, so that the writer groups them.
#[test]
fn child_that_pushes() {
    let Some(folder) = folder_of_child() else { return };
    let store = open(&folder, StoreConfig::default());
    let newest = store.newest().iter().filter_map(|(_, _, t)| *t).max().unwrap_or(START);
    let mut out = std::io::stdout();
    let mut on_their_way = std::collections::VecDeque::new();
    for n in 1.. {
        let t = newest + n * 1_000;
        let report = store.append(&batch(0..SERIES, t), t);
        assert_eq!(report.refused, []);
        on_their_way.push_back((t, store.persist(&report.rows).unwrap()));
        store.tick(t);
        if on_their_way.len() > 5
            && let Some((t, durable)) = on_their_way.pop_front()
        {
            durable.blocking_wait().unwrap();
            writeln!(out, "ack {t}").unwrap();
        }
    }
}

#[test]
fn a_kill_loses_nothing_that_was_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut random = fastrand::Rng::with_seed(20_231_114);
    let mut acknowledged = Vec::new();
    for kill in 0..KILLS {
        let mut child = child("kill::child_that_pushes", folder.path()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let wanted = acknowledged.len() + random.usize(1..250);
        while acknowledged.len() < wanted {
            let line = lines.next().expect("the child lives").unwrap();
            acknowledged.extend(line.strip_prefix("ack ").map(|t| t.parse::<i64>().unwrap()));
        }
        // Not right after an acknowledgement, but anywhere on the way to the next ones.
        for _ in 0..random.u32(0..200_000) {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
        // What it printed before it died was acknowledged too; the last line may be cut.
        let rest = lines.map_while(Result::ok);
        acknowledged.extend(rest.filter_map(|line| {
            line.strip_prefix("ack ").filter(|t| t.len() == 13).map(|t| t.parse::<i64>().unwrap())
        }));
        // Mostly a copy is looked at, so that the next child finds what a kill left, and not what an
        // orderly end made of it.
        let copy = copy_of(folder.path());
        let looked_at = if kill % 5 == 4 { folder.path() } else { copy.path() };
        let store = open(looked_at, StoreConfig::default());
        assert!(store.unclean_restart());
        check(&store, SERIES, &acknowledged);
        store.shutdown();
        drop(store);
        integrity(looked_at);
    }
    assert!(acknowledged.len() > 600, "sealing was under fire too: {}", acknowledged.len());
}
