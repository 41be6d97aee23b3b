//! The newest publication of each channel that may be told in differences. Pure.

use std::sync::Arc;

use bytes::Bytes;
use rustc_hash::FxHashMap;

use crate::wire::centrifugo::Publication;

/// Bytes of all of them; past that all are forgotten, and the next publication of each channel is told whole.
pub(super) const BYTES_MAX: usize = 64 << 20;
/// Bytes that one takes beside its data.
const OVERHEAD: usize = 200;

/// What the next publication of a channel may be a difference from.
#[derive(Debug, Default)]
pub(super) struct Bases {
    newest: FxHashMap<Arc<str>, (u64, Bytes)>,
    bytes: usize,
}

impl Bases {
    /// Notes a publication; returns the data of the one right before it, if that is known.
    pub(super) fn put(&mut self, channel: &Arc<str>, publication: &Publication) -> Option<Bytes> {
        self.put_after(channel, publication, publication.offset.checked_sub(1))
    }

    /// The same of a key of a map, whose value before is of this offset.
    pub(super) fn put_key(
        &mut self,
        channel: &str,
        publication: &Publication,
        before: Option<u64>,
    ) -> Option<Bytes> {
        // The length keeps names apart that would run into each other.
        let name = Arc::from(format!("{}:{channel}{}", channel.len(), publication.key));
        self.put_after(&name, publication, before)
    }

    fn put_after(
        &mut self,
        channel: &Arc<str>,
        publication: &Publication,
        expected: Option<u64>,
    ) -> Option<Bytes> {
        let size = |channel: &str, data: &Bytes| channel.len() + data.len() + OVERHEAD;
        self.bytes += size(channel, &publication.data);
        let newest = (publication.offset, publication.data.clone());
        let before = self.newest.insert(Arc::clone(channel), newest);
        if let Some((_, data)) = &before {
            self.bytes -= size(channel, data);
        }
        if BYTES_MAX < self.bytes {
            self.newest.clear();
            self.bytes = 0;
        }
        before.filter(|(offset, _)| Some(*offset) == expected).map(|(_, data)| data)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_maps_have_their_own() {
        let mut bases = Bases::default();
        let mut put = |channel, key: &str, offset: u64, before| {
            let data = Bytes::from(offset.to_string());
            bases.put_key(
                channel,
                &Publication { offset, data, key: key.to_owned(), ..Publication::default() },
                before,
            )
        };
        assert_eq!(put("m", "a", 1, None), None);
        assert_eq!(put("m", "b", 2, None), None);
        assert_eq!(put("m", "a", 3, Some(1)), Some("1".into()));
        assert_eq!(put("ma", "", 4, Some(3)), None, "another map");
        assert_eq!(put("m", "a", 9, Some(7)), None, "one was not seen");
    }

    #[test]
    fn only_the_one_right_before_counts_and_room_is_bounded() {
        let channel: Arc<str> = "a".into();
        let mut bases = Bases::default();
        let mut put = |offset, data: Bytes| {
            bases.put(&channel, &Publication { offset, data, ..Publication::default() })
        };
        assert_eq!(put(1, "x".into()), None);
        assert_eq!(put(2, "y".into()), Some("x".into()));
        assert_eq!(put(4, "z".into()), None);
        put(5, vec![0; BYTES_MAX].into());
        assert_eq!(put(6, "z".into()), None, "all were forgotten");
        assert_eq!(bases.bytes, 1 + 1 + OVERHEAD);
    }
}
