//! A past that two stores are given: buckets of latencies of many instances.

use std::{
    fs::File,
    io::{BufWriter, Write as _},
    path::Path,
    process::{Command, Stdio},
    time::UNIX_EPOCH,
};

use watchroom::{
    clock::Clock,
    model::{Batch, BatchSample, Labels, Sample, Source},
    store::{Store, StoreConfig},
};

const LES: [&str; 10] = ["0.001", "0.005", "0.01", "0.05", "0.1", "0.5", "1", "5", "10", "+Inf"];
/// Samples are so far off the whole second: Prometheus 2.42 counts one at the start of a window to the window, later
/// versions do not.
const OFF_GRID_MS: i64 = 137;
/// What may wait for the disk while history is written, bytes.
const PENDING_MAX: usize = 4 << 20;

/// A counter of many series, at one sample a second each.
#[derive(Debug)]
pub(crate) struct History {
    /// Ten for each instance.
    pub(crate) series: usize,
    /// How long it is.
    pub(crate) seconds: i64,
    /// Its end, s since the Unix epoch.
    pub(crate) end: i64,
}

/// A minute before now, s since the Unix epoch.
pub(crate) fn a_minute_ago() -> i64 {
    UNIX_EPOCH.elapsed().map_or(0, |now| now.as_secs() as i64) - 60
}

impl History {
    /// Its begin, s since the Unix epoch.
    pub(crate) const fn start(&self) -> i64 {
        self.end - self.seconds
    }

    fn labels(n: usize) -> [(&'static str, String); 3] {
        let instance = n / LES.len();
        [
            ("instance", format!("host-{instance}")),
            ("job", format!("job-{}", instance % 7)),
            ("le", LES[n % LES.len()].to_owned()),
        ]
    }

    /// How many observations a series' bucket gets in each second: as many as the smaller one, and some.
    fn grows() -> impl FnMut(&mut [u64]) {
        let mut random = fastrand::Rng::with_seed(7);
        move |values| {
            for buckets in values.chunks_mut(LES.len()) {
                let mut more = 0;
                for value in buckets {
                    more += random.u64(0..4);
                    *value += more;
                }
            }
        }
    }

    /// Writes a data folder of ours.
    ///
    /// # Errors
    ///
    /// When the disk fails.
    pub(crate) fn write_ours(&self, folder: &Path) -> anyhow::Result<()> {
        let clock = Clock::manual(self.start() * 1_000);
        let store = Store::open(folder, StoreConfig::default(), &clock)?;
        let labelled = |n| {
            let labels = Self::labels(n);
            let named = std::iter::once(("__name__", "latency_seconds_bucket"));
            Labels::from_pairs(named.chain(labels.iter().map(|(name, value)| (*name, value.as_str()))))
        };
        let sets: Vec<Labels> = (0..self.series).map(labelled).collect();
        let (mut values, mut grow) = (vec![0; self.series], Self::grows());
        for second in self.start()..self.end {
            grow(&mut values);
            let t = second * 1_000 + OFF_GRID_MS;
            clock.set(t);
            let sample = |(labels, value): (&Labels, &u64)| BatchSample {
                labels: labels.clone(),
                sample: Sample::new(t, *value as f64),
            };
            let samples = sets.iter().zip(&values).map(sample).collect();
            let batch = Batch::new(Source::Pushed, None, samples);
            let report = store.append(&batch, t);
            anyhow::ensure!(report.accepted == self.series, "{report:?}");
            store.persist_lazily(&report.rows);
            store.tick(t);
            while store.stats().disk.pending_bytes > PENDING_MAX {
                std::thread::yield_now();
            }
        }
        Ok(())
    }

    /// Writes blocks of Prometheus.
    ///
    /// # Errors
    ///
    /// When the disk fails, or its tool does.
    pub(crate) fn write_blocks(&self, promtool: &Path, folder: &Path) -> anyhow::Result<()> {
        let path = folder.join("samples");
        let mut file = BufWriter::new(File::create(&path)?);
        let sets: Vec<String> = (0..self.series)
            .map(|n| Self::labels(n).map(|(name, value)| format!("{name}=\"{value}\"")).join(","))
            .collect();
        let (mut values, mut grow) = (vec![0; self.series], Self::grows());
        writeln!(file, "# TYPE latency_seconds_bucket unknown")?;
        for second in self.start()..self.end {
            grow(&mut values);
            for (labels, value) in sets.iter().zip(&values) {
                writeln!(file, "latency_seconds_bucket{{{labels}}} {value} {second}.{OFF_GRID_MS}")?;
            }
        }
        writeln!(file, "# EOF")?;
        file.into_inner()?.sync_all()?;
        let made = Command::new(promtool)
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&path, folder])
            .stdout(Stdio::null())
            .status()?;
        anyhow::ensure!(made.success(), "promtool makes no blocks: {made}");
        std::fs::remove_file(path)?;
        Ok(())
    }
}
