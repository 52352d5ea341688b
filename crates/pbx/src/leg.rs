//! The RTP socket of an external-media channel (RFC 3550; Asterisk's `chan_rtp`).

use crate::{
    shared::{Counted, Shared},
    switch::{Codec, Key},
};
use audio::{
    FRAME, g711, rtp,
    telephone_event::{self, Event},
};
use std::{
    hash::{BuildHasher, RandomState},
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};
use tokio::{net::UdpSocket, task::AbortHandle};

/// An open port, counted while it is open.
#[derive(Debug, Clone)]
pub(crate) struct LegSocket {
    socket: Arc<UdpSocket>,
    _open: Arc<Counted>,
}

impl LegSocket {
    /// Opens any free port.
    pub(crate) async fn bind(shared: &Shared, ip: IpAddr) -> io::Result<LegSocket> {
        let socket = Arc::new(UdpSocket::bind((ip, 0)).await?);
        Ok(LegSocket { socket, _open: Arc::new(shared.ports.count_one()) })
    }

    pub(crate) fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// A leg that sends, and whose task receives. Dropped, it closes its port.
#[derive(Debug)]
pub(crate) struct Leg {
    socket: LegSocket,
    remote: SocketAddr,
    codec: Codec,
    header: rtp::Header,
    /// What the leg's clock adds to the switch's clock: RTP begins anywhere.
    offset: u32,
    receiver: AbortHandle,
}

impl Leg {
    pub(crate) fn open(
        shared: Arc<Shared>,
        channel: Key,
        socket: LegSocket,
        remote: SocketAddr,
        codec: Codec,
    ) -> Leg {
        let seed = RandomState::new();
        let header = rtp::Header {
            payload_type: codec.payload_type(),
            sequence: seed.hash_one("sequence") as u16,
            ssrc: seed.hash_one("ssrc") as u32,
            ..rtp::Header::default()
        };
        let task = shared.tasks.count_one();
        let receive = receive(shared, channel, socket.clone(), remote, codec, task);
        let receiver = tokio::spawn(receive).abort_handle();
        let offset = seed.hash_one("timestamp") as u32;
        Leg { socket, remote, codec, header, offset, receiver }
    }

    /// Sends a frame; the first, and the first after a pause, carries the marker.
    pub(crate) fn send(&mut self, timestamp: u32, frame: &[i16; FRAME]) {
        let timestamp = timestamp.wrapping_add(self.offset);
        self.header.marker = timestamp.wrapping_sub(self.header.timestamp) != FRAME as u32;
        self.header.timestamp = timestamp;
        self.header.sequence = self.header.sequence.wrapping_add(1);
        let mut datagram = [0; rtp::HEADER_LEN + FRAME];
        let (header, payload) =
            datagram.split_first_chunk_mut().expect("the datagram is longer than its header");
        self.header.write(header);
        match self.codec {
            Codec::Ulaw => g711::encode_ulaw(frame, payload),
            Codec::Alaw => g711::encode_alaw(frame, payload),
        }
        self.send_datagram(&datagram);
    }

    /// Sends a key: its beginning, and three times its end (RFC 4733 section 2.5.1).
    pub(crate) fn send_key(&mut self, timestamp: u32, key: char, held: Duration) {
        let Some(code) = telephone_event::code_of(key) else { return };
        let timestamp = timestamp.wrapping_add(self.offset);
        let samples = held.as_millis() as u32 * audio::SAMPLE_RATE / 1_000;
        for at in 0..4 {
            self.header.sequence = self.header.sequence.wrapping_add(1);
            let (marker, payload_type) = (at == 0, rtp::TELEPHONE_EVENT);
            let header = rtp::Header { marker, payload_type, timestamp, ..self.header };
            let duration = if at == 0 { 0 } else { samples as u16 };
            let event = Event { code, end: at > 0, volume: 10, duration };
            let mut datagram = [0; rtp::HEADER_LEN + telephone_event::EVENT_LEN];
            let (head, payload) =
                datagram.split_first_chunk_mut().expect("the datagram is longer than its header");
            header.write(head);
            payload.copy_from_slice(&event.to_bytes());
            self.send_datagram(&datagram);
        }
    }

    fn send_datagram(&self, datagram: &[u8]) {
        if let Err(error) = self.socket.socket.try_send_to(datagram, self.remote) {
            tracing::debug!(%error, "a packet of external media was not sent");
        }
    }
}

impl Drop for Leg {
    fn drop(&mut self) {
        self.receiver.abort();
    }
}

/// Takes packets of the leg's own payload type from the leg's own remote address, and no others.
async fn receive(
    shared: Arc<Shared>,
    channel: Key,
    socket: LegSocket,
    remote: SocketAddr,
    codec: Codec,
    _task: Counted,
) {
    let mut datagram = [0; 2048];
    let mut samples = [0; 2048];
    loop {
        let (len, from) = match socket.socket.recv_from(&mut datagram).await {
            Ok(received) => received,
            Err(error) => {
                // The socket is not connected, so this is no word from the remote: it is the socket.
                tracing::warn!(%error, "external media is not received any more");
                return;
            }
        };
        let Ok(packet) = rtp::Packet::parse(&datagram[..len]) else { continue };
        if from != remote || packet.payload_type != codec.payload_type() {
            continue;
        }
        let samples = &mut samples[..packet.payload.len()];
        match codec {
            Codec::Ulaw => g711::decode_ulaw(packet.payload, samples),
            Codec::Alaw => g711::decode_alaw(packet.payload, samples),
        }
        shared.with(|core, now| core.switch.receive(now, channel, samples));
    }
}
