//! What is sent ahead to Asterisk, and how far it has got with it.
//!
//! Asterisk keeps the clock: every 20 ms it takes a frame from its queue, and when it comes to a mark it says so. So
//! nothing here is timed. As long as less than [`LEAD`] frames are on their way, a batch and a mark behind it are sent;
//! the mark that comes back makes room for the next batch. Between playouts silence is sent, so that the far side's
//! stream stays alive. Because what waits over there delays what comes later, a playout that begins, is held, goes on
//! or is stopped first empties the queue; one that is held goes back to the first sample that was not played.

use super::control::MarkId;
use crate::{fade::Tail, leg::LegEvent, player::Player, playout::Playout};
use audio::{FRAME, FRAME_TIME};
use std::collections::VecDeque;
use tokio::time::Instant;

/// Frames on their way at most: 400 ms. No more than 200 ms are left when a mark makes room.
const LEAD: usize = 2 * BATCH;

/// Frames sent at once: 200 ms.
const BATCH: usize = 10;

/// Frames on their way at most while what plays does not come in time: 40 ms.
const DRY: usize = 2;

/// Something to send, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Item {
    /// Whole frames of mu-law.
    Sound(Vec<u8>),
    Mark(MarkId),
    Flush,
}

/// Feeds Asterisk's queue.
#[derive(Debug)]
pub(super) struct Feed {
    player: Player,
    /// What the player plays, or has sent whole and Asterisk does not have played yet.
    current: Option<Current>,
    /// The frames on their way.
    queued: VecDeque<Queued>,
    marks: VecDeque<Mark>,
    next_mark: u32,
    /// When Asterisk came to the last mark, and then took the first of `queued`.
    taken_at: Option<Instant>,
    gate: Gate,
    sent: u64,
}

#[derive(Debug)]
struct Current {
    playout: Playout,
    /// Whether its first audible sample has been played.
    audible: bool,
}

#[derive(Debug)]
struct Queued {
    codes: [u8; FRAME],
    /// The index in the playout of its first sample.
    from: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Mark {
    id: MarkId,
    /// Frames between the mark before and this one.
    frames: usize,
    tells: Tells,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tells {
    Progress,
    FirstAudio(u64),
    Finished(u64),
}

/// Whether Asterisk takes sound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    /// It has not said yet what it wants.
    NotYet,
    Open,
    /// It has said XOFF.
    Closed,
}

impl Feed {
    pub(super) fn new() -> Feed {
        Feed {
            player: Player::default(),
            current: None,
            queued: VecDeque::with_capacity(LEAD),
            marks: VecDeque::new(),
            next_mark: 0,
            taken_at: None,
            gate: Gate::NotYet,
            sent: 0,
        }
    }

    /// Asterisk is there, or has room again.
    pub(super) fn open(&mut self, items: &mut Vec<Item>) {
        self.gate = Gate::Open;
        self.fill(items);
    }

    /// Asterisk has no more room.
    pub(super) fn close(&mut self) {
        self.gate = Gate::Closed;
    }

    /// Plays a playout from the next frame on, in place of what plays now.
    pub(super) fn play(&mut self, now: Instant, playout: Playout, items: &mut Vec<Item>) {
        let tail = self.cut(now, items);
        self.current = Some(Current { playout: playout.clone(), audible: false });
        self.player.play(playout);
        self.fill_after(tail, items);
    }

    /// Falls silent; what Asterisk has not played yet is called back and kept.
    pub(super) fn hold(&mut self, now: Instant, items: &mut Vec<Item>) {
        if self.player.is_held() {
            return;
        }
        let next = self.queued.get(self.taken(now)).and_then(|queued| queued.from);
        let Some(current) = self.current.take() else { return };
        let end = current.playout.sound.len();
        let next = next.or(self.player.position()).unwrap_or(end);
        let tail = self.cut(now, items);
        self.player = Player::held(current.playout.clone(), next, current.audible);
        self.current = Some(current);
        self.fill_after(tail, items);
    }

