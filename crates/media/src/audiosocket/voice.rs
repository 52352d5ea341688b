//! What is said over an AudioSocket: which frame is due, and its bytes.

use super::wire::{Message, Rate};
use crate::{
    leg::Speech,
    player::{MAX_BURST, Player},
    tcp::Converter,
};
use audio::{FRAME, FRAME_TIME, g711};
use tokio::time::Instant;

/// Paces frames to absolute times, so that no lateness adds up.
#[derive(Debug)]
pub(super) struct Voice {
    rate: Rate,
    converter: Converter,
    player: Player,
    next: Instant,
    codes: [u8; FRAME],
    payload: Vec<u8>,
    frame: Vec<u8>,
}

/// What became of a frame's sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Told {
    /// The playout whose first audible sample it holds.
    pub(super) became_audible: Option<u64>,
    /// The playout whose last sample it holds.
    pub(super) finished: Option<u64>,
}

impl Voice {
    /// The first frame is due at once.
    pub(super) fn new(rate: Rate, now: Instant) -> Voice {
        let converter = Converter::from_8000_to(rate.hz());
        let (payload, frame) = (Vec::new(), Vec::new());
        let (player, codes) = (Player::default(), [0; FRAME]);
        Voice { rate, converter, player, next: now, codes, payload, frame }
    }

    pub(super) fn command(&mut self, speech: Speech) {
        self.player.command(speech);
    }

    /// When the next frame is due.
    pub(super) fn next(&self) -> Instant {
        self.next
    }

    /// How many frames are due at `now`, and how many before them are left out for good.
    pub(super) fn due(&mut self, now: Instant) -> (u32, u32) {
        let Some(late) = now.checked_duration_since(self.next) else { return (0, 0) };
        let due = (late.as_nanos() / FRAME_TIME.as_nanos()) as u32 + 1;
        let (frames, skipped) = if due <= MAX_BURST { (due, 0) } else { (1, due - 1) };
        self.next += FRAME_TIME * due;
        (frames, skipped)
    }

    /// The next frame as it is on the wire.
    pub(super) fn frame(&mut self) -> (&[u8], Told) {
        let filled = self.player.fill(&mut self.codes);
        let mut samples = [0; FRAME];
        g711::decode_ulaw(&self.codes, &mut samples);
        let samples = self.converter.convert(&samples);
        self.payload.clear();
        self.payload.extend(samples.iter().flat_map(|sample| sample.to_le_bytes()));
        self.frame.clear();
        Message::Sound(self.rate, &self.payload).write(&mut self.frame);
        let told = Told { became_audible: filled.became_audible, finished: filled.finished };
        (&self.frame, told)
    }

    /// The mu-law of the frame that was made last.
    pub(super) fn codes(&self) -> &[u8] {
        &self.codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playout::Playout;
    use std::time::Duration;

    #[test]
    fn lateness_does_not_add_up_and_too_much_is_left_out() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut voice = Voice::new(Rate::Hz8000, start);
        for n in 0..1000 {
            assert_eq!(voice.due(at(20 * n + n % 19)), (1, 0));
            assert_eq!(voice.due(at(20 * n + 19)), (0, 0));
        }
        assert_eq!(voice.due(at(20_059)), (3, 0));
        assert_eq!(voice.due(at(20_140)), (1, 4));
        assert_eq!(voice.next(), at(20_160), "on the same grid");
    }

    #[test]
    fn each_rate_has_frames_of_its_own_size() {
        for rate in Rate::ALL {
            let mut voice = Voice::new(rate, Instant::now());
            voice.command(Speech::Play(Playout::once(3, [7_932; 2 * FRAME])));
            let (bytes, told) = voice.frame();
            assert_eq!(told, Told { became_audible: Some(3), finished: None });
            assert_eq!((bytes[0], bytes.len()), (rate.kind(), 3 + 2 * rate.frame()), "{rate:?}");
            let (bytes, told) = voice.frame();
            assert_eq!(told, Told { became_audible: None, finished: Some(3) });
            assert_eq!(bytes.len(), 3 + 2 * rate.frame(), "{rate:?}");
        }
    }
}
