//! Speech that a stand-in can recognise: each word is 200 ms of a tone of its own, and 100 ms of silence. A word of which a good part
//! is missing is not heard, and one that is played twice is heard twice.

use std::f64::consts::TAU;

pub(crate) const WORDS: [&str; 10] =
    ["alpha", "bravo", "charlie", "delta", "echo", "foxtrot", "golf", "hotel", "india", "juliet"];
/// Samples of a word, and of the silence behind it.
pub(crate) const WORD: usize = 1_600;
pub(crate) const GAP: usize = 800;
const BLOCK: usize = 160;
/// Blocks that a word needs: 120 of its 200 ms.
const NEEDED: usize = 6;

fn frequency(word: usize) -> f64 {
    400.0 + 250.0 * word as f64
}

/// The sound of a text of [`WORDS`].
pub(crate) fn speak(text: &str) -> Vec<i16> {
    let word = |text| WORDS.iter().position(|word| *word == text).expect("a word that has a tone");
    let sound = |word| {
        let turn = TAU * frequency(word) / 8_000.0;
        (0..WORD).map(move |n| (9_000.0 * (turn * n as f64).sin()) as i16).chain([0; GAP])
    };
    text.split(' ').map(word).flat_map(sound).collect()
}

/// A word, with the samples of the stream between which it lies.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Spoken {
    pub(crate) text: &'static str,
    pub(crate) start: usize,
    pub(crate) end: usize,
}

impl Spoken {
    pub(crate) fn seconds(&self) -> (f64, f64) {
        (self.start as f64 / 8_000.0, self.end as f64 / 8_000.0)
    }
}

/// Recognises tones in a stream of samples.
#[derive(Default)]
pub(crate) struct Tones {
    pending: Vec<i16>,
    heard: usize,
    /// The tone that sounds now, and for how many blocks it has.
    sounding: Option<(usize, usize)>,
}

impl Tones {
    /// Samples taken.
    pub(crate) fn heard(&self) -> usize {
        self.heard + self.pending.len()
    }

    /// The words that are complete with these samples.
    pub(crate) fn push(&mut self, samples: &[i16]) -> Vec<Spoken> {
        self.pending.extend_from_slice(samples);
        let mut words = Vec::new();
        while self.pending.len() >= BLOCK {
            let block: Vec<i16> = self.pending.drain(..BLOCK).collect();
            let tone = loudest(&block);
            match self.sounding {
                Some((word, blocks)) if tone == Some(word) => {
                    self.sounding = Some((word, blocks + 1))
                }
                _ => {
                    words.extend(self.complete());
                    self.sounding = tone.map(|word| (word, 1));
                }
            }
            self.heard += BLOCK;
        }
        words
    }

    /// The word that sounded last, when nothing follows.
    pub(crate) fn finish(&mut self) -> Option<Spoken> {
        self.complete()
    }

    fn complete(&mut self) -> Option<Spoken> {
        let (word, blocks) = self.sounding.take().filter(|(_, blocks)| *blocks >= NEEDED)?;
        let end = self.heard;
        Some(Spoken { text: WORDS[word], start: end - blocks * BLOCK, end })
    }
}

/// The tone that most of a block is, if any.
fn loudest(block: &[i16]) -> Option<usize> {
    let energy: f64 = block.iter().map(|sample| f64::from(*sample).powi(2)).sum();
    if energy < 1e8 {
        return None;
    }
    // Goertzel's filter.
    let power = |word: usize| {
        let double = 2.0 * (TAU * frequency(word) / 8_000.0).cos();
        let (mut last, mut before) = (0.0, 0.0);
        for sample in block {
            (last, before) = (f64::from(*sample) + double * last - before, last);
        }
        last * last + before * before - double * last * before
    };
    (0..WORDS.len()).max_by(|a, b| power(*a).total_cmp(&power(*b)))
}

#[test]
fn what_is_spoken_is_heard_and_half_a_word_is_not() {
    let text = "alpha juliet juliet echo";
    let sound = speak(text);
    let heard = |sound: &[i16]| {
        let mut tones = Tones::default();
        let mut words: Vec<_> = sound.chunks(330).flat_map(|chunk| tones.push(chunk)).collect();
        words.extend(tones.finish());
        words.iter().map(|word| word.text).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(heard(&sound), text);
    assert_eq!(heard(&sound[1_000..]), "juliet juliet echo");
}
