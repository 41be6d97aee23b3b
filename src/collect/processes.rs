//! The process table, read once a round.
//!
//! One small file is read for each process and parsed in place; everything else, command line,
//! user, disk traffic, is read for the few that are shown.

pub mod detail;
pub mod stat;
pub mod users;

use std::{borrow::Cow, fs, io, time::Duration};

use rustc_hash::FxHashMap;
use tokio::time::Instant;

use self::{
    detail::{Detail, Details},
    stat::ProcessStat,
    users::Users,
};
use super::{
    Emit,
    host::{file, stat::USER_HZ},
    top::{TopProcesses, TopRow, Use, choose, rounded},
};

/// Processes that are read: at about 8 µs each, a quarter of a second.
pub const PROCESSES_MAX: usize = 32_768;
/// The table may take one part in this many of a core; a longer reading is followed by a longer
/// pause, in which the last counts stand. With 400 processes a reading takes 4 ms: once a second.
const SHARE: u32 = 150;

/// The states of a process, as `/proc` writes them and as a row shows them.
const STATES: [(char, &str); 7] = [
    ('R', "runs"),
    ('S', "sleeps"),
    ('D', "waits"),
    ('T', "stopped"),
    ('Z', "zombie"),
    ('I', "idle"),
    ('X', "dead"),
];

#[derive(Debug, Clone, Copy)]
struct Seen {
    start: u64,
    ticks: u64,
    round: u64,
}

#[derive(Debug, Clone, Default)]
struct Counts {
    pids: u32,
    threads: u64,
    states: [u32; STATES.len()],
}

/// Reads the process table, and remembers each process's processor time from round to round.
#[derive(Debug)]
pub struct ProcessTable {
    round: u64,
    seen: FxHashMap<u32, Seen>,
    stats: Vec<ProcessStat>,
    uses: Vec<Use>,
    counts: Counts,
    details: Details,
    users: Users,
    buffer: Vec<u8>,
    path: String,
    memory_bytes: f64,
    read_at: Option<Instant>,
    pause: Duration,
}

impl ProcessTable {
    /// Makes a table that has read nothing yet.
    pub fn new() -> Self {
        Self {
            round: 0,
            seen: FxHashMap::default(),
            stats: Vec::new(),
            uses: Vec::new(),
            counts: Counts::default(),
            details: Details::default(),
            users: Users::default(),
            buffer: vec![0; 4_096],
            path: String::new(),
            memory_bytes: memory_bytes(),
            read_at: None,
            pause: Duration::ZERO,
        }
    }

    /// Emits the counts, and gives the busiest processes, or `None` in a pause.
    ///
    /// At a slow round the facts that seldom change, such as a process's user, are read again.
    ///
    /// # Errors
    ///
    /// When `/proc` cannot be listed.
    pub fn collect(&mut self, is_slow_round: bool, emit: &mut Emit<'_>) -> io::Result<Option<TopProcesses>> {
        let now = Instant::now();
        let elapsed = self.read_at.map(|at| now - at);
        if elapsed.is_some_and(|elapsed| elapsed < self.pause) {
            self.emit_counts(emit);
            return Ok(None);
        }
        if is_slow_round {
            self.details.forget_users();
            self.users.refresh();
        }
        self.read_all()?;
        let top = self.top(emit.at_ms(), elapsed.map_or(0.0, |elapsed| elapsed.as_secs_f64()));
        self.emit_counts(emit);
        self.read_at = Some(now);
        self.pause = pause_after(now.elapsed());
        Ok(Some(top))
    }

