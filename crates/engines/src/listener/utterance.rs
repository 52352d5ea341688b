//! The audio of a turn at 16 kHz, and the moment before it.

use std::collections::VecDeque;
use std::sync::Arc;

use audio::g711;
use audio::resample::Upsampler;

/// Samples at 16 kHz for one at 8 kHz.
const RATIO: usize = 2;

/// Keeps the last moment of the stream, and once opened, everything since.
pub(super) struct Utterance {
    /// The last moment, 8 kHz, ending at `next`; in mu-law, as nearly all of it came: this is most of
    /// what a call holds while nobody speaks.
    recent: VecDeque<u8>,
    keep: usize,
    /// Position after the last sample.
    next: u64,
    open: Option<Open>,
}

struct Open {
    from: u64,
    upsampler: Upsampler,
    samples: Vec<f32>,
}

impl Utterance {
    /// Remembers `keep` samples of the past.
    pub(super) fn new(keep: usize) -> Self {
        Self { recent: VecDeque::with_capacity(keep), keep, next: 0, open: None }
    }

    /// Forgets all audio; the stream goes on at `position`.
    pub(super) fn restart(&mut self, position: u64) {
        self.recent.clear();
        self.next = position;
        self.open = None;
    }

    /// Position after the last sample.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    pub(super) fn push(&mut self, samples: &[i16]) {
        if let Some(open) = &mut self.open {
            open.upsampler.process(samples, &mut open.samples);
        }
        let excess = (self.recent.len() + samples.len()).saturating_sub(self.keep);
        self.recent.drain(..excess.min(self.recent.len()));
        self.recent.extend(samples.iter().map(|sample| g711::encode_ulaw_sample(*sample)));
        self.next += samples.len() as u64;
    }

    /// Starts collecting at `from`, or as near to it as memory reaches; says where.
    pub(super) fn open(&mut self, from: u64) -> u64 {
        let oldest = self.next - self.recent.len() as u64;
        let from = from.clamp(oldest, self.next);
        let codes = &self.recent.make_contiguous()[(from - oldest) as usize..];
        let mut past = vec![0; codes.len()];
        g711::decode_ulaw(codes, &mut past);
        let mut upsampler = Upsampler::new();
        let mut samples = Vec::with_capacity(4 * RATIO * self.keep);
        upsampler.process(&past, &mut samples);
        self.open = Some(Open { from, upsampler, samples });
        from
    }

    /// Forgets what lies before `from`, which becomes the start; the rest goes on.
    pub(super) fn advance(&mut self, from: u64) {
        if let Some(open) = &mut self.open {
            let count = from.saturating_sub(open.from) as usize * RATIO;
            open.samples.drain(..count.min(open.samples.len()));
            open.from = from;
        }
    }

    pub(super) fn close(&mut self) {
        self.open = None;
    }

    /// The audio collected, up to `through`.
    pub(super) fn audio(&self, through: u64) -> Arc<[f32]> {
        self.audio_and_hush(through, 0)
    }

    /// The audio collected, up to `through`, and `hush` samples of silence after it, counted at
    /// 8 kHz like every position.
    pub(super) fn audio_and_hush(&self, through: u64, hush: u64) -> Arc<[f32]> {
        let Some(open) = &self.open else { return Arc::default() };
        let count = through.saturating_sub(open.from) as usize * RATIO;
        let collected = &open.samples[..count.min(open.samples.len())];
        let silence = std::iter::repeat_n(0.0, hush as usize * RATIO);
        collected.iter().copied().chain(silence).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_starts_in_the_past() {
        let mut utterance = Utterance::new(400);
        utterance.restart(1_000);
        for _ in 0..5 {
            utterance.push(&[100; 160]);
        }
        assert_eq!(utterance.next(), 1_800);
        assert_eq!(utterance.open(1_500), 1_500);
        utterance.push(&[100; 160]);
        assert_eq!(utterance.audio(1_960).len(), 2 * 460);
        assert_eq!(utterance.audio(1_900).len(), 2 * 400);
        utterance.advance(1_700);
        assert_eq!(utterance.audio(1_960).len(), 2 * 260);
    }

    #[test]
    fn memory_reaches_no_further_than_asked() {
        let mut utterance = Utterance::new(400);
        utterance.push(&[100; 160]);
        assert_eq!(utterance.open(0), 0, "all there is");
        for _ in 0..5 {
            utterance.push(&[100; 160]);
        }
        assert_eq!(utterance.open(0), 560);
        utterance.close();
        assert!(utterance.audio(960).is_empty());
    }
}
