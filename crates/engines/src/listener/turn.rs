//! The life of a turn, and which reading of it comes next.

use std::sync::Arc;
use std::time::Duration;

use super::heard::{Cut, Failure, Heard, Output, ReadId, ReadJob, ReadKind, Stage, Transcript};
use super::settled::{self, Settled};
use super::{Listener, ListenerConfig, TAIL, samples};
use crate::phrases::Phrases;
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
    guesses: Guesses,
    /// Whether the next partial has a hush behind it.
    hushed: bool,
}

/// What a turn was read as last, as it was and with a hush behind it: the two differ more from each other than from
/// what the next reading of their kind makes of it, and a guess that is right saves most of a reading.
#[derive(Debug, Clone, Default)]
struct Guesses {
    last: Arc<[Token]>,
    of_partials: [Option<Arc<[Token]>>; 2],
}

impl Guesses {
    fn for_partial(&self, hushed: bool) -> Arc<[Token]> {
        self.of_partials[usize::from(hushed)].as_ref().unwrap_or(&self.last).clone()
    }

    fn read(&mut self, kind: ReadKind, hushed: bool, tokens: Arc<[Token]>) {
        if kind == ReadKind::Partial {
            self.of_partials[usize::from(hushed)] = Some(Arc::clone(&tokens));
        }
        self.last = tokens;
    }
}

/// The reading under way.
pub(super) struct Flight {
    pub(super) id: ReadId,
    pub(super) asked: Duration,
    turn: u32,
    kind: ReadKind,
    hushed: bool,
    settled: Settled,
    /// Where the turn's audio begins, and where that of this reading does.
    from: u64,
    read_from: u64,
    through: u64,
    /// The turn is over and this is its final reading.
    closes: bool,
    /// Somebody reads it by now, as far as is known.
    begun: bool,
}

/// A reading to ask for.
pub(super) struct Request {
    turn: u32,
    kind: ReadKind,
    /// Silence stands behind the samples.
    hushed: bool,
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
            guesses: Guesses::default(),
            hushed: false,
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
        turn.guesses = Guesses::default();
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

    /// Starts the reading that is due, if none is under way. What is under way may wait for others to be read; then newer
    /// audio takes its place.
    pub(super) fn schedule(&mut self, now: Duration) {
        let waits = |flight: &Flight| flight.kind == ReadKind::Partial && !flight.begun;
        match &self.flight {
            None => {}
            Some(flight) if waits(flight) && self.instead.is_none() => {}
            Some(_) => return,
        }
        let Some(request) = self.owed.pop_front().or_else(|| self.due(now)) else { return };
        let id = ReadId(self.reads + 1);
        let job = request.job(id, self.phrases.clone());
        if self.flight.is_some() {
            self.instead = Some(request);
            self.outbox.push_back(Output::Instead(job));
        } else {
            self.flies(now, now, request);
            self.outbox.push_back(Output::Read(job));
        }
    }

    /// The reading that is due.
    fn due(&self, now: Duration) -> Option<Request> {
        let next = self.utterance.next();
        let first_read = samples(self.config.first_read);
        let turn = self.turn.as_ref().filter(|turn| now >= turn.next_read)?;
        let read_to = turn.latest.as_ref().map_or(turn.from, |latest| latest.through);
        let kind = match turn.paused {
            Some(end) if !self.config.covers(read_to, end) => ReadKind::Final,
            Some(_) => return None,
            // While speech fades a partial would only delay the reading at the pause.
            None if !self.segmenter.is_speaking() => return None,
            None if next <= read_to || next - turn.at < first_read => return None,
            None => ReadKind::Partial,
        };
        let hushed = kind == ReadKind::Partial && turn.hushed;
        let hush = if hushed { self.config.hush } else { Duration::ZERO };
        let guess = match kind {
            ReadKind::Partial => turn.guesses.for_partial(hushed),
            ReadKind::Final => Arc::clone(&turn.guesses.last),
        };
        Some(Request {
            turn: turn.number,
            kind,
            hushed,
            samples: self.utterance.audio_and_hush(next, samples(hush)),
            guess,
            settled: turn.settled.clone(),
            from: turn.from,
            read_from: turn.read_from,
            through: next,
            closes: false,
        })
    }

    /// A request is under way, which takes the place of one that was asked for first at `asked`.
    fn flies(&mut self, now: Duration, asked: Duration, request: Request) {
        self.reads += 1;
        let id = ReadId(self.reads);
        let Request { turn, kind, hushed, settled, from, read_from, through, closes, .. } = request;
        if kind == ReadKind::Final && !closes {
            self.paused_read = Some(id);
        }
        let open = self.turn.as_mut().filter(|open| open.number == turn && !closes);
        if let Some(open) = open {
            let unread = audio::duration_of(through - read_from);
            open.last_read = now;
            open.next_read = now + self.config.read_every + unread.saturating_sub(BRISK) / BEYOND;
        }
        let begun = false;
        self.flight = Some(Flight {
            id,
            asked,
            turn,
            kind,
            hushed,
            settled,
            from,
            read_from,
            through,
            closes,
            begun,
        });
    }

    /// Answers [`Output::Instead`].
    pub fn replaced(&mut self, now: Duration, replaced: bool) {
        let Some(request) = self.instead.take() else { return };
        match (&mut self.flight, replaced) {
            (Some(flight), true) => {
                let asked = flight.asked;
                self.flies(now, asked, request);
            }
            (flight, _) => {
                flight.iter_mut().for_each(|flight| flight.begun = true);
                if request.closes {
                    self.owed.push_front(request);
                }
            }
        }
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
            turn.guesses.read(flight.kind, flight.hushed, joined.read);
            if flight.kind == ReadKind::Partial {
                turn.hushed = !flight.hushed;
            }
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
            hushed: false,
            samples: self.utterance.audio(through),
            guess: Arc::clone(&turn.guesses.last),
            settled: turn.settled.clone(),
            from: turn.from,
            read_from: turn.read_from,
            through,
            closes: true,
        });
    }
}

impl Request {
    fn job(&self, id: ReadId, phrases: Phrases) -> ReadJob {
        let (samples, guess) = (Arc::clone(&self.samples), Arc::clone(&self.guess));
        let Self { turn, kind, read_from, through, .. } = *self;
        ReadJob { id, turn, kind, samples, guess, phrases, from: read_from, through }
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
