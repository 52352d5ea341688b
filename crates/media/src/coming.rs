//! Sound that is played while it still comes.
//!
//! One side appends, any number of players read, and neither waits for the other: a reader sees how much there is, and
//! reads no further.

use audio::g711;
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, AtomicU8, AtomicUsize, Ordering},
};

/// Samples that are allocated at a time: a second.
const PAGE: usize = 8_000;
/// Pages of the longest sound: two minutes.
const PAGES: usize = 120;
/// Samples that a sound has at most. What comes beyond is left out.
const LONGEST: usize = PAGE * PAGES;

#[derive(Debug)]
pub(crate) struct Coming {
    pages: [OnceLock<Box<[AtomicU8]>>; PAGES],
    /// How many codes can be read.
    len: AtomicUsize,
    audible_from: AtomicUsize,
    ended: AtomicBool,
}

/// Where the rest of a [`Sound`](crate::Sound) that is [coming](crate::Sound::coming) goes. The sound ends when this is
/// dropped.
#[derive(Debug)]
pub struct Rest(Arc<Coming>);

impl Coming {
    pub(crate) fn begin() -> (Arc<Coming>, Rest) {
        let coming = Arc::new(Coming {
            pages: [const { OnceLock::new() }; PAGES],
            len: AtomicUsize::new(0),
            audible_from: AtomicUsize::new(usize::MAX),
            ended: AtomicBool::new(false),
        });
        (coming.clone(), Rest(coming))
    }

    /// How many samples have come.
    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }

    /// Whether no more will come. What has come by then is all in [`len`](Self::len).
    pub(crate) fn is_whole(&self) -> bool {
        self.ended.load(Ordering::Acquire)
    }

    pub(crate) fn audible_from(&self) -> usize {
        self.audible_from.load(Ordering::Relaxed)
    }

    /// Writes the codes from `from` on, as far as they have come; says how many there were.
    pub(crate) fn read(&self, from: usize, out: &mut [u8]) -> usize {
        let count = self.len().saturating_sub(from).min(out.len());
        for (at, code) in (from..).zip(&mut out[..count]) {
            let page = self.pages[at / PAGE].get().expect("it was filled before its length");
            *code = page[at % PAGE].load(Ordering::Relaxed);
        }
        count
    }
}

impl Rest {
    /// Appends linear PCM at 8 kHz.
    pub fn push(&mut self, samples: &[i16]) {
        let coming = &self.0;
        let from = coming.len.load(Ordering::Relaxed);
        let samples = &samples[..samples.len().min(LONGEST - from)];
        for (at, sample) in (from..).zip(samples) {
            let new = || (0..PAGE).map(|_| AtomicU8::new(g711::ULAW_SILENCE)).collect();
            let page = coming.pages[at / PAGE].get_or_init(new);
            page[at % PAGE].store(g711::encode_ulaw_sample(*sample), Ordering::Relaxed);
        }
        if coming.audible_from() == usize::MAX
            && let Some(first) = samples.iter().position(crate::playout::is_audible)
        {
            coming.audible_from.store(from + first, Ordering::Relaxed);
        }
        coming.len.store(from + samples.len(), Ordering::Release);
    }

    /// How many samples have come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing has come yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Drop for Rest {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_is_read_once_it_is_there_and_no_sound_grows_for_ever() {
        let (coming, mut rest) = Coming::begin();
        let mut codes = [0; 300];
        assert_eq!((coming.read(0, &mut codes), coming.is_whole()), (0, false));
        rest.push(&[0; 100]);
        rest.push(&[9_000; 100]);
        assert_eq!((coming.read(50, &mut codes), coming.audible_from()), (150, 100));
        assert_eq!(codes[49], g711::encode_ulaw_sample(0));
        assert_eq!(codes[50], g711::encode_ulaw_sample(9_000));
        rest.push(&vec![1; 2 * LONGEST]);
        assert_eq!((rest.len(), coming.read(LONGEST - 1, &mut codes)), (LONGEST, 1));
        drop(rest);
        assert!(coming.is_whole());
    }
}
