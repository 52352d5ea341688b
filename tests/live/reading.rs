//! What our own recogniser makes of what was heard in a call.

use engines::models::Store;
use engines::moonshine::Moonshine;
use engines::recognizer::{Recognizer as _, Request};
use engines::runtime::Runtime;

/// A tenth of a second.
const PIECE: usize = 800;
/// So many pieces without speech part what is said.
const APART: usize = 10;
const QUIET_DBFS: f64 = -45.0;
/// What callers, agents, music and places of the dialplan sound like in these scenarios.
const TONES_HZ: [f64; 4] = [440.0, 500.0, 700.0, 1_100.0];

/// Our own recogniser.
pub(crate) fn recognizer() -> Moonshine {
    let store = Store::open(Store::default_dir().expect("a home")).expect("a platform we know");
    let paths = store.paths().expect("patchcord itself has fetched them");
    let runtime = Runtime::load(&paths.onnxruntime).expect("it loads");
    Moonshine::load(runtime, &paths.moonshine_dir).expect("it loads")
}

/// What it reads in a recording, in small letters.
pub(crate) fn words(heard: &[i16]) -> String {
    read(&mut recognizer(), heard)
}

/// What it reads where somebody speaks: of tones and of long silence it makes words, too.
pub(crate) fn read(recognizer: &mut Moonshine, heard: &[i16]) -> String {
    let pieces: Vec<&[i16]> = heard.chunks(PIECE).collect();
    let speaks: Vec<bool> = pieces.iter().map(|piece| is_speech(piece)).collect();
    // From one piece before the first sound.
    let goes_on =
        |at: usize| speaks[at.saturating_sub(APART)..pieces.len().min(at + 2)].contains(&true);
    let going_on: Vec<usize> = (0..pieces.len()).filter(|&at| goes_on(at)).collect();
    let mut said = Vec::new();
    for spell in going_on.chunk_by(|one, next| one + 1 == *next) {
        let mut samples = Vec::new();
        let sound: Vec<i16> = spell
            .iter()
            .flat_map(|&at| if is_tone(pieces[at]) { &[0; PIECE][..] } else { pieces[at] })
            .copied()
            .collect();
        audio::resample::Upsampler::new().process(&sound, &mut samples);
        said.push(recognizer.read(Request::of(&samples)).expect("it reads").text.to_lowercase());
    }
    said.join("; ")
}

fn is_speech(piece: &[i16]) -> bool {
    audio::tone::level_dbfs(piece) > QUIET_DBFS && !is_tone(piece)
}

fn is_tone(piece: &[i16]) -> bool {
    let all = 10_f64.powf(audio::tone::level_dbfs(piece) / 10.0);
    TONES_HZ.iter().any(|&hz| audio::tone::power(piece, hz) > 0.8 * all)
}
