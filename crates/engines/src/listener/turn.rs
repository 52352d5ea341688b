//! The life of a turn, and which reading of it comes next.

use std::sync::Arc;
use std::time::Duration;

use super::heard::{Cut, Failure, Heard, Output, ReadId, ReadJob, ReadKind, Stage, Transcript};
use super::settled::{self, Settled};
use super::{Listener, ListenerConfig, TAIL, samples};
use crate::recognizer::{ReadError, Reading, Token, WINDOW};

/// Most of what decides a call is said by then. A reading's work grows with its audio, so that behind this much of it
/// the time to the next one grows as well, by this part of what is beyond.
const BRISK: Duration = Duration::from_millis(2_500);
const BEYOND: u32 = 6;
/// A sentence that may be of the script is read as a whole up to this length.
const WHOLE_SENTENCE: Duration = Duration::from_secs(8);

/// An utterance that is not over.
pub(super) struct Turn {
    pub(super) number: u32,
    /// Where the speech set in that is still read, and where the turn's audio begins.
    at: u64,
    from: u64,
    /// What stands, and where the audio of that speech begins.
    settled: Settled,
    read_from: u64,
    /// Where speech ceased, while it has.
    pub(super) paused: Option<u64>,
    /// Start and probability of each window, to find the quietest place.
    pub(super) windows: Vec<(u64, f32)>,
    /// No reading starts before this.
    next_read: Duration,
    /// When the last one started.
    last_read: Duration,
    latest: Option<Transcript>,
    /// What the audio since `read_from` was read as last.
    guess: Arc<[Token]>,
}

/// The reading under way.
pub(super) struct Flight {
    pub(super) id: ReadId,
    pub(super) asked: Duration,
    turn: u32,
    kind: ReadKind,
    settled: Settled,
    /// Where the turn's audio begins, and where that of this reading does.
    from: u64,
    read_from: u64,
    through: u64,
    /// The turn is over and this is its final reading.
    closes: bool,
}

/// A reading to ask for.
pub(super) struct Request {
    turn: u32,
    kind: ReadKind,
    samples: Arc<[f32]>,
    guess: Arc<[Token]>,
    settled: Settled,
    from: u64,
    read_from: u64,
    through: u64,
    closes: bool,
}

impl Turn {
    fn new(number: u32, at: u64, from: u64) -> Self {
        Self {
            number,
            at,
            from,
            settled: Settled::default(),
            read_from: from,
            paused: None,
            windows: Vec::new(),
            next_read: Duration::ZERO,
            last_read: Duration::ZERO,
            latest: None,
            guess: Arc::default(),
        }
    }
}

impl Listener {
    pub(super) fn open_turn(&mut self, at: u64) {
        let earliest = at.saturating_sub(samples(self.config.pre_roll)).max(self.floor);
        let from = self.utterance.open(earliest);
        if let Some(ended) = self.ended.take() {
            // Soon after an end that was none.
            self.pace.went_on_after(audio::duration_of(at.saturating_sub(ended)));
        }
        self.begin(at, from);
    }

    pub(super) fn pause(&mut self, at: u64) {
        if let Some(turn) = &mut self.turn {
            turn.paused = Some(at);
            // The reading at the pause does not wait for the next partial's time.
            turn.next_read = Duration::ZERO;
            let turn = turn.number;
            self.begin_pause();
            self.tell(Heard::SpeechPaused { turn, at });
        }
    }

    pub(super) fn resume(&mut self, at: u64) {
        self.settle(at);
        if let Some(turn) = &mut self.turn {
            if let Some(paused) = turn.paused.take() {
                self.pace.went_on_after(audio::duration_of(at - paused));
            }
            let turn = turn.number;
            self.tell(Heard::SpeechResumed { turn, at });
        }
    }

    /// Lets the words before a pause stand, if they were read and are many: what follows is read
    /// by itself. The caller went on at `at`.
    fn settle(&mut self, at: u64) {
        let Some(turn) = &mut self.turn else { return };
        let Some(end) = turn.paused else { return };
        // A sentence of the script is told from the whole of it.
        let after = match self.phrases.script() {
            Some(_) => self.config.settle_after.max(WHOLE_SENTENCE),
            None => self.config.settle_after,
        };
        let long = end >= turn.read_from + samples(after);
        let whole = at >= end + samples(self.config.settling_pause);
        let read = |words: &&Transcript| self.config.covers(words.through, end);
        let Some(words) = turn.latest.as_ref().filter(read) else { return };
        if !long || !whole || words.words.is_empty() {
            return;
        }
        // The cut lies in the silence that the reading at the pause has heard the end of.
        let cut = at.saturating_sub(samples(self.config.pre_roll)).max(end.midpoint(at));
        turn.settled = Settled::new(words.clone());
        (turn.at, turn.read_from) = (at, cut);
        turn.guess = Arc::default();
        self.utterance.advance(cut);
    }

