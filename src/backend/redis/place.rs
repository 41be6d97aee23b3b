//! Where keys are: each has the tag of a place, and a place is one slot of a cluster.
//!
//! Channels are spread over [`PARTITIONS`] places by the CRC16 of their name. Channels of the journal, records and
//! claims are in one place, as a commit changes several of them in one step.

/// Places over which channels are spread. Another figure would look for what is kept in other places: it is part of
/// the format. With three masters each serves 20 to 24 of them, with eight 6 to 10.
pub const PARTITIONS: u8 = 64;
/// Slots of a cluster.
const SLOTS: u16 = 16_384;

/// A place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Place(u8);

impl Place {
    /// Channels of the journal, records and claims.
    pub(super) const JOURNAL: Self = Self(PARTITIONS);
    /// The stream of samples.
    pub(super) const SAMPLES: Self = Self(PARTITIONS + 1);
    /// What is known of nodes, and what all hubs are told.
    pub(super) const NODES: Self = Self(PARTITIONS + 2);
    /// How many there are.
    pub(super) const COUNT: usize = PARTITIONS as usize + 3;

    /// Where a channel is that is not of the journal, and who is present in any channel.
    pub(super) fn of(channel: &str) -> Self {
        let partition = crc16(channel.as_bytes()) % u16::from(PARTITIONS);
        Self(u8::try_from(partition).unwrap_or_default())
    }

    /// Every place.
    pub(super) fn all() -> impl Iterator<Item = Self> {
        (0..PARTITIONS + 3).map(Self)
    }

    /// Its number, below [`Self::COUNT`].
    pub(super) const fn index(self) -> usize {
        self.0 as usize
    }

    /// What keys have between braces.
    pub(super) fn tag(self) -> String {
        match self {
            Self::JOURNAL => "journal".to_owned(),
            Self::SAMPLES => "stream".to_owned(),
            Self::NODES => "node".to_owned(),
            Self(partition) => format!("p{partition}"),
        }
    }

    /// The slot of its keys in a cluster.
    pub(super) fn slot(self) -> u16 {
        crc16(self.tag().as_bytes()) % SLOTS
    }
}

/// The checksum that a cluster finds slots by.
///
/// *Source:* the specification of Redis Cluster, appendix A: polynomial 0x1021, from 0, nothing reflected.
fn crc16(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |crc, byte| {
        (0..8).fold(crc ^ (u16::from(*byte) << 8), |crc, _| {
            let shifted = crc << 1;
            if crc & 0x8000 == 0 { shifted } else { shifted ^ 0x1021 }
        })
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_checksum_is_that_of_the_specification() {
        assert_eq!(crc16(b"123456789"), 0x31c3);
    }

    #[test]
    fn places_are_slots_of_their_own() {
        let slots: BTreeSet<u16> = Place::all().map(Place::slot).collect();
        assert_eq!(slots.len(), Place::COUNT);
        let thirds = [Place::JOURNAL, Place::SAMPLES, Place::NODES].map(|place| place.slot() * 3 / SLOTS);
        assert_eq!(BTreeSet::from(thirds).len(), 3, "what is busy is on three masters: {thirds:?}");
    }

    #[test]
    fn a_channel_stays_where_it_is() {
        for (channel, tag) in [("", "p0"), ("a", "p7"), ("room:lobby", "p40"), ("chat:1", "p11")] {
            assert_eq!(Place::of(channel).tag(), tag, "{channel}");
        }
    }
}
