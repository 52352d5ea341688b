//! What the network tells a caller by tones: dial, ringing, busy, congestion.
//!
//! Frequencies and cadences are those that the administrations gave the ITU (supplement to
//! ITU-T E.180, "Various tones used in national networks").

use super::{DualTone, Sine};
use crate::{SAMPLE_RATE, duration_of};
use std::time::Duration;

/// Whose tones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Country {
    /// The United States and Canada.
    NorthAmerica,
    /// The United Kingdom.
    UnitedKingdom,
    /// Germany.
    Germany,
    /// France.
    France,
    /// Italy.
    Italy,
    /// Spain.
    Spain,
}

/// What is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Signal {
    /// Go on and dial.
    Dial,
    /// The other side rings.
    RingBack,
    /// The other side is talking to somebody.
    Busy,
    /// The network has no way through.
    Congestion,
}

/// A signal as an endless stream of samples. The level of all together is -16 dBFS.
#[derive(Debug, Clone)]
pub struct Progress {
    tone: Tone,
    /// Milliseconds of sound and of silence in turn; none for sound without end.
    cadence: &'static [u32],
    /// Which of `cadence` is on, and how many samples into it.
    beat: usize,
    at: u32,
}

#[derive(Debug, Clone)]
enum Tone {
    One(Sine),
    Two(DualTone),
}

impl Progress {
    /// Begins with the sound.
    pub fn new(country: Country, signal: Signal) -> Progress {
        use Country::{France, Germany, Italy, NorthAmerica, Spain, UnitedKingdom};
        use Signal::{Busy, Congestion, Dial, RingBack};
        let (hz, cadence): (&[f64], &'static [u32]) = match (country, signal) {
            (NorthAmerica, Dial) => (&[350.0, 440.0], &[]),
            (NorthAmerica, RingBack) => (&[440.0, 480.0], &[2000, 4000]),
            (NorthAmerica, Busy) => (&[480.0, 620.0], &[500, 500]),
            (NorthAmerica, Congestion) => (&[480.0, 620.0], &[250, 250]),
            (UnitedKingdom, Dial) => (&[350.0, 440.0], &[]),
            (UnitedKingdom, RingBack) => (&[400.0, 450.0], &[400, 200, 400, 2000]),
            (UnitedKingdom, Busy) => (&[400.0], &[375, 375]),
            (UnitedKingdom, Congestion) => (&[400.0], &[400, 350, 225, 525]),
            (Germany, Dial) => (&[425.0], &[]),
            (Germany, RingBack) => (&[425.0], &[1000, 4000]),
            (Germany, Busy) => (&[425.0], &[480, 480]),
            (Germany, Congestion) => (&[425.0], &[240, 240]),
            (France, Dial) => (&[440.0], &[]),
            (France, RingBack) => (&[440.0], &[1500, 3500]),
            (France, Busy) => (&[440.0], &[500, 500]),
            (France, Congestion) => (&[440.0], &[250, 250]),
            (Italy, Dial) => (&[425.0], &[200, 200, 600, 1000]),
            (Italy, RingBack) => (&[425.0], &[1000, 4000]),
            (Italy, Busy) => (&[425.0], &[500, 500]),
            (Italy, Congestion) => (&[425.0], &[200, 200]),
            (Spain, Dial) => (&[425.0], &[]),
            (Spain, RingBack) => (&[425.0], &[1500, 3000]),
            (Spain, Busy) => (&[425.0], &[200, 200]),
            (Spain, Congestion) => (&[425.0], &[200, 200, 200, 200, 200, 600]),
        };
        let tone = match hz {
            [low, high] => Tone::Two(DualTone::new(*low, *high, -19.0)),
            hz => Tone::One(Sine::new(hz[0], -16.0)),
        };
        Progress { tone, cadence, beat: 0, at: 0 }
    }

    /// How long it takes until the signal repeats; `None` for one that sounds without end.
    pub fn period(&self) -> Option<Duration> {
        let milliseconds: u32 = self.cadence.iter().sum();
        (milliseconds > 0).then(|| duration_of(u64::from(milliseconds * SAMPLES_A_MS)))
    }

    /// Writes the next samples.
    pub fn fill(&mut self, out: &mut [i16]) {
        let mut rest = out;
        while !rest.is_empty() {
            let beat = self.cadence.get(self.beat).map(|ms| ms * SAMPLES_A_MS);
            let left = beat.map_or(rest.len(), |beat| (beat - self.at) as usize);
            let (now, later) = rest.split_at_mut(left.min(rest.len()));
            if self.beat.is_multiple_of(2) {
                self.tone.fill(now);
            } else {
                now.fill(0);
            }
            if let Some(beat) = beat {
                self.at += now.len() as u32;
                if self.at == beat {
                    (self.beat, self.at) = ((self.beat + 1) % self.cadence.len(), 0);
                }
            }
            rest = later;
        }
    }
}

impl Tone {
    fn fill(&mut self, out: &mut [i16]) {
        match self {
            Tone::One(sine) => sine.fill(out),
            Tone::Two(tones) => tones.fill(out),
        }
    }
}

const SAMPLES_A_MS: u32 = SAMPLE_RATE / 1000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tone::{level_dbfs, power};

    const COUNTRIES: [Country; 6] = [
        Country::NorthAmerica,
        Country::UnitedKingdom,
        Country::Germany,
        Country::France,
        Country::Italy,
        Country::Spain,
    ];
    const SIGNALS: [Signal; 4] = [Signal::Dial, Signal::RingBack, Signal::Busy, Signal::Congestion];

    #[test]
    fn north_america_rings_two_seconds_in_six() {
        let mut ring = Progress::new(Country::NorthAmerica, Signal::RingBack);
        assert_eq!(ring.period(), Some(Duration::from_secs(6)));
        let mut seconds = [[0; 8000]; 8];
        for second in &mut seconds {
            ring.fill(second);
        }
        let rings = seconds.map(|second| level_dbfs(&second) > -20.0);
        assert_eq!(rings, [true, true, false, false, false, false, true, true]);
        for (second, hz) in [(0, 440.0), (7, 480.0)] {
            assert!(10.0 * power(&seconds[second], hz).log10() > -19.1);
        }
    }

    #[test]
    fn every_signal_sounds_alike_loud_and_repeats() {
        for (country, signal) in
            COUNTRIES.iter().flat_map(|country| SIGNALS.map(|signal| (*country, signal)))
        {
            let mut progress = Progress::new(country, signal);
            assert_eq!(progress.cadence.len() % 2, 0, "{country:?} {signal:?}");
            let first = progress.cadence.first().map_or(1000, |ms| *ms);
            let mut sound = vec![0; (first * SAMPLES_A_MS) as usize];
            progress.fill(&mut sound);
            let level = level_dbfs(&sound);
            assert!((level + 16.0).abs() < 0.3, "{country:?} {signal:?}: {level:.1} dBFS");
            if let Some(pause) = progress.cadence.get(1) {
                let mut silence = vec![1; (pause * SAMPLES_A_MS) as usize];
                progress.fill(&mut silence);
                assert!(silence.iter().all(|sample| *sample == 0), "{country:?} {signal:?}");
            }
        }
    }

    #[test]
    fn pieces_of_any_size_give_the_same_stream() {
        let mut whole = [0; 30_000];
        Progress::new(Country::UnitedKingdom, Signal::Congestion).fill(&mut whole);
        let (mut progress, mut parts) =
            (Progress::new(Country::UnitedKingdom, Signal::Congestion), [0; 30_000]);
        for part in parts.chunks_mut(333) {
            progress.fill(part);
        }
        assert_eq!(whole, parts);
    }
}