    /// Goes on with what is held.
    pub(super) fn resume(&mut self, items: &mut Vec<Item>) {
        if self.player.is_held() {
            self.empty(items);
            self.player.resume();
            self.fill(items);
        }
    }

    /// Stops the playout `id`, if it is that one.
    pub(super) fn stop(&mut self, now: Instant, id: u64, items: &mut Vec<Item>) {
        if self.current.as_ref().is_some_and(|current| current.playout.id == id) {
            self.stop_all(now, items);
        }
    }

    /// Stops whatever plays.
    pub(super) fn stop_all(&mut self, now: Instant, items: &mut Vec<Item>) {
        if self.current.is_some() {
            let tail = self.cut(now, items);
            self.fill_after(tail, items);
        }
    }

    /// Asterisk has come to a mark. One that is not known was flushed on its way.
    pub(super) fn passed(
        &mut self,
        now: Instant,
        id: MarkId,
        events: &mut Vec<LegEvent>,
        items: &mut Vec<Item>,
    ) {
        let Some(index) = self.marks.iter().position(|mark| mark.id == id) else { return };
        for mark in self.marks.drain(..=index) {
            self.queued.drain(..mark.frames);
            match mark.tells {
                Tells::Progress => {}
                Tells::FirstAudio(id) => {
                    events.push(LegEvent::FirstAudioOut { id, at: now });
                    if let Some(current) = &mut self.current {
                        current.audible = true;
                    }
                }
                Tells::Finished(id) => {
                    events.push(LegEvent::Finished { id });
                    self.current = None;
                }
            }
        }
        self.taken_at = Some(now);
        self.fill(items);
    }

    /// Frames sent so far, those that were flushed too.
    pub(super) fn sent(&self) -> u64 {
        self.sent
    }

    /// Frames that wait over there, as far as is known.
    pub(super) fn queued(&self) -> usize {
        self.queued.len()
    }

    /// Empties Asterisk's queue and the player. Gives the beginning of what would have been played next, fading.
    fn cut(&mut self, now: Instant, items: &mut Vec<Item>) -> Option<Tail> {
        let known = self.taken_at.is_some() && !self.player.is_held();
        let next = self.queued.get(self.taken(now)).filter(|_| known);
        let tail = next.and_then(|queued| queued.codes.first_chunk()).map(Tail::of);
        self.empty(items);
        self.player = Player::default();
        self.current = None;
        tail
    }

    /// Empties Asterisk's queue.
    fn empty(&mut self, items: &mut Vec<Item>) {
        if !self.queued.is_empty() {
            items.push(Item::Flush);
        }
        self.queued.clear();
        self.marks.clear();
        self.taken_at = None;
    }

    /// How many of the frames on their way have been played by now, as far as is known.
    fn taken(&self, now: Instant) -> usize {
        self.taken_at.map_or(0, |at| {
            let since = now.saturating_duration_since(at);
            1 + (since.as_micros() / FRAME_TIME.as_micros()) as usize
        })
    }

    /// Fills the queue, the first frame with the fade of what was cut off.
    fn fill_after(&mut self, tail: Option<Tail>, items: &mut Vec<Item>) {
        let from = items.len();
        self.fill(items);
        let sound = items[from..].iter_mut().find_map(|item| match item {
            Item::Sound(codes) => Some(codes),
            Item::Mark(_) | Item::Flush => None,
        });
        if let (Some(codes), Some(tail)) = (sound, tail) {
            tail.mix_into(codes);
        }
    }

    fn fill(&mut self, items: &mut Vec<Item>) {
        // What is sent of a sound that does not come in time is silence: no more of it than keeps the marks coming.
        let enough = |feed: &Feed| feed.player.is_dry() && feed.queued.len() >= DRY;
        while self.gate == Gate::Open && self.queued.len() + BATCH <= LEAD && !enough(self) {
            self.batch(items);
        }
    }

