//! The parts of a call-frame that are computed, without a socket: what a faster kernel leaves.

use super::{far, traffic};
use crate::{Playout, gate::Gate, player::Player, stream::Stream, system};
use audio::{FRAME, jitter::JitterBuffer, resample::Upsampler, rtp::Header};
use std::{hint::black_box, time::Duration};

/// Nanoseconds a call-frame of each part: the median round over all calls, each with its own place
/// in memory.
#[derive(Debug, Clone, Copy)]
pub struct Pieces {
    /// From a datagram to a frame in order: the gate, the jitter buffer, decoding.
    pub hearing: f64,
    /// From 8 to 16 kHz.
    pub upsampling: f64,
    /// From a prompt to a packet: its samples and its header.
    pub speaking: f64,
}

const ROUNDS: usize = 51;

pub(super) fn measure(calls: usize) -> Pieces {
    Pieces { hearing: hearing(calls), upsampling: upsampling(calls), speaking: speaking(calls) }
}

fn hearing(calls: usize) -> f64 {
    let mut all: Vec<(Gate, JitterBuffer)> =
        (0..calls).map(|_| (Gate::default(), JitterBuffer::new())).collect();
    let mut packet = far::voice();
    median(calls, |round| {
        let (sequence, timestamp) = (round as u16, (round * FRAME) as u32);
        let header = Header { sequence, timestamp, ..Header::default() };
        header.write(packet.first_chunk_mut().expect("longer than a header"));
        let now = Duration::from_millis(20 * round as u64);
        for (gate, jitter) in &mut all {
            if let Ok(packet) = gate.admit(black_box(&packet)) {
                jitter.push(now, &packet);
            }
            while let Some(frame) = jitter.pop(now) {
                black_box(&frame);
            }
        }
    })
}

fn upsampling(calls: usize) -> f64 {
    let mut all = vec![Upsampler::new(); calls];
    let frame: [i16; FRAME] = std::array::from_fn(|n| (n * 377) as i16);
    let mut wide = [0.0_f32; 2 * FRAME];
    median(calls, |_| {
        for upsampler in &mut all {
            upsampler.process_into(black_box(&frame), black_box(&mut wide));
        }
    })
}

fn speaking(calls: usize) -> f64 {
    let sound = traffic::prompt();
    let start = |_| {
        let mut player = Player::default();
        player.play(Playout::forever(0, sound.clone()));
        (player, Stream::new())
    };
    let mut all: Vec<(Player, Stream)> = (0..calls).map(start).collect();
    let mut codes = [0; FRAME];
    median(calls, |_| {
        for (player, stream) in &mut all {
            let filled = player.fill(black_box(&mut codes));
            black_box(stream.next(filled.talking));
        }
    })
}

/// The median of many rounds over all calls, as nanoseconds a call.
fn median(calls: usize, mut round: impl FnMut(usize)) -> f64 {
    let mut times: Vec<u64> = (0..ROUNDS)
        .map(|n| {
            let start = system::monotonic();
            round(n);
            system::monotonic() - start
        })
        .collect();
    times.sort_unstable();
    times[ROUNDS / 2] as f64 / calls as f64
}
