//! Captures of datagrams in pcapng files, as Wireshark reads and writes them
//! (draft-ietf-opsawg-pcapng).
//!
//! What is written here is one section with one interface of raw IP packets (`LINKTYPE_RAW`) and
//! times in nanoseconds. A UDP header and an IP header are made up for each datagram, with the
//! addresses that it really had; which way it went stands in the packet's flags. A file that was cut
//! short, as by a kill, can be read up to there.
//!
//! [`read`] takes captures of other programs too: either byte order, any resolution of time, raw IP,
//! Ethernet, Linux's "any" and the BSD loopback.
//!
//! ```
//! use audio::pcapng::{self, Datagram, Direction};
//! use std::time::Duration;
//!
//! let datagram = Datagram {
//!     at: Duration::from_secs(1_700_000_000),
//!     from: "192.0.2.1:10000".parse()?,
//!     to: "192.0.2.2:30000".parse()?,
//!     direction: Some(Direction::Inbound),
//!     lost_before: 0,
//!     payload: b"RTP",
//! };
//! let mut file = Vec::new();
//! pcapng::begin(&mut file);
//! pcapng::write(&datagram, &mut file);
//! assert_eq!(pcapng::read(&file)?, [datagram]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod ip;
mod reader;
mod writer;

pub use self::{
    reader::{PcapngError, read},
    writer::{begin, write},
};
use std::{net::SocketAddr, time::Duration};

/// A UDP datagram of a capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// When it was captured, since 1970 in UTC.
    pub at: Duration,
    /// Who sent it.
    pub from: SocketAddr,
    /// To whom it was sent.
    pub to: SocketAddr,
    /// Which way it went, as seen by who captured it; `None` where the file does not tell.
    pub direction: Option<Direction>,
    /// Datagrams between the one before and this one that could not be captured.
    pub lost_before: u64,
    /// What UDP carries: at most 65,000 bytes are written.
    pub payload: &'a [u8],
}

/// Which way a datagram went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// It was received.
    Inbound,
    /// It was sent.
    Outbound,
}

// Block types.
const SECTION: u32 = 0x0A0D_0D0A;
const INTERFACE: u32 = 1;
const PACKET: u32 = 6;

/// Of a section, in the byte order of its writer.
const BYTE_ORDER: u32 = 0x1A2B_3C4D;

// Options.
const END_OF_OPTIONS: u16 = 0;
const SECTION_APPLICATION: u16 = 4;
const INTERFACE_RESOLUTION: u16 = 9;
const PACKET_FLAGS: u16 = 2;
const PACKET_LOST: u16 = 4;

/// Packets that begin with their IP header, of either version.
const RAW: u16 = 101;

/// Blocks and options are padded to this.
const ALIGNMENT: usize = 4;

#[cfg(test)]
mod tests;
