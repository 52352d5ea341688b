//! `patchcord eval speech`: recordings with what they say and mean, through the path of a call.

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use call::Domain;
use clap::Args;
use engines::chain::Recognition;
use engines::hearing::{Hearing, HearingConfig};
use engines::phrases::Phrases;
use engines::remote::config::{ConfigError, RecognitionConfig};
use intent::Understanding;
use tokio::runtime::Runtime;

use crate::command::{CommandResult, models_ready, runtime, words};
use crate::recording;
use crate::replay::Engines;
use crate::settings::Settings;
use crate::trial::{self, Detail, Noise, Outcome, Scores};
use crate::{cpu, hear};

/// Calls to a vendor at the same time, unless said otherwise: fewer than any of them allows.
const CALLS: NonZeroUsize = NonZeroUsize::new(4).expect("more than none");

/// Frames of a call that may wait to be heard, 10 s: a machine under load hears late rather than not at all.
const BACKLOG: usize = 500;

#[derive(Args)]
pub(in crate::command) struct Options {
    /// One JSON object a line: "audio" (a WAV file of any rate, or Asterisk's ulaw, alaw, g722 or sln; relative to this
    /// file) and, where known, "text", "intent" (null: none of the domain's), "slots", "speech_end_ms", "decide_ms"
    #[arg(value_name = "MANIFEST.jsonl")]
    manifest: PathBuf,
    /// What callers may want: a receptionist's file, of which only its intents and slots count
    #[arg(long, value_name = "FILE")]
    domain: Option<PathBuf>,
    /// Who hears them: local (also called moonshine), or deepgram, vosk, openai, openai-realtime, google, aws, azure, or
    /// an engine of the configuration. All but local hear in real time, and alone: none takes over where it fails.
    /// Without it, and without a configuration, local
    #[arg(long, value_name = "NAME")]
    engine: Option<String>,
    /// The configuration file of `serve`, for its section on recognition; without --engine, all of its chain
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// How many recordings at a time: one, so that processor time is told as a call alone would take it, and 4 where a
    /// vendor hears them
    #[arg(long, value_name = "N")]
    jobs: Option<NonZeroUsize>,
    /// Noise to add: a recording, repeated as long as need be
    #[arg(long, value_name = "WAV", requires = "snr")]
    noise: Option<PathBuf>,
    /// How much louder the speech is than the noise, in dB
    #[arg(long, value_name = "DB", requires = "noise", allow_negative_numbers = true)]
    snr: Option<f64>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Who hears the recordings.
enum Ears {
    /// The engines here, in virtual time; one set a job.
    Here(Vec<Engines>),
    /// Others, in real time, so many calls at a time.
    Elsewhere(Hearing, NonZeroUsize),
}

type Attempt<'a> = Box<dyn FnMut(&[i16]) -> Outcome + Send + 'a>;

pub(super) fn run(options: &Options) -> CommandResult {
    let domain = options.domain.as_ref().map(domain).transpose()?;
    let understanding = domain.as_ref().map(Domain::understanding).transpose().map_err(words)?;
    let wishes = domain.map(|domain| domain.wishes).unwrap_or_default();
    let noise = match (&options.noise, options.snr) {
        (Some(path), Some(snr)) => Some(noise(path, snr)?),
        _ => None,
    };
    let mut rows = trial::rows(&options.manifest).map_err(words)?;
    let mut audio_s = 0.0;
    for (number, (_, sound)) in rows.iter_mut().enumerate() {
        if let Some(noise) = &noise {
            noise.add(number, sound);
        }
        audio_s += audio::duration_of(sound.len() as u64).as_secs_f64();
    }
    let runtime = runtime()?;
    let mut ears = Ears::open(options, rows.len(), &runtime)?;
    let phrases = understanding.as_ref().map(hear::phrases).unwrap_or_default();
    let mut details = Vec::new();
    let before = cpu::seconds()?;
    let attempts = ears.attempts(understanding.as_ref(), &phrases).into_iter();
    let wishes = &wishes;
    let workers = attempts.map(|mut attempt| {
        move |(row, sound): &(trial::Row, Vec<i16>)| Detail::of(row, attempt(sound), wishes)
    });
    let threads = trial::in_order(workers.collect(), &rows, |detail| {
        if !options.json {
            println!("{}", line(&detail));
        }
        details.push(detail);
    })?;
    let scores = Scores::of(details, cpu::seconds()? - before + threads, audio_s);
    if options.json {
        let json = serde_json::to_string(&scores).map_err(words)?;
        println!("{json}");
    } else {
        println!("\n{}", summary(&scores));
    }
    match scores.unheard() {
        Some(trouble) => Err(format!("no recording was heard: {trouble}")),
        None => Ok(ExitCode::SUCCESS),
    }
}

impl Ears {
    fn open(options: &Options, rows: usize, runtime: &Runtime) -> Result<Self, String> {
        let at_once = |usual| {
            let rows = NonZeroUsize::new(rows).unwrap_or(NonZeroUsize::MIN);
            options.jobs.unwrap_or(usual).min(rows)
        };
        let recognition = recognition(options, runtime)?;
        let models = models_ready()?;
        let mut config = HearingConfig::default();
        if recognition.is_local() {
            let engines = (0..at_once(NonZeroUsize::MIN).get()).map(|_| Engines::load(&models));
            return Ok(Self::Here(engines.collect::<Result<_, _>>()?));
        }
        config.recognition = Some(recognition);
        config.backlog = BACKLOG;
        let hearing = Hearing::start(&models, config).map_err(words)?;
        Ok(Self::Elsewhere(hearing, at_once(CALLS)))
    }

