//! The limits that more than one room knows, each with its arithmetic.

/// Samples up to this late are stored, and the steps that they change are sent again, ms.
pub const LATE_MS_MAX: i64 = 60_000;
/// Samples up to this far ahead of the server's clock are stored, ms.
pub const AHEAD_MS_MAX: i64 = 60_000;
/// How long an instant selector looks back for the newest sample, ms: Prometheus's default.
pub const LOOKBACK_MS: i64 = 300_000;
/// Labels on one series, the name counted. `node_exporter`'s widest has 12.
pub const LABELS_MAX: usize = 32;
/// Bytes of one label's name.
pub const LABEL_NAME_BYTES_MAX: usize = 256;
/// Bytes of one label's value: a long command line or URL fits.
pub const LABEL_VALUE_BYTES_MAX: usize = 2_048;
/// Buckets of one native histogram that is stored, both sides together: clients send 160 by default, and the
/// finest schema takes 2,048 for a factor of 256 between the least and the most. 16 KiB each.
pub const HISTOGRAM_BUCKETS_MAX: usize = 2_048;
/// Custom bounds of one native histogram that is stored: classic histograms have some 10.
pub const HISTOGRAM_BOUNDS_MAX: usize = 1_024;
/// Series that the store holds. At about 1.5 KiB each with an open chunk: 150 MiB.
pub const SERIES_MAX: usize = 100_000;
