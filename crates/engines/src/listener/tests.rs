use super::*;
use crate::words::Word;

/// Plays both sides of a listener: a stream whose speech is scripted, and a recognizer.
struct Rig {
    listener: Listener,
    now: Duration,
    position: u64,
    probability: f32,
    /// How long a reading takes; `None` leaves jobs unanswered in `jobs`.
    latency: Option<Duration>,
    jobs: VecDeque<(Duration, ReadJob)>,
    /// Others are read for: nobody has begun to read a job before it is answered.
    jammed: bool,
    /// Every job asked for, with the time.
    asked: Vec<(Duration, ReadJob)>,
    heard: Vec<Heard>,
    /// What may be a voice, and its end.
    signs: Vec<Heard>,
}

const SPEECH: f32 = 0.9;
const SILENCE: f32 = 0.05;

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

/// The pace that the tests count with, whatever the default becomes.
fn config() -> ListenerConfig {
    ListenerConfig { read_every: ms(160), ending: Ending::Fixed, ..ListenerConfig::default() }
}

impl Rig {
    fn new(latency: Option<Duration>) -> Self {
        Self {
            listener: Listener::new(config()),
            now: Duration::ZERO,
            position: 48_000,
            probability: SILENCE,
            latency,
            jobs: VecDeque::new(),
            jammed: false,
            asked: Vec::new(),
            heard: Vec::new(),
            signs: Vec::new(),
        }
    }

    fn play(&mut self, probability: f32, milliseconds: u64) -> &mut Self {
        self.probability = probability;
        for _ in 0..milliseconds / 20 {
            self.now += ms(20);
            self.listener.push(self.now, &[1000; FRAME], self.position);
            self.position += FRAME as u64;
            self.drain();
            while let Some(latency) = self.latency
                && self.jobs.front().is_some_and(|(asked, _)| *asked + latency <= self.now)
            {
                self.answer("words");
            }
        }
        self
    }

    fn answer(&mut self, text: &str) {
        let reading = Reading { text: text.into(), confidence: 0.8, ..Reading::default() };
        self.answer_with(Ok(reading));
    }

    fn answer_with(&mut self, result: Result<Reading, ReadError>) {
        let (_, job) = self.jobs.pop_front().expect("a job to answer");
        self.listener.read_done(self.now, job.id, result);
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.listener.poll() {
            match output {
                Output::Heard(sign @ (Heard::VoiceSensed { .. } | Heard::VoiceVanished)) => {
                    self.signs.push(sign);
                }
                Output::Heard(heard) => self.heard.push(heard),
                Output::Vad(_) => self.listener.vad(self.now, Ok(self.probability)),
                Output::Read(job) => {
                    self.asked.push((self.now, job.clone()));
                    self.jobs.push_back((self.now, job));
                }
                Output::Instead(job) => {
                    if self.jammed {
                        self.asked.push((self.now, job.clone()));
                        self.jobs.back_mut().expect("one waits").1 = job;
                    }
                    self.listener.replaced(self.now, self.jammed);
                }
            }
        }
    }

    /// What was heard, in one letter each.
    fn story(&self) -> String {
        self.heard
            .iter()
            .filter_map(|heard| match heard {
                Heard::VoiceSensed { .. } | Heard::VoiceVanished => None,
                Heard::SpeechStarted { .. } => Some('('),
                Heard::SpeechPaused { .. } => Some('-'),
                Heard::SpeechResumed { .. } => Some('+'),
                Heard::SpeechEnded { .. } => Some(')'),
                Heard::Partial { cut: Cut::MidSpeech, .. } => Some('p'),
                Heard::Partial { cut: Cut::AtPause, .. } => Some('P'),
                Heard::Final(_) => Some('F'),
                Heard::Failed { stage: Stage::Final, .. } => Some('X'),
                Heard::Failed { .. } => Some('x'),
            })
            .collect()
    }

    fn finals(&self) -> Vec<&Transcript> {
        self.heard
            .iter()
            .filter_map(|heard| if let Heard::Final(words) = heard { Some(words) } else { None })
            .collect()
    }
}

