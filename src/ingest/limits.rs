//! The limits of one push, each with its arithmetic.

/// Bytes of one body, after decompression.
///
/// A sample takes some 100 bytes as JSON, so this is 80,000 of them; parsed, they take 25 MiB.
pub const PUSH_BODY_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Items of one body: half of the series that the store holds.
pub const PUSH_ITEMS_MAX: usize = 50_000;
/// Refused items that are told one by one. A sender with more has one mistake many times; the
/// answer stays under 200 KiB.
pub const REFUSED_LISTED_MAX: usize = 1_000;
/// Metrics of which type, help and unit are noted: at 1.3 KiB each at most, 26 MB; usual ones are 100 bytes.
pub const CATALOG_METRICS_MAX: usize = 20_000;
/// Bytes of a metric's help that are kept.
pub const HELP_BYTES_MAX: usize = 1_024;
/// Bytes of a metric's unit that are kept.
pub const UNIT_BYTES_MAX: usize = 64;
/// Bytes of a metric's name.
pub const METRIC_NAME_BYTES_MAX: usize = 256;
/// Bytes of a sender's text that are repeated in a reason.
pub const QUOTED_BYTES_MAX: usize = 64;
