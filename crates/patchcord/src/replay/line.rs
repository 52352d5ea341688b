//! A recording as it comes over the line: G.711 in RTP packets, through the jitter buffer.

use std::time::Duration;

use audio::jitter::{Frame, JitterBuffer};
use audio::{FRAME, FRAME_TIME, g711, rtp};

/// The level from which sound counts as audible, as the media leg has it.
pub(super) const AUDIBLE_DBFS: f64 = -50.0;

/// The caller's side of a line: speaks its recording from the answer on, then keeps silent.
pub(super) struct CallerLine<'a> {
    audio: &'a [i16],
    answered: Duration,
    sent: u64,
    skipped: usize,
    jitter: JitterBuffer,
}

impl<'a> CallerLine<'a> {
    pub(super) fn new(audio: &'a [i16]) -> Self {
        let jitter = JitterBuffer::new();
        Self { audio, answered: Duration::ZERO, sent: 0, skipped: 0, jitter }
    }

    pub(super) fn answered(&mut self, at: Duration) {
        self.answered = at;
    }

    /// When the first packet comes that is sent after `media` is up; those before are lost.
    pub(super) fn first_frame_after(&mut self, media: Duration) -> Duration {
        let mut arrives = self.answered + FRAME_TIME;
        while arrives < media {
            arrives += FRAME_TIME;
            self.skipped += FRAME;
        }
        arrives
    }

    /// How much of the recording was lost before media was up, in seconds.
    pub(super) fn skipped_seconds(&self) -> f64 {
        audio::duration_of(self.skipped as u64).as_secs_f64()
    }

    /// The frames that the packet which arrives now brings.
    pub(super) fn packet(&mut self, now: Duration) -> Vec<Frame> {
        let from = self.skipped + self.sent as usize * FRAME;
        let mut samples = [0; FRAME];
        if let Some(said) = self.audio.get(from..) {
            let said = &said[..said.len().min(FRAME)];
            samples[..said.len()].copy_from_slice(said);
        }
        let mut datagram = [0; rtp::HEADER_LEN + FRAME];
        let (header, payload) = datagram.split_at_mut(rtp::HEADER_LEN);
        let header: &mut [u8; rtp::HEADER_LEN] =
            header.try_into().expect("split at the header's length");
        rtp::Header {
            payload_type: rtp::PCMU,
            sequence: self.sent as u16,
            timestamp: self.sent as u32 * FRAME as u32,
            ..rtp::Header::default()
        }
        .write(header);
        g711::encode_ulaw(&samples, payload);
        self.sent += 1;
        let packet = rtp::Packet::parse(&datagram).expect("we wrote it");
        self.jitter.push(now, &packet);
        std::iter::from_fn(|| self.jitter.pop(now)).collect()
    }
}
