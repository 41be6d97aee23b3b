//! Which keys of persistent maps are not on disk as they are in memory. Pure.

use std::collections::BTreeMap;

use super::maps::Place;

/// Keys of persistent maps that wait for the disk.
///
/// One write takes all of them, so a disk that keeps up has them written within one of its turns; beyond that nothing more is
/// changed.
pub const UNWRITTEN_MAX: usize = 8_192;
/// Bytes of their values, likewise.
pub const UNWRITTEN_BYTES_MAX: usize = 8 << 20;

/// A key that waits.
#[derive(Debug, Clone, Copy)]
struct One {
    /// The number of its newest change.
    turn: u64,
    bytes: usize,
}

/// The keys that wait, and how far the disk is.
#[derive(Debug, Default)]
pub(super) struct Unwritten {
    all: BTreeMap<Place, One>,
    bytes: usize,
    /// The number of the newest change…
    turn: u64,
    /// …and of the newest that is on disk, with all before it.
    written: u64,
}

impl Unwritten {
    /// Notes a change of a key, whose value has so many bytes now.
    pub(super) fn note(&mut self, place: Place, bytes: usize) {
        self.turn += 1;
        let bytes = place.0.len() + place.1.len() + bytes;
        let before = self.all.insert(place, One { turn: self.turn, bytes });
        self.bytes = self.bytes + bytes - before.map_or(0, |before| before.bytes);
    }

    /// The number of the newest change.
    pub(super) const fn turn(&self) -> u64 {
        self.turn
    }

    /// Whether a change is on disk, and all before it.
    pub(super) const fn is_written(&self, turn: u64) -> bool {
        turn <= self.written
    }

    /// Whether as much waits as may.
    pub(super) fn is_full(&self) -> bool {
        UNWRITTEN_MAX <= self.all.len() || UNWRITTEN_BYTES_MAX <= self.bytes
    }

    /// Those that wait.
    pub(super) fn places(&self) -> impl Iterator<Item = &Place> {
        self.all.keys()
    }

    /// Notes that all changes up to one are on disk.
    pub(super) fn wrote(&mut self, turn: u64) {
        self.all.retain(|_, one| turn < one.turn);
        self.bytes = self.all.values().map(|one| one.bytes).sum();
        self.written = self.written.max(turn);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_for_the_disk_is_bounded_by_number_and_bytes() {
        let mut unwritten = Unwritten::default();
        let note =
            |unwritten: &mut Unwritten, key: &str, bytes| unwritten.note(("a".into(), key.into()), bytes);
        for at in 1..UNWRITTEN_MAX {
            assert!(!unwritten.is_full(), "{at}");
            // One key counts once.
            note(&mut unwritten, "k", 1);
            note(&mut unwritten, &at.to_string(), 1);
        }
        assert!(unwritten.is_full());
        unwritten.wrote(unwritten.turn());
        assert_eq!((unwritten.is_full(), unwritten.bytes), (false, 0));
        note(&mut unwritten, "k", UNWRITTEN_BYTES_MAX);
        assert!(unwritten.is_full());
        note(&mut unwritten, "k", 1);
        assert!(!unwritten.is_full(), "its newest value counts");
    }
}
