//! RTCP (RFC 3550 section 6): a borrowed view of what a peer reports, and a writer of reports.
//!
//! A datagram is a [`Compound`] of packets. Sender and receiver reports, source descriptions and
//! goodbyes are read and written; packets of other types are stepped over.

mod compound;
mod description;
mod report;
#[cfg(test)]
mod tests;
mod writer;

pub use self::{
    compound::{Compound, Packets},
    description::{Chunk, Chunks, Item, Items},
    report::{NtpTime, ReportBlock, Reports, SenderInfo, round_trip},
    writer::{WriteError, Writer},
};
use thiserror::Error;

/// One packet of a [`Compound`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Packet<'a> {
    /// From a participant that sends (section 6.4.1).
    SenderReport {
        /// The participant.
        ssrc: u32,
        /// What it has sent.
        info: SenderInfo,
        /// What it has received.
        reports: Reports<'a>,
    },
    /// From a participant that only receives (section 6.4.2).
    ReceiverReport {
        /// The participant.
        ssrc: u32,
        /// What it has received.
        reports: Reports<'a>,
    },
    /// Who the sources are (section 6.5).
    SourceDescription(Chunks<'a>),
    /// Sources that leave (section 6.6).
    Goodbye {
        /// The sources, in wire order.
        sources: Sources<'a>,
        /// Why, in UTF-8; empty if it is not told.
        reason: &'a [u8],
    },
    /// Any other type.
    Other {
        /// The packet type.
        kind: u8,
        /// The five bits beside it: a count, or a type within the type.
        count: u8,
        /// All after the first four bytes, without padding.
        body: &'a [u8],
    },
}

/// Sources that a goodbye names, at most 31.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sources<'a>(&'a [u8]);

impl Iterator for Sources<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let (source, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u32::from_be_bytes(*source))
    }
}

/// Why a datagram is not an RTCP compound.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RtcpError {
    /// The datagram ends before a packet that it begins.
    #[error("RTCP datagram of {len} bytes ends inside its packet at byte {at}")]
    Truncated {
        /// Where the packet begins.
        at: usize,
        /// Bytes in the datagram.
        len: usize,
    },
    /// A packet is not of RTCP version 2.
    #[error("RTCP version {version} at byte {at}, expected 2")]
    Version {
        /// What it is instead.
        version: u8,
        /// Where the packet begins.
        at: usize,
    },
    /// A compound begins with a report (section 6.1).
    #[error("RTCP datagram begins with packet type {0}, expected a sender or receiver report")]
    First(u8),
    /// The padding of a packet is no whole number of words, is 0, is more than the packet, or is
    /// not at the end of the datagram.
    #[error("RTCP packet at byte {at} is padded wrongly")]
    Padding {
        /// Where the packet begins.
        at: usize,
    },
    /// A packet is too short for what it announces.
    #[error("RTCP packet of type {kind} at byte {at} is too short for its content")]
    Content {
        /// The packet type.
        kind: u8,
        /// Where the packet begins.
        at: usize,
    },
}

/// Bytes that begin every packet: flags and count, type, length in words.
const HEADER: usize = 4;

const SENDER_REPORT: u8 = 200;
const RECEIVER_REPORT: u8 = 201;
const SOURCE_DESCRIPTION: u8 = 202;
const GOODBYE: u8 = 203;

/// Most blocks, chunks or sources in one packet: the count has five bits.
const MOST: usize = 31;
