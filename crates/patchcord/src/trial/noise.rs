//! Noise on the caller's side of the line.

/// A noise, and how much weaker than the speech it is.
#[derive(Debug, Clone)]
pub(crate) struct Noise {
    sound: Vec<i16>,
    snr_db: f64,
}

/// What counts as speech is at most this much below the loudest moment.
const SPEECH_RANGE_DB: f64 = 30.0;

impl Noise {
    /// `sound` at 8 kHz, repeated as long as need be, `snr_db` below the speech. None if it is silent.
    pub(crate) fn new(sound: Vec<i16>, snr_db: f64) -> Option<Self> {
        (power(&sound) > 0.0).then_some(Self { sound, snr_db })
    }

    /// Adds the noise to the recording with this number: each begins in another place of it. The speech's level
    /// is the mean power of its frames that are within 30 dB of the loudest.
    pub(crate) fn add(&self, number: usize, speech: &mut [i16]) {
        let powers: Vec<f64> = speech.chunks(audio::FRAME).map(power).collect();
        let loudest = powers.iter().copied().fold(0.0, f64::max);
        let floor = loudest / 10_f64.powf(SPEECH_RANGE_DB / 10.0);
        let loud: Vec<f64> = powers.into_iter().filter(|power| *power > floor).collect();
        if loud.is_empty() {
            return;
        }
        let level = loud.iter().sum::<f64>() / loud.len() as f64;
        let wanted = level / 10_f64.powf(self.snr_db / 10.0);
        // A stride that is prime to nearly every length, so that the places spread.
        let begin = number.wrapping_mul(7_919 * audio::FRAME) % self.sound.len();
        let noise = || self.sound.iter().cycle().skip(begin);
        let own: Vec<i16> = noise().take(speech.len()).copied().collect();
        let gain = (wanted / power(&own).max(1e-9)).sqrt();
        for (sample, noise) in speech.iter_mut().zip(noise()) {
            let sum = f64::from(*sample) + gain * f64::from(*noise);
            *sample = sum.clamp(f64::from(i16::MIN), f64::from(i16::MAX)) as i16;
        }
    }
}

fn power(samples: &[i16]) -> f64 {
    let sum: f64 = samples.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    sum / samples.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_noise_is_as_much_weaker_as_asked() {
        let tone = |amplitude: f64, step: f64| -> Vec<i16> {
            (0..8_000).map(|n| (amplitude * (f64::from(n) * step).sin()) as i16).collect()
        };
        let mut speech = tone(8_000.0, 0.3);
        // Half of it is silence, which does not count.
        speech.extend([0; 8_000]);
        let clean = speech.clone();
        Noise::new(tone(500.0, 1.1), 12.0).expect("not silent").add(3, &mut speech);
        let noise: Vec<i16> = speech.iter().zip(&clean).map(|(a, b)| a - b).collect();
        let snr = 10.0 * (power(&clean[..8_000]) / power(&noise)).log10();
        assert!((snr - 12.0).abs() < 0.2, "{snr}");
        assert!(Noise::new(vec![0; 80], 12.0).is_none());
    }
}
