//! What a leg says: one playout at a time, frame by frame, in mu-law.
//!
//! ```
//! use media::{Player, Playout};
//!
//! let mut player = Player::default();
//! let mut frame = [0; audio::FRAME];
//! player.play(Playout::once(7, vec![900; 800]));
//! player.fill(&mut frame);
//! player.hold();
//! assert!(!player.fill(&mut frame).finished.is_some(), "what is held does not end");
//! player.resume();
//! assert_eq!((0..4).find_map(|_| player.fill(&mut frame).finished), Some(7));
//! ```

use crate::{
    fade::{self, FADE, Tail},
    leg::Speech,
    playout::{Playout, Repeat},
};
use audio::{FRAME, g711};

/// Whoever is late says so many frames at once to catch up. Who is later starts afresh: nothing over
/// there would catch up with what was sent too late.
pub(crate) const MAX_BURST: u32 = 3;

/// Turns playouts into frames.
#[derive(Debug, Default)]
pub struct Player {
    playing: Option<Playing>,
    /// For the beginning of the next frame.
    tail: Option<Tail>,
}

#[derive(Debug, Clone)]
struct Playing {
    playout: Playout,
    /// Index of the next sample.
    next: usize,
    progress: Progress,
    flow: Flow,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    Sounding,
    /// Silent, and its place is kept.
    Held,
    /// Goes on with the next frame, which fades in.
    Rising,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Progress {
    /// Not one sample has been played.
    Waiting,
    /// Only samples too low to be heard.
    Silent,
    Audible,
}

/// What a frame holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Filled {
    /// Any sound at all, not only silence between playouts.
    pub talking: bool,
    /// The playout whose first audible sample it holds.
    pub became_audible: Option<u64>,
    /// The playout whose last sample it holds.
    pub finished: Option<u64>,
}

impl Player {
    pub(crate) fn command(&mut self, speech: Speech) {
        match speech {
            Speech::Play(playout) => self.play(playout),
            Speech::Hold => self.hold(),
            Speech::Resume => self.resume(),
            Speech::Stop(id) => self.stop(id),
            Speech::StopAll => self.stop_all(),
        }
    }

    /// A player that holds `playout` at the sample `next`.
    pub(crate) fn held(playout: Playout, next: usize, audible: bool) -> Player {
        let progress = if audible { Progress::Audible } else { Progress::Silent };
        let playing = Playing { playout, next, progress, flow: Flow::Held };
        Player { playing: Some(playing), tail: None }
    }

    /// Whether a playout is held.
    pub(crate) fn is_held(&self) -> bool {
        self.playing.as_ref().is_some_and(|playing| playing.flow == Flow::Held)
    }

    /// The index of the sample that comes next; none if nothing plays.
    pub fn position(&self) -> Option<usize> {
        self.playing.as_ref().map(|playing| playing.next)
    }

    /// Whether what plays still comes.
    pub(crate) fn is_coming(&self) -> bool {
        let comes = |it: &Playing| it.flow != Flow::Held && !it.playout.sound.is_whole();
        self.playing.as_ref().is_some_and(comes)
    }

    /// Whether what plays does not come in time.
    pub(crate) fn is_dry(&self) -> bool {
        let end = |it: &Playing| it.next >= it.playout.sound.len();
        self.is_coming() && self.playing.as_ref().is_some_and(end)
    }

    /// Plays `playout` from its beginning, in place of what plays now.
    pub fn play(&mut self, playout: Playout) {
        self.stop_all();
        let (progress, flow) = (Progress::Waiting, Flow::Sounding);
        self.playing = Some(Playing { playout, next: 0, progress, flow });
    }

    /// Falls silent, and keeps the place.
    pub fn hold(&mut self) {
        let Some(playing) = self.playing.as_mut().filter(|playing| playing.flow != Flow::Held)
        else {
            return;
        };
        // What is still rising, or waits, has nothing to fade.
        if playing.flow == Flow::Sounding && playing.progress != Progress::Waiting {
            let mut codes = [g711::ULAW_SILENCE; FADE];
            playing.clone().read(&mut codes);
            self.tail = Some(Tail::of(&codes));
        }
        playing.flow = Flow::Held;
    }

    /// Goes on from the sample at which it fell silent.
    pub fn resume(&mut self) {
        if let Some(playing) = self.playing.as_mut().filter(|playing| playing.flow == Flow::Held) {
            let begun = playing.progress != Progress::Waiting;
            playing.flow = if begun { Flow::Rising } else { Flow::Sounding };
        }
    }

    pub(crate) fn stop(&mut self, id: u64) {
        if self.playing.as_ref().is_some_and(|playing| playing.playout.id == id) {
            self.stop_all();
        }
    }