    fn read_all(&mut self) -> io::Result<()> {
        self.stats.clear();
        self.counts = Counts::default();
        for entry in fs::read_dir("/proc")? {
            let name = entry?.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse::<u32>().ok()) else { continue };
            // A process that ends between the two readings is left out.
            let Some(text) = read_of(pid, "stat", &mut self.path, &mut self.buffer) else { continue };
            if let Some(stat) = stat::parse(pid, &text) {
                self.counts.add(&stat);
                self.stats.push(stat);
            }
            if self.stats.len() >= PROCESSES_MAX {
                break;
            }
        }
        Ok(())
    }

    /// Chooses the busiest; `seconds` have passed since the last reading, 0 at the first.
    fn top(&mut self, at_ms: i64, seconds: f64) -> TopProcesses {
        self.round += 1;
        let round = self.round;
        self.uses.clear();
        for (at, stat) in self.stats.iter().enumerate() {
            let now = Seen { start: stat.start, ticks: stat.ticks, round };
            let last = self.seen.insert(stat.pid, now).filter(|last| last.start == stat.start);
            // A process that was not there has used all its time since.
            let ticks = stat.ticks.saturating_sub(last.map_or(0, |last| last.ticks));
            let cpu = if seconds > 0.0 { ticks as f64 / USER_HZ / seconds * 100.0 } else { 0.0 };
            self.uses.push(Use { at, cpu, rss: stat.rss_bytes });
        }
        self.seen.retain(|_, seen| seen.round == round);
        let chosen = choose(&mut self.uses);
        self.details.begin();
        let rows = chosen.iter().map(|entry| self.row(entry, seconds)).collect();
        self.details.end();
        TopProcesses { t: at_ms, count: self.stats.len(), rows }
    }

    fn row(&mut self, entry: &Use, seconds: f64) -> TopRow {
        let stat = &self.stats[entry.at];
        let Detail { name, args, uid, read, write } = self.details.read(stat, seconds, |pid, file| {
            read_of(pid, file, &mut self.path, &mut self.buffer).map(Cow::into_owned)
        });
        let state = STATES.iter().find(|(letter, _)| *letter == stat.state);
        TopRow {
            pid: stat.pid,
            name,
            args,
            user: uid.map(|uid| self.users.name(uid)).unwrap_or_default(),
            cpu: rounded(entry.cpu, 1),
            memory: rounded(stat.rss_bytes as f64 / self.memory_bytes.max(1.0), 4),
            rss: stat.rss_bytes,
            read: read.map(|rate| rounded(rate, 1)),
            write: write.map(|rate| rounded(rate, 1)),
            state: state.map_or("sleeps", |(_, word)| word),
        }
    }

    fn emit_counts(&self, emit: &mut Emit<'_>) {
        emit.put("node_processes_pids", &[], f64::from(self.counts.pids));
        emit.put("node_processes_threads", &[], self.counts.threads as f64);
        let mut letter_bytes = [0; 4];
        for ((letter, _), count) in STATES.iter().zip(self.counts.states) {
            let letter: &str = letter.encode_utf8(&mut letter_bytes);
            emit.put("node_processes_state", &[("state", letter)], f64::from(count));
        }
    }
}

impl Default for ProcessTable {
    fn default() -> Self {
        Self::new()
    }
}

impl Counts {
    fn add(&mut self, stat: &ProcessStat) {
        self.pids += 1;
        self.threads += stat.threads;
        if let Some(at) = STATES.iter().position(|(letter, _)| *letter == stat.state) {
            self.states[at] += 1;
        }
    }
}

/// How long to leave the table alone after a reading that took `took`.
///
/// Half a second less than the share asks for: rounds come once a second, and one that is early by
/// its own delay must not be skipped. So 10 ms and less are read every second.
fn pause_after(took: Duration) -> Duration {
    (took * SHARE).saturating_sub(Duration::from_millis(500)).min(Duration::from_secs(60))
}

/// Reads `/proc/<pid>/<file>` into `buffer`; `None` when it cannot be read.
fn read_of<'a>(pid: u32, file: &str, path: &mut String, buffer: &'a mut [u8]) -> Option<Cow<'a, str>> {
    use std::fmt::Write as _;
    path.clear();
    write!(path, "/proc/{pid}/{file}").ok()?;
    let opened = fs::File::open(&*path).ok()?;
    let length = file::read_some(&opened, buffer).ok()?;
    Some(String::from_utf8_lossy(&buffer[..length]))
}

/// The machine's memory, bytes; 0 when it is not told.
fn memory_bytes() -> f64 {
    let text = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let total = text.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kib = total.and_then(|rest| rest.trim().trim_end_matches("kB").trim().parse::<f64>().ok());
    kib.unwrap_or(0.0) * 1_024.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collect::SeriesBook;

    #[test]
    fn a_long_reading_is_followed_by_a_long_pause() {
        assert_eq!(pause_after(Duration::from_millis(1)), Duration::ZERO);
        assert_eq!(pause_after(Duration::from_millis(20)), Duration::from_millis(2_500));
    }

    #[test]
    fn this_process_is_found_with_its_use() {
        let mut table = ProcessTable::new();
        let mut book = SeriesBook::new(&[]);
        let mut out = Vec::new();
        table.read_all().unwrap();
        let me = std::process::id();
        let mine = table.stats.iter().find(|stat| stat.pid == me).unwrap();
        assert!(mine.rss_bytes > 100_000 && mine.threads >= 1);
        let top = table.collect(true, &mut book.begin(5_000, &mut out)).unwrap().unwrap();
        assert_eq!(top.t, 5_000);
        assert!(top.count >= 1 && top.rows.iter().all(|row| row.cpu == 0.0), "{top:?}");
        let pids = out.iter().find(|entry| entry.labels.metric_name() == "node_processes_pids").unwrap();
        assert!(pids.sample.v >= 1.0);
    }

    #[test]
    fn use_is_percent_of_one_core() {
        let mut table = ProcessTable::new();
        let stat = |ticks| ProcessStat { ticks, start: 9, ..ProcessStat::example(4_000_000_000) };
        table.stats = vec![stat(100)];
        assert_eq!(table.top(0, 0.0).rows[0].cpu, 0.0);
        table.stats = vec![stat(150)];
        assert_eq!(table.top(500, 0.5).rows[0].cpu, 100.0);
        // Another process under the same number starts from nothing.
        table.stats = vec![ProcessStat { start: 10, ..stat(20) }];
        assert_eq!(table.top(1_500, 1.0).rows[0].cpu, 20.0);
    }
}
