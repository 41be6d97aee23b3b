//! Places in streams, and parts of them.

use crate::wire::centrifugo::Publication;

/// A place in a channel's stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StreamPosition {
    /// The newest offset; 0 in a stream where nothing was published.
    pub offset: u64,
    /// Which life of the stream.
    pub epoch: String,
}

/// Which part of a channel's history is wanted.
#[derive(Debug, Clone, Default)]
pub struct HistoryFilter {
    /// After this offset (before it, in reverse); all if absent.
    pub since: Option<u64>,
    /// At most so many; all that are kept if absent.
    pub limit: Option<usize>,
    /// Newest first.
    pub reverse: bool,
}

/// A part of a channel's history.
#[derive(Debug, Clone, Default)]
pub struct HistoryPage {
    /// In the order asked for.
    pub publications: Vec<Publication>,
    /// Where the stream stands.
    pub position: StreamPosition,
}