#[test]
fn a_turn_is_told_from_start_to_final() {
    let mut rig = Rig::new(Some(ms(40)));
    rig.play(SILENCE, 1000).play(SPEECH, 1000).play(SILENCE, 1000);
    assert_eq!(rig.story(), "(ppppp-P)F");
    let last = rig.finals()[0];
    let start = 48_000 + 8_000;
    let Heard::SpeechStarted { turn: 1, at } = rig.heard[0] else { panic!("{:?}", rig.heard[0]) };
    assert!(at.abs_diff(start) <= WINDOW as u64, "onset at {at}");
    assert_eq!(last.from, at - 2_400, "300 ms of pre-roll");
    let Some(Heard::SpeechEnded { at, .. }) = rig.heard.iter().rev().nth(1) else { panic!() };
    assert!(at.abs_diff(start + 8_000) <= WINDOW as u64, "end at {at}");
    assert_eq!(rig.listener.deadline(), None);
}

#[test]
fn the_final_is_the_reading_at_the_pause() {
    let mut rig = Rig::new(Some(ms(60)));
    rig.play(SPEECH, 1000).play(SILENCE, 1000);
    let Some(Heard::Partial { words, .. }) =
        rig.heard.iter().find(|heard| matches!(heard, Heard::Partial { cut: Cut::AtPause, .. }))
    else {
        panic!("no reading at the pause: {}", rig.story());
    };
    assert_eq!(rig.finals(), [words]);
    let asked_after_speech = words.asked - ms(1000);
    assert!(asked_after_speech <= ms(160), "asked {asked_after_speech:?} after speech ended");
    assert_eq!(rig.asked.len(), rig.story().matches(['p', 'P']).count(), "no reading in vain");
}

#[test]
fn partials_come_one_at_a_time_and_seldom_when_there_is_much_to_read() {
    let gaps = |reading| {
        let mut rig = Rig::new(Some(reading));
        rig.play(SPEECH, 6000);
        let times: Vec<_> = rig.asked.iter().map(|(asked, _)| *asked).collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect::<Vec<_>>()
    };
    let quick = gaps(ms(40));
    assert!(quick[..6].iter().all(|gap| *gap == ms(160)), "as chosen: {quick:?}");
    assert!(quick.is_sorted() && *quick.last().unwrap() >= ms(500), "{quick:?}");
    let slow = gaps(ms(300));
    assert!(slow[..6].iter().all(|gap| *gap == ms(300)), "one at a time: {slow:?}");
}

#[test]
fn a_partial_reads_the_whole_turn_so_far() {
    let mut rig = Rig::new(Some(ms(40)));
    rig.play(SILENCE, 500).play(SPEECH, 1000);
    let (_, job) = rig.asked.last().unwrap();
    assert_eq!(job.samples.len() as u64, 2 * (job.through - job.from));
    assert!(rig.asked.iter().all(|(_, other)| other.from == job.from));
    assert!(rig.asked.windows(2).all(|pair| pair[0].1.through < pair[1].1.through));
}

#[test]
fn a_pause_within_a_turn_gives_a_partial_that_says_so() {
    let mut rig = Rig::new(Some(ms(60)));
    rig.play(SPEECH, 600).play(SILENCE, 300).play(SPEECH, 600).play(SILENCE, 1000);
    let story = rig.story();
    assert_eq!(story.replace('p', ""), "(-P+-P)F");
    assert_eq!(rig.finals().len(), 1);
}

#[test]
fn the_reading_at_a_pause_waits_for_the_one_under_way_only() {
    let mut rig = Rig::new(None);
    rig.play(SPEECH, 600).play(SILENCE, 200);
    assert_eq!(rig.asked.len(), 1, "one at a time");
    rig.answer("so far");
    assert_eq!(rig.asked.len(), 2);
    assert_eq!(rig.asked[1].1.kind, ReadKind::Final);
    rig.play(SILENCE, 600);
    assert_eq!(rig.story(), "(-p)", "the turn is over, its reading under way");
    rig.answer("all of it");
    assert_eq!(rig.story(), "(-p)F");
    assert_eq!(rig.finals()[0].text, "all of it");
}

