//! The IP and UDP headers around a datagram (RFC 791, RFC 8200, RFC 768).

use core::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

const UDP: u8 = 17;
const UDP_HEADER: usize = 8;
const V4_HEADER: usize = 20;
const V6_HEADER: usize = 40;

/// What a router leaves of a packet before it throws it away.
const HOPS: u8 = 64;

/// More than any datagram has that is worth capturing; lengths have 16 bits.
const LONGEST: usize = 65_000;

/// Appends a whole IP packet. Two addresses of different versions are both written as IPv6.
pub(super) fn write(from: SocketAddr, to: SocketAddr, payload: &[u8], out: &mut Vec<u8>) {
    let payload = &payload[..payload.len().min(LONGEST)];
    let len = UDP_HEADER + payload.len();
    let begin = out.len();
    match (from.ip().to_canonical(), to.ip().to_canonical()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut header = [0; V4_HEADER];
            header[0] = 0x45;
            header[2..4].copy_from_slice(&((V4_HEADER + len) as u16).to_be_bytes());
            header[6] = 0x40; // not to be fragmented
            header[8..10].copy_from_slice(&[HOPS, UDP]);
            header[12..16].copy_from_slice(&source.octets());
            header[16..20].copy_from_slice(&destination.octets());
            let sum = checksum(0, &header);
            header[10..12].copy_from_slice(&sum.to_be_bytes());
            out.extend(header);
        }
        (source, destination) => {
            let mut header = [0; V6_HEADER];
            header[0] = 0x60;
            header[4..6].copy_from_slice(&(len as u16).to_be_bytes());
            header[6..8].copy_from_slice(&[UDP, HOPS]);
            header[8..24].copy_from_slice(&as_v6(source).octets());
            header[24..40].copy_from_slice(&as_v6(destination).octets());
            out.extend(header);
        }
    }
    // The addresses end both headers, and belong to the sum that UDP keeps.
    let addresses = if out[begin] >> 4 == 4 { 8 } else { 32 };
    let addresses = out.len() - addresses..out.len();
    let udp = out.len();
    out.extend(from.port().to_be_bytes());
    out.extend(to.port().to_be_bytes());
    out.extend((len as u16).to_be_bytes());
    out.extend([0; 2]);
    out.extend(payload);
    let pseudo = u64::from(UDP) + len as u64 + sum(&out[addresses]);
    // Zero would say that there is none.
    let sum = match checksum(pseudo, &out[udp..]) {
        0 => u16::MAX,
        sum => sum,
    };
    out[udp + 6..udp + 8].copy_from_slice(&sum.to_be_bytes());
}

/// The datagram of an IP packet: source, destination and payload. `None` for anything but a whole
/// UDP datagram.
pub(super) fn read(packet: &[u8]) -> Option<(SocketAddr, SocketAddr, &[u8])> {
    let (source, destination, datagram): (IpAddr, IpAddr, &[u8]) = match packet.first()? >> 4 {
        4 => {
            let header = packet.first_chunk::<V4_HEADER>()?;
            let len = usize::from(header[0] & 0x0F) * 4;
            let fragment = u16::from_be_bytes([header[6], header[7]]) & 0x3FFF;
            if header[9] != UDP || fragment != 0 || len < V4_HEADER {
                return None;
            }
            let address =
                |at: usize| Some(Ipv4Addr::from(*header.get(at..)?.first_chunk::<4>()?).into());
            (address(12)?, address(16)?, packet.get(len..)?)
        }
        6 => {
            let (header, datagram) = packet.split_first_chunk::<V6_HEADER>()?;
            if header[6] != UDP {
                return None;
            }
            let address =
                |at: usize| Some(Ipv6Addr::from(*header.get(at..)?.first_chunk::<16>()?).into());
            (address(8)?, address(24)?, datagram)
        }
        _ => return None,
    };
    let [s0, s1, d0, d1, l0, l1, ..] = *datagram.first_chunk::<UDP_HEADER>()?;
    let port = |high, low| u16::from_be_bytes([high, low]);
    // Behind it may stand what a link fills its shortest packets up with.
    let payload = datagram.get(UDP_HEADER..usize::from(port(l0, l1)))?;
    let source = SocketAddr::new(source, port(s0, s1));
    Some((source, SocketAddr::new(destination, port(d0, d1)), payload))
}

fn as_v6(address: IpAddr) -> Ipv6Addr {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped(),
        IpAddr::V6(address) => address,
    }
}

/// The Internet checksum (RFC 1071) of `bytes`, added to what is summed up already.
fn checksum(before: u64, bytes: &[u8]) -> u16 {
    let mut sum = before + sum(bytes);
    while sum > u64::from(u16::MAX) {
        sum = (sum >> 16) + (sum & 0xFFFF);
    }
    !(sum as u16)
}

fn sum(bytes: &[u8]) -> u64 {
    let words = bytes.chunks(2).map(|pair| [pair[0], pair.get(1).copied().unwrap_or(0)]);
    words.map(|word| u64::from(u16::from_be_bytes(word))).sum()
}
