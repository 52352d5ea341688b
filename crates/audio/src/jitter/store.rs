//! The packets that are held: in order of sequence, in a fixed piece of memory.

use super::MAX_PAYLOAD;
use std::time::Duration;

/// Packets held at most.
pub(super) const SLOTS: usize = 12;

/// Bytes of payload held at most: 300 ms.
pub(super) const ROOM: usize = 2 * MAX_PAYLOAD;

/// A packet that is held.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Held {
    pub(super) sequence: u64,
    pub(super) timestamp: u32,
    pub(super) arrived: Duration,
    pub(super) content: Content,
    begins: u16,
    len: u16,
}

/// What a packet carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Content {
    Ulaw,
    Alaw,
    /// Telephone events and the like take a sequence number but no time (RFC 4733 section 2.1).
    #[default]
    Other,
}

impl Held {
    pub(super) fn new(sequence: u64, timestamp: u32, arrived: Duration, content: Content) -> Held {
        Held { sequence, timestamp, arrived, content, begins: 0, len: 0 }
    }

    /// Samples of sound in it.
    pub(super) fn samples(&self) -> usize {
        usize::from(self.len)
    }

    fn bytes(&self) -> std::ops::Range<usize> {
        let begins = usize::from(self.begins);
        begins..begins + self.samples()
    }
}

/// Holds packets by sequence, each once.
///
/// Payloads lie one behind the other without a gap, in order of arrival, so any lengths fit that
/// fit together. A packet in order is alone here, and moves nothing.
#[derive(Debug)]
pub(super) struct Store {
    held: [Held; SLOTS],
    count: usize,
    bytes: [u8; ROOM],
    used: usize,
}

impl Default for Store {
    fn default() -> Store {
        Store { held: [Held::default(); SLOTS], count: 0, bytes: [0; ROOM], used: 0 }
    }
}

impl Store {
    /// The packets in order.
    pub(super) fn held(&self) -> &[Held] {
        &self.held[..self.count]
    }

    /// The first packet in order.
    pub(super) fn first(&self) -> Option<&Held> {
        self.held().first()
    }

    /// The payload of the first packet.
    pub(super) fn payload(&self) -> &[u8] {
        self.first().map_or(&[], |held| &self.bytes[held.bytes()])
    }

    /// Whether a packet with `len` bytes of payload can be held as well.
    pub(super) fn has_room(&self, len: usize) -> bool {
        self.count < SLOTS && self.used + len <= ROOM
    }

    pub(super) fn contains(&self, sequence: u64) -> bool {
        self.held().iter().any(|held| held.sequence == sequence)
    }

    /// Holds a packet that is not held and for which there is room.
    pub(super) fn insert(&mut self, held: Held, payload: &[u8]) {
        debug_assert!(self.has_room(payload.len()), "the caller makes room");
        let slot = self.held().partition_point(|other| other.sequence < held.sequence);
        self.held.copy_within(slot..self.count, slot + 1);
        self.held[slot] = Held { begins: self.used as u16, len: payload.len() as u16, ..held };
        self.bytes[self.used..][..payload.len()].copy_from_slice(payload);
        self.used += payload.len();
        self.count += 1;
    }

    /// Lets go of the first packet.
    pub(super) fn remove_first(&mut self) {
        let Some(&first) = self.first() else { return };
        self.bytes.copy_within(first.bytes().end..self.used, first.bytes().start);
        self.used -= first.samples();
        self.held.copy_within(1..self.count, 0);
        self.count -= 1;
        for held in &mut self.held[..self.count] {
            if held.begins > first.begins {
                held.begins -= first.len;
            }
        }
    }

    pub(super) fn clear(&mut self) {
        (self.count, self.used) = (0, 0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    proptest! {
        #[test]
        fn it_is_an_ordered_map(
            steps in prop::collection::vec(
                prop_oneof![
                    3 => (0u64..30, 0usize..700).prop_map(Some),
                    2 => Just(None),
                ],
                0..100,
            ),
        ) {
            let (mut store, mut model) = (Store::default(), BTreeMap::<u64, Vec<u8>>::new());
            for step in steps {
                match step {
                    Some((sequence, len)) => {
                        let bytes: usize = model.values().map(Vec::len).sum();
                        let room = model.len() < SLOTS && bytes + len <= ROOM;
                        prop_assert_eq!(store.has_room(len), room);
                        prop_assert_eq!(store.contains(sequence), model.contains_key(&sequence));
                        if room && !store.contains(sequence) {
                            let payload: Vec<u8> = (0..len).map(|n| (n as u64 * 3 + sequence) as u8).collect();
                            store.insert(Held { sequence, ..Held::default() }, &payload);
                            model.insert(sequence, payload);
                        }
                    }
                    None => {
                        store.remove_first();
                        model.pop_first();
                    }
                }
                prop_assert!(store.held().iter().map(|held| held.sequence).eq(model.keys().copied()));
                let first = model.first_key_value().map_or(&[][..], |(_, payload)| payload);
                prop_assert_eq!(store.payload(), first);
            }
        }
    }
}
