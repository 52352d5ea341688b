//! The calls of a shard: found by their peers' addresses, and by whose turn it is to speak.

use super::{
    call::{Call, Gap, Opening},
    outbox::Key,
};
use std::{collections::HashMap, net::SocketAddr, time::Instant};

/// Turns in a round: each call speaks once in 20 ms, in the turn of its millisecond.
pub(super) const TURNS: usize = 20;

/// All calls of a shard.
///
/// A packet's way to its record is one look into a hash table: a table by port alone would save
/// little beside what the kernel takes for a packet, and would fail where two Asterisks use one
/// port.
pub(super) struct Calls {
    /// By the index of a key.
    records: Vec<Option<Record>>,
    by_peer: HashMap<SocketAddr, u32>,
    turns: [Vec<u32>; TURNS],
    /// Calls whose jitter buffer waits for a missing packet.
    gaps: Vec<u32>,
}

/// One call and its places in the tables.
struct Record {
    generation: u32,
    peer: SocketAddr,
    turn: usize,
    /// Open as long as the call stands in the list of those.
    gap: Gap,
    call: Call,
}

/// Bytes of a record.
#[cfg(test)]
pub(super) const RECORD: usize = size_of::<Option<Record>>();

impl Calls {
    /// Room for `capacity` calls; memory is used as they come.
    pub(super) fn new(capacity: usize) -> Calls {
        Calls {
            records: Vec::with_capacity(capacity),
            by_peer: HashMap::with_capacity(capacity),
            turns: std::array::from_fn(|_| Vec::with_capacity(capacity.div_ceil(TURNS))),
            gaps: Vec::with_capacity(capacity),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_peer.len()
    }

    /// Opens a call in the emptiest turn. Whoever had the peer's address before is closed, which is
    /// given back: Asterisk gives a port to a new channel only when the old one is no more.
    pub(super) fn open(
        &mut self,
        key: Key,
        peer: SocketAddr,
        opening: Opening,
        now: Instant,
    ) -> Option<(Key, Call)> {
        let before = self.of_peer(&peer).map(|(key, _)| key);
        let before = before.and_then(|key| self.close(key));
        let index = key.index as usize;
        if self.records.len() <= index {
            self.records.resize_with(index + 1, || None);
        }
        let turn = (0..TURNS).min_by_key(|turn| self.turns[*turn].len()).unwrap_or(0);
        self.turns[turn].push(key.index);
        self.by_peer.insert(peer, key.index);
        let call = Call::new(opening, now);
        let record = Record { generation: key.generation, peer, turn, gap: Gap::None, call };
        self.records[index] = Some(record);
        before
    }

    /// Takes a call out of all tables; `None` if it is not there any more.
    pub(super) fn close(&mut self, key: Key) -> Option<(Key, Call)> {
        let place = self.records.get_mut(key.index as usize)?;
        let record = place.take_if(|record| record.generation == key.generation)?;
        self.by_peer.remove(&record.peer);
        self.turns[record.turn].retain(|index| *index != key.index);
        self.gaps.retain(|index| *index != key.index);
        Some((key, record.call))
    }

    /// The call that `key` names, if it is still there.
    pub(super) fn get(&mut self, key: Key) -> Option<&mut Call> {
        let record = self.records.get_mut(key.index as usize)?.as_mut()?;
        (record.generation == key.generation).then_some(&mut record.call)
    }

    /// The call whose peer has this address.
    pub(super) fn of_peer(&mut self, peer: &SocketAddr) -> Option<(Key, &mut Call)> {
        let index = *self.by_peer.get(peer)?;
        self.at(index)
    }

    /// How many calls speak in a turn.
    pub(super) fn in_turn(&self, turn: usize) -> usize {
        self.turns[turn].len()
    }

    /// The call that speaks as the `n`th in a turn.
    pub(super) fn speaker(&mut self, turn: usize, n: usize) -> Option<(Key, &mut Call)> {
        let index = *self.turns[turn].get(n)?;
        self.at(index)
    }

    /// Notes that a call waits for a missing packet, until [`hear_gaps`](Calls::hear_gaps) finds
    /// that it does not.
    pub(super) fn note_gap(&mut self, key: Key) {
        let record = self.records.get_mut(key.index as usize).and_then(Option::as_mut);
        if let Some(record) = record.filter(|record| record.gap == Gap::None) {
            record.gap = Gap::Open;
            self.gaps.push(key.index);
        }
    }

    pub(super) fn has_gaps(&self) -> bool {
        !self.gaps.is_empty()
    }

    /// Has every call that waits for a missing packet look at the time again.
    pub(super) fn hear_gaps(&mut self, mut hear: impl FnMut(Key, &mut Call) -> Gap) {
        let records = &mut self.records;
        self.gaps.retain(|index| {
            let Some(record) = &mut records[*index as usize] else { return false };
            let key = Key { index: *index, generation: record.generation };
            record.gap = hear(key, &mut record.call);
            record.gap == Gap::Open
        });
    }

    fn at(&mut self, index: u32) -> Option<(Key, &mut Call)> {
        let record = self.records.get_mut(index as usize)?.as_mut()?;
        Some((Key { index, generation: record.generation }, &mut record.call))
    }
}
