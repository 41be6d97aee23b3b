//! What the store keeps: the file, a restart, memory over hours.

use tempfile::TempDir;
use watchroom::{
    clock::Clock,
    model::{Labels, Matcher, Selection},
    store::{Store, StoreConfig},
};

use super::{
    START, batch,
    host::{self, Host},
    labels,
    table::{show, title},
    timed::seconds,
};

/// A store with a file, and a host that is collected into it.
struct Machine {
    folder: TempDir,
    clock: Clock,
    store: Store,
    sets: Vec<Labels>,
    host: Host,
    now: i64,
}

impl Machine {
    fn new(series: usize) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual(START);
        let store = Store::open(folder.path(), StoreConfig::default(), &clock).expect("a new store");
        let sets = (0..series).map(labels).collect();
        Self { folder, clock, store, sets, host: Host::new(series), now: START }
    }

    fn next(&mut self) -> watchroom::store::AppendReport {
        self.now += 1_000;
        self.clock.set(self.now);
        self.store.append(&batch(&self.sets, self.now, &self.host.second()), self.now)
    }

    /// One second as the server has it: a commit of its own for what was collected, then upkeep.
    /// Gives how long the commit took.
    fn second(&mut self) -> f64 {
        let report = self.next();
        let took = seconds(|| {
            let durable = self.store.persist(&report.rows).expect("room in the queue");
            durable.blocking_wait().expect("a disk that takes it");
        });
        self.store.tick(self.now);
        took
    }

    /// One second whose samples go with the next block: a simulated day is too long for its commits.
    fn second_lazily(&mut self) {
        let report = self.next();
        self.store.persist_lazily(&report.rows);
        self.store.tick(self.now);
        // The simulated hour is faster than a disk.
        while self.store.stats().disk.pending_bytes > 4 << 20 {
            std::thread::yield_now();
        }
    }

    fn file(&self) -> rusqlite::Connection {
        let file = rusqlite::Connection::open(self.folder.path().join("samples.sqlite")).expect("a file");
        file.busy_timeout(std::time::Duration::from_secs(10)).expect("a time");
        file
    }

    fn size(&self, name: &str) -> f64 {
        std::fs::metadata(self.folder.path().join(name)).map_or(0, |file| file.len()) as f64
    }

    /// Bytes of the file and its log, once the log is in the file.
    fn file_bytes(&self) -> f64 {
        let file = self.file();
        loop {
            let busy = file.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get::<_, i64>(0));
            if busy.expect("a file") == 0 {
                break;
            }
        }
        self.size("samples.sqlite") + self.size("samples.sqlite-wal")
    }
}

pub(super) fn disk() {
    const SERIES: usize = 500;
    const HOURS: usize = 2;
    title("disk: 500 series of a host at one sample a second, committed each second");
    let mut machine = Machine::new(SERIES);
    let mut commits = Vec::new();
    let (mut size, mut log) = (0.0, 0.0);
    let (written, samples) = (host::written_bytes(), SERIES * 3_600 * HOURS);
    for hour in 1..=HOURS {
        commits.extend((0..3_600).map(|_| machine.second() * 1e3));
        log = machine.size("samples.sqlite-wal");
        let now = machine.file_bytes();
        let growth = (now - size) / (SERIES * 3_600) as f64;
        show(&format!("growth of the file, hour {hour}"), &[growth], "bytes/sample", ..=0.8);
        size = now;
    }
    show("commit of a second", &commits, "ms", ..);
    show("log beside the file, before it is in the file", &[log / 1e3], "kB", ..);
    let written = host::written_bytes() - written;
    show("written to the disk, the log too", &[written / samples as f64], "bytes/sample", ..);
    let file = machine.file();
    let sum = |sql: &str| file.query_row(sql, [], |row| row.get::<_, f64>(0)).expect("a number") / 1e3;
    for table in ["chunk", "chunk_by_series", "pending", "carried", "series"] {
        let sql = format!("SELECT total(pgsize) FROM dbstat WHERE name = '{table}'");
        show(&format!("pages of {table}"), &[sum(&sql)], "kB", ..);
    }
    let free = machine.store.stats().disk.free_bytes as f64 / 1e3;
    show("free pages", &[free], "kB", ..);
    show("bodies of chunks", &[sum("SELECT total(length(body)) FROM chunk")], "kB", ..);
}

pub(super) fn restart() {
    const SERIES: usize = 400;
    const ROUNDS: usize = 5;
    title("restart: 24 h of 400 series at one sample a second, 5 rounds");
    let mut machine = Machine::new(SERIES);
    (0..86_400).for_each(|_| machine.second_lazily());
    show("resident memory after 24 h", &[host::resident_mb()], "MB", ..);
    let Machine { folder, clock, store, now, .. } = machine;
    drop(store);
    let day = Selection { matchers: vec![Matcher::equal("device", "399")], from: now - 86_400_000, to: now };
    let hour = Selection { matchers: vec![Matcher::equal("job", "host")], from: now - 3_600_000, to: now };
    let (mut open, mut with_day, mut with_hour) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let mut store = None;
        let took = seconds(|| {
            store = Some(Store::open(folder.path(), StoreConfig::default(), &clock).expect("a store"));
        });
        let store = store.expect("just opened");
        let (mut one_day, mut all_hour) = (Vec::new(), Vec::new());
        open.push(took);
        let took = took + seconds(|| one_day = store.select(std::slice::from_ref(&day)).expect("history"));
        with_day.push(took);
        let took = took + seconds(|| all_hour = store.select(std::slice::from_ref(&hour)).expect("history"));
        with_hour.push(took);
        assert_eq!(one_day[0][0].samples.len(), 86_400);
        assert!(all_hour[0].iter().all(|series| series.samples.len() == 3_600));
    }
    show("open", &open, "s", ..);
    show("and 24 h of one series", &with_day, "s", ..);
    show("and 1 h of all", &with_hour, "s", ..=2.0);
}

pub(super) fn memory() {
    const SERIES: usize = 600;
    title("memory: 600 series at one sample a second");
    let before = host::resident_mb();
    let mut machine = Machine::new(SERIES);
    for hour in [1, 3, 6] {
        while machine.now < START + hour * 3_600_000 {
            machine.second_lazily();
        }
        show(&format!("resident memory after {hour} h"), &[host::resident_mb() - before], "MB", ..);
        let head = machine.store.stats().head_bytes as f64 / 1e6;
        show(&format!("of that the head, after {hour} h"), &[head], "MB", ..);
    }
}