#[test]
fn a_turn_that_ends_during_a_partial_is_still_read_to_its_end() {
    let mut rig = Rig::new(None);
    rig.play(SPEECH, 600).play(SILENCE, 900);
    assert_eq!(rig.story(), "(-)");
    rig.answer("stale");
    let (_, job) = rig.asked.last().unwrap();
    let Heard::SpeechEnded { at, .. } = rig.heard[2] else { panic!() };
    assert_eq!((job.kind, job.through), (ReadKind::Final, at + TAIL));
    rig.answer("whole");
    assert_eq!(rig.story(), "(-)F");
    assert_eq!(rig.finals()[0].text, "whole");
}

#[test]
fn what_waits_to_be_read_is_replaced_by_what_came_since() {
    let mut rig = Rig::new(None);
    rig.jammed = true;
    rig.play(SPEECH, 900);
    let times: Vec<_> = rig.asked.iter().map(|(asked, _)| *asked).collect();
    assert!(
        times.len() > 2 && times.windows(2).all(|pair| pair[1] - pair[0] == ms(160)),
        "{times:?}"
    );
    assert_eq!(rig.jobs.len(), 1);
    let newest = rig.jobs[0].1.through;
    rig.answer("so far");
    let Some(Heard::Partial { words, .. }) = rig.heard.last() else { panic!("{:?}", rig.heard) };
    assert_eq!((words.through, words.asked), (newest, times[0]));
    // The end of the turn does not wait for a partial of it.
    rig.play(SPEECH, 200).play(SILENCE, 900);
    assert_eq!((rig.jobs.len(), rig.jobs[0].1.kind), (1, ReadKind::Final));
    rig.answer("all of it");
    assert_eq!(rig.finals()[0].text, "all of it");
    assert_eq!(rig.story(), "(p-)F");
}

#[test]
fn a_failed_reading_is_told_and_tried_again() {
    let mut rig = Rig::new(None);
    rig.play(SPEECH, 600);
    rig.answer_with(Err(ReadError::Crashed));
    rig.play(SPEECH, 100);
    assert_eq!(rig.asked.len(), 1, "not at once");
    rig.play(SPEECH, 100);
    assert_eq!(rig.asked.len(), 2);
    rig.answer("words");
    assert_eq!(rig.story(), "(xp");
}

#[test]
fn a_turn_whose_last_reading_fails_is_told_as_lost() {
    let mut rig = Rig::new(None);
    rig.play(SPEECH, 600).play(SILENCE, 700);
    rig.answer("so far");
    rig.answer_with(Err(ReadError::Engine("broken".into())));
    assert_eq!(rig.story(), "(-)X");
}

#[test]
fn a_reading_that_overruns_is_given_up_and_its_answer_ignored() {
    let mut rig = Rig::new(None);
    rig.play(SPEECH, 600);
    let deadline = rig.asked[0].0 + config().read_limit;
    rig.play(SPEECH, 400);
    assert!(rig.listener.deadline().unwrap() <= deadline);
    rig.play(SPEECH, 2000);
    rig.listener.wake(deadline);
    rig.drain();
    assert_eq!(rig.story(), "(x");
    rig.answer("too late");
    assert_eq!(rig.story(), "(x", "stale");
    rig.play(SPEECH, 400);
    rig.answer("fresh");
    assert_eq!(rig.story(), "(xp");
}

#[test]
fn a_long_turn_is_cut_where_it_is_quietest() {
    let mut rig = Rig::new(Some(ms(60)));
    rig.play(SPEECH, 10_000).play(0.4, 100).play(SPEECH, 6_000).play(SILENCE, 1000);
    let finals = rig.finals();
    assert_eq!(finals.len(), 2);
    let dip = 48_000 + 80_000..48_000 + 80_800;
    assert!(dip.contains(&finals[0].through), "cut at {}", finals[0].through);
    assert_eq!(finals[1].from, finals[0].through, "nothing is lost");
    assert_eq!((finals[0].turn, finals[1].turn), (1, 2));
    assert_eq!(rig.story().replace(['p', 'P'], ""), "()(F-)F");
}

