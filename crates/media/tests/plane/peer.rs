//! The far side of a leg, as Asterisk is.

use audio::{
    FRAME,
    rtp::{self, Header, Packet},
};
use media::RtpPort;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::UdpSocket;

pub(crate) struct Peer {
    pub(crate) socket: UdpSocket,
    pub(crate) leg: SocketAddr,
    pub(crate) header: Header,
}

impl Peer {
    pub(crate) async fn of(port: &RtpPort) -> Peer {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let header = Header { sequence: 65_530, ssrc: 7, ..Header::default() };
        Peer { socket, leg: port.local_addr(), header }
    }

    pub(crate) fn addr(&self) -> SocketAddr {
        self.socket.local_addr().unwrap()
    }

    /// Sends one packet of sound and moves on.
    pub(crate) async fn speak(&mut self, codes: &[u8; FRAME]) {
        self.send(&datagram(self.header, codes)).await;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        self.header.timestamp = self.header.timestamp.wrapping_add(FRAME as u32);
    }

    pub(crate) async fn send(&self, bytes: &[u8]) {
        self.socket.send_to(bytes, self.leg).await.unwrap();
    }

    /// The next packet of the leg: its header, and its sound.
    pub(crate) async fn hear(&self) -> (Header, [u8; FRAME]) {
        let mut bytes = [0; 2000];
        let (len, from) = self.socket.recv_from(&mut bytes).await.unwrap();
        assert_eq!(from, self.leg);
        let Packet { marker, payload_type, sequence, timestamp, ssrc, payload, .. } =
            Packet::parse(&bytes[..len]).unwrap();
        let header = Header { marker, payload_type, sequence, timestamp, ssrc };
        (header, payload.try_into().unwrap())
    }
}

pub(crate) fn datagram(header: Header, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [0; rtp::HEADER_LEN];
    header.write(&mut bytes);
    [&bytes, payload].concat()
}
