//! `patchcord eval speech`: recordings with what they say and mean, through the path of a call.

use std::path::PathBuf;
use std::process::ExitCode;

use call::Domain;
use clap::Args;

use crate::command::{CommandResult, models_ready, words};
use crate::cpu;
use crate::hear;
use crate::replay::Engines;
use crate::trial::{self, Detail, Noise, Scores};

#[derive(Args)]
pub(in crate::command) struct Options {
    /// One JSON object a line: "audio" (a WAV file of any rate, relative to this file) and, where known, "text",
    /// "intent" (null: none of the domain's), "slots", "speech_end_ms", "decide_ms"
    #[arg(value_name = "MANIFEST.jsonl")]
    manifest: PathBuf,
    /// What callers may want: a receptionist's file, of which only its intents and slots count
    #[arg(long, value_name = "FILE")]
    domain: Option<PathBuf>,
    /// Noise to add: a WAV file, repeated as long as need be
    #[arg(long, value_name = "WAV", requires = "snr")]
    noise: Option<PathBuf>,
    /// How much louder the speech is than the noise, in dB
    #[arg(long, value_name = "DB", requires = "noise", allow_negative_numbers = true)]
    snr: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(super) fn run(options: &Options) -> CommandResult {
    let domain = options.domain.as_ref().map(domain).transpose()?;
    let understanding = domain.as_ref().map(Domain::understanding).transpose().map_err(words)?;
    let wishes = domain.map(|domain| domain.wishes).unwrap_or_default();
    let noise = match (&options.noise, options.snr) {
        (Some(path), Some(snr)) => Some(noise(path, snr)?),
        _ => None,
    };
    let rows = trial::rows(&options.manifest).map_err(words)?;
    let mut engines = Engines::load(&models_ready()?)?;
    let phrases = understanding.as_ref().map(hear::phrases).unwrap_or_default();
    let (mut details, mut audio_s) = (Vec::new(), 0.0);
    let before = cpu::seconds()?;
    for (number, (row, mut sound)) in rows.into_iter().enumerate() {
        if let Some(noise) = &noise {
            noise.add(number, &mut sound);
        }
        audio_s += audio::duration_of(sound.len() as u64).as_secs_f64();
        let outcome = trial::attempt(&mut engines, understanding.as_ref(), &phrases, &sound);
        let detail = Detail::of(&row, outcome, &wishes);
        if !options.json {
            println!("{}", line(&detail));
        }
        details.push(detail);
    }
    let scores = Scores::of(details, cpu::seconds()? - before, audio_s);
    if options.json {
        let json = serde_json::to_string(&scores).map_err(words)?;
        println!("{json}");
    } else {
        println!("\n{}", summary(&scores));
    }
    Ok(ExitCode::SUCCESS)
}

fn domain(path: &PathBuf) -> Result<Domain, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("cannot read {}: {error}\n  mend: name a receptionist's file", path.display())
    })?;
    Domain::parse(&path.display().to_string(), &text).map_err(words)
}

fn noise(path: &PathBuf, snr_db: f64) -> Result<Noise, String> {
    let place = path.display();
    let bytes = std::fs::read(path)
        .map_err(|error| format!("cannot read {place}: {error}\n  mend: name a WAV file"))?;
    let sound = audio::wav::read(&bytes).map_err(|error| format!("{place}: {error}"))?;
    Noise::new(sound, snr_db)
        .ok_or_else(|| format!("{place} is silent\n  mend: name a WAV file with noise in it"))
}

fn line(detail: &Detail) -> String {
    let mark = match (detail.accepted, detail.word_errors) {
        (Some(true), _) | (None, Some(0)) => "right",
        (None, None) => "     ",
        _ => "WRONG",
    };
    let slots: Vec<String> =
        detail.slots.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let decided = match &detail.intent {
        Some(intent) => format!("{intent} {}", slots.join(" ")),
        None => "-".to_owned(),
    };
    let sure = detail.probability.map(|p| format!("{p:.2}")).unwrap_or_default();
    format!("{mark} {:4} {decided} | {} | {}", sure, detail.words, detail.audio)
}

fn summary(scores: &Scores) -> String {
    let mut lines = vec![format!("{} rows", scores.rows)];
    let mut percent = |name: &str, share: Option<f64>| {
        if let Some(share) = share {
            lines.push(format!("{name:26} {:6.2} %", share * 100.0));
        }
    };
    percent("word error rate", scores.wer);
    percent("intent accuracy", scores.intent_accuracy);
    percent("slot accuracy", scores.slot_accuracy);
    percent("command acceptance", scores.command_acceptance);
    percent("false acceptance", scores.false_acceptance);
    percent("decided early", scores.early);
    percent("wrong early decisions", scores.early_wrong);
    percent("calibration error", scores.ece);
    for (name, clock) in [("decide", scores.decide_ms), ("early lead", scores.early_lead_ms)] {
        if let Some(clock) = clock {
            let (p50, p95, p99) = (clock.p50, clock.p95, clock.p99);
            lines.push(format!("{name:26} p50 {p50:.0} ms, p95 {p95:.0} ms, p99 {p99:.0} ms"));
        }
    }
    lines.push(format!("processor, a second of audio {:.4} s", scores.cpu_per_audio_s));
    lines.join("\n")
}
