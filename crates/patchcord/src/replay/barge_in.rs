//! Callers who make a sound over a prompt: does it fall silent in time for a voice, and go on after a cough?
//!
//! The real ear and the real call, in virtual time; what both sides hear is recorded and measured as a judge would who
//! has nothing but the recording. `PATCHCORD_BARGE_INS` may name a folder of further recordings of speech.

mod cough;

use std::path::Path;
use std::time::Duration;

use audio::tone::level_dbfs;
use audio::{FRAME, FRAME_TIME, SAMPLE_RATE, g711};
use call::Command;

use self::cough::{Dice, cough, hiss};
use super::tests::models;
use super::{Engines, Event, MEDIA, Replay};
use crate::agents::Agents;
use crate::desk::Desk;
use crate::labels;
use crate::replay::line::CallerLine;

/// Sound below this is silence, in a recording.
const SILENT_DBFS: f64 = -50.0;
/// What is kept of a recording before its first sound: 100 ms.
const LEAD: usize = 800;
/// How long each call is watched.
const WATCHED: Duration = Duration::from_secs(16);

/// What a replay keeps for these tests, and the room in which its caller sits.
#[derive(Default)]
pub(super) struct Rig {
    /// All that we said.
    said: Vec<i16>,
    commands: Vec<(Duration, Command)>,
    room: Option<Room>,
}

/// Our own voice comes back after `delay` samples, softer.
#[derive(Clone, Copy)]
struct Room {
    delay: usize,
    loss_db: f64,
}

impl Rig {
    pub(super) fn said(&mut self, _now: Duration, codes: &[u8; FRAME]) {
        self.said.extend(codes.map(g711::decode_ulaw_sample));
    }

    pub(super) fn commanded(&mut self, now: Duration, command: &Command) {
        self.commands.push((now, command.clone()));
    }

    /// What of our voice comes back in the packet that arrives now.
    pub(super) fn echo(&self, now: Duration) -> [i16; FRAME] {
        let Some(Room { delay, loss_db }) = self.room else { return [0; FRAME] };
        let gain = 10_f64.powf(-loss_db / 20.0);
        let spoken = (now - FRAME_TIME).saturating_sub(MEDIA);
        let from = (spoken.as_micros() * u128::from(SAMPLE_RATE) / 1_000_000) as usize;
        let back = |n: usize| (from + n).checked_sub(delay).and_then(|n| self.said.get(n));
        let sample = |n: usize| back(n).map_or(0.0, |sample| f64::from(*sample));
        // A cabinet: not only softer.
        std::array::from_fn(|n| {
            let wall = n.checked_sub(5).map_or(0.0, sample);
            (gain * (sample(n) - 0.3 * wall)) as i16
        })
    }
}

/// What a recording of a call shows.
#[derive(Debug)]
struct Shown {
    name: String,
    /// From the caller's first sound to our silence; none if we never fell silent.
    reaction: Option<Duration>,
    /// The prompt was said to its end.
    went_on: bool,
    /// The longest time in which neither side made a sound.
    silence: Duration,
    holds: usize,
    words: String,
}

