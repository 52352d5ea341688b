//! Captures of anybody.

use super::{
    ALIGNMENT, BYTE_ORDER, Datagram, Direction, END_OF_OPTIONS, INTERFACE, INTERFACE_RESOLUTION,
    PACKET, PACKET_FLAGS, PACKET_LOST, SECTION, ip,
};
use std::time::Duration;
use thiserror::Error;

/// Why a file is no capture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PcapngError {
    /// It does not begin as one.
    #[error(
        "not a pcapng capture: it does not begin with a section; an older pcap file becomes one with: \
         editcap -F pcapng OLD NEW"
    )]
    NotPcapng,
    /// A block has a length that cannot be.
    #[error("the capture is broken: the block at byte {at} says that it has {len} bytes")]
    Block {
        /// Where it begins.
        at: usize,
        /// Its length.
        len: usize,
    },
}

/// All UDP datagrams of a capture, in the order of the file. What else there is, is stepped over: other
/// protocols, fragments, links of other kinds, packets that were cut. A file whose last block is not
/// whole gives those before.
///
/// # Errors
/// [`PcapngError`] when it is no pcapng file, or a broken one.
pub fn read(bytes: &[u8]) -> Result<Vec<Datagram<'_>>, PcapngError> {
    let mut section = Section::begin(bytes).ok_or(PcapngError::NotPcapng)?;
    let mut datagrams = Vec::new();
    let mut at = 0;
    while let Some(block) = bytes.get(at..).filter(|rest| rest.len() >= HEADER) {
        if u32::from_le_bytes([block[0], block[1], block[2], block[3]]) == SECTION {
            section = Section::begin(block).ok_or(PcapngError::Block { at, len: 0 })?;
        }
        let order = section.order;
        let kind = order.u32(block, 0).unwrap_or_default();
        let len = order.u32(block, 4).unwrap_or_default() as usize;
        if len < HEADER + 4 || !len.is_multiple_of(ALIGNMENT) {
            return Err(PcapngError::Block { at, len });
        }
        let Some(body) = block.get(..len).map(|block| &block[HEADER..len - 4]) else { break };
        match kind {
            INTERFACE => section.interfaces.push(Interface::parse(order, body)),
            PACKET => datagrams.extend(section.packet(body)),
            _ => {}
        }
        at += len;
    }
    Ok(datagrams)
}

/// Bytes of a block before its body.
const HEADER: usize = 8;

#[derive(Debug, Clone, Copy)]
enum Order {
    Little,
    Big,
}

/// Blocks up to the next section.
struct Section {
    order: Order,
    interfaces: Vec<Interface>,
}

/// Where packets were captured; `None` in place of a link that is not known here.
struct Interface {
    link: Option<Link>,
    /// Parts of a second in which times are counted.
    resolution: u64,
}

/// How many bytes stand before the IP header.
enum Link {
    Fixed(usize),
    Ethernet,
}

impl Section {
    fn begin(block: &[u8]) -> Option<Section> {
        if Order::Little.u32(block, 0)? != SECTION {
            return None;
        }
        let order = [Order::Little, Order::Big]
            .into_iter()
            .find(|order| order.u32(block, HEADER) == Some(BYTE_ORDER))?;
        Some(Section { order, interfaces: Vec::new() })
    }

    fn packet<'a>(&self, body: &'a [u8]) -> Option<Datagram<'a>> {
        let order = self.order;
        let interface = self.interfaces.get(order.u32(body, 0)? as usize)?;
        let time = u64::from(order.u32(body, 4)?) << 32 | u64::from(order.u32(body, 8)?);
        let len = order.u32(body, 12)? as usize;
        let rest = body.get(20..)?;
        let packet = rest.get(..len)?;
        let (from, to, payload) = ip::read(interface.link.as_ref()?.ip(packet)?)?;
        let at = interface.time(time);
        let mut datagram = Datagram { at, from, to, direction: None, lost_before: 0, payload };
        for (code, value) in options(order, rest.get(len.next_multiple_of(ALIGNMENT)..)) {
            match code {
                PACKET_FLAGS => {
                    datagram.direction = match order.u32(value, 0)? & 3 {
                        1 => Some(Direction::Inbound),
                        2 => Some(Direction::Outbound),
                        _ => None,
                    }
                }
                PACKET_LOST => datagram.lost_before = order.u64(value)?,
                _ => {}
            }
        }
        Some(datagram)
    }
}

impl Interface {
    fn parse(order: Order, body: &[u8]) -> Interface {
        // The registry of link types at tcpdump.org.
        let link = match order.u16(body, 0) {
            Some(0 | 108) => Some(Link::Fixed(4)),
            Some(1) => Some(Link::Ethernet),
            Some(super::RAW | 228 | 229) => Some(Link::Fixed(0)),
            Some(113) => Some(Link::Fixed(16)),
            Some(276) => Some(Link::Fixed(20)),
            _ => None,
        };
        let resolution = options(order, body.get(8..))
            .find(|(code, _)| *code == INTERFACE_RESOLUTION)
            .and_then(|(_, value)| parts(*value.first()?));
        Interface { link, resolution: resolution.unwrap_or(1_000_000) }
    }

    fn time(&self, time: u64) -> Duration {
        let (seconds, rest) = (time / self.resolution, time % self.resolution);
        let nanos = u128::from(rest) * 1_000_000_000 / u128::from(self.resolution);
        Duration::new(seconds, nanos as u32)
    }
}

impl Link {
    fn ip<'a>(&self, packet: &'a [u8]) -> Option<&'a [u8]> {
        let begin = match self {
            Link::Fixed(begin) => *begin,
            // A VLAN's tag, or two, stand before the type of what follows.
            Link::Ethernet => {
                (12..=20).step_by(4).find(|at| {
                    !matches!(packet.get(*at..at + 2), Some([0x81, 0x00] | [0x88, 0xA8]))
                })? + 2
            }
        };
        packet.get(begin..)
    }
}

impl Order {
    fn u16(self, bytes: &[u8], at: usize) -> Option<u16> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => u16::from_le_bytes(bytes),
            Order::Big => u16::from_be_bytes(bytes),
        })
    }

    fn u32(self, bytes: &[u8], at: usize) -> Option<u32> {
        let bytes = *bytes.get(at..)?.first_chunk()?;
        Some(match self {
            Order::Little => u32::from_le_bytes(bytes),
            Order::Big => u32::from_be_bytes(bytes),
        })
    }

    fn u64(self, bytes: &[u8]) -> Option<u64> {
        let bytes = *bytes.first_chunk()?;
        Some(match self {
            Order::Little => u64::from_le_bytes(bytes),
            Order::Big => u64::from_be_bytes(bytes),
        })
    }
}

/// The code and value of each option.
fn options(order: Order, bytes: Option<&[u8]>) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = bytes.unwrap_or_default();
    std::iter::from_fn(move || {
        let (code, len) = (order.u16(rest, 0)?, usize::from(order.u16(rest, 2)?));
        let value = rest.get(4..4 + len).filter(|_| code != END_OF_OPTIONS)?;
        rest = rest.get(4 + len.next_multiple_of(ALIGNMENT)..).unwrap_or_default();
        Some((code, value))
    })
}

/// Parts of a second: a power of ten, or with the upper bit of two.
fn parts(resolution: u8) -> Option<u64> {
    let power = u32::from(resolution & 0x7F);
    if resolution & 0x80 == 0 { 10_u64.checked_pow(power) } else { 2_u64.checked_pow(power) }
}
