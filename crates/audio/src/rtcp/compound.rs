//! The packets of a datagram.

use super::{
    Chunks, GOODBYE, HEADER, Packet, RECEIVER_REPORT, Reports, RtcpError, SENDER_REPORT,
    SOURCE_DESCRIPTION, SenderInfo, Sources,
};

const VERSION: u8 = 2;
const PADDING: u8 = 0x20;
const COUNT: u8 = 0x1F;

/// A datagram of RTCP packets, all of them well-formed (RFC 3550 section 6.1 and appendix A.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Compound<'a> {
    datagram: &'a [u8],
}

impl<'a> Compound<'a> {
    /// Checks `datagram` without copying it.
    ///
    /// # Errors
    /// [`RtcpError`] when it is not one whole compound.
    pub fn parse(datagram: &'a [u8]) -> Result<Compound<'a>, RtcpError> {
        let mut at = 0;
        while at < datagram.len() || at == 0 {
            let (_, length) = packet_at(datagram, at)?;
            at += length;
        }
        Ok(Compound { datagram })
    }

    /// The packets, in wire order.
    pub fn packets(&self) -> Packets<'a> {
        Packets { datagram: self.datagram, at: 0 }
    }
}

/// Iterates over the packets of a [`Compound`].
#[derive(Debug, Clone)]
pub struct Packets<'a> {
    datagram: &'a [u8],
    at: usize,
}

impl<'a> Iterator for Packets<'a> {
    type Item = Packet<'a>;

    fn next(&mut self) -> Option<Packet<'a>> {
        let (packet, length) = packet_at(self.datagram, self.at).ok()?;
        self.at += length;
        Some(packet)
    }
}

/// The packet that begins at byte `at`, and its length.
fn packet_at(datagram: &[u8], at: usize) -> Result<(Packet<'_>, usize), RtcpError> {
    let cut = RtcpError::Truncated { at, len: datagram.len() };
    let rest = datagram.get(at..).ok_or(cut)?;
    let [flags, kind, l0, l1] = *rest.first_chunk::<HEADER>().ok_or(cut)?;
    if flags >> 6 != VERSION {
        return Err(RtcpError::Version { version: flags >> 6, at });
    }
    if at == 0 && !matches!(kind, SENDER_REPORT | RECEIVER_REPORT) {
        return Err(RtcpError::First(kind));
    }
    let length = HEADER + usize::from(u16::from_be_bytes([l0, l1])) * 4;
    let mut body = rest.get(HEADER..length).ok_or(cut)?;
    if flags & PADDING != 0 {
        let is_last = length == rest.len();
        body = strip_padding(body).filter(|_| is_last).ok_or(RtcpError::Padding { at })?;
    }
    let packet = content(kind, flags & COUNT, body).ok_or(RtcpError::Content { kind, at })?;
    Ok((packet, length))
}

/// The last byte counts the padding, itself included, in whole words.
fn strip_padding(body: &[u8]) -> Option<&[u8]> {
    let padding = usize::from(*body.last()?);
    if padding == 0 || !padding.is_multiple_of(4) {
        return None;
    }
    body.get(..body.len().checked_sub(padding)?)
}

fn content(kind: u8, count: u8, body: &[u8]) -> Option<Packet<'_>> {
    Some(match kind {
        SENDER_REPORT => {
            let (ssrc, body) = body.split_first_chunk()?;
            let (info, body) = body.split_first_chunk()?;
            let (ssrc, info) = (u32::from_be_bytes(*ssrc), SenderInfo::read(info));
            Packet::SenderReport { ssrc, info, reports: Reports::split(count, body)? }
        }
        RECEIVER_REPORT => {
            let (ssrc, body) = body.split_first_chunk()?;
            let ssrc = u32::from_be_bytes(*ssrc);
            Packet::ReceiverReport { ssrc, reports: Reports::split(count, body)? }
        }
        SOURCE_DESCRIPTION => Packet::SourceDescription(Chunks::check(count, body)?),
        GOODBYE => {
            let (sources, rest) = body.split_at_checked(usize::from(count) * 4)?;
            let reason = match rest {
                [] => &[],
                [length, text @ ..] => text.get(..usize::from(*length))?,
            };
            Packet::Goodbye { sources: Sources(sources), reason }
        }
        kind => Packet::Other { kind, count, body },
    })
}
