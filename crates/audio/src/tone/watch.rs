//! One or two tones of the caller's choice, found in a stream.

use super::spectrum::{Bank, Bins, STEP, TONE_ENERGY, WINDOW, Windows};
use crate::SAMPLE_RATE;
use std::time::Duration;

/// What a [`ToneDetector`] hears. Places are in samples since the beginning of the stream, exact to
/// about 5 ms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ToneEvent {
    /// The tone has sounded long enough to count.
    Began {
        /// Where it begins.
        at: u64,
    },
    /// The tone is over; told 25 ms later.
    Ended {
        /// Where it ends.
        at: u64,
    },
}

/// Watches a stream of samples at 8 kHz for a tone (`N` = 1) or for several at once.
///
/// Each must lie within 2 % of its frequency, and at least 20 Hz; together they must make up most
/// of all that sounds, and each have at least -40 dBFS. Good for the tones of
/// [`progress`](super::progress) (two that lie closer than 100 Hz are watched for by one of them
/// alone, with their beat in between: better watch for their cadence), fax machines (1100 and
/// 2100 Hz), and test tones.
#[derive(Debug, Clone)]
pub struct ToneDetector<const N: usize> {
    bank: Bank<N>,
    tolerance_hz: [f32; N],
    /// Samples that a tone must last.
    shortest: u64,
    windows: Windows,
    state: State<N>,
}

#[derive(Debug, Clone)]
struct State<const N: usize> {
    /// The bins one step ago.
    before: Bins<N>,
    /// The first and the last window that had the tone, by their ends.
    heard: Option<(u64, u64)>,
    told: bool,
}

impl<const N: usize> ToneDetector<N> {
    /// Watches for the frequencies `hz`, all at once, for at least `shortest`.
    pub fn new(hz: [f64; N], shortest: Duration) -> ToneDetector<N> {
        let hz = hz.map(|hz| hz as f32);
        let shortest = (shortest.as_secs_f64() * f64::from(SAMPLE_RATE)) as u64;
        ToneDetector {
            bank: Bank::new(hz),
            tolerance_hz: hz.map(|hz| (0.02 * hz).clamp(20.0, 50.0)),
            shortest,
            windows: Windows::new(),
            state: State { before: Bins::NONE, heard: None, told: false },
        }
    }

    /// Takes the next samples, any number, and tells what is heard in them.
    pub fn push(&mut self, samples: &[i16], mut heard: impl FnMut(ToneEvent)) {
        self.windows.push(samples, |window, end| {
            let now = self.bank.bins(window);
            let before = std::mem::replace(&mut self.state.before, now);
            let mut tones = 0.0;
            let mut all = true;
            for index in 0..N {
                let tone = self.bank.tone(index, &before, &now);
                all &= tone.off_hz.abs() <= self.tolerance_hz[index];
                all &= tone.energy >= FAINTEST * TONE_ENERGY;
                tones += tone.energy;
            }
            let sounds = all && tones >= PURE * self.bank.energy(window);
            self.state.follow(sounds, end, self.shortest, &mut heard);
        });
    }
}

impl<const N: usize> State<N> {
    fn follow(&mut self, sounds: bool, end: u64, shortest: u64, heard: &mut impl FnMut(ToneEvent)) {
        if sounds {
            let (first, _) = *self.heard.insert((self.heard.map_or(end, |(first, _)| first), end));
            // Tone and window overlap by the whole window in the first and in the last.
            let at = first.saturating_sub(WINDOW as u64);
            if !self.told && end - at >= shortest {
                self.told = true;
                heard(ToneEvent::Began { at });
            }
        } else if let Some((_, last)) = self.heard
            && end - last > DROPOUT
        {
            self.heard = None;
            if std::mem::take(&mut self.told) {
                heard(ToneEvent::Ended { at: last });
            }
        }
    }
}

/// Samples without the tone that do not end it.
const DROPOUT: u64 = 4 * STEP as u64;

/// The least share of all energy that the tones have: everything else 5 dB below.
const PURE: f32 = 0.75;

/// The square of the smallest amplitude of a tone: -40 dBFS.
const FAINTEST: f32 = 0.000_1;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{DualTone, Sine};

    fn events<const N: usize>(hz: [f64; N], samples: &[i16]) -> Vec<ToneEvent> {
        let mut events = Vec::new();
        let mut detector = ToneDetector::new(hz, Duration::from_millis(60));
        detector.push(samples, |event| events.push(event));
        events
    }

    /// Half a second of silence, a tone of so many samples, and silence again.
    fn between_silence(mut fill: impl FnMut(&mut [i16]), count: usize) -> Vec<i16> {
        let mut samples = vec![0; 4000 + count + 4000];
        fill(&mut samples[4000..][..count]);
        samples
    }

    #[test]
    fn a_tone_is_told_with_its_beginning_and_its_end() {
        let mut fax = Sine::new(1100.0, -20.0);
        let samples = between_silence(|out| fax.fill(out), 4000);
        let [ToneEvent::Began { at: begin }, ToneEvent::Ended { at: end }] =
            events([1100.0], &samples)[..]
        else {
            panic!("{:?}", events([1100.0], &samples));
        };
        assert!(begin.abs_diff(4000) <= 60 && end.abs_diff(8000) <= 60, "{begin} to {end}");
        assert_eq!(events([2100.0], &samples), []);
    }

    #[test]
    fn both_tones_of_a_pair_must_sound() {
        let mut busy = DualTone::new(480.0, 620.0, -19.0);
        let samples = between_silence(|out| busy.fill(out), 4000);
        assert_eq!(events([480.0, 620.0], &samples).len(), 2);
        assert_eq!(events([480.0], &samples), [], "alone it is only half of what sounds");
        let mut one = Sine::new(480.0, -19.0);
        let samples = between_silence(|out| one.fill(out), 4000);
        assert_eq!(events([480.0, 620.0], &samples), []);
    }

    #[test]
    fn what_is_short_faint_or_beside_does_not_count() {
        for (hz, level, count) in
            [(1000.0, -20.0, 320), (1000.0, -50.0, 4000), (1040.0, -20.0, 4000)]
        {
            let mut tone = Sine::new(hz, level);
            let samples = between_silence(|out| tone.fill(out), count);
            assert_eq!(events([1000.0], &samples), [], "{hz} Hz, {level} dBFS, {count} samples");
        }
        let mut tone = Sine::new(1015.0, -20.0);
        assert_eq!(events([1000.0], &between_silence(|out| tone.fill(out), 4000)).len(), 2);
    }
}
