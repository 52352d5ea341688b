//! Where a recording begins within what was received: the key from a label's clock to the call's.

/// How much of the recording is looked for: half a second.
const PIECE: usize = 4_000;

/// A weaker likeness than this (1 is the same) is no find.
const LIKE: f64 = 0.5;

/// The position in `received`, in samples, at which `recording` begins: negative where its beginning was never
/// received. None if the two do not have the loudest part of the recording in common.
///
/// By normalised cross-correlation: exact for audio that crossed the line unchanged, and robust against line noise.
pub(crate) fn offset(recording: &[i16], received: &[i16]) -> Option<i64> {
    // A call may end before the recording does: what came later cannot be found.
    let recording = &recording[..recording.len().min(received.len())];
    let start = loudest(recording, PIECE)?;
    let piece: Vec<f64> =
        recording[start..start + PIECE].iter().map(|&sample| f64::from(sample)).collect();
    let piece_energy: f64 = piece.iter().map(|x| x * x).sum();
    if piece_energy == 0.0 {
        return None;
    }
    let heard: Vec<f64> = received.iter().map(|&sample| f64::from(sample)).collect();
    let mut energy: f64 = heard[..piece.len()].iter().map(|x| x * x).sum();
    let mut best = (0.0, 0);
    for at in 0..=heard.len() - piece.len() {
        // A window with little energy cannot be the loudest part, and would make the quotient meaningless.
        if energy > piece_energy * 0.05 {
            let product: f64 = piece.iter().zip(&heard[at..]).map(|(a, b)| a * b).sum();
            let likeness = product / (energy * piece_energy).sqrt();
            if likeness > best.0 {
                best = (likeness, at);
            }
        }
        if let Some(next) = heard.get(at + piece.len()) {
            energy += next * next - heard[at] * heard[at];
        }
    }
    (best.0 >= LIKE).then(|| best.1 as i64 - start as i64)
}

fn loudest(samples: &[i16], length: usize) -> Option<usize> {
    let energies: Vec<i64> =
        samples.chunks(160).map(|c| c.iter().map(|&s| i64::from(s) * i64::from(s)).sum()).collect();
    let width = length.div_ceil(160);
    if samples.len() < length {
        return None;
    }
    let last = (samples.len() - length) / 160;
    (0..=last)
        .max_by_key(|&at| energies[at..(at + width).min(energies.len())].iter().sum::<i64>())
        .map(|at| at * 160)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(seed: u32, n: usize) -> Vec<i16> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 18) as i16 - 8_192
        };
        (0..n).map(|_| next()).collect()
    }

    #[test]
    fn finds_a_recording_whose_beginning_was_cut_off() {
        let recording = noise(7, 24_000);
        assert_eq!(offset(&recording, &recording[3_000..]), Some(-3_000));
    }

    #[test]
    fn finds_a_recording_behind_silence_and_under_noise() {
        let recording = noise(7, 24_000);
        let mut received = vec![0; 1_234];
        let other = noise(9, 24_000);
        received.extend(recording.iter().zip(&other).map(|(a, b)| a / 2 + b / 6));
        assert_eq!(offset(&recording, &received), Some(1_234));
    }

    #[test]
    fn finds_a_recording_whose_end_was_never_received() {
        let recording = noise(7, 24_000);
        assert_eq!(offset(&recording, &recording[160..7_000]), Some(-160));
    }

    #[test]
    fn does_not_find_what_is_not_there() {
        assert_eq!(offset(&noise(7, 24_000), &noise(8, 40_000)), None);
        assert_eq!(offset(&vec![0; 24_000], &noise(8, 40_000)), None);
    }
}
