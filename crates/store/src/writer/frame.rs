//! Entries as bytes in a file, each with its length and a checksum.
//!
//! ```text
//! u32 length of what follows the checksum     u32 CRC-32 of it     u32 length of the JSON     JSON     bytes of a journal
//! ```
//!
//! Numbers are little-endian. The JSON is that of [`Entry`].

use crate::Entry;

/// What stands at the beginning of each file. Another format has another beginning.
pub(super) const MAGIC: &[u8; 8] = b"PCSPOOL1";

const HEAD: usize = 8;

/// What is next in some bytes.
#[derive(Debug)]
pub(super) enum Next {
    /// An entry, and how many bytes it takes.
    Entry(Box<Entry>, usize),
    /// The beginning of one that takes so many bytes.
    Incomplete(usize),
    /// Whole, but an entry of a kind that only a newer program knows.
    Unknown,
    /// No entry.
    Damaged,
}

pub(super) fn encode(entry: &Entry, out: &mut Vec<u8>) {
    let start = out.len();
    out.extend_from_slice(&[0; HEAD + 4]);
    serde_json::to_writer(&mut *out, entry).expect("numbers, strings and JSON can be written");
    let json = (out.len() - start - HEAD - 4) as u32;
    if let Entry::Journal(journal) = entry {
        out.extend_from_slice(&journal.bytes);
    }
    out[start + HEAD..start + HEAD + 4].copy_from_slice(&json.to_le_bytes());
    let body = &out[start + HEAD..];
    let (length, sum) = (body.len() as u32, crc32fast::hash(body));
    out[start..start + 4].copy_from_slice(&length.to_le_bytes());
    out[start + 4..start + HEAD].copy_from_slice(&sum.to_le_bytes());
}

pub(super) fn decode(bytes: &[u8]) -> Next {
    let number = |at: usize| {
        let four = bytes.get(at..at + 4)?.try_into().ok()?;
        usize::try_from(u32::from_le_bytes(four)).ok()
    };
    let Some(length) = number(0) else { return Next::Incomplete(HEAD) };
    let end = HEAD.saturating_add(length);
    let Some(body) = bytes.get(HEAD..end) else { return Next::Incomplete(end) };
    if number(4) != Some(crc32fast::hash(body) as usize) {
        return Next::Damaged;
    }
    let entry = || {
        let (json, rest) = body.get(4..)?.split_at_checked(number(HEAD)?)?;
        let mut entry = serde_json::from_slice(json).ok()?;
        if let Entry::Journal(journal) = &mut entry {
            journal.bytes = rest.to_vec();
        }
        Some(entry)
    };
    match entry() {
        Some(entry) => Next::Entry(Box::new(entry), end),
        None => Next::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Audit, Journal};

    #[test]
    fn a_frame_is_read_as_it_was_written() {
        let entries = [
            Entry::from(Journal::new("17.1", 3, vec![0, 255, 10, 13])),
            Entry::from(Audit::new("maria", "zone.enter").about("17.1")),
            Entry::from(Journal::new("17.2", 3, Vec::new())),
        ];
        let mut bytes = Vec::new();
        entries.iter().for_each(|entry| encode(entry, &mut bytes));
        let mut rest = bytes.as_slice();
        for entry in &entries {
            let Next::Entry(found, length) = decode(rest) else { panic!("an entry") };
            assert_eq!(*found, *entry);
            rest = &rest[length..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn what_is_torn_or_turned_is_no_entry() {
        let mut bytes = Vec::new();
        encode(&Audit::new("maria", "zone.leave").into(), &mut bytes);
        for end in 0..bytes.len() {
            let Next::Incomplete(needed) = decode(&bytes[..end]) else { panic!("cut at {end}") };
            assert!(needed > end);
        }
        for at in 4..bytes.len() {
            let mut turned = bytes.clone();
            turned[at] ^= 0x10;
            assert!(matches!(decode(&turned), Next::Damaged), "turned at {at}");
        }
    }
}
