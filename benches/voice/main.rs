//! Voice activity on telephone speech: how right each detector is, and what it costs.
//!
//! ```sh
//! cargo bench -p benches --bench voice -- [FOLDER]
//! ```
//!
//! The folder holds recordings of people (WAV, any rate); without one the sample calls stand in, which are a
//! synthetic voice. Each recording is put behind a pause of 2 s, mixed with a noise, and sent through mu-law at 8 kHz. Then each detector judges
//! it in windows of 32 ms. Before that 500 calls are heard live for 10 s.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

mod corpus;
mod detectors;
mod live;
mod score;

use std::error::Error;
use std::path::Path;

use engines::models::{ModelPaths, Store};
use engines::silero::Silero;

use self::corpus::{Condition, Stream};
use self::detectors::Detector;
use self::score::Score;

fn main() -> Result<(), Box<dyn Error>> {
    // Cargo passes `--bench` as well.
    let folder = std::env::args().skip(1).find(|argument| !argument.starts_with("--"));
    let Some(paths) = models() else { return Ok(()) };
    let recordings = corpus::recordings(folder.as_deref().map(Path::new))?;
    let silero = Silero::load(&paths.silero)?;
    let streams = Condition::ALL.map(|condition| corpus::streams(&recordings, condition));
    live::hear(&silero, &streams[0])?;
    println!();
    describe(&streams[0]);
    for (condition, streams) in Condition::ALL.iter().zip(&streams) {
        println!("\n{}", condition.name());
        println!("{}", Score::HEADER);
        for detector in &mut detectors::all(&silero) {
            println!("{:24}{}", detector.name(), judge(detector.as_mut(), streams));
        }
    }
    println!("\ncost of one window of 32 ms, the least of several runs");
    detectors::costs(&paths, &silero, &streams[0])?;
    Ok(())
}

fn judge(detector: &mut dyn Detector, streams: &[Stream]) -> Score {
    let mut score = Score::default();
    for stream in streams {
        detector.reset();
        let heard: Vec<_> = stream.windows().map(|window| detector.judge(window)).collect();
        score.add(stream, &heard, detector.threshold());
    }
    score
}

fn describe(streams: &[Stream]) {
    let windows: usize = streams.iter().map(|stream| stream.labels.len()).sum();
    let speech = streams.iter().flat_map(|stream| &stream.labels);
    let share = speech.filter(|label| **label == corpus::Label::Speech).count() * 100 / windows;
    let seconds = windows * 32 / 1000;
    println!("{} recordings, {seconds} s, {share} % of it speech", streams.len());
}

fn models() -> Option<ModelPaths> {
    let store = Store::open(Store::default_dir().ok()?).ok()?;
    store.paths().inspect_err(|error| println!("skipped: {error}")).ok()
}
