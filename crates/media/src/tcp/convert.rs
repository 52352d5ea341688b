//! Between 8 kHz, at which everything above a leg works, and the rate of a road.

use audio::{SAMPLE_RATE, resample::Resampler};

/// Converts a stream from one rate to another, frame for frame: from the first on 20 ms become 20 ms, of which the first
/// 2 ms are silence.
#[derive(Debug)]
pub(crate) struct Converter {
    /// None where both rates are the same.
    resampler: Option<Resampler>,
    out: Vec<i16>,
}

impl Converter {
    /// From our rate to another one of [`RATES`](audio::resample::RATES).
    pub(crate) fn from_8000_to(hz: u32) -> Converter {
        Converter::new(SAMPLE_RATE, hz)
    }

    /// From another one of these rates to ours.
    pub(crate) fn to_8000_from(hz: u32) -> Converter {
        Converter::new(hz, SAMPLE_RATE)
    }

    fn new(from: u32, to: u32) -> Converter {
        let resampler = (from != to).then(|| {
            let mut resampler = Resampler::new(from, to).expect("the rates of roads are usual");
            // What it holds back is missing from no frame if it is this silence.
            let nothing_yet = &mut Vec::<i16>::new();
            resampler.process(&vec![0_i16; resampler.held_back()], nothing_yet);
            resampler
        });
        Converter { resampler, out: Vec::new() }
    }

    /// The samples that follow from `samples`.
    pub(crate) fn convert(&mut self, samples: &[i16]) -> &[i16] {
        self.out.clear();
        match &mut self.resampler {
            Some(resampler) => resampler.process(samples, &mut self.out),
            None => self.out.extend_from_slice(samples),
        }
        &self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::f64::consts::PI;

    const RATES: [u32; 9] =
        [8_000, 12_000, 16_000, 24_000, 32_000, 44_100, 48_000, 96_000, 192_000];

    fn sine(rate: u32, hz: f64, count: usize) -> Vec<i16> {
        let step = 2.0 * PI * hz / f64::from(rate);
        (0..count).map(|n| (10_000.0 * (step * n as f64).sin()) as i16).collect()
    }

    /// The amplitude of a frequency.
    fn amplitude(samples: &[i16], rate: u32, hz: f64) -> f64 {
        let step = 2.0 * PI * hz / f64::from(rate);
        let (mut re, mut im) = (0.0, 0.0);
        for (n, sample) in samples.iter().enumerate() {
            re += f64::from(*sample) * (step * n as f64).cos();
            im += f64::from(*sample) * (step * n as f64).sin();
        }
        2.0 * re.hypot(im) / samples.len() as f64
    }

    #[test]
    fn each_20_ms_become_20_ms_there_and_back() {
        for hz in RATES {
            let (mut up, mut down) = (Converter::from_8000_to(hz), Converter::to_8000_from(hz));
            let sound = sine(8_000, 1_000.0, 8_000);
            let mut back = Vec::new();
            for frame in sound.chunks(160) {
                let there = up.convert(frame);
                assert_eq!(there.len(), hz as usize / 50, "{hz} Hz");
                back.extend_from_slice(down.convert(there));
            }
            assert_eq!(back.len(), 8_000, "{hz} Hz");
            let amplitude = amplitude(&back[800..7_200], 8_000, 1_000.0);
            assert!((9_900.0..10_100.0).contains(&amplitude), "{hz} Hz: {amplitude}");
        }
    }

    #[test]
    fn speech_passes_and_what_lies_above_does_not_come_back() {
        for hz in RATES.into_iter().skip(1) {
            let pass = |tone: f64| {
                let mut down = Converter::to_8000_from(hz);
                let out = down.convert(&sine(hz, tone, hz as usize)).to_vec();
                let alias = if tone > 4_000.0 { 8_000.0 - tone } else { tone };
                20.0 * (amplitude(&out[800..7_200], 8_000, alias) / 10_000.0).log10()
            };
            assert!(pass(3_400.0) > -1.0, "{hz} Hz: {} dB", pass(3_400.0));
            assert!(pass(4_700.0) < -45.0, "{hz} Hz: {} dB", pass(4_700.0));
            let mut up = Converter::from_8000_to(hz);
            let out = up.convert(&sine(8_000, 3_000.0, 8_000)).to_vec();
            let image = amplitude(&out[hz as usize / 10..][..hz as usize / 2], hz, 5_000.0);
            assert!(image < 60.0, "{hz} Hz: {image}");
        }
    }

    #[test]
    fn pieces_of_any_length_make_the_same_stream() {
        let sound = sine(44_100, 700.0, 44_100);
        let whole = Converter::to_8000_from(44_100).convert(&sound).to_vec();
        let mut converter = Converter::to_8000_from(44_100);
        let (mut rest, mut parts) = (&sound[..], Vec::new());
        for len in (1..).map(|n| n * 37 % 101) {
            let (part, after) = rest.split_at(rest.len().min(len));
            parts.extend_from_slice(converter.convert(part));
            rest = after;
            if rest.is_empty() {
                break;
            }
        }
        assert_eq!(parts, whole);
    }
}