    /// Ends what plays or is held.
    pub fn stop_all(&mut self) {
        // What still waits, or is held, has nothing to fade, and must not end the fade of another.
        let sounding = |playing: &Playing| {
            playing.progress != Progress::Waiting && playing.flow == Flow::Sounding
        };
        if let Some(mut playing) = self.playing.take().filter(sounding) {
            let mut codes = [g711::ULAW_SILENCE; FADE];
            playing.read(&mut codes);
            self.tail = Some(Tail::of(&codes));
        }
    }

    /// Writes the next frame.
    pub fn fill(&mut self, frame: &mut [u8; FRAME]) -> Filled {
        let mut filled = Filled::default();
        let mut written = 0;
        if let Some(playing) = self.playing.as_mut().filter(|playing| playing.flow != Flow::Held) {
            filled.talking = true;
            let first = playing.next;
            written = playing.read(frame);
            if playing.flow == Flow::Rising {
                fade::rise(&mut frame[..written]);
                playing.flow = Flow::Sounding;
            }
            let audible_from = playing.playout.sound.audible_from();
            // Before a playout repeats it is audible or will never be.
            let audible = written > 0 && audible_from < first + written;
            playing.progress = match playing.progress {
                Progress::Audible => Progress::Audible,
                _ if audible => {
                    filled.became_audible = Some(playing.playout.id);
                    Progress::Audible
                }
                _ => Progress::Silent,
            };
            if playing.ended() {
                filled.finished = Some(playing.playout.id);
                self.playing = None;
            } else if written < FRAME && playing.progress == Progress::Audible {
                playing.flow = Flow::Rising;
            }
        }
        frame[written..].fill(g711::ULAW_SILENCE);
        if let Some(tail) = self.tail.take() {
            filled.talking = true;
            tail.mix_into(frame);
        }
        filled
    }
}

impl Playing {
    /// Writes the next codes; says how many there were.
    fn read(&mut self, out: &mut [u8]) -> usize {
        let sound = &self.playout.sound;
        let mut written = 0;
        while written < out.len() {
            let count = sound.read(self.next, &mut out[written..]);
            if count == 0 {
                break;
            }
            written += count;
            self.next += count;
            if self.playout.repeat == Repeat::Forever && self.ended() {
                self.next = 0;
            }
        }
        written
    }

