//! A disk whose every fsync takes 100 ms, and which then is full for a while.

use std::time::Duration;

use tokio::time::Instant;
use watchroom::store::{Durable, PersistError, StorageState};

use super::*;

const SERIES: usize = 50;
const CONTROL: &str = "SLOWDISK_FULL";
/// What the shim adds to each fsync: whoever waits for one takes at least this long.
const FSYNC: Duration = Duration::from_millis(100);

#[test]
fn memory_goes_on_while_the_disk_does_not() {
    let folder = tempfile::tempdir().unwrap();
    let store_folder = folder.path().join("store");
    std::fs::create_dir(&store_folder).unwrap();
    let output = child("slow::child_on_a_bad_disk", &store_folder)
        .env("LD_PRELOAD", slowdisk::build(folder.path()))
        .env("SLOWDISK_DIR", &store_folder)
        .env("SLOWDISK_FSYNC_MS", FSYNC.as_millis().to_string())
        .env(CONTROL, folder.path().join("full"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    // It ends itself without a shutdown, when all that it checks held.
    assert!(said.contains("all held"), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    let acknowledged: Vec<i64> =
        said.lines().filter_map(|line| line.strip_prefix("ack ")?.parse().ok()).collect();
    assert!(acknowledged.len() > 20);
    let store = open(&store_folder, StoreConfig::default());
    assert!(store.unclean_restart());
    check(&store, SERIES, &acknowledged);
    drop(store);
    integrity(&store_folder);
}

struct Child {
    store: Store,
    t: i64,
    appends: Vec<Duration>,
}

impl Child {
    fn second(&mut self) -> Result<(i64, Durable), PersistError> {
        self.t += 1_000;
        let batch = batch(0..SERIES, self.t);
        let began = Instant::now();
        let report = self.store.append(&batch, self.t);
        self.store.tick(self.t);
        self.appends.push(began.elapsed());
        assert_eq!(report.refused, []);
        self.store.persist(&report.rows).map(|durable| (self.t, durable))
    }

    /// Memory's own latency: an fsync of 100 ms must not be in it.
    #[track_caller]
    fn check_appends(&mut self) {
        self.appends.sort();
        let median = self.appends[self.appends.len() / 2];
        assert!(median < FSYNC, "{median:?}");
        self.appends.clear();
    }
}

fn acknowledge((t, durable): (i64, Durable)) {
    durable.blocking_wait().unwrap();
    println!("ack {t}");
}

#[test]
fn child_on_a_bad_disk() {
    let Some(folder) = folder_of_child() else { return };
    let control = PathBuf::from(std::env::var_os(CONTROL).unwrap());
    let config = StoreConfig { pending_bytes_max: 512 << 10, ..StoreConfig::default() };
    let store = open(&folder, config);
    let mut child = Child { store, t: START, appends: Vec::new() };
    let state = child.store.storage_state();

    // Slow: a lone push waits for one fsync, and says so.
    for _ in 0..10 {
        let second = child.second().unwrap();
        let began = Instant::now();
        acknowledge(second);
        assert!(began.elapsed() >= Duration::from_millis(90), "the shim is in place");
    }
    assert!(matches!(*state.borrow(), StorageState::Slow { .. }));
    // Pushes that come together share their fsyncs.
    let began = Instant::now();
    let together: Vec<_> = (0..100).map(|_| child.second().unwrap()).collect();
    together.into_iter().for_each(acknowledge);
    assert!(began.elapsed() < 100 * FSYNC, "{:?}, as if one by one", began.elapsed());
    child.check_appends();

    // Full: memory goes on, and pushes are refused when too many bytes wait.
    std::fs::write(&control, "").unwrap();
    let began = Instant::now();
    let mut waiting = Vec::new();
    let mut refused = 0;
    for _ in 0..1_000 {
        match child.second() {
            Ok(second) => waiting.push(second),
            Err(error) => {
                assert_eq!(error, PersistError::Pending);
                refused += 1;
            }
        }
    }
    assert!(refused > 300 && !waiting.is_empty(), "{refused} refused");
    let deadline = Instant::now() + Duration::from_secs(20);
    while !matches!(*state.borrow(), StorageState::Refusing { .. }) {
        assert!(Instant::now() < deadline, "{:?}", *state.borrow());
        std::thread::yield_now();
    }
    assert!(child.second().is_err());
    child.check_appends();
    let newest = child.store.newest().iter().filter_map(|(_, _, t)| *t).max();
    assert_eq!(newest, Some(child.t));

    // Room again: what waited is acknowledged, and new pushes are taken.
    std::fs::remove_file(&control).unwrap();
    let told: Vec<_> = waiting.into_iter().map(|(t, durable)| (t, durable.blocking_wait())).collect();
    for (t, answer) in &told {
        match answer {
            Ok(()) => println!("ack {t}"),
            // On a machine so busy that they waited for 8 s.
            Err(error) => assert_eq!(*error, PersistError::Refused),
        }
    }
    assert!(began.elapsed().as_secs() > 8 || told.iter().all(|(_, answer)| answer.is_ok()));
    acknowledge(child.second().unwrap());
    assert!(!matches!(*state.borrow(), StorageState::Refusing { .. }));
    // Once chunks are sealed, what was refused while the disk was full is on disk too.
    for _ in 0..700 {
        let second = child.second().unwrap();
        if second.0 % 100_000 == 0 {
            acknowledge(second);
        }
    }
    acknowledge(child.second().unwrap());
    println!("all held");
    // No destructor runs: this is a crash.
    std::process::abort();
}
