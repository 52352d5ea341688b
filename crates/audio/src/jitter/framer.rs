//! Cuts sound of any length into frames, and makes up what is missing.

use super::{Frame, FrameKind, MAX_GAP, store::Content};
use crate::{
    FRAME,
    conceal::{Concealer, MAX_BRIDGED, MAX_CONCEALED},
    g711,
};
use std::time::Duration;

/// A stretch without received sound.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gap {
    /// Samples to leave out before the rest, in whole frames.
    skip: u64,
    /// Samples of made-up sound.
    concealed: usize,
    /// Samples of silence after that.
    silent: usize,
    ended: Duration,
}

impl Gap {
    /// `samples` without sound, of which the first `lost` were sent but did not arrive, until a
    /// packet that arrived at `ended`. What is longer than [`MAX_GAP`] is left out, in whole frames.
    pub(super) fn new(samples: u64, lost: u64, ended: Duration) -> Gap {
        let frame = FRAME as u64;
        let skip = samples.saturating_sub(MAX_GAP.into()) / frame * frame;
        let filled = (samples - skip) as usize;
        let lost = usize::try_from(lost).unwrap_or(usize::MAX);
        let bridged = lost >= filled && filled <= MAX_BRIDGED;
        let concealed = if bridged { filled } else { lost.min(filled).min(MAX_CONCEALED) };
        Gap { skip, concealed, silent: filled - concealed, ended }
    }

    /// Samples of made-up sound that leads from what was heard to what comes next.
    pub(super) fn bridged(&self) -> Option<usize> {
        (self.concealed > 0 && self.silent == 0).then_some(self.concealed)
    }
}

/// Collects samples until a frame is full.
#[derive(Debug)]
pub(super) struct Framer {
    frame: Frame,
    filled: usize,
    concealer: Concealer,
}

impl Default for Framer {
    fn default() -> Framer {
        let frame = Frame {
            samples: [0; FRAME],
            position: 0,
            kind: FrameKind::Voice,
            arrived: Duration::ZERO,
        };
        Framer { frame, filled: 0, concealer: Concealer::new() }
    }
}

impl Framer {
    /// Adds as much of `payload` as the frame has room for; says how many samples.
    pub(super) fn voice(&mut self, payload: &[u8], content: Content, arrived: Duration) -> usize {
        let taken = payload.len().min(FRAME - self.filled);
        if taken == 0 {
            return 0;
        }
        let (codes, samples) = (&payload[..taken], &mut self.frame.samples[self.filled..][..taken]);
        match content {
            Content::Ulaw => g711::decode_ulaw(codes, samples),
            Content::Alaw => g711::decode_alaw(codes, samples),
            Content::Other => return payload.len(),
        }
        self.concealer.heard(samples);
        self.add(taken, FrameKind::Voice, arrived);
        taken
    }

    /// Makes ready for a loss of `samples` before `payload`.
    pub(super) fn bridge(&mut self, samples: usize, payload: &[u8], content: Content) {
        let decode = match content {
            Content::Ulaw => g711::decode_ulaw_sample,
            Content::Alaw => g711::decode_alaw_sample,
            Content::Other => return,
        };
        self.concealer.bridge(samples, payload.iter().map(|code| decode(*code)));
    }

    /// Adds as much of the gap as the frame has room for; says whether there was any.
    pub(super) fn fill(&mut self, gap: &mut Gap) -> bool {
        if self.filled == 0 {
            self.frame.position += std::mem::take(&mut gap.skip);
        }
        let concealed = gap.concealed.min(FRAME - self.filled);
        if concealed > 0 {
            self.concealer.conceal(&mut self.frame.samples[self.filled..][..concealed]);
            self.add(concealed, FrameKind::Concealed, gap.ended);
        }
        let silent = gap.silent.min(FRAME - self.filled);
        if silent > 0 {
            let samples = &mut self.frame.samples[self.filled..][..silent];
            samples.fill(0);
            self.concealer.heard(samples);
            self.add(silent, FrameKind::Silence, gap.ended);
        }
        gap.concealed -= concealed;
        gap.silent -= silent;
        concealed + silent > 0
    }

    /// The frame, if it is full.
    pub(super) fn take(&mut self) -> Option<Frame> {
        if self.filled < FRAME {
            return None;
        }
        let full = self.frame.clone();
        self.filled = 0;
        self.frame.kind = FrameKind::Voice;
        self.frame.position += FRAME as u64;
        Some(full)
    }

    fn add(&mut self, samples: usize, kind: FrameKind, arrived: Duration) {
        self.filled += samples;
        self.frame.kind = self.frame.kind.max(kind);
        self.frame.arrived = arrived;
    }
}
