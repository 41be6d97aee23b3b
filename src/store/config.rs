//! What an operator may set, and the limits that they may not.

use crate::model::limits::SERIES_MAX;

/// Bytes of the head.
///
/// 600 series need 1.5 MB for open chunks and 1.1 MB for each hour of sealed
/// ones: 16 MiB hold 13 hours. Measured, such a process grows by 13 MB beside its head (pages of
/// `SQLite`, a pending block, what the allocator keeps): 30 of the 60 MiB that it may have.
pub const HEAD_BYTES_MAX: usize = 16 << 20;
/// Bytes that wait for the disk: 600 series at one sample a second fill them in 7 minutes.
pub const PENDING_BYTES_MAX: usize = 8 << 20;
/// How long samples are kept, ms: 30 days.
pub const RETENTION_MS: i64 = 30 * 86_400_000;
/// Bytes of the file: 600 series for 30 days at 0.8 bytes a sample are 1.2 GiB.
pub const RETENTION_BYTES: u64 = 4 << 30;
/// Samples of one call of select: 10 days of 11 series at one a second, 160 MB while it lasts.
pub const SELECT_SAMPLES_MAX: usize = 10_000_000;
/// Bytes of sealed chunks of one read from disk: a day of 1,000 series at one sample a second, at 1.4 bytes each.
pub const READ_BYTES_MAX: usize = 128 << 20;
/// A series that had no sample for so long is sealed as it is, ms.
pub const IDLE_MS: i64 = 3_600_000;

/// The limits of a store.
#[derive(Debug, Clone)]
pub struct StoreConfig {
    /// Series in memory.
    pub series_max: usize,
    /// Bytes of the head above which sealed chunks are let go that the disk has.
    pub head_bytes_max: usize,
    /// Bytes that may wait for the disk.
    pub pending_bytes_max: usize,
    /// How long samples are kept, ms.
    pub retention_ms: i64,
    /// Bytes of the file above which the oldest samples are deleted.
    pub retention_bytes: u64,
    /// Samples of one call of select.
    pub select_samples_max: usize,
    /// Bytes of sealed chunks of one read from disk.
    pub read_bytes_max: usize,
}

impl Default for StoreConfig {
    fn default() -> Self {
        Self {
            series_max: SERIES_MAX,
            head_bytes_max: HEAD_BYTES_MAX,
            pending_bytes_max: PENDING_BYTES_MAX,
            retention_ms: RETENTION_MS,
            retention_bytes: RETENTION_BYTES,
            select_samples_max: SELECT_SAMPLES_MAX,
            read_bytes_max: READ_BYTES_MAX,
        }
    }
}
