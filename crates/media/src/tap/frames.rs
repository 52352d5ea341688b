//! Packets of a road that has none: what TCP carries, written as RTP.
//!
//! Both directions become mu-law at 8 kHz in packets of 20 ms, each with the SSRC that names its side.
//! Timestamps count the samples heard, and the samples said. What was pressed becomes a telephone event.

use super::{Side, Tap, Taps};
use audio::{
    FRAME, FRAME_TIME, SAMPLE_RATE, g711,
    jitter::{Frame, FrameKind},
    rtp::{self, Header},
    telephone_event::{self, Event},
};
use std::time::Duration;
use tokio::time::Instant;

/// The taps of a leg whose sound comes in frames.
#[derive(Debug)]
pub(crate) struct FrameTap {
    taps: Taps,
    heard: Header,
    said: Header,
    /// When all that was said will have been played.
    said_until: Option<Instant>,
}

/// The SSRCs of the two sides.
const CALLER: u32 = 1;
const US: u32 = 2;

/// How long a key is said to have been held, in samples: nobody knows.
const PRESS: u16 = 800;

impl FrameTap {
    pub(crate) fn new() -> FrameTap {
        let header = |ssrc| Header { ssrc, payload_type: rtp::PCMU, ..Header::default() };
        let taps = Taps::default();
        FrameTap { taps, heard: header(CALLER), said: header(US), said_until: None }
    }

    /// Copies into one more from now on.
    pub(crate) fn add(&mut self, tap: Tap) {
        self.taps.add(tap);
    }

    /// Copies a frame of the caller's. Silence that was only made up leaves a gap in the timestamps.
    pub(crate) fn heard(&mut self, at: Instant, frame: &Frame) {
        self.heard.timestamp = frame.position as u32;
        if frame.kind != FrameKind::Silence && !self.taps.is_empty() {
            let mut codes = [0; FRAME];
            g711::encode_ulaw(&frame.samples, &mut codes);
            self.caller(at, self.heard, &codes);
        }
    }

    /// Copies a key that the caller has let go.
    pub(crate) fn pressed(&mut self, at: Instant, key: char) {
        if let Some(code) = telephone_event::code_of(key) {
            let event = Event { code, end: true, volume: 10, duration: PRESS };
            let header = Header { payload_type: rtp::TELEPHONE_EVENT, ..self.heard };
            self.caller(at, header, &event.to_bytes());
        }
    }

    /// Copies a frame of ours that is played at `at`: when it is sent, or later where it waits in a
    /// queue over there.
    pub(crate) fn said(&mut self, at: Instant, codes: &[u8]) {
        // What takes the place of something that was said already has been called back.
        let until = self.said_until.unwrap_or(at);
        let back = samples_in(until.saturating_duration_since(at));
        if back >= FRAME as u32 {
            self.said.timestamp = self.said.timestamp.wrapping_sub(back);
        }
        self.copy(Side::Us, at, self.said, codes);
        self.said.sequence = self.said.sequence.wrapping_add(1);
        self.leave_out(1);
        self.said_until = Some(at + FRAME_TIME);
    }

    /// Leaves out the time of so many frames of ours.
    pub(crate) fn leave_out(&mut self, frames: u32) {
        let samples = (FRAME as u32).wrapping_mul(frames);
        self.said.timestamp = self.said.timestamp.wrapping_add(samples);
    }

    /// Packets left out so far.
    pub(crate) fn lost(&self) -> u64 {
        self.taps.lost()
    }

    fn caller(&mut self, at: Instant, header: Header, payload: &[u8]) {
        self.copy(Side::Caller, at, header, payload);
        self.heard.sequence = self.heard.sequence.wrapping_add(1);
    }

    fn copy(&mut self, side: Side, at: Instant, header: Header, payload: &[u8]) {
        let mut bytes = [0; rtp::HEADER_LEN];
        header.write(&mut bytes);
        self.taps.copy(side, at.into(), &[&bytes, payload]);
    }
}

fn samples_in(time: Duration) -> u32 {
    (time.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000) as u32
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Copies, ring, timeline::Timeline, valve::Position},
        *,
    };
    use audio::rtp::Packet;

    fn tap(start: Instant) -> (FrameTap, Copies) {
        let (tap, copies) = ring(start.into());
        let mut frames = FrameTap::new();
        frames.add(tap);
        (frames, copies)
    }

    #[test]
    fn what_is_called_back_makes_room_for_what_is_said_instead() {
        let start = Instant::now();
        let (mut tap, mut copies) = tap(start);
        let at = |ms| start + Duration::from_millis(ms);
        let (old, new) =
            ([g711::encode_ulaw_sample(9_000); FRAME], [g711::encode_ulaw_sample(-9_000); FRAME]);
        // Twenty frames are sent ahead; after 100 ms what is left of them is flushed.
        (0..20).for_each(|n| tap.said(at(20 * n), &old));
        (0..20).for_each(|n| tap.said(at(100 + 20 * n), &new));
        tap.pressed(at(500), '5');
        let (mut line, mut all, mut sequences, mut keys) = (Timeline::new(), vec![], vec![], 0);
        while let Some(copy) = copies.next() {
            let packet = Packet::parse(copy.packet).unwrap();
            if copy.side == Side::Us {
                sequences.push(packet.sequence);
            }
            keys += u32::from(packet.payload_type == rtp::TELEPHONE_EVENT);
            line.add(copy.at, copy.side, &packet, |both| all.push(both[1]));
        }
        all.extend(line.rest().map(|both| both[1]));
        assert_eq!((sequences, keys), ((0..40).collect(), 1));
        assert_eq!(all.len(), 500 * 8);
        assert!(all[..800].iter().all(|sample| *sample > 8_000));
        assert!(all[800..].iter().all(|sample| *sample < -8_000));
    }

    #[test]
    fn a_pause_takes_sound_and_keys_of_frames_too() {
        let start = Instant::now();
        let (mut tap, mut copies) = tap(start);
        let valve = copies.valve.clone();
        let mut taken = |tap: &mut FrameTap| {
            tap.said(start, &[1; FRAME]);
            tap.pressed(start, '5');
            let mut payloads = Vec::new();
            while let Some(copy) = copies.next() {
                payloads.push(Packet::parse(copy.packet).unwrap().payload.to_vec());
            }
            payloads
        };
        assert_eq!(taken(&mut tap).len(), 2);
        valve.set(Position::Shut);
        assert_eq!(taken(&mut tap), [[0xFF; FRAME]]);
    }

    #[test]
    fn what_is_left_out_is_a_hole() {
        let start = Instant::now();
        let (mut tap, mut copies) = tap(start);
        tap.said(start, &[0; FRAME]);
        tap.leave_out(3);
        tap.said(start + 4 * FRAME_TIME, &[0; FRAME]);
        let mut timestamps = Vec::new();
        while let Some(copy) = copies.next() {
            timestamps.push(Packet::parse(copy.packet).unwrap().timestamp);
        }
        assert_eq!(timestamps, [0, 640]);
    }
}