#[test]
fn lost_packets_are_silence_and_late_ones_are_ignored() {
    let mut rig = Rig::new(Some(ms(60)));
    rig.play(SPEECH, 600);
    let before = rig.position;
    rig.position += 3 * FRAME as u64;
    rig.play(SPEECH, 400);
    rig.listener.push(rig.now, &[1; FRAME], before);
    rig.play(SILENCE, 1000);
    assert_eq!(rig.finals().len(), 1);
    let Heard::SpeechEnded { at, .. } = rig.heard[rig.heard.len() - 2] else { panic!() };
    assert!(at.abs_diff(before + 480 + 3200) <= WINDOW as u64, "positions follow the stream");
}

#[test]
fn a_jump_of_the_stream_ends_the_turn() {
    for jump in [1_000_000, 100] {
        let mut rig = Rig::new(Some(ms(60)));
        rig.play(SPEECH, 600);
        rig.position = jump;
        rig.play(SILENCE, 400).play(SPEECH, 600).play(SILENCE, 800);
        assert_eq!(rig.story().replace(['p', 'P'], ""), "()F(-)F", "to {jump}");
        assert!(rig.finals()[1].from >= jump);
    }
}

#[test]
fn a_stream_that_dries_up_ends_the_turn() {
    let mut rig = Rig::new(Some(ms(60)));
    rig.play(SPEECH, 600);
    while !rig.jobs.is_empty() {
        rig.answer("so far");
    }
    let deadline = rig.listener.deadline().unwrap();
    assert_eq!(deadline, rig.now + ms(1000));
    rig.now = deadline;
    rig.listener.wake(deadline);
    rig.drain();
    rig.answer("all");
    assert_eq!(rig.story().replace('p', ""), "()F");
    assert_eq!(rig.listener.deadline(), None);
}

#[test]
fn a_vad_failure_is_told_and_counts_as_silence() {
    let mut rig = Rig::new(None);
    rig.listener.push(ms(0), &[0; FRAME], 0);
    rig.listener.push(ms(20), &[0; FRAME], 160);
    assert!(matches!(rig.listener.poll(), Some(Output::Vad(_))));
    assert_eq!(rig.listener.poll(), None, "not before the answer");
    rig.listener.vad(ms(20), Err(VadError("broken".into())));
    rig.drain();
    assert_eq!(rig.story(), "x");
}

#[test]
fn reset_forgets_the_turn_and_its_readings() {
    let mut rig = Rig::new(None);
    rig.play(SPEECH, 600);
    rig.listener.reset();
    rig.answer("stale");
    assert_eq!(rig.story(), "(");
    assert_eq!(rig.listener.deadline(), None);
    rig.play(SILENCE, 200).play(SPEECH, 400);
    assert!(matches!(rig.heard.last(), Some(Heard::SpeechStarted { turn: 2, .. })));
}

/// A reading of two words, with places in the audio that was read.
fn two_words(one: &str, other: &str) -> Reading {
    let word = |text: &str, at| Word { text: text.into(), at, confidence: 0.9 };
    let words = vec![word(one, 800..1_600), word(other, 1_600..2_400)];
    Reading { words, text: format!("{one} {other}"), confidence: 0.9, ..Reading::default() }
}

#[test]
fn what_was_said_before_a_pause_of_a_long_turn_is_not_read_again() {
    let mut rig = Rig::new(None);
    rig.play(SILENCE, 500).play(SPEECH, 3_500);
    while !rig.jobs.is_empty() {
        rig.answer_with(Ok(two_words("So", "far")));
    }
    rig.play(SILENCE, 200);
    while !rig.jobs.is_empty() {
        rig.answer_with(Ok(two_words("So", "far,")));
    }
    rig.play(SILENCE, 160).play(SPEECH, 400);
    let (_, job) = rig.jobs.back().unwrap().clone();
    let ceased = rig.asked[0].1.from + 8 * 3_800;
    assert!(job.from > ceased, "{} {ceased}", job.from);
    // Every other partial has a hush behind it.
    let hush = job.samples.len() as u64 / 2 - (job.through - job.from);
    assert!([0, samples(config().hush)].contains(&hush), "{hush}");
    assert!(job.guess.is_empty());
    rig.answer_with(Ok(two_words("and", "on")));
    let Some(Heard::Partial { words, .. }) = rig.heard.last() else { panic!() };
    assert_eq!((words.text.as_str(), words.stable), ("So far, and on", 2));
    assert_eq!(words.words[2].at, job.from + 800..job.from + 1_600);
    assert!(words.from < ceased, "the turn begins where it did");

    rig.play(SILENCE, 120);
    while !rig.jobs.is_empty() {
        rig.answer_with(Ok(two_words("and", "on.")));
    }
    rig.play(SILENCE, 700);
    let finals = rig.finals();
    assert_eq!(finals.len(), 1);
    assert_eq!((finals[0].text.as_str(), finals[0].stable), ("So far, and on.", 4));
    assert_eq!(finals[0].words.len(), 4);
}

