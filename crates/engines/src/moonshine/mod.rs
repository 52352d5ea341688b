//! Moonshine tiny-en: short English utterances to text, on one CPU thread.
//!
//! An encoder turns the audio (16 kHz) into about 41 frames a second; a decoder writes tokens from
//! them until it says that the utterance has ended. The decoder as it is published takes 384 frames
//! at most and fails beyond, so longer audio is read in pieces.
//!
//! While the caller speaks two readings are followed side by side that lean a little towards single words, and what the
//! last reading has found is judged in one pass where it still fits. A reading that may be final follows a few readings
//! side by side and leans towards the phrases that are expected, if any, which costs 13 to 24 % more; where sentences are
//! expected (a [`Script`]), it reads freely and then looks for the likeliest of them.
//!
//! Neither louder audio, nor a high-pass, nor the suppression of steady noise (a Wiener filter) made more than one more
//! of 90 orders right in kitchen noise at 12 dB; they are left out.

mod bias;
mod decoder;
pub(crate) mod draft;
mod places;
mod repetition;
mod scripted;
mod search;
mod tokens;

use std::collections::VecDeque;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ort::session::InMemorySession;
use ort::value::TensorRef;

use self::bias::Bias;
use self::decoder::{Context, Decoder};
use self::scripted::SpelledScript;
use self::search::{Beam, Search};
use self::tokens::{Spelled, Vocabulary};
use crate::phrases::Phrases;
use crate::recognizer::{Care, ReadError, Reading, Recognizer, Request, Scripted, Token};
use crate::runtime::Runtime;
use crate::script::Script;
use crate::words::Word;

/// Samples a second that the model hears.
pub const SAMPLE_RATE: usize = 16_000;

/// Shorter than this the encoder has less than a frame, and nobody says a word in it.
const SHORTEST: usize = SAMPLE_RATE / 10;
/// The samples of 384 frames: the encoder's strides are 64, 3 and 2, its spans 127, 7 and 3.
const LONGEST: usize = 148_350;
/// A piece of longer audio ends at the quietest place of its last 2.5 s.
const CUT_WITHIN: usize = 5 * SAMPLE_RATE / 2;
/// How long the quietest place is: 40 ms, shorter than the closure of a plosive.
const QUIET: usize = SAMPLE_RATE / 25;
/// Speech has fewer tokens a second than this; a decoder that goes on is making things up.
const TOKENS_PER_SECOND: f32 = 6.5;
/// What a short utterance may need beyond that rate.
const TOKENS_TO_SPARE: usize = 6;

/// A sentence that is so many nats a word less likely than what was read freely was not said.
const FAR: f32 = -3.0;

/// Sets of phrases and of words that a model is ready for at once: those of a few receptionists.
const BIASES: usize = 16;

/// One loaded model. It reads one utterance at a time; a worker has its own.
pub struct Moonshine {
    encoder: InMemorySession<'static>,
    decoder: Decoder,
    vocabulary: Vocabulary,
    /// Leans towards nothing.
    unbiased: Arc<Bias>,
    /// What was last leant towards, the latest first.
    biases: VecDeque<Leant>,
    scripts: VecDeque<SpelledScript>,
}

/// What readings of one care leant towards.
struct Leant {
    phrases: Phrases,
    care: Care,
    bias: Arc<Bias>,
}

/// A file of the model could not be loaded.
#[derive(Debug, thiserror::Error)]
#[error("cannot load the recognizer's {}: {detail}; run `patchcord models verify`", path.display())]
pub struct MoonshineLoadError {
    path: PathBuf,
    detail: String,
}

impl Moonshine {
    /// Loads `encoder_model.ort`, `decoder_model_merged.ort` and `tokenizer.bin` from `dir`.
    ///
    /// # Errors
    /// [`MoonshineLoadError`] with the file that is missing, damaged, or of another model.
    pub fn load(runtime: Runtime, dir: &Path) -> Result<Self, MoonshineLoadError> {
        let part = |name: &str| dir.join(name);
        let encoder = part("encoder_model.ort");
        let decoder = part("decoder_model_merged.ort");
        let vocabulary = part("tokenizer.bin");
        let words = Vocabulary::load(&vocabulary).map_err(because(&vocabulary))?;
        let mut moonshine = Self {
            encoder: runtime.session(&encoder).map_err(because(&encoder))?,
            decoder: Decoder::load(runtime, &decoder).map_err(because(&decoder))?,
            unbiased: Arc::new(Bias::compile(std::iter::empty(), &words)),
            vocabulary: words,
            biases: VecDeque::new(),
            scripts: VecDeque::new(),
        };
        // A first reading finds a file of another model now rather than in a call, and warms up.
        moonshine.read(Request::of(&[0.0; SAMPLE_RATE / 4])).map_err(because(dir))?;
        Ok(moonshine)
    }

    /// Reads one piece; what the decoder knows of it can be asked again.
    fn decode(
        &mut self,
        samples: &[f32],
        guess: &[Token],
        bias: Option<&Bias>,
        care: Care,
    ) -> ort::Result<(Vec<Token>, Context)> {
        let mut context = self.encode(samples)?;
        let tokens = self.search(&mut context, limit(samples), guess, bias, care)?;
        Ok((tokens, context))
    }

