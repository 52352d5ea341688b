//! Many calls heard live: what voice activity costs in all, with everything around it.

use std::error::Error;
use std::num::NonZeroUsize;
use std::thread;
use std::time::{Duration, Instant};

use audio::FRAME;
use engines::hearing::{Ear, Hearing, HearingConfig};
use engines::recognizer::{ReadError, Reading, Recognizer, Request};
use engines::silero::Silero;

use super::corpus::Stream;

const CALLS: usize = 500;
/// Frames of each call: 10 s.
const FRAMES: u64 = 500;
/// Frames of silence before them, after which memory is measured: all that a call holds while nobody speaks.
const HUSH: u64 = 30;
/// Groups of calls whose frames come in the same millisecond.
const SLOTS: usize = 20;

/// Hears that somebody speaks, but reads nothing.
struct Unread;

impl Recognizer for Unread {
    fn read(&mut self, _: Request<'_>) -> Result<Reading, ReadError> {
        Ok(Reading::default())
    }
}

pub(super) fn hear(silero: &Silero, streams: &[Stream]) -> Result<(), Box<dyn Error>> {
    let workers = NonZeroUsize::MIN;
    let mut config = HearingConfig { workers, ..HearingConfig::default() };
    // Readings are not the subject.
    config.listener.first_read = Duration::from_secs(3600);
    let hearing = Hearing::with_engines(silero.clone(), || Ok(Unread), config)?;
    let before = resident();
    let ears = (0..CALLS).map(|_| hearing.ear(|_| {})).collect::<Result<Vec<_>, _>>()?;
    let mut calls: Vec<_> = ears.into_iter().zip(streams.iter().cycle()).enumerate().collect();
    for number in 0..HUSH {
        for (_, (ear, _)) in &mut calls {
            ear.frame(&[0; FRAME], number * FRAME as u64);
        }
        thread::sleep(audio::FRAME_TIME);
    }
    let memory = (resident() - before) / CALLS as f64;
    let (idle, start) = (hearing.load(), Instant::now());
    for number in 0..FRAMES * SLOTS as u64 {
        let due = start + Duration::from_millis(number);
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let slot = number as usize % SLOTS;
        for (call, (ear, stream)) in calls.iter_mut().skip(slot).step_by(SLOTS) {
            speak(ear, stream, *call, HUSH + number / SLOTS as u64);
        }
    }
    let frames = (CALLS as u64 * FRAMES) as f64;
    let dropped: u64 = calls.iter().map(|(_, (ear, _))| ear.dropped()).sum();
    let load = hearing.load();
    let judged = (load.judged - idle.judged) as f64;
    println!("{CALLS} calls for {} s through one hearing thread", FRAMES / 50);
    println!(
        "windows judged          {:6.1} %",
        judged * 100.0 / (load.windows - idle.windows) as f64
    );
    println!("windows in a batch      {:6.1}", judged / (load.batches - idle.batches) as f64);
    println!("frames dropped          {dropped:4}");
    println!("memory a call           {:6.1} KB", memory);
    match load.cpu.zip(idle.cpu) {
        Some((cpu, idle)) => {
            let each = (cpu - idle).as_secs_f64() * 1e6 / frames;
            println!("CPU a frame, all of it  {each:6.2} us");
        }
        None => println!("this system does not say what a thread has used"),
    }
    Ok(())
}

fn speak(ear: &mut Ear, stream: &Stream, call: usize, number: u64) {
    let frames = stream.samples.as_chunks::<FRAME>().0;
    // Each call is at another place of its conversation.
    let place = (call * 97 + number as usize) % frames.len();
    ear.frame(&frames[place], number * FRAME as u64);
}

/// Memory in use in KB, where the system tells (Linux), else 0.
fn resident() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
}
