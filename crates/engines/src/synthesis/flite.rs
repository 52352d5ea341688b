//! The voices of Flite, which Debian has ready: no neural network, and clear on a telephone line.
//!
//! The program is run once a passage, which keeps its C library out of this process: 0.02 s of CPU for "hello", a
//! second for 45 s of speech. It takes the text as an argument, so the machine's users can read it in the list of
//! processes while it runs.

use std::process::Command;

use super::spoken::spoken;
use super::{Outlet, SpeakError, Synthesizer, program};

const PROGRAM: &str = "flite";

/// The voice that is understood best on a telephone line: of 253 words, coded in mu-law, Moonshine reads 8 % wrong, with
/// `awb` as many, with `kal16` 11 % and with `slt` 20 %.
pub const BEST_VOICE: &str = "rms";

/// One of Flite's voices.
#[derive(Debug)]
pub struct Flite {
    voice: String,
    name: String,
}

impl Flite {
    /// The voice called `voice`; those of Debian's package are `slt`, `rms`, `awb`, `kal16` and `kal`.
    ///
    /// # Errors
    /// [`SpeakError::Engine`] if the program or the voice is not installed.
    pub fn load(voice: &str) -> Result<Self, SpeakError> {
        let known = Self::voices();
        if known.is_empty() {
            let cause = "the program `flite` is not installed (Debian: `apt install flite`)";
            return Err(SpeakError::Engine(cause.to_owned()));
        }
        if !known.iter().any(|known| known == voice) {
            let known = known.join(", ");
            return Err(SpeakError::Engine(format!(
                "flite has no voice {voice:?}; it has {known}"
            )));
        }
        Ok(Self { voice: voice.to_owned(), name: format!("flite {voice}") })
    }

    /// The voices that are installed; none where the program is not.
    #[must_use]
    pub fn voices() -> Vec<String> {
        let listed = Command::new(PROGRAM).arg("-lv").output();
        let listed = listed.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
        let listed = listed.unwrap_or_default();
        let voices = listed.split_once(':').map_or("", |(_, voices)| voices);
        voices.split_whitespace().map(str::to_owned).collect()
    }
}

impl Synthesizer for Flite {
    fn name(&self) -> &str {
        &self.name
    }

    fn speak(&self, passage: &str, outlet: &mut Outlet<'_>) -> Result<(), SpeakError> {
        let text: String = spoken(passage).chars().filter(|c| !c.is_control()).collect();
        let arguments = ["-voice", &self.voice, "-t", &text, "-o", "/dev/stdout"];
        let wav = outlet.wait(program::output(PROGRAM, arguments, ""))?;
        let samples = audio::wav::read(&wav).map_err(|e| SpeakError::NotSound(e.to_string()))?;
        let samples: Vec<f32> = samples.iter().map(|s| f32::from(*s) / 32_768.0).collect();
        outlet.push(audio::SAMPLE_RATE, &samples)
    }
}