#[test]
fn short_turns_and_short_stops_are_read_whole() {
    for (speech, pause) in [(1_500, 360), (3_500, 160)] {
        let mut rig = Rig::new(Some(ms(40)));
        rig.play(SILENCE, 500).play(SPEECH, speech).play(SILENCE, pause).play(SPEECH, 400);
        let first = rig.asked.first().unwrap().1.from;
        assert!(rig.asked.iter().all(|(_, job)| job.from == first), "{speech} {pause}");
    }
}

#[test]
fn words_that_two_readings_agree_on_are_stable() {
    let mut rig = Rig::new(None);
    rig.play(SILENCE, 500);
    let mut stable = Vec::new();
    for (one, other) in [("I", "for"), ("I", "forgot"), ("i,", "Forgot")] {
        while rig.jobs.is_empty() {
            rig.play(SPEECH, 20);
        }
        rig.answer_with(Ok(two_words(one, other)));
        if let Some(Heard::Partial { words, .. }) = rig.heard.last() {
            stable.push(words.stable);
        }
    }
    assert_eq!(stable, [0, 1, 2]);
}

#[test]
fn the_first_window_is_told_as_a_sign_and_its_end_too() {
    let mut rig = Rig::new(None);
    rig.play(SILENCE, 200).play(0.4, 40).play(SILENCE, 200);
    assert!(matches!(rig.signs[..], [Heard::VoiceSensed { .. }, Heard::VoiceVanished]));
    rig.play(SPEECH, 400);
    assert!(matches!(rig.signs[2..], [Heard::VoiceSensed { .. }]), "speech does not vanish");
    rig.play(SILENCE, 200).play(SPEECH, 400);
    assert_eq!(rig.signs.len(), 4, "after a pause too");
    assert_eq!(rig.story(), "(-+");
}

/// How long after speech the turn ended whose reading at the pause is `text`.
fn waited(rig: &mut Rig, text: &str) -> Duration {
    rig.play(SPEECH, 600);
    let ceased = rig.now;
    let before = rig.heard.len();
    while !rig.heard[before..].iter().any(|heard| matches!(heard, Heard::SpeechEnded { .. })) {
        rig.play(SILENCE, 20);
        while !rig.jobs.is_empty() {
            rig.answer(text);
        }
        assert!(rig.now - ceased < ms(3_000), "it must end");
    }
    rig.now - ceased
}

/// A listener that judges when a turn is over.
fn judging() -> Rig {
    let mut rig = Rig::new(None);
    rig.listener = Listener::new(ListenerConfig { ending: Ending::Judged, ..config() });
    rig
}

#[test]
fn a_turn_waits_for_what_its_words_promise_and_for_a_caller_who_pauses() {
    let mut rig = judging();
    let done = waited(&mut rig, "billing please");
    rig.play(SILENCE, 2_000);
    assert!(waited(&mut rig, "I would like to") > done + ms(300));
    rig.play(SILENCE, 2_000).play(SPEECH, 600).play(SILENCE, 460);
    waited(&mut rig, "go on");
    rig.play(SILENCE, 2_000);
    assert!(waited(&mut rig, "billing please") > done, "the pause was learned");
}

#[test]
fn who_was_cut_off_is_given_more_time() {
    let mut rig = judging();
    let done = waited(&mut rig, "billing please");
    rig.play(SILENCE, 2_000);
    assert_eq!(waited(&mut rig, "billing please"), done, "an answer is no going on");
    rig.play(SILENCE, 200);
    assert!(waited(&mut rig, "billing please") > done, "going on is");
}
