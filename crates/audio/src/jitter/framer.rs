//! Cuts sound of any length into frames, and makes up what is missing.

use super::{Frame, FrameKind};
use crate::{FRAME, g711};
use std::time::Duration;

/// A made-up sound fades to nothing in this many samples (60 ms): repeated for longer, a frame of
/// speech is a buzz that a recogniser reads words into.
const FADE: usize = 480;

/// A stretch without received sound.
#[derive(Debug, Default)]
pub(super) struct Gap {
    /// Samples to fill.
    left: usize,
    /// Samples of made-up sound left before silence.
    fade: usize,
    ended: Duration,
}

impl Gap {
    /// Nothing was sent for `samples`, until a packet that arrived at `ended`.
    pub(super) fn silence(samples: usize, ended: Duration) -> Gap {
        Gap { left: samples, fade: 0, ended }
    }
}

/// Collects samples until a frame is full.
#[derive(Debug)]
pub(super) struct Framer {
    frame: Frame,
    filled: usize,
    /// The samples of the last full frame.
    last: [i16; FRAME],
    /// What a loss repeats: the 160 samples before it, each at its index in the frame.
    period: [i16; FRAME],
}

impl Default for Framer {
    fn default() -> Framer {
        let frame = Frame {
            samples: [0; FRAME],
            position: 0,
            kind: FrameKind::Voice,
            arrived: Duration::ZERO,
        };
        Framer { frame, filled: 0, last: [0; FRAME], period: [0; FRAME] }
    }
}

impl Framer {
    /// Packets with `samples` between them were lost, until one that arrived at `ended`.
    pub(super) fn loss(&mut self, samples: usize, ended: Duration) -> Gap {
        self.period = self.last;
        self.period[..self.filled].copy_from_slice(&self.frame.samples[..self.filled]);
        Gap { left: samples, fade: FADE, ended }
    }

    /// Adds as many mu-law `codes` as the frame has room for; says how many.
    pub(super) fn voice(&mut self, codes: &[u8], arrived: Duration) -> usize {
        let taken = codes.len().min(FRAME - self.filled);
        g711::decode_ulaw(&codes[..taken], &mut self.frame.samples[self.filled..][..taken]);
        self.add(taken, FrameKind::Voice, arrived);
        taken
    }

    /// Adds as much of the gap as the frame has room for; says whether there was any.
    pub(super) fn fill(&mut self, gap: &mut Gap) -> bool {
        let room = FRAME - self.filled;
        let faded = gap.left.min(gap.fade).min(room);
        for index in self.filled..self.filled + faded {
            let sample = i32::from(self.period[index]) * gap.fade as i32 / FADE as i32;
            self.frame.samples[index] = sample as i16;
            gap.fade -= 1;
        }
        self.add(faded, FrameKind::Concealed, gap.ended);
        let silent = (gap.left - faded).min(room - faded);
        self.frame.samples[self.filled..][..silent].fill(0);
        self.add(silent, FrameKind::Silence, gap.ended);
        gap.left -= faded + silent;
        faded + silent > 0
    }

    /// The frame, if it is full.
    pub(super) fn take(&mut self) -> Option<Frame> {
        if self.filled < FRAME {
            return None;
        }
        let full = self.frame.clone();
        self.last = full.samples;
        self.filled = 0;
        self.frame.kind = FrameKind::Voice;
        self.frame.position += FRAME as u64;
        Some(full)
    }

    fn add(&mut self, samples: usize, kind: FrameKind, arrived: Duration) {
        if samples > 0 {
            self.filled += samples;
            self.frame.kind = self.frame.kind.max(kind);
            self.frame.arrived = arrived;
        }
    }
}