    /// Ends the turn, whose speech ceased at `at`.
    pub(super) fn close_turn(&mut self, at: u64) {
        let Some(turn) = self.turn.take() else { return };
        self.tell(Heard::SpeechEnded { turn: turn.number, at });
        if let Some(unread) = self.conclude(turn, at) {
            self.owe(&unread, (at + TAIL).min(self.utterance.next()));
        }
        self.utterance.close();
        self.floor = at;
        self.ended = Some(at);
    }

    /// Cuts a turn that has grown too long where it was quietest, in its second half.
    pub(super) fn cut_long_turn(&mut self) {
        let longest = samples(self.config.longest_turn);
        let next = self.utterance.next();
        let due = |turn: &mut Turn| turn.paused.is_none() && next - turn.from >= longest;
        let Some(turn) = self.turn.take_if(due) else { return };
        let half = (turn.from + longest / 2).max(turn.read_from);
        let at = quietest(&turn.windows, half).unwrap_or(next);
        self.tell(Heard::SpeechEnded { turn: turn.number, at });
        self.owe(&turn, at);
        self.utterance.advance(at);
        self.begin(at, at);
    }

    /// Starts the reading that is due, if none is under way.
    pub(super) fn schedule(&mut self, now: Duration) {
        if self.flight.is_some() {
            return;
        }
        if let Some(request) = self.owed.pop_front() {
            self.ask(now, request);
            return;
        }
        let next = self.utterance.next();
        let first_read = samples(self.config.first_read);
        let covers = |through, end| self.config.covers(through, end);
        let Some(turn) = &mut self.turn else { return };
        if now < turn.next_read {
            return;
        }
        let read_to = turn.latest.as_ref().map_or(turn.from, |latest| latest.through);
        let kind = match turn.paused {
            Some(end) if !covers(read_to, end) => ReadKind::Final,
            Some(_) => return,
            // While speech fades a partial would only delay the reading at the pause.
            None if !self.segmenter.is_speaking() => return,
            None if next <= read_to || next - turn.at < first_read => return,
            None => ReadKind::Partial,
        };
        let unread = audio::duration_of(next - turn.read_from);
        turn.last_read = now;
        turn.next_read = now + self.config.read_every + unread.saturating_sub(BRISK) / BEYOND;
        let every_other = kind == ReadKind::Partial && self.reads % 2 == 1;
        let hush = if every_other { self.config.hush } else { Duration::ZERO };
        let request = Request {
            turn: turn.number,
            kind,
            samples: self.utterance.audio_and_hush(next, samples(hush)),
            guess: Arc::clone(&turn.guess),
            settled: turn.settled.clone(),
            from: turn.from,
            read_from: turn.read_from,
            through: next,
            closes: false,
        };
        self.ask(now, request);
    }

    /// Brings the time of the next partial forward.
    pub(super) fn hasten(&mut self) {
        if let Some(turn) = &mut self.turn {
            turn.next_read = turn.next_read.min(turn.last_read + self.config.read_soon);
        }
    }

    /// A reading has come back.
    pub(super) fn landed(&mut self, flight: Flight, reading: Reading, now: Duration) {
        let open = self.turn.as_mut().filter(|turn| turn.number == flight.turn);
        let before = open.as_ref().and_then(|turn| turn.latest.as_ref());
        let whole = flight.settled.count() == 0;
        let mut reading = reading.later(flight.read_from);
        let scripted = std::mem::take(&mut reading.scripted);
        let scripted = if whole { scripted.into() } else { Arc::default() };
        let joined = flight.settled.and(reading);
        let unchanged = before.map_or(0, |before| settled::alike(&before.words, &joined.words));
        let stable = match flight.closes {
            true => joined.words.len(),
            false => unchanged.max(flight.settled.count()),
        };
        let words = Transcript {
            turn: flight.turn,
            text: joined.text,
            confidence: joined.confidence,
            tokens: joined.tokens,
            words: joined.words,
            stable,
            scripted,
            from: flight.from,
            through: flight.through,
            asked: flight.asked,
            done: now,
        };
        if flight.closes {
            self.tell(Heard::Final(words));
        } else if let Some(turn) = open {
            turn.latest = Some(words.clone());
            turn.guess = joined.read;
            let cut = match flight.kind {
                ReadKind::Partial => Cut::MidSpeech,
                ReadKind::Final => Cut::AtPause,
            };
            if self.paused_read == Some(flight.id) {
                self.wait_behind(&words.text);
            }
            self.tell(Heard::Partial { cut, words });
        }
    }

