//! What a leg says: one playout at a time, frame by frame.

use audio::FRAME;
use std::sync::Arc;

/// Sound to play to the caller.
#[derive(Debug, Clone)]
pub struct Playout {
    /// Names it in events; chosen by the caller of [`Leg::play`](crate::Leg::play).
    pub id: u64,
    /// Linear PCM at 8 kHz.
    pub samples: Arc<[i16]>,
    /// What comes after the last sample.
    pub repeat: Repeat,
}

impl Playout {
    /// A playout that ends with its last sample.
    pub fn once(id: u64, samples: impl Into<Arc<[i16]>>) -> Playout {
        Playout { id, samples: samples.into(), repeat: Repeat::Once }
    }

    /// A playout that begins again until it is stopped.
    pub fn forever(id: u64, samples: impl Into<Arc<[i16]>>) -> Playout {
        Playout { id, samples: samples.into(), repeat: Repeat::Forever }
    }
}

/// What comes after the last sample of a playout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Silence, and [`LegEvent::Finished`](crate::LegEvent::Finished).
    Once,
    /// The first sample.
    Forever,
}

/// Turns playouts into frames.
#[derive(Debug, Default)]
pub(crate) struct Player {
    playing: Option<Playing>,
    /// The fading rest of what was cut off, for the beginning of the next frame.
    tail: Option<[i16; FADE]>,
}

#[derive(Debug)]
struct Playing {
    playout: Playout,
    /// Index of the next sample.
    next: usize,
    progress: Progress,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not one sample has been played.
    Waiting,
    /// Only samples below [`AUDIBLE`].
    Silent,
    Audible,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Filled {
    /// Any sound at all, not only silence between playouts.
    pub(crate) talking: bool,
    /// The playout whose first audible sample it holds.
    pub(crate) became_audible: Option<u64>,
    /// The playout whose last sample it holds.
    pub(crate) finished: Option<u64>,
}

/// Samples of a fade: 5 ms, enough for no click.
const FADE: usize = 40;

/// The smallest sample that counts as audible: -50 dBFS.
const AUDIBLE: u16 = 104;

impl Player {
    pub(crate) fn play(&mut self, playout: Playout) {
        self.stop_all();
        self.playing = Some(Playing { playout, next: 0, progress: Progress::Waiting });
    }

    pub(crate) fn stop(&mut self, id: u64) {
        if self.playing.as_ref().is_some_and(|playing| playing.playout.id == id) {
            self.stop_all();
        }
    }

    pub(crate) fn stop_all(&mut self) {
        // What still waits has nothing to fade, and must not end the fade of another.
        let sounding = |playing: &Playing| playing.progress != Progress::Waiting;
        if let Some(mut playing) = self.playing.take().filter(sounding) {
            let mut tail = [0; FADE];
            playing.read(&mut tail);
            for (index, sample) in tail.iter_mut().enumerate() {
                *sample = (i32::from(*sample) * (FADE - index) as i32 / FADE as i32) as i16;
            }
            self.tail = Some(tail);
        }
    }

    /// Writes the next frame.
    pub(crate) fn fill(&mut self, frame: &mut [i16; FRAME]) -> Filled {
        frame.fill(0);
        let mut filled = Filled::default();
        if let Some(playing) = &mut self.playing {
            filled.talking = true;
            let written = playing.read(frame);
            let audible = frame.iter().any(|sample| sample.unsigned_abs() >= AUDIBLE);
            playing.progress = match playing.progress {
                Progress::Audible => Progress::Audible,
                _ if audible => {
                    filled.became_audible = Some(playing.playout.id);
                    Progress::Audible
                }
                _ => Progress::Silent,
            };
            if written < FRAME || playing.ended() {
                filled.finished = Some(playing.playout.id);
                self.playing = None;
            }
        }
        if let Some(tail) = self.tail.take() {
            filled.talking = true;
            for (sample, fading) in frame.iter_mut().zip(tail) {
                *sample = sample.saturating_add(fading);
            }
        }
        filled
    }
}

impl Playing {
    /// Writes the next samples; says how many there were.
    fn read(&mut self, out: &mut [i16]) -> usize {
        let samples = &self.playout.samples;
        let mut written = 0;
        while written < out.len() && self.next < samples.len() {
            let count = (out.len() - written).min(samples.len() - self.next);
            out[written..][..count].copy_from_slice(&samples[self.next..][..count]);
            written += count;
            self.next += count;
            if self.next == samples.len() && self.playout.repeat == Repeat::Forever {
                self.next = 0;
            }
        }
        written
    }

