//! The obvious stack, written with care: a task, a socket and a timer a call, `rtp` for packets, a channel to the task
//! that decodes, and `rubato` for 16 kHz. It has no jitter buffer and conceals nothing.

use std::hint::black_box;
use std::net::UdpSocket;
use std::sync::atomic::Ordering::Relaxed;

use audio::{FRAME, FRAME_TIME};
use bytes::{Bytes, BytesMut};
use rtp::{header::Header, packet::Packet};
use rubato::audioadapter_buffers::direct::InterleavedSlice;
use rubato::{Fft, FixedSync, Resampler as _};
use tokio::sync::mpsc;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval_at};
use webrtc_util::marshal::{Marshal as _, Unmarshal as _};

use crate::Result;
use crate::contestant::{HEARD, HERE, Opened, Work, prompt};

const PCMU: u8 = 0;
/// Bytes of a header without extensions.
const HEADER_LEN: usize = 12;
/// Packets that a call's consumer may be behind.
const BEHIND: usize = 16;
/// More than any datagram of a call has.
const DATAGRAM: usize = 1500;

pub(crate) fn open(work: Work) -> Result<Opened<()>> {
    let mut codes = [0; audio::SAMPLE_RATE as usize];
    audio::g711::encode_ulaw(&prompt(), &mut codes);
    let sound = Bytes::copy_from_slice(&codes);
    let start = Instant::now() + FRAME_TIME;
    let mut addresses = Vec::with_capacity(work.calls);
    for n in 0..work.calls {
        let socket = UdpSocket::bind(HERE)?;
        socket.connect(work.far(n))?;
        socket.set_nonblocking(true)?;
        addresses.push(socket.local_addr()?);
        let socket = tokio::net::UdpSocket::from_std(socket)?;
        // Calls come one by one, not at the same moment.
        let phase = FRAME_TIME * n as u32 / work.calls as u32;
        let mut ticks = interval_at(start + phase, FRAME_TIME);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
        let (packets, heard) = mpsc::channel(BEHIND);
        tokio::spawn(call(socket, ticks, sound.clone(), packets));
        tokio::spawn(hear(heard));
    }
    Ok(((), addresses))
}

/// One call's packets, both ways.
async fn call(
    socket: tokio::net::UdpSocket,
    mut ticks: Interval,
    sound: Bytes,
    packets: mpsc::Sender<Packet>,
) {
    let mut header = Header { version: 2, payload_type: PCMU, ..Header::default() };
    let mut received = BytesMut::with_capacity(DATAGRAM);
    let mut sent = [0; HEADER_LEN + FRAME];
    let mut position = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let payload = sound.slice(position..position + FRAME);
                position = (position + FRAME) % sound.len();
                header.sequence_number = header.sequence_number.wrapping_add(1);
                header.timestamp = header.timestamp.wrapping_add(FRAME as u32);
                let packet = Packet { header: header.clone(), payload };
                if let Ok(len) = packet.marshal_to(&mut sent) {
                    // A packet that the system does not take is lost, as others are.
                    let _ = socket.send(&sent[..len]).await;
                }
            }
            result = socket.recv_buf(&mut received) => {
                let mut datagram = received.split().freeze();
                // For the next one; the memory is used again where nobody holds it any more.
                received.reserve(DATAGRAM);
                if result.is_err() {
                    continue;
                }
                let Ok(packet) = Packet::unmarshal(&mut datagram) else { continue };
                let is_sound = packet.header.payload_type == PCMU;
                if is_sound && packets.send(packet).await.is_err() {
                    return;
                }
            }
        }
    }
}

/// One call's sound: decoded, and made 16 kHz.
async fn hear(mut packets: mpsc::Receiver<Packet>) {
    const NARROW: usize = audio::SAMPLE_RATE as usize;
    let mut resampler =
        Fft::<f32>::new(NARROW, 2 * NARROW, FRAME, 1, FixedSync::Input).expect("usual rates");
    let mut samples = [0_i16; FRAME];
    let mut narrow = [0.0_f32; FRAME];
    let mut wide = [0.0_f32; 2 * FRAME];
    while let Some(packet) = packets.recv().await {
        if packet.payload.len() != FRAME {
            continue;
        }
        for (sample, code) in samples.iter_mut().zip(&packet.payload) {
            *sample = audio_codec_algorithms::decode_ulaw(*code);
        }
        for (float, sample) in narrow.iter_mut().zip(&samples) {
            *float = f32::from(*sample) / 32_768.0;
        }
        let from = InterleavedSlice::new(&narrow, 1, FRAME).expect("one channel");
        let mut to = InterleavedSlice::new_mut(&mut wide, 1, 2 * FRAME).expect("one channel");
        resampler.process_into_buffer(&from, &mut to, None).expect("a whole chunk");
        black_box(&wide);
        HEARD.fetch_add(1, Relaxed);
    }
}