    /// Sends the next frames, a mark wherever something is to be told, and one at the end.
    fn batch(&mut self, items: &mut Vec<Item>) {
        let mut codes = Vec::with_capacity(BATCH * FRAME);
        for _ in 0..BATCH {
            let mut frame = [0; FRAME];
            let from = self.player.position().filter(|_| !self.player.is_held());
            let filled = self.player.fill(&mut frame);
            if let Some(id) = filled.became_audible {
                self.mark(&mut codes, Tells::FirstAudio(id), items);
            }
            codes.extend_from_slice(&frame);
            self.queued.push_back(Queued { codes: frame, from });
            self.sent += 1;
            if let Some(id) = filled.finished {
                self.mark(&mut codes, Tells::Finished(id), items);
            }
            // Each frame has its mark: there may be more of the sound by the time it is taken.
            if self.player.is_coming() {
                break;
            }
        }
        if !codes.is_empty() {
            self.mark(&mut codes, Tells::Progress, items);
        }
    }

    /// Sends `codes` and a mark behind them.
    fn mark(&mut self, codes: &mut Vec<u8>, tells: Tells, items: &mut Vec<Item>) {
        let frames = codes.len() / FRAME;
        if frames > 0 {
            items.push(Item::Sound(std::mem::take(codes)));
        }
        let id = MarkId(self.next_mark);
        self.next_mark = self.next_mark.wrapping_add(1);
        self.marks.push_back(Mark { id, frames, tells });
        items.push(Item::Mark(id));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fade::FADE;
    use audio::g711;
    use std::time::Duration;

    /// Asterisk's queue: takes a frame a tick and comes to the marks before it, as the driver does.
    #[derive(Default)]
    struct Asterisk {
        queue: VecDeque<Entry>,
        played: Vec<u8>,
        underruns: usize,
    }

    enum Entry {
        Frame(Vec<u8>),
        Mark(MarkId),
    }

    struct Rig {
        feed: Feed,
        asterisk: Asterisk,
        now: Instant,
        events: Vec<(usize, LegEvent)>,
        ticks: usize,
    }

    impl Rig {
        fn new() -> Rig {
            let mut rig = Rig {
                feed: Feed::new(),
                asterisk: Asterisk::default(),
                now: Instant::now(),
                events: Vec::new(),
                ticks: 0,
            };
            rig.act(|feed, _, items| feed.open(items));
            rig
        }

        fn act(&mut self, act: impl FnOnce(&mut Feed, Instant, &mut Vec<Item>)) {
            let mut items = Vec::new();
            act(&mut self.feed, self.now, &mut items);
            self.take(items);
        }

        fn take(&mut self, items: Vec<Item>) {
            for item in items {
                match item {
                    Item::Sound(codes) => {
                        assert!(!codes.is_empty() && codes.len() % FRAME == 0);
                        let frames = codes.chunks(FRAME).map(|frame| Entry::Frame(frame.to_vec()));
                        self.asterisk.queue.extend(frames);
                    }
                    Item::Mark(id) => self.asterisk.queue.push_back(Entry::Mark(id)),
                    Item::Flush => self.asterisk.queue.clear(),
                }
            }
            assert!(self.asterisk.queue.len() <= LEAD + 10, "never far ahead");
        }

        /// 20 ms pass.
        fn tick(&mut self) {
            self.now += FRAME_TIME;
            self.ticks += 1;
            loop {
                match self.asterisk.queue.pop_front() {
                    Some(Entry::Mark(id)) => {
                        let (mut events, mut items) = (Vec::new(), Vec::new());
                        self.feed.passed(self.now, id, &mut events, &mut items);
                        self.events.extend(events.into_iter().map(|event| (self.ticks, event)));
                        self.take(items);
                    }
                    Some(Entry::Frame(codes)) => return self.asterisk.played.extend(codes),
                    None => return self.asterisk.underruns += 1,
                }
            }
        }

        fn ticks(&mut self, count: usize) {
            (0..count).for_each(|_| self.tick());
        }

        fn play(&mut self, playout: Playout) {
            self.act(|feed, now, items| feed.play(now, playout, items));
        }

        /// The samples that were played from a tick on.
        fn played(&self, from: usize) -> Vec<i16> {
            let codes = &self.asterisk.played[from * FRAME..];
            codes.iter().map(|code| g711::decode_ulaw_sample(*code)).collect()
        }
    }

    fn loud(samples: usize) -> Vec<i16> {
        vec![7_932; samples]
    }

    #[test]
    fn between_playouts_there_is_silence_and_never_a_hole() {
        let mut rig = Rig::new();
        rig.ticks(1000);
        assert_eq!(rig.asterisk.underruns, 0);
        assert_eq!(rig.played(0), vec![0; 1000 * FRAME]);
        assert!(rig.events.is_empty());
    }

    #[test]
    fn a_playout_is_heard_from_the_next_frame_on_and_its_marks_tell_of_it() {
        let mut rig = Rig::new();
        rig.ticks(33);
        let mut samples = vec![0; 3 * FRAME];
        samples.extend(loud(30 * FRAME + 10));
        rig.play(Playout::once(4, samples.clone()));
        rig.ticks(100);
        assert_eq!(rig.played(33)[..samples.len()], samples);
        assert!(rig.played(33)[samples.len()..].iter().all(|sample| *sample == 0));
        assert_eq!(rig.asterisk.underruns, 0);
        let at = |ticks: usize| rig.now - FRAME_TIME * (133 - ticks) as u32;
        // The mark before the first audible frame comes with it, the one behind the last when the next is taken.
        let expected = [
            (37, LegEvent::FirstAudioOut { id: 4, at: at(37) }),
            (33 + 34 + 1, LegEvent::Finished { id: 4 }),
        ];
        assert_eq!(rig.events, expected);
    }

    #[test]
    fn a_sound_that_still_comes_is_heard_as_it_comes_and_no_hole_is_left_where_it_does_not() {
        let mut rig = Rig::new();
        rig.ticks(33);
        let (sound, mut rest) = crate::Sound::coming();
        rest.push(&loud(5 * FRAME));
        rig.play(Playout::once(4, sound));
        rig.ticks(3);
        rest.push(&loud(10 * FRAME));
        rig.ticks(32);
        rest.push(&loud(5 * FRAME));
        drop(rest);
        rig.ticks(30);
        let played = rig.played(33);
        assert_eq!(played[..15 * FRAME], loud(15 * FRAME));
        assert_eq!(rig.asterisk.underruns, 0);
        let again = played[15 * FRAME..].iter().position(|sample| *sample != 0).unwrap();
        assert!(15 * FRAME + again <= (35 + DRY) * FRAME + FADE, "{again}");
        assert_eq!(
            played[15 * FRAME + again..].iter().filter(|it| **it == 7_932).count(),
            5 * FRAME - FADE
        );
        assert!(matches!(rig.events.last(), Some((_, LegEvent::Finished { id: 4 }))));
    }

    #[test]
    fn a_stop_ends_the_sound_with_the_next_frame_and_fades_it() {
        let mut rig = Rig::new();
        rig.play(Playout::once(1, loud(100 * FRAME)));
        rig.ticks(27);
        rig.act(|feed, now, items| feed.stop(now, 2, items));
        rig.tick();
        rig.act(|feed, now, items| feed.stop(now + Duration::from_millis(7), 1, items));
        rig.ticks(50);
        assert_eq!(rig.played(0)[..28 * FRAME], loud(28 * FRAME));
        let after = rig.played(28);
        assert_eq!(after[0], 7_932);
        assert!(after[..=FADE].is_sorted_by(|a, b| a >= b), "{:?}", &after[..=FADE]);
        assert!(after[FADE..].iter().all(|sample| *sample == 0));
        assert_eq!(rig.events.len(), 1, "it has begun and does not finish: {:?}", rig.events);
        assert_eq!(rig.asterisk.underruns, 0);
    }

    #[test]
    fn what_is_held_is_called_back_and_goes_on_from_the_same_sample() {
        // A ramp in steps of mu-law, so that each frame is told from the others.
        let samples: Vec<i16> =
            (0..60_i16).flat_map(|n| [132 + 16 * (n % 8) + 4 * n; FRAME]).collect();
        let wire: Vec<i16> = samples
            .iter()
            .map(|sample| g711::decode_ulaw_sample(g711::encode_ulaw_sample(*sample)))
            .collect();
        // Also when all was sent already, and when Asterisk is near the end.
        for held_after in [1, 27, 45, 58] {
            let mut rig = Rig::new();
            rig.play(Playout::once(1, samples.clone()));
            rig.ticks(held_after);
            rig.act(Feed::hold);
            rig.ticks(200);
            rig.act(Feed::hold);
            rig.act(|feed, _, items| feed.resume(items));
            rig.ticks(100);
            let (held, back) = (held_after * FRAME, (held_after + 200) * FRAME);
            let played = rig.played(0);
            assert_eq!(played[..held], wire[..held]);
            assert!(played[held + FADE..back].iter().all(|sample| *sample == 0), "{held_after}");
            let left = wire.len() - held;
            assert_eq!(played[back + FADE..][..left - FADE], wire[held + FADE..], "{held_after}");
            let told: Vec<_> = rig.events.iter().map(|(_, event)| event).collect();
            assert!(
                matches!(told[..], [LegEvent::FirstAudioOut { .. }, LegEvent::Finished { id: 1 }]),
                "{told:?}"
            );
            assert_eq!(rig.asterisk.underruns, 0);
        }
    }

    #[test]
    fn a_stop_after_everything_was_sent_still_stops() {
        let mut rig = Rig::new();
        rig.play(Playout::once(1, loud(5 * FRAME)));
        rig.ticks(2);
        rig.act(|feed, now, items| feed.stop_all(now, items));
        rig.ticks(20);
        assert!(rig.played(3).iter().all(|sample| *sample == 0));
        assert!(!rig.events.iter().any(|(_, event)| matches!(event, LegEvent::Finished { .. })));
    }

    #[test]
    fn a_playout_takes_the_place_of_another() {
        let mut rig = Rig::new();
        rig.play(Playout::forever(1, loud(10)));
        rig.ticks(5);
        rig.play(Playout::once(2, vec![-7_932; 2 * FRAME]));
        rig.ticks(20);
        let after = rig.played(5);
        assert!(after[FADE..2 * FRAME].iter().all(|sample| *sample == -7_932));
        let ids: Vec<_> = rig.events.iter().map(|(_, event)| event.clone()).collect();
        assert!(matches!(
            ids[..],
            [
                LegEvent::FirstAudioOut { id: 1, .. },
                LegEvent::FirstAudioOut { id: 2, .. },
                LegEvent::Finished { id: 2 }
            ]
        ));
    }

    #[test]
    fn nothing_is_sent_while_asterisk_wants_nothing() {
        let mut feed = Feed::new();
        let (now, mut items) = (Instant::now(), Vec::new());
        feed.play(now, Playout::once(1, loud(FRAME)), &mut items);
        assert_eq!(items, [], "before the start");
        feed.open(&mut items);
        assert!(feed.sent() > 0 && items.len() > 1);
        feed.close();
        items.clear();
        feed.stop_all(now, &mut items);
        assert_eq!(items, [Item::Flush], "a flush makes room");
        feed.open(&mut items);
        assert!(items.len() > 1);
    }

    #[test]
    fn a_mark_that_was_flushed_on_its_way_changes_nothing() {
        let mut feed = Feed::new();
        let (now, mut items, mut events) = (Instant::now(), Vec::new(), Vec::new());
        feed.open(&mut items);
        feed.play(now, Playout::once(1, loud(FRAME)), &mut items);
        items.clear();
        feed.passed(now, MarkId(0), &mut events, &mut items);
        feed.passed(now, MarkId(77), &mut events, &mut items);
        assert_eq!((items, events), (vec![], vec![]));
    }
}
