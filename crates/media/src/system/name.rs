//! Socket addresses as the bytes that the kernel reads and writes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// An address in the layout of `sockaddr_in` or `sockaddr_in6`: the family in native order, the
/// port in network order, then the family's own fields.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Name {
    pub(super) bytes: [u8; Name::MAX],
    pub(super) len: u8,
}

const INET: [u8; 2] = (libc::AF_INET as u16).to_ne_bytes();
const INET6: [u8; 2] = (libc::AF_INET6 as u16).to_ne_bytes();

impl Name {
    /// The longer of the two layouts.
    pub(super) const MAX: usize = size_of::<libc::sockaddr_in6>();

    /// The address in the family of the socket that will send to it: a socket of IPv6 names an IPv4
    /// peer by its mapped form.
    pub(crate) fn for_socket_at(local: IpAddr, peer: SocketAddr) -> Name {
        match (local, peer.ip()) {
            (IpAddr::V6(_), IpAddr::V4(ip)) => {
                Name::of(SocketAddr::new(ip.to_ipv6_mapped().into(), peer.port()))
            }
            _ => Name::of(SocketAddr::new(peer.ip(), peer.port())),
        }
    }

    fn of(address: SocketAddr) -> Name {
        let mut bytes = [0; Name::MAX];
        bytes[2..4].copy_from_slice(&address.port().to_be_bytes());
        let len = match address {
            SocketAddr::V4(v4) => {
                bytes[..2].copy_from_slice(&INET);
                bytes[4..8].copy_from_slice(&v4.ip().octets());
                size_of::<libc::sockaddr_in>()
            }
            SocketAddr::V6(v6) => {
                bytes[..2].copy_from_slice(&INET6);
                bytes[4..8].copy_from_slice(&v6.flowinfo().to_be_bytes());
                bytes[8..24].copy_from_slice(&v6.ip().octets());
                bytes[24..28].copy_from_slice(&v6.scope_id().to_ne_bytes());
                size_of::<libc::sockaddr_in6>()
            }
        };
        Name { bytes, len: len as u8 }
    }

    /// The sender that the kernel wrote, an IPv4 one always in its own form; `None` for another
    /// family.
    pub(super) fn read(bytes: &[u8; Name::MAX]) -> Option<SocketAddr> {
        let port = u16::from_be_bytes([bytes[2], bytes[3]]);
        let family = [bytes[0], bytes[1]];
        let ip = if family == INET {
            let octets: [u8; 4] = bytes[4..8].try_into().expect("four bytes");
            IpAddr::V4(Ipv4Addr::from(octets))
        } else if family == INET6 {
            let octets: [u8; 16] = bytes[8..24].try_into().expect("sixteen bytes");
            Ipv6Addr::from(octets).to_canonical()
        } else {
            return None;
        };
        Some(SocketAddr::new(ip, port))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_as_they_were_written() {
        for address in ["192.0.2.7:4000", "[2001:db8::7]:65535", "0.0.0.0:0"] {
            let address: SocketAddr = address.parse().unwrap();
            assert_eq!(Name::read(&Name::of(address).bytes), Some(address));
        }
        assert_eq!(Name::read(&[0; Name::MAX]), None, "no family");
    }

    #[test]
    fn an_ipv4_peer_of_a_socket_for_both_families_is_mapped_and_read_as_itself() {
        let peer: SocketAddr = "192.0.2.7:4000".parse().unwrap();
        let name = Name::for_socket_at("::".parse().unwrap(), peer);
        assert_eq!(usize::from(name.len), size_of::<libc::sockaddr_in6>());
        assert_eq!(name.bytes[8..24], "::ffff:192.0.2.7".parse::<Ipv6Addr>().unwrap().octets());
        assert_eq!(Name::read(&name.bytes), Some(peer));
    }
}