/// A caller who keeps silent, makes `sound` at `at`, of which `lead` samples are before its first sound, and keeps silent
/// again.
fn watch(
    desk: &Desk,
    engines: &mut Engines,
    name: &str,
    at: usize,
    sound: &[i16],
    lead: usize,
    room: Option<Room>,
) -> Shown {
    let mut caller = hiss(4.0, WATCHED.as_secs() as usize * SAMPLE_RATE as usize, at as u64);
    for (line, sample) in caller[at..].iter_mut().zip(sound) {
        *line = line.saturating_add(*sample);
    }
    let agents = Agents::embedded();
    let mut replay = Replay::new(desk, &agents, engines, CallerLine::new(&caller));
    replay.rig.room = room;
    replay.agenda.add(WATCHED, Event::HangsUp);
    replay.run();
    // The caller speaks from the answer on, we from MEDIA on.
    let said = &replay.rig.said;
    let prompt: Vec<i16> = desk
        .sound(std::slice::from_ref(&desk.receptionist.prompts.greeting))
        .expect("a recording")
        .iter()
        .map(|s| companded(*s))
        .collect();
    let end = &prompt[prompt.len() - 1_600..];
    let went_on =
        said.windows(end.len()).step_by(1).any(|window| window[0] == end[0] && window == end);
    let begins = (at + lead).saturating_sub(ahead());
    let connects =
        replay.rig.commands.iter().find(|(_, command)| matches!(command, Command::Connect { .. }));
    let over = connects.map_or(said.len(), |(at, _)| (at.as_millis() * 8) as usize).min(said.len());
    let quiet = |samples: &[i16]| level_dbfs(samples) < SILENT_DBFS;
    let steps = |from: usize| (from..said.len().saturating_sub(400)).step_by(8);
    // Silent for 50 ms: not the gap between two words of the prompt, as the prompt would go on then.
    let fell = steps(begins).find(|from| quiet(&said[*from..from + 400]) && held(said, *from));
    let mut silence = 0;
    let mut run = 0;
    for n in (0..over.saturating_sub(80)).step_by(80) {
        let theirs = caller.get(n + ahead()..n + ahead() + 80).is_none_or(quiet);
        run = if quiet(&said[n..n + 80]) && theirs { run + 80 } else { 0 };
        silence = silence.max(run);
    }
    let holds = replay.rig.commands.iter().filter(|(_, c)| *c == Command::HoldPlaying).count();
    Shown {
        name: name.to_owned(),
        reaction: fell.map(|fell| audio::duration_of((fell - begins) as u64)),
        went_on,
        silence: audio::duration_of(silence as u64),
        holds,
        words: replay.call.record().words(),
    }
}

/// Samples by which the caller's line is ahead of ours: it begins at the answer.
fn ahead() -> usize {
    (MEDIA - super::ANSWER).as_millis() as usize * 8
}

/// Whether nothing at all is said for 80 ms from 10 ms after `from` on, as when a prompt is held: between its words there
/// is at least some noise.
fn held(said: &[i16], from: usize) -> bool {
    said.get(from + 80..from + 720).is_some_and(|rest| rest.iter().all(|sample| *sample == 0))
}

fn companded(sample: i16) -> i16 {
    g711::decode_ulaw_sample(g711::encode_ulaw_sample(sample))
}

/// Where speech sets in: 80 ms of sound, no softer than 25 dB below the loudest, and louder than the line's noise.
fn onset(samples: &[i16]) -> Option<usize> {
    let levels: Vec<f64> = samples.chunks_exact(80).map(level_dbfs).collect();
    let mut sorted = levels.clone();
    sorted.sort_by(f64::total_cmp);
    let noise = *sorted.get(sorted.len() / 10)?;
    let threshold = (sorted[sorted.len() * 19 / 20] - 25.0).max(noise + 8.0);
    let loud = |levels: &[f64]| levels.iter().filter(|level| **level > threshold).count();
    (0..levels.len().saturating_sub(8))
        .find(|n| levels[*n] > threshold && loud(&levels[*n..*n + 8]) >= 7)
        .map(|n| n * 80)
}

/// Recordings of a folder, by name.
fn folder(path: &Path) -> Vec<(String, Vec<i16>)> {
    let mut files: Vec<_> =
        std::fs::read_dir(path).expect("a folder").flatten().map(|f| f.path()).collect();
    files.sort();
    let wav = |path: &&std::path::PathBuf| path.extension().is_some_and(|kind| kind == "wav");
    let read = |path: &std::path::PathBuf| {
        let samples =
            audio::wav::read(&std::fs::read(path).expect("readable")).expect("a WAV file");
        (path.file_stem().unwrap_or_default().to_string_lossy().into_owned(), samples)
    };
    files.iter().filter(wav).map(read).collect()
}

/// Speech, cut so that it begins with its first sound, 100 ms before it included.
fn speech() -> Vec<(String, Vec<i16>)> {
    let samples = labels::embedded().expect("well formed").into_iter();
    let mut speech: Vec<_> = samples
        .filter(|sample| sample.label.as_ref().is_some_and(|label| label.intent.is_some()))
        // "Hello" in the voice of the greeting, which begins with that word: no echo could be more like it.
        .filter(|sample| sample.name != "calls-maria-back")
        .map(|sample| (sample.name, sample.audio))
        .collect();
    if let Some(path) = std::env::var_os("PATCHCORD_BARGE_INS") {
        speech.extend(folder(Path::new(&path)));
    }
    speech.retain_mut(|(_, samples)| {
        let Some(onset) = onset(samples) else { return false };
        let Some(from) = onset.checked_sub(LEAD) else { return false };
        samples.drain(..from);
        samples.truncate(6 * SAMPLE_RATE as usize);
        true
    });
    speech
}

