//! `patchcord say`: a text as the receptionist would say it.

use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use engines::synthesis::{Mouth, Said};

use super::{CommandResult, words};
use crate::settings::Settings;
use crate::speech::Speech;

#[derive(Args)]
pub(super) struct Options {
    /// What to say
    text: String,
    /// A local voice (a Piper voice in the models folder, or one of flite's), or a vendor: openai, deepgram, elevenlabs
    #[arg(long, value_name = "NAME")]
    voice: Option<String>,
    /// The WAV file to write (8 kHz, 16 bits); to standard output if none, as in: patchcord say Hello | aplay
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The configuration file of `serve`, for its section on synthesis
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

pub(super) fn run(options: &Options) -> CommandResult {
    if options.out.is_none() && std::io::stdout().is_terminal() {
        return Err("a terminal cannot play sound\n  mend: add --out FILE.wav, or pipe it to a player: patchcord say Hello | aplay".to_owned());
    }
    let mut config = match &options.config {
        Some(path) => Settings::open(path).map_err(words)?.synthesis(),
        None => engines::synthesis::SynthesisConfig::default(),
    };
    if let Some(name) = &options.voice {
        config.choose(name);
    }
    let speech = Speech::new(config);
    let samples = said(speech.mouth()?, &options.text)?;
    let wav = audio::wav::write(&samples);
    match &options.out {
        Some(path) => std::fs::write(path, wav)
            .map_err(|error| format!("cannot write {}: {error}", path.display()))?,
        None => std::io::stdout()
            .write_all(&wav)
            .map_err(|error| format!("cannot write the sound: {error}"))?,
    }
    Ok(ExitCode::SUCCESS)
}

/// The sound of `text`; how it was made is told on standard error.
fn said(mouth: &Mouth, text: &str) -> Result<Vec<i16>, String> {
    if !text.chars().any(char::is_alphanumeric) {
        return Err("there is nothing to say\n  mend: give it words".to_owned());
    }
    let mut samples = Vec::new();
    let mut utterance = mouth.say(text).map_err(words)?;
    while let Some(said) = utterance.next_blocking() {
        match said {
            Said::Audio(more) => samples.extend_from_slice(&more),
            Said::Failed(error) => return Err(error.to_string()),
            Said::Done(report) => {
                for switch in &report.switches {
                    let twice = if switch.repeats { "; some words are said twice" } else { "" };
                    eprintln!(
                        "{} failed: {}; {} went on{twice}",
                        switch.from, switch.why, switch.to
                    );
                }
                let seconds = samples.len() as f64 / f64::from(audio::SAMPLE_RATE);
                let first = report.first_audio.unwrap_or_default().as_millis();
                eprintln!("{}: {seconds:.1} s, the first sound after {first} ms", report.voice);
            }
        }
    }
    Ok(samples)
}
