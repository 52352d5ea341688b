//! A recording as sound: both sides on their own tracks, and mixed.

use super::{
    Copy, Side,
    files::{Sink, create},
    timeline::{Both, Timeline, position_of},
};
use crate::gate::Gate;
use audio::{SAMPLE_RATE, rtp::Packet};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    ops::Range,
    os::unix::fs::FileExt,
    path::Path,
    time::Duration,
};

/// The sides as sound, laid on one line in time, in one file.
pub(super) struct Sound {
    wav: WavWriter<Whole>,
    /// The same file, to silence what is in it.
    file: File,
    tracks: Tracks,
    line: Timeline,
    gate: Gate,
}

/// What a file holds of each moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tracks {
    /// The caller left, we right.
    Two,
    /// Both at once.
    Mix,
    /// The caller alone.
    Caller,
}

impl Sound {
    pub(super) fn create(path: &Path, tracks: Tracks) -> io::Result<Sound> {
        let file = create(path)?;
        let channels = if tracks == Tracks::Two { 2 } else { 1 };
        let (sample_rate, bits_per_sample) = (SAMPLE_RATE, 16);
        let sample_format = SampleFormat::Int;
        let spec = WavSpec { channels, sample_rate, bits_per_sample, sample_format };
        let wav = WavWriter::new(Whole::new(file.try_clone()?), spec).map_err(io_error)?;
        let (line, gate) = (Timeline::new(), Gate::default());
        let mut sound = Sound { wav, file, tracks, line, gate };
        // From the first moment on it is a file that can be read.
        sound.flush()?;
        Ok(sound)
    }
}

impl Sink for Sound {
    fn add(&mut self, copy: &Copy<'_>) -> io::Result<u64> {
        let packet = match copy.side {
            Side::Caller => self.gate.admit(copy.packet).ok(),
            Side::Us => Packet::parse(copy.packet).ok(),
        };
        let Some(packet) = packet else { return Ok(0) };
        let (wav, tracks, mut written) = (&mut self.wav, self.tracks, Ok(0));
        self.line.add(copy.at, copy.side, &packet, |both| {
            if let Ok(bytes) = &written {
                written = write(wav, tracks, both).map(|more| bytes + more);
            }
        });
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.wav.flush().map_err(io_error)
    }

    fn finish(&mut self) -> io::Result<()> {
        for both in self.line.rest() {
            write(&mut self.wav, self.tracks, both)?;
        }
        self.flush()
    }

    fn erase(&mut self, span: &Range<Duration>) -> io::Result<()> {
        self.flush()?;
        let span = position_of(span.start)..position_of(span.end);
        let written = span.start.max(0)..span.end.min(self.line.settled());
        self.line.silence(Side::Caller, span);
        let width = self.tracks.width();
        let mut moments = [0; 4096];
        let mut at = written.start;
        while at < written.end {
            let count = usize::try_from(written.end - at).unwrap_or(0).min(moments.len() / width);
            let (bytes, place) =
                (&mut moments[..count * width], HEADER as u64 + at as u64 * width as u64);
            if self.tracks == Tracks::Two {
                self.file.read_exact_at(bytes, place)?;
            }
            bytes.chunks_exact_mut(width).for_each(|moment| moment[..2].fill(0));
            self.file.write_all_at(bytes, place)?;
            at += count as i64;
        }
        Ok(())
    }
}

impl Tracks {
    /// Bytes of a moment.
    fn width(self) -> usize {
        if self == Tracks::Two { size_of::<Both>() } else { size_of::<i16>() }
    }
}

/// Writes a moment; says how many bytes it took.
fn write(wav: &mut WavWriter<Whole>, tracks: Tracks, both: Both) -> io::Result<u64> {
    let [caller, us] = both;
    match tracks {
        Tracks::Two => both.into_iter().try_for_each(|sample| wav.write_sample(sample)),
        Tracks::Mix => wav.write_sample(caller.saturating_add(us)),
        Tracks::Caller => wav.write_sample(caller),
    }
    .map_err(io_error)?;
    Ok(tracks.width() as u64)
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
}

/// Bytes before the samples.
const HEADER: usize = 44;

/// Samples are kept until there are so many bytes, or somebody flushes.
const KEPT: usize = 64 << 10;

/// A file that is whole at any moment, however the process ends.
///
/// Samples go behind what the header counts; then the header is written anew, at once. `hound` alone
/// writes its two lengths one after the other, and between them the file contradicts itself.
#[derive(Debug)]
struct Whole {
    file: File,
    header: [u8; HEADER],
    samples: Vec<u8>,
    /// Bytes of samples in the file, and how many of them its header counts.
    written: u64,
    counted: u64,
    /// Where the next byte goes.
    position: u64,
    /// What ended it. Nothing is written after that.
    broken: Option<io::ErrorKind>,
}

impl Whole {
    fn new(file: File) -> Whole {
        let samples = Vec::with_capacity(KEPT + 4096);
        let header = [0; HEADER];
        Whole { file, header, samples, written: 0, counted: 0, position: 0, broken: None }
    }

    /// Puts the samples behind those that are there.
    fn put(&mut self) -> io::Result<()> {
        if let Some(kind) = self.broken {
            return Err(kind.into());
        }
        let put = self.file.write_all_at(&self.samples, HEADER as u64 + self.written);
        self.done(put)?;
        self.written += self.samples.len() as u64;
        self.samples.clear();
        Ok(())
    }

    /// The first failure is the last thing that happens to the file, but that it loses what no header
    /// counts.
    fn done(&mut self, result: io::Result<()>) -> io::Result<()> {
        result.inspect_err(|error| {
            self.broken = Some(error.kind());
            let _ = self.file.set_len(HEADER as u64 + self.counted);
        })
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let end = HEADER as u64 + self.written + self.samples.len() as u64;
        let count = match usize::try_from(self.position).ok().filter(|at| *at < HEADER) {
            Some(at) => {
                let room = &mut self.header[at..];
                let count = room.len().min(bytes.len());
                room[..count].copy_from_slice(&bytes[..count]);
                count
            }
            None if self.position == end => {
                self.samples.extend_from_slice(bytes);
                bytes.len()
            }
            None => return Err(io::ErrorKind::Unsupported.into()),
        };
        self.position += count as u64;
        if self.samples.len() >= KEPT {
            self.put()?;
        }
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.put()?;
        let header = self.file.write_all_at(&self.header, 0);
        self.done(header)?;
        self.counted = self.written;
        Ok(())
    }
}

impl Seek for Whole {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at,
            SeekFrom::Current(0) => self.position,
            _ => return Err(io::ErrorKind::Unsupported.into()),
        };
        Ok(self.position)
    }
}