    /// Looks for the tokens of a piece, of which there are no more than `limit`.
    fn search(
        &mut self,
        context: &mut Context,
        limit: usize,
        guess: &[Token],
        bias: Option<&Bias>,
        care: Care,
    ) -> ort::Result<Vec<Token>> {
        let guess: Vec<_> = guess.iter().take(limit).map(|token| token.id).collect();
        let mut search = Search { decoder: &mut self.decoder, vocabulary: &self.vocabulary, limit };
        let beam = match care {
            Care::Glance => Beam::Quick,
            Care::Full => Beam::Careful,
        };
        match bias {
            Some(bias) => search.biased(context, &guess, bias, beam),
            None => search.greedy(context, &guess),
        }
    }

    /// What `tokens` say.
    fn reading(&self, tokens: Vec<Token>, words: Vec<Word>) -> Result<Reading, ReadError> {
        if let Some(unknown) =
            tokens.iter().find(|token| token.id as usize >= self.vocabulary.len())
        {
            return Err(ReadError::Engine(format!("token {} is not in its list", unknown.id)));
        }
        let text = self.vocabulary.text(tokens.iter().map(|token| token.id));
        Ok(Reading { words, ..Reading::new(text, tokens) })
    }

    /// The words of a piece that begins `from` samples into the audio.
    fn place(&self, piece: &[f32], from: usize, tokens: &[Token]) -> Vec<Word> {
        let spelled = self.vocabulary.words(tokens);
        let texts: Vec<_> = spelled.iter().map(|word| word.text.as_str()).collect();
        let places = places::lay_out(piece, &texts);
        let at_8_khz = |sample: usize| ((from + sample) / 2) as u64;
        let place = |(word, at): (Spelled, Range<usize>)| Word {
            text: word.text.into(),
            at: at_8_khz(at.start)..at_8_khz(at.end),
            confidence: word.confidence,
        };
        spelled.into_iter().zip(places).map(place).collect()
    }

    /// Reads freely, and holds the audio against the script. The free reading does not lean towards phrases: it is
    /// the witness of whether anything of the script was said at all. It takes the likeliest token each time, for the
    /// sentences of the script are followed side by side already; where none of them comes near it, what was said is
    /// the best of several free readings, as without a script.
    fn read_scripted(
        &mut self,
        request: Request<'_>,
        script: &Arc<Script>,
    ) -> Result<Reading, ReadError> {
        let samples = request.samples;
        let (mut tokens, mut context) =
            self.decode(samples, request.guess, None, request.care).map_err(ReadError::engine)?;
        let known = self.scripts.iter().position(|known| known.is_of(script));
        let mut spelled = match known.and_then(|at| self.scripts.remove(at)) {
            Some(spelled) => spelled,
            None => SpelledScript::new(Arc::clone(script), &self.vocabulary),
        };
        let limit = limit(samples);
        let sentences = spelled.likeliest(&mut self.decoder, &self.vocabulary, &mut context, limit);
        self.scripts.truncate(BIASES - 1);
        self.scripts.push_front(spelled);
        let free: f32 = tokens.iter().map(|token| token.probability.max(1e-9).ln()).sum();
        let scripted = sentences.map_err(ReadError::engine)?.into_iter().map(|sentence| Scripted {
            words: self.place(samples, 0, &sentence.tokens),
            text: sentence.text,
            log_ratio: sentence.log_probability - free,
        });
        let scripted: Vec<_> = scripted.collect();
        let far = FAR * self.vocabulary.words(&tokens).len() as f32;
        if scripted.iter().all(|sentence| sentence.log_ratio < far) {
            let unbiased = Some(Arc::clone(&self.unbiased));
            tokens = self
                .search(&mut context, limit, request.guess, unbiased.as_deref(), request.care)
                .map_err(ReadError::engine)?;
        }
        let words = self.place(samples, 0, &tokens);
        Ok(Reading { scripted, ..self.reading(tokens, words)? })
    }

    /// What `phrases` are to a reading of this care; compiled when they are first seen. Where there are none, a glance takes
    /// the likeliest token each time, and a full reading is the best of several all the same. So it is beside a script, which
    /// is what full readings lean on.
    fn bias(&mut self, phrases: &Phrases, care: Care) -> Option<Arc<Bias>> {
        match care {
            Care::Glance if phrases.words().next().is_none() => return None,
            Care::Full if phrases.is_empty() || phrases.script().is_some() => {
                return Some(Arc::clone(&self.unbiased));
            }
            Care::Glance | Care::Full => {}
        }
        let known = self.biases.iter().find(|it| it.care == care && it.phrases.same(phrases));
        if let Some(known) = known {
            return Some(Arc::clone(&known.bias));
        }
        let bias = Arc::new(match care {
            Care::Glance => Bias::compile(phrases.words(), &self.vocabulary),
            Care::Full => Bias::compile(phrases.iter(), &self.vocabulary),
        });
        self.biases.truncate(BIASES - 1);
        self.biases.push_front(Leant { phrases: phrases.clone(), care, bias: Arc::clone(&bias) });
        Some(bias)
    }