    /// A reading has failed.
    pub(super) fn lost(&mut self, flight: Flight, cause: ReadError, now: Duration) {
        let stage = if flight.closes { Stage::Final } else { Stage::Partial };
        if let Some(turn) = self.turn.as_mut().filter(|turn| turn.number == flight.turn) {
            turn.next_read = now + self.config.read_every;
        }
        self.tell(Heard::Failed { turn: Some(flight.turn), stage, cause: Failure::Read(cause) });
    }

    fn begin(&mut self, at: u64, from: u64) {
        self.turns += 1;
        self.turn = Some(Turn::new(self.turns, at, from));
        self.tell(Heard::SpeechStarted { turn: self.turns, at });
    }

    /// Uses the reading at the pause as the final one of `turn`, whose speech ceased at `at`, if
    /// it is done or under way. Else gives the turn back.
    fn conclude(&mut self, turn: Turn, at: u64) -> Option<Turn> {
        let covers = |through| self.config.covers(through, at);
        let under_way = self
            .flight
            .as_mut()
            .filter(|flight| flight.turn == turn.number && covers(flight.through));
        if let Some(flight) = under_way {
            flight.closes = true;
            return None;
        }
        match turn.latest {
            Some(words) if covers(words.through) => {
                let stable = words.words.len();
                self.tell(Heard::Final(Transcript { stable, ..words }));
                None
            }
            latest => Some(Turn { latest, ..turn }),
        }
    }

    /// A final reading of `turn` up to `through` starts as soon as none is under way.
    fn owe(&mut self, turn: &Turn, through: u64) {
        self.owed.push_back(Request {
            turn: turn.number,
            kind: ReadKind::Final,
            samples: self.utterance.audio(through),
            guess: Arc::clone(&turn.guess),
            settled: turn.settled.clone(),
            from: turn.from,
            read_from: turn.read_from,
            through,
            closes: true,
        });
    }

    fn ask(&mut self, now: Duration, request: Request) {
        let Request { turn, kind, samples, guess, settled, from, read_from, through, closes } =
            request;
        self.reads += 1;
        let id = ReadId(self.reads);
        if kind == ReadKind::Final && !closes {
            self.paused_read = Some(id);
        }
        self.flight =
            Some(Flight { id, asked: now, turn, kind, settled, from, read_from, through, closes });
        let phrases = self.phrases.clone();
        let job = ReadJob { id, turn, kind, samples, guess, phrases, from: read_from, through };
        self.outbox.push_back(Output::Read(job));
    }
}

impl ListenerConfig {
    /// Whether a reading through `through` holds all of speech that ceased at `end`: then it
    /// reaches as far into the silence as a reading at the pause does.
    fn covers(&self, through: u64, end: u64) -> bool {
        through >= end + samples(self.pause_after)
    }
}

/// The middle of the quietest three windows from `earliest` on; the latest of equals.
fn quietest(windows: &[(u64, f32)], earliest: u64) -> Option<u64> {
    let loudness = |three: &[(u64, f32)]| three.iter().map(|window| window.1).sum::<f32>();
    windows
        .windows(3)
        .filter(|three| three[0].0 >= earliest)
        .min_by(|a, b| loudness(a).total_cmp(&loudness(b)).then(b[0].0.cmp(&a[0].0)))
        .map(|three| three[1].0 + WINDOW as u64 / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quietest_place_is_the_latest_of_equals() {
        let mut windows: Vec<_> = (0..20).map(|number| (number * 256, 0.9)).collect();
        windows[3].1 = 0.0;
        windows[9].1 = 0.5;
        assert_eq!(quietest(&windows, 0), Some(4 * 256 + 128));
        assert_eq!(quietest(&windows, 5 * 256), Some(10 * 256 + 128));
        assert_eq!(quietest(&windows, 18 * 256), None, "too few windows");
    }
}