    fn ended(&self) -> bool {
        self.next == self.playout.samples.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(player: &mut Player) -> ([i16; FRAME], Filled) {
        let mut frame = [77; FRAME];
        let filled = player.fill(&mut frame);
        (frame, filled)
    }

    #[test]
    fn nothing_to_play_is_silence() {
        assert_eq!(frame(&mut Player::default()), ([0; FRAME], Filled::default()));
    }

    #[test]
    fn a_playout_is_played_sample_by_sample_and_finishes() {
        let samples: Vec<i16> = (1000..1400).collect();
        let mut player = Player::default();
        player.play(Playout::once(4, samples.clone()));
        let (first, filled) = frame(&mut player);
        assert_eq!(first, samples[..160]);
        assert_eq!(filled, Filled { talking: true, became_audible: Some(4), finished: None });
        let (second, filled) = frame(&mut player);
        assert_eq!(second, samples[160..320]);
        assert_eq!(filled, Filled { talking: true, became_audible: None, finished: None });
        let (third, filled) = frame(&mut player);
        assert_eq!((&third[..80], &third[80..]), (&samples[320..], &[0; 80][..]));
        assert_eq!(filled.finished, Some(4));
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()));
    }

    #[test]
    fn a_playout_of_whole_frames_finishes_with_its_last() {
        let mut player = Player::default();
        player.play(Playout::once(1, [500; FRAME]));
        assert_eq!(frame(&mut player).1.finished, Some(1));
        for empty in [Playout::once(2, []), Playout::forever(2, [])] {
            player.play(empty);
            assert_eq!(frame(&mut player).1.finished, Some(2));
        }
    }

    #[test]
    fn silence_at_the_beginning_is_not_audible() {
        let mut samples = vec![103; 200];
        samples.push(-104);
        let mut player = Player::default();
        player.play(Playout::once(1, samples));
        assert_eq!(frame(&mut player).1.became_audible, None);
        assert_eq!(frame(&mut player).1.became_audible, Some(1));
    }

    #[test]
    fn forever_begins_again_without_a_gap() {
        let samples: Vec<i16> = (1..=100).collect();
        let mut player = Player::default();
        player.play(Playout::forever(1, samples.clone()));
        let heard: Vec<i16> = (0..5).flat_map(|_| frame(&mut player).0).collect();
        assert_eq!(heard, samples.repeat(8));
    }

    #[test]
    fn a_stop_fades_and_one_for_another_playout_does_not_stop() {
        let mut player = Player::default();
        player.play(Playout::forever(1, [8000; 10]));
        frame(&mut player);
        player.stop(2);
        assert_eq!(frame(&mut player).0, [8000; FRAME]);
        player.stop(1);
        let (faded, filled) = frame(&mut player);
        assert!(faded[..=FADE].is_sorted_by(|a, b| a > b), "{faded:?}");
        assert_eq!((faded[0], &faded[FADE..]), (8000, &[0; FRAME - FADE][..]));
        assert_eq!(filled, Filled { talking: true, became_audible: None, finished: None });
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()));
    }

    #[test]
    fn the_next_playout_begins_at_once_under_the_fade_of_the_last() {
        let mut player = Player::default();
        player.play(Playout::forever(1, [30_000; 10]));
        frame(&mut player);
        player.play(Playout::once(2, [100; 500]));
        player.play(Playout::once(3, [20_000; 500]));
        let (mixed, filled) = frame(&mut player);
        assert_eq!(mixed[0], i16::MAX, "clipped, not wrapped");
        assert_eq!(mixed[FADE - 1], 20_000 + 750);
        assert_eq!(mixed[FADE..], [20_000; FRAME - FADE]);
        assert_eq!(filled.became_audible, Some(3));
    }
}