    /// What tries a recording, once for each job.
    fn attempts<'a>(
        &'a mut self,
        understanding: Option<&'a Understanding>,
        phrases: &'a Phrases,
    ) -> Vec<Attempt<'a>> {
        match self {
            Self::Here(engines) => {
                let attempt = |engines: &'a mut Engines| -> Attempt<'a> {
                    Box::new(move |sound| trial::attempt(engines, understanding, phrases, sound))
                };
                engines.iter_mut().map(attempt).collect()
            }
            Self::Elsewhere(hearing, calls) => {
                let hearing: &Hearing = hearing;
                let attempt = |_| -> Attempt<'a> {
                    Box::new(move |sound| {
                        trial::live::attempt(hearing, understanding, phrases, sound)
                    })
                };
                (0..calls.get()).map(attempt).collect()
            }
        }
    }
}

/// The engines that were asked for.
fn recognition(options: &Options, runtime: &Runtime) -> Result<Recognition, String> {
    let settings = options.config.as_deref().map(Settings::open).transpose().map_err(words)?;
    let usual = RecognitionConfig::default();
    let (config, folder) =
        settings.as_ref().map_or((&usual, Path::new("")), Settings::recognition_section);
    let engines = match &options.engine {
        Some(name) => config.only(name, folder).map(|engine| vec![engine]),
        None => config.engines(folder),
    };
    let made = engines
        .and_then(|engines| Recognition::new(engines, config.policy(), runtime.handle().clone()));
    made.map_err(|error| match (&options.config, &error) {
        (Some(path), _) => format!("{}: {error}", path.display()),
        (None, ConfigError::Table { .. }) => {
            format!("{error}\n  mend: write it into a configuration and name that with --config")
        }
        (None, _) => error.to_string(),
    })
}

fn domain(path: &PathBuf) -> Result<Domain, String> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        format!("cannot read {}: {error}\n  mend: name a receptionist's file", path.display())
    })?;
    Domain::parse(&path.display().to_string(), &text).map_err(words)
}

fn noise(path: &Path, snr_db: f64) -> Result<Noise, String> {
    let place = path.display();
    let sound = recording::open(path)
        .map_err(|error| format!("cannot read {place}: {error}\n  mend: name a WAV file"))?;
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
    let mut line = format!("{mark} {:4} {decided} | {} | {}", sure, detail.words, detail.audio);
    if !detail.troubles.is_empty() {
        line = format!("{line} | {}", detail.troubles.join("; "));
    }
    line
}

fn summary(scores: &Scores) -> String {
    let mut lines = vec![format!("{} rows", scores.rows)];
    if scores.troubled_rows > 0 {
        lines.push(format!("{:26} {:3}", "of which had troubles", scores.troubled_rows));
    }
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
