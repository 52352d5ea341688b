//! Writes a compound.

use super::{
    GOODBYE, HEADER, MOST, RECEIVER_REPORT, ReportBlock, SENDER_REPORT, SOURCE_DESCRIPTION,
    SenderInfo,
    description::CNAME,
    report::{BLOCK, INFO},
};
use thiserror::Error;

/// Why a packet is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WriteError {
    /// The buffer is too small.
    #[error("an RTCP packet of {needed} bytes does not fit into {room}")]
    NoRoom {
        /// Bytes of the packet.
        needed: usize,
        /// Bytes left.
        room: usize,
    },
    /// More blocks or sources than a packet can count.
    #[error("{0} entries in an RTCP packet, at most 31 can be")]
    TooMany(usize),
    /// A text with more bytes than its length can tell.
    #[error("a text of {0} bytes in an RTCP packet, at most 255 can be")]
    TooLong(usize),
}

/// Writes packets one behind the other into a buffer. A compound begins with a report and tells
/// the sender's canonical name (RFC 3550 section 6.1).
///
/// ```
/// use audio::rtcp::{Compound, Packet, Writer};
///
/// let mut buffer = [0; 64];
/// let mut writer = Writer::new(&mut buffer);
/// writer.receiver_report(7, &[])?;
/// writer.cname(7, "patchcord")?;
/// let datagram = writer.finish();
/// let mut packets = Compound::parse(datagram).unwrap().packets();
/// assert!(matches!(packets.next(), Some(Packet::ReceiverReport { ssrc: 7, .. })));
/// # Ok::<(), audio::rtcp::WriteError>(())
/// ```
#[derive(Debug)]
pub struct Writer<'a> {
    buffer: &'a mut [u8],
    written: usize,
}

impl<'a> Writer<'a> {
    /// A writer to the beginning of `buffer`.
    pub fn new(buffer: &'a mut [u8]) -> Writer<'a> {
        Writer { buffer, written: 0 }
    }

    /// A report from `ssrc`, which sends (section 6.4.1).
    ///
    /// # Errors
    /// [`WriteError`], and nothing is written.
    pub fn sender_report(
        &mut self,
        ssrc: u32,
        info: &SenderInfo,
        blocks: &[ReportBlock],
    ) -> Result<(), WriteError> {
        let fixed = 4 + INFO;
        let body = self.packet(SENDER_REPORT, blocks.len(), fixed + blocks.len() * BLOCK)?;
        let (head, rest) = body.split_at_mut(fixed);
        head[..4].copy_from_slice(&ssrc.to_be_bytes());
        info.write(head[4..].first_chunk_mut().expect("the report was made as long"));
        put_blocks(rest, blocks);
        Ok(())
    }

    /// A report from `ssrc`, which only receives (section 6.4.2).
    ///
    /// # Errors
    /// [`WriteError`], and nothing is written.
    pub fn receiver_report(&mut self, ssrc: u32, blocks: &[ReportBlock]) -> Result<(), WriteError> {
        let body = self.packet(RECEIVER_REPORT, blocks.len(), 4 + blocks.len() * BLOCK)?;
        let (head, rest) = body.split_at_mut(4);
        head.copy_from_slice(&ssrc.to_be_bytes());
        put_blocks(rest, blocks);
        Ok(())
    }

    /// The canonical name of `ssrc` (section 6.5.1).
    ///
    /// # Errors
    /// [`WriteError`], and nothing is written.
    pub fn cname(&mut self, ssrc: u32, name: &str) -> Result<(), WriteError> {
        let length = short(name)?;
        // Kind, length, text, and at least one zero to end the items.
        let body =
            self.packet(SOURCE_DESCRIPTION, 1, (4 + 2 + name.len() + 1).next_multiple_of(4))?;
        body[..4].copy_from_slice(&ssrc.to_be_bytes());
        body[4..6].copy_from_slice(&[CNAME, length]);
        body[6..][..name.len()].copy_from_slice(name.as_bytes());
        Ok(())
    }

    /// `sources` leave (section 6.6). An empty `reason` is left out.
    ///
    /// # Errors
    /// [`WriteError`], and nothing is written.
    pub fn goodbye(&mut self, sources: &[u32], reason: &str) -> Result<(), WriteError> {
        let length = short(reason)?;
        let told = if reason.is_empty() { 0 } else { (1 + reason.len()).next_multiple_of(4) };
        let body = self.packet(GOODBYE, sources.len(), sources.len() * 4 + told)?;
        let (named, rest) = body.split_at_mut(sources.len() * 4);
        for (bytes, source) in named.chunks_exact_mut(4).zip(sources) {
            bytes.copy_from_slice(&source.to_be_bytes());
        }
        if let [first, text @ ..] = rest {
            *first = length;
            text[..reason.len()].copy_from_slice(reason.as_bytes());
        }
        Ok(())
    }

    /// The datagram.
    pub fn finish(self) -> &'a [u8] {
        &self.buffer[..self.written]
    }

    /// Begins a packet; gives its zeroed body, whose `length` is a whole number of words.
    fn packet(&mut self, kind: u8, count: usize, length: usize) -> Result<&mut [u8], WriteError> {
        if count > MOST {
            return Err(WriteError::TooMany(count));
        }
        let (needed, room) = (HEADER + length, self.buffer.len() - self.written);
        let packet = self.buffer[self.written..]
            .get_mut(..needed)
            .ok_or(WriteError::NoRoom { needed, room })?;
        self.written += needed;
        let (head, body) = packet.split_at_mut(HEADER);
        let [l0, l1] = ((length / 4) as u16).to_be_bytes();
        head.copy_from_slice(&[(2 << 6) | count as u8, kind, l0, l1]);
        body.fill(0);
        Ok(body)
    }
}

fn put_blocks(to: &mut [u8], blocks: &[ReportBlock]) {
    for (bytes, block) in to.chunks_exact_mut(BLOCK).zip(blocks) {
        block.write(bytes.first_chunk_mut().expect("chunks of a block each"));
    }
}

/// The length of a text that has one byte for it.
fn short(text: &str) -> Result<u8, WriteError> {
    u8::try_from(text.len()).map_err(|_| WriteError::TooLong(text.len()))
}