/// Some moment in the greeting, no two at the same place of a window or packet.
fn moment(number: usize) -> usize {
    4_000 + 997 * number % 7_000
}

fn print(title: &str, shown: &[Shown]) {
    println!("{title}: {}", shown.len());
    for Shown { name, reaction, went_on, silence, holds, words } in shown {
        println!(
            "  {name:<40} silent after {reaction:>9.1?}, held {holds} times, went on: {went_on}, longest silence {silence:.1?}, {words:?}"
        );
    }
}

#[test]
fn a_voice_silences_the_prompt_in_time() {
    let Some(paths) = models() else { return };
    let desk = Desk::embedded().expect("well formed");
    let mut engines = Engines::load(&paths).expect("the models load");
    let shown: Vec<Shown> = speech()
        .iter()
        .enumerate()
        .map(|(n, (name, sound))| watch(&desk, &mut engines, name, moment(n), sound, LEAD, None))
        .collect();
    print("speech over the prompt", &shown);
    let mut reactions: Vec<_> = shown.iter().map(|s| s.reaction.unwrap_or(Duration::MAX)).collect();
    reactions.sort();
    let (p50, p95) = (reactions[reactions.len() / 2], reactions[reactions.len() * 95 / 100]);
    let longest = shown.iter().map(|shown| shown.silence).max();
    println!("reaction p50 {p50:?}, p95 {p95:?} of {}, longest silence {longest:?}", shown.len());
    // Of so few a soft beginning must not decide, nor a "hello" in the very voice that says it in the greeting.
    let late = reactions.iter().filter(|reaction| **reaction > Duration::from_millis(150)).count();
    assert!(late * 8 <= shown.len(), "{late} of {} later than 150 ms", shown.len());
    assert!(longest < Some(Duration::from_secs(4)), "{longest:?}");
    let ignored = shown.iter().filter(|shown| shown.went_on).count();
    assert!(ignored * 20 <= shown.len(), "{ignored} callers were talked over");
}

#[test]
fn coughs_echoes_and_back_channels_do_not_stop_the_prompt() {
    let Some(paths) = models() else { return };
    let desk = Desk::embedded().expect("well formed");
    let mut engines = Engines::load(&paths).expect("the models load");
    let mut watched = |name: &str, n: usize, sound: &[i16], room| {
        watch(&desk, &mut engines, name, moment(n), sound, 0, room)
    };
    let coughs: Vec<Shown> =
        (0..24).map(|n| watched(&format!("cough {n}"), n, &cough(n as u64), None)).collect();
    let sounds =
        folder(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/sounds/back_channels"));
    let said: Vec<Shown> =
        sounds.iter().enumerate().map(|(n, (name, sound))| watched(name, n, sound, None)).collect();
    let mut dice = Dice(7);
    let echoes: Vec<Shown> = (0..16)
        .map(|n| {
            let delay = dice.between(160.0, 4_800.0) as usize;
            let loss_db = dice.between(4.0, 24.0);
            let room = Room { delay, loss_db };
            watched(&format!("echo {} ms {loss_db:.0} dB", delay / 8), n, &[], Some(room))
        })
        .collect();
    let kinds = [("coughs", coughs), ("back-channels", said), ("echoes", echoes)];
    let (mut stopped, mut all) = (0, 0);
    for (title, shown) in &kinds {
        print(title, shown);
        let lost = shown.iter().filter(|shown| !shown.went_on).count();
        println!("{title}: {lost} of {} stopped the prompt", shown.len());
        for shown in shown {
            assert!(shown.silence < Duration::from_secs(4), "{shown:?}");
        }
        stopped += lost;
        all += shown.len();
    }
    assert!(stopped * 50 <= 2 * all, "{stopped} of {all}");
}