    fn encode(&mut self, samples: &[f32]) -> ort::Result<Context> {
        let mask = vec![1_i64; samples.len()];
        let shape = [1, samples.len()];
        let mut outputs = self.encoder.run(ort::inputs! {
            "input_values" => TensorRef::from_array_view((shape, samples))?,
            "attention_mask" => TensorRef::from_array_view((shape, &mask[..]))?,
        })?;
        let audio = outputs
            .remove("last_hidden_state")
            .ok_or_else(|| ort::Error::new("the encoder has no output `last_hidden_state`"))?;
        let frames = audio.try_extract_tensor::<f32>()?.0.get(1).copied().unwrap_or_default();
        Context::new(audio, usize::try_from(frames).unwrap_or_default())
    }
}

impl Recognizer for Moonshine {
    /// Less than 0.1 s of audio is an empty reading. More than 9.2 s is read in pieces, which the
    /// same beginning is always cut into alike; the guess helps with the first.
    fn read(&mut self, request: Request<'_>) -> Result<Reading, ReadError> {
        if let (Care::Full, Some(script)) = (request.care, request.phrases.script())
            && (SHORTEST..=LONGEST).contains(&request.samples.len())
        {
            return self.read_scripted(request, script);
        }
        // A glance at the beginning of an utterance has too little to hold against a name that it leans to, and
        // what is read of it may decide a call.
        let bias = self.bias(request.phrases, request.care);
        let (mut rest, mut guess) = (request.samples, request.guess);
        let (mut tokens, mut words) = (Vec::new(), Vec::new());
        while rest.len() >= SHORTEST {
            let (piece, more) = rest.split_at(piece_of(rest));
            let (read, _) = self
                .decode(piece, guess, bias.as_deref(), request.care)
                .map_err(ReadError::engine)?;
            let from = request.samples.len() - rest.len();
            words.extend(self.place(piece, from, &read));
            tokens.extend(read);
            (rest, guess) = (more, &[]);
        }
        self.reading(tokens, words)
    }
}

/// How many tokens speech of this length may have.
fn limit(samples: &[f32]) -> usize {
    let seconds = samples.len() as f32 / SAMPLE_RATE as f32;
    (seconds * TOKENS_PER_SECOND) as usize + TOKENS_TO_SPARE
}

/// How many samples to read at once: all, or up to a quiet place.
fn piece_of(samples: &[f32]) -> usize {
    if samples.len() <= LONGEST {
        return samples.len();
    }
    let first = LONGEST - CUT_WITHIN;
    let places = samples[first..LONGEST].chunks_exact(QUIET);
    let energy = |place: &[f32]| place.iter().map(|sample| sample * sample).sum::<f32>();
    let quietest = places
        .enumerate()
        .min_by(|(_, a), (_, b)| energy(a).total_cmp(&energy(b)))
        .map_or(CUT_WITHIN, |(n, _)| n * QUIET + QUIET / 2);
    first + quietest
}

fn because<E: std::fmt::Display>(path: &Path) -> impl Fn(E) -> MoonshineLoadError {
    let path = path.to_owned();
    move |error| MoonshineLoadError { path: path.clone(), detail: error.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_spelled_as_the_model_spells_them() {
        let paths = crate::models::Store::default_dir().and_then(crate::models::Store::open);
        let paths = paths.and_then(|store| store.paths());
        let Ok(paths) = paths.inspect_err(|reason| eprintln!("skipped: {reason}")) else { return };
        let runtime = Runtime::load(&paths.onnxruntime).unwrap();
        let mut moonshine = Moonshine::load(runtime, &paths.moonshine_dir).unwrap();
        let speech = audio::wav::read(include_bytes!("../../tests/data/password.wav")).unwrap();
        let mut samples = Vec::new();
        audio::resample::Upsampler::new().process(&speech, &mut samples);
        let reading = moonshine.read(Request::of(&samples)).unwrap();
        let written = reading.text.split(' ').map(|word| word.trim_end_matches('.'));
        let spelled: Vec<_> =
            written.flat_map(|word| moonshine.vocabulary.tokens_of_word(word)).collect();
        let heard: Vec<_> = reading.tokens.iter().map(|token| token.id).collect();
        assert!(spelled.len() >= 9);
        assert_eq!(spelled, heard[..spelled.len()]);
    }

    #[test]
    fn audio_is_cut_where_it_is_quietest_and_alike_as_it_grows() {
        let mut audio = vec![0.5; 3 * LONGEST];
        assert_eq!(piece_of(&audio[..LONGEST]), LONGEST, "no need to");
        let pause = LONGEST - SAMPLE_RATE;
        audio[pause..pause + 2 * QUIET].fill(0.001);
        for len in [LONGEST + 1, 2 * LONGEST, 3 * LONGEST] {
            let piece = piece_of(&audio[..len]);
            assert!((pause..pause + 2 * QUIET).contains(&piece), "{piece} of {len}");
        }
    }
}