    /// Whether all has been played. Of a sound that still comes it is asked first whether it is whole: then its length is
    /// its last.
    fn ended(&self) -> bool {
        let sound = &self.playout.sound;
        sound.is_whole() && self.next >= sound.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(player: &mut Player) -> ([i16; FRAME], Filled) {
        let mut codes = [77; FRAME];
        let filled = player.fill(&mut codes);
        (codes.map(g711::decode_ulaw_sample), filled)
    }

    /// A sample as it comes back from the wire.
    fn companded(sample: i16) -> i16 {
        g711::decode_ulaw_sample(g711::encode_ulaw_sample(sample))
    }

    #[test]
    fn nothing_to_play_is_silence() {
        assert_eq!(frame(&mut Player::default()), ([0; FRAME], Filled::default()));
    }

    #[test]
    fn a_playout_is_played_sample_by_sample_and_finishes() {
        let samples: Vec<i16> = (0..400).map(|n| companded(1000 + 70 * n)).collect();
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
        player.play(Playout::once(1, samples.clone()));
        assert_eq!(frame(&mut player).1.became_audible, None);
        assert_eq!(frame(&mut player).1.became_audible, Some(1));
        player.play(Playout::forever(2, [103; 100]));
        for _ in 0..10 {
            assert_eq!(frame(&mut player).1.became_audible, None);
        }
    }

    #[test]
    fn a_short_playout_that_repeats_becomes_audible_once() {
        let mut player = Player::default();
        player.play(Playout::forever(1, [0, 0, 9000]));
        assert_eq!(frame(&mut player).1.became_audible, Some(1));
        assert_eq!(frame(&mut player).1.became_audible, None);
    }

    #[test]
    fn what_still_comes_is_played_as_far_as_it_is_there_and_ends_when_it_is_whole() {
        let (sound, mut rest) = crate::Sound::coming();
        let level = companded(8_000);
        let mut player = Player::default();
        player.play(Playout::once(4, sound));
        assert_eq!(frame(&mut player).0, [0; FRAME]);
        assert!(player.is_dry());
        rest.push(&[level; FRAME + 100]);
        let (first, filled) = frame(&mut player);
        assert_eq!((first, filled.became_audible), ([level; FRAME], Some(4)));
        let (second, filled) = frame(&mut player);
        assert_eq!((&second[..100], &second[100..]), (&[level; 100][..], &[0; 60][..]));
        assert_eq!((filled.finished, player.position()), (None, Some(FRAME + 100)));
        // A pause that nobody meant ends softly.
        rest.push(&[level; FRAME]);
        let (third, filled) = frame(&mut player);
        assert_eq!((third[0], third[FADE], filled.became_audible), (0, level, None));
        drop(rest);
        assert_eq!(frame(&mut player).1.finished, Some(4));
    }

    #[test]
    fn forever_begins_again_without_a_gap() {
        let samples: Vec<i16> = (1..=100).map(|n| companded(n * 300)).collect();
        let mut player = Player::default();
        player.play(Playout::forever(1, samples.clone()));
        let heard: Vec<i16> = (0..5).flat_map(|_| frame(&mut player).0).collect();
        assert_eq!(heard, samples.repeat(8));
    }

    #[test]
    fn a_stop_fades_and_one_for_another_playout_does_not_stop() {
        let level = companded(8000);
        let mut player = Player::default();
        player.play(Playout::forever(1, [level; 10]));
        frame(&mut player);
        player.stop(2);
        assert_eq!(frame(&mut player).0, [level; FRAME]);
        player.stop(1);
        let (faded, filled) = frame(&mut player);
        assert!(faded[..=FADE].is_sorted_by(|a, b| a >= b), "{faded:?}");
        assert_eq!((faded[0], faded[FADE / 2]), (level, companded(level / 2)));
        assert_eq!(faded[FADE..], [0; FRAME - FADE]);
        assert_eq!(filled, Filled { talking: true, became_audible: None, finished: None });
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()));
    }

    #[test]
    fn the_next_playout_begins_at_once_under_the_fade_of_the_last() {
        let (loud, last) = (companded(20_000), companded(30_000));
        let mut player = Player::default();
        player.play(Playout::forever(1, [last; 10]));
        frame(&mut player);
        player.play(Playout::once(2, [100; 500]));
        player.play(Playout::once(3, [loud; 500]));
        let (mixed, filled) = frame(&mut player);
        assert_eq!(mixed[0], companded(i16::MAX), "clipped, not wrapped");
        assert_eq!(mixed[FADE - 1], companded(loud + last / FADE as i16));
        assert_eq!(mixed[FADE..], [loud; FRAME - FADE]);
        assert_eq!(filled.became_audible, Some(3));
    }

    #[test]
    fn what_is_held_goes_on_from_the_same_sample() {
        let samples: Vec<i16> = (0..480).map(|n| companded(2000 + 20 * n)).collect();
        let mut player = Player::default();
        player.play(Playout::once(4, samples.clone()));
        frame(&mut player);
        player.hold();
        let (fading, filled) = frame(&mut player);
        assert!(filled.talking, "it still fades");
        assert_eq!(fading[0], samples[160]);
        assert!(fading[..FADE].windows(2).all(|pair| pair[1] <= pair[0]), "no click");
        assert_eq!(fading[FADE..], [0; FRAME - FADE]);
        for _ in 0..100 {
            assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()));
        }
        player.resume();
        let (back, filled) = frame(&mut player);
        assert!(filled.talking && back[0] == 0, "it fades in");
        assert_eq!(back[FADE..], samples[160 + FADE..320]);
        let (last, filled) = frame(&mut player);
        assert_eq!((&last[..], filled.finished), (&samples[320..], Some(4)));
    }

    #[test]
    fn a_hold_that_is_taken_back_at_once_changes_nothing() {
        let samples: Vec<i16> = (0..480).map(|n| companded(100 * (n % 70) - 3000)).collect();
        let mut player = Player::default();
        player.play(Playout::once(4, samples.clone()));
        frame(&mut player);
        player.hold();
        player.resume();
        let (heard, _) = frame(&mut player);
        let apart = heard.iter().zip(&samples[160..320]).map(|(a, b)| (a - b).abs()).max();
        assert!(apart.is_some_and(|apart| apart <= 160), "two roundings of mu-law: {apart:?}");
    }

    #[test]
    fn holding_twice_nothing_or_what_waits_does_no_harm() {
        let mut player = Player::default();
        player.hold();
        player.resume();
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()));
        player.play(Playout::once(1, [5_000; 3 * FRAME]));
        player.hold();
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()), "not one sample of it");
        player.resume();
        let (first, filled) = frame(&mut player);
        assert_eq!((first[0], filled.became_audible), (companded(5_000), Some(1)));
        player.hold();
        frame(&mut player);
        player.hold();
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()), "no second fade");
        player.play(Playout::once(2, [900; 10]));
        assert_eq!(frame(&mut player).1.finished, Some(2), "another takes its place");
        player.resume();
        assert_eq!(frame(&mut player), ([0; FRAME], Filled::default()));
    }
}
