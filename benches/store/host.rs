//! A host-like set of series: mostly constants, counters at mixed rates, gauges.

/// What a series does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Never changes.
    Constant,
    /// Changes about every ten minutes: the size of a file system.
    Step,
    /// A counter of bytes.
    Bytes,
    /// A counter of hundredths of a second, as a fraction.
    Ticks,
    /// A counter that rarely counts.
    Rare,
    /// Memory in pages of 4 KiB, a random walk.
    Pages,
    /// A fraction of two decimals that changes every five seconds: load.
    Load,
    /// A quotient with all of its bits: a share of CPU.
    Share,
    /// A small whole number: runnable processes.
    Count,
}

/// Every kind.
pub(crate) const KINDS: [Kind; 9] = [
    Kind::Constant,
    Kind::Step,
    Kind::Bytes,
    Kind::Ticks,
    Kind::Rare,
    Kind::Pages,
    Kind::Load,
    Kind::Share,
    Kind::Count,
];

impl Kind {
    /// Its name in the output.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Constant => "constant",
            Self::Step => "step",
            Self::Bytes => "bytes",
            Self::Ticks => "ticks",
            Self::Rare => "rare",
            Self::Pages => "pages",
            Self::Load => "load",
            Self::Share => "share",
            Self::Count => "count",
        }
    }
}

/// The series of a host, with the values that they have now.
pub(crate) struct Host {
    random: fastrand::Rng,
    series: Vec<(Kind, f64)>,
    second: u64,
}

impl Host {
    /// Makes `series` of them: of 20 series 12 are constant (2 of these nearly), 5 counters, 3 gauges.
    pub(crate) fn new(series: usize) -> Self {
        use Kind::{Bytes, Constant, Count, Load, Pages, Rare, Share, Step, Ticks};
        const MIX: [Kind; 20] = [
            Constant, Constant, Constant, Constant, Constant, Constant, Constant, Constant, Constant,
            Constant, Step, Step, Bytes, Ticks, Ticks, Rare, Rare, Pages, Share, Count,
        ];
        let mut random = fastrand::Rng::with_seed(7);
        let series = (0..series)
            .map(|n| {
                let kind = if n % 100 == 18 { Load } else { MIX[n % MIX.len()] };
                let start = match kind {
                    Constant => f64::from(random.u32(0..3)) * f64::from(random.u32(0..1_000_000)),
                    Step | Pages => f64::from(random.u32(1..1_000_000)) * 4_096.0,
                    Bytes | Rare => f64::from(random.u32(0..2_000_000_000)),
                    Ticks => f64::from(random.u32(0..9_000_000)),
                    Load | Share | Count => 0.0,
                };
                (kind, start)
            })
            .collect();
        Self { random, series, second: 0 }
    }

    /// What each series does.
    pub(crate) fn kinds(&self) -> Vec<Kind> {
        self.series.iter().map(|(kind, _)| *kind).collect()
    }

    /// The values of the next second.
    pub(crate) fn second(&mut self) -> Vec<f64> {
        self.second += 1;
        let (random, second) = (&mut self.random, self.second);
        let next = |(kind, state): &mut (Kind, f64)| match kind {
            Kind::Constant => *state,
            Kind::Step => {
                if random.u32(0..600) == 0 {
                    *state += f64::from(random.i32(-100..100)) * 4_096.0;
                }
                *state
            }
            Kind::Bytes => {
                *state += f64::from(random.u32(0..20)) * f64::from(random.u32(60..1_500));
                *state
            }
            Kind::Ticks => {
                *state += f64::from(random.u32(0..8));
                *state / 100.0
            }
            Kind::Rare => {
                *state += f64::from(u32::from(random.u32(0..20) == 0));
                *state
            }
            Kind::Pages => {
                *state += f64::from(random.i32(-40..41)) * 4_096.0;
                *state
            }
            Kind::Load => {
                if second.is_multiple_of(5) {
                    *state = (*state * 92.0 + f64::from(random.u32(0..40))).round() / 100.0;
                }
                *state
            }
            Kind::Share => 100.0 * f64::from(random.u32(0..30)) / f64::from(random.u32(99..102)),
            Kind::Count => f64::from(random.u32(1..6)),
        };
        self.series.iter_mut().map(next).collect()
    }
}

/// Memory of this process, MB.
pub(crate) fn resident_mb() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap_or_default();
    let kb: f64 = line.trim().trim_end_matches(" kB").trim().parse().unwrap_or(0.0);
    kb / 1e3
}

/// What this process has had written to disks, bytes.
pub(crate) fn written_bytes() -> f64 {
    let text = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("write_bytes: ")).unwrap_or_default();
    line.trim().parse().unwrap_or(0.0)
}
