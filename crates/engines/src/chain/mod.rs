//! The chain: engines in an order of preference, and what happens when one fails.
//!
//! [`Chain`] is one call's, without clock and socket: it is told of the caller's audio, of turns and of what connections tell, and says
//! what to open, to send and to tell. [`Recognition`] runs the chains of all calls over real connections.
//!
//! What holds:
//!
//! - An engine that gives no sign of life for [`Policy::silence`] while speech is sent to it has failed, connecting included;
//!   so has one that lives but [does not answer](crate::remote::link::Terms::answers_within), that ends a turn without a word though a voice was heard, or that does not end it.
//! - The next engine is given the turn again: from where the settled words end, and at least the last [`Policy::replay`] if it says where words
//!   lie. Settled words stay, and are not counted again. So no word is lost, and none is doubled.
//! - An engine that failed several times in a row, or says that it wants to be left alone, is for a while; then one turn tries it.
//! - A connection that grows old is replaced between turns, or within one as if it had failed.
//! - When none is left, and a new connection may mend what went wrong with the last, all are asked once more. Then the turn has failed. The local engine never fails here: it is given the whole turn.

mod breaker;
mod history;
mod recognition;
mod words;

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use audio::SAMPLE_RATE;

pub use self::breaker::Breakers;
use self::history::History;
pub use self::recognition::{Recognition, Stream};
use self::words::TurnWords;
use crate::remote::link::{Event, Life, LinkId, Order, Places, Signs, Terms};
use crate::remote::why::{Failure, Why};
use crate::words::Word;

/// How soon a connection is replaced before the vendor ends it: between turns, and within one.
const BETWEEN_TURNS: Duration = Duration::from_secs(30);
const WITHIN_A_TURN: Duration = Duration::from_secs(5);

/// When an engine has failed, and for how long it is left alone then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// Without a sign of life for so long while speech is sent, an engine has failed.
    pub silence: Duration,
    /// At least so much of the turn is given to the next one.
    pub replay: Duration,
    /// Failures in a row after which an engine is left alone.
    pub failures: u32,
    /// For how long.
    pub rest: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            silence: Duration::from_millis(800),
            replay: Duration::from_secs(2),
            failures: 2,
            rest: Duration::from_secs(30),
        }
    }
}

/// An engine of the chain.
#[derive(Debug, Clone, PartialEq)]
pub enum Member {
    /// The one on this machine.
    Local,
    /// A vendor's.
    Remote(Terms),
}

/// What the call is told. Of each turn that ended, exactly one `Final`, `Local` or `Failed`.
#[derive(Debug, Clone, PartialEq)]
pub enum Told {
    /// What the turn says so far.
    Partial {
        /// The turn.
        turn: u32,
        /// In order.
        words: Vec<Word>,
        /// How many of them, from the first on, will not change.
        stable: usize,
    },
    /// What the turn said.
    Final {
        /// The turn.
        turn: u32,
        /// In order.
        words: Vec<Word>,
    },
    /// The local engine is to read the turn, the whole of it.
    Local {
        /// The turn.
        turn: u32,
    },
    /// No engine is left; the words are lost. It is told when the turn is over.
    Failed {
        /// The turn.
        turn: u32,
        /// Of the last engine.
        failure: Failure,
    },
}

/// What comes out of [`Chain::poll`].
#[derive(Debug, Clone, PartialEq)]
pub enum Output {
    /// Open a connection to the engine of this number, and tell of it under this name.
    Open(LinkId, usize),
    /// Give an order to a connection.
    Send(LinkId, Order),
    /// A connection is not needed any more: let it end in an orderly way.
    Close(LinkId),
    /// A connection has failed or does not move: end it at once.
    Drop(LinkId),
    /// Tell the call.
    Told(Told),
    /// An engine failed. The chain goes on; this is for the log.
    Failed(Failure),
}

/// One call's chain. See the [module](self).
pub struct Chain {
    members: Arc<[Member]>,
    policy: Policy,
    breakers: Arc<Breakers>,
    history: History,
    links: Vec<Link>,
    next_link: u64,
    /// Turns whose words are not complete, in order; the last may be under way.
    turns: Vec<Turn>,
    outbox: VecDeque<Output>,
}

/// A connection.
struct Link {
    id: LinkId,
    engine: usize,
    opened: Duration,
    /// Whether it is made.
    open: bool,
    /// The turn that it hears.
    turn: Option<u32>,
}

struct Turn {
    number: u32,
    from: u64,
    /// Where it ends and its audio, once that is known.
    end: Option<(u64, Vec<i16>)>,
    words: TurnWords,
    /// Engines before this one have had their turn.
    next_engine: usize,
    round: Round,
    hearing: Option<Hearing>,
    /// Why the last engine gave no words.
    last: Option<Failure>,
}

/// How often a turn has gone along the chain.
#[derive(PartialEq, Eq)]
enum Round {
    First,
    Second,
}

/// A turn that an engine hears.
struct Hearing {
    link: LinkId,
    engine: usize,
    /// Whether the connection is made.
    open: bool,
    /// The last sign of life, or the beginning.
    alive: Duration,
    /// The last time that it said something of the speech, or the beginning; and whether it ever did.
    answered: Duration,
    answers: bool,
    /// When it was told that the turn is over.
    finish: Option<Duration>,
}

impl Chain {
    /// A chain that has heard nothing. It connects to the first engine at once, if connections last.
    #[must_use]
    pub fn new(
        now: Duration,
        members: Arc<[Member]>,
        policy: Policy,
        breakers: Arc<Breakers>,
    ) -> Self {
        let mut chain = Self {
            members,
            policy,
            breakers,
            history: History::default(),
            links: Vec::new(),
            next_link: 0,
            turns: Vec::new(),
            outbox: VecDeque::new(),
        };
        chain.prepare(now, 0);
        chain
    }

    /// Samples that begin at `position`. They are sent to nobody but while a turn is under way.
    pub fn audio(&mut self, samples: &[i16], position: u64) {
        let under_way = self.turns.last().filter(|turn| turn.end.is_none());
        let new = self.history.push(samples, position, under_way.map(|turn| turn.from));
        let hearing = under_way.and_then(|turn| turn.hearing.as_ref());
        if let Some(link) = hearing.map(|hearing| hearing.link).filter(|_| !new.is_empty()) {
            self.send(link, Order::Audio(new));
        }
    }

    /// The turn `number` has begun, and its audio begins at `from`. One that was under way ends there.
    pub fn begin(&mut self, now: Duration, number: u32, from: u64) {
        self.end(now, from);
        let from = self.history.between(from, from).0;
        self.turns.push(Turn::new(number, from));
        self.hear(now, self.turns.len() - 1);
    }

    /// The turn under way has ended at `through`.
    pub fn end(&mut self, now: Duration, through: u64) {
        let Some(turn) = self.turns.last_mut().filter(|turn| turn.end.is_none()) else { return };
        turn.end = Some((through, self.history.between(turn.from, through).1));
        match &mut turn.hearing {
            Some(hearing) => {
                hearing.finish = Some(now);
                let link = hearing.link;
                self.send(link, Order::Finish);
            }
            None => self.give_up(self.turns.len() - 1),
        }
    }

    /// Forgets all turns.
    pub fn reset(&mut self) {
        for turn in std::mem::take(&mut self.turns) {
            if let Some(hearing) = turn.hearing {
                self.leave(hearing.link, Output::Close);
            }
        }
    }

    /// What a connection tells.
    pub fn event(&mut self, now: Duration, link: LinkId, event: Event) {
        if event == Event::Open
            && let Some(link) = self.links.iter_mut().find(|other| other.id == link)
        {
            link.open = true;
        }
        let hears = |turn: &Turn| turn.hearing.as_ref().is_some_and(|hearing| hearing.link == link);
        let Some(index) = self.turns.iter().position(hears) else {
            self.idle_event(now, link, event);
            return;
        };
        let turn = &mut self.turns[index];
        let Some(hearing) = &mut turn.hearing else { return };
        hearing.alive = now;
        let end = turn.end.as_ref().map(|(end, _)| *end);
        match event {
            Event::Open => {
                hearing.open = true;
                hearing.answered = now;
            }
            Event::Alive => {}
            Event::Interim(words) => {
                (hearing.answered, hearing.answers) = (now, true);
                turn.words.guess(words, end);
                self.tell_partial(index);
            }
            Event::Settled { words, through } => {
                (hearing.answered, hearing.answers) = (now, true);
                turn.words.settle(words, through, end);
                self.tell_partial(index);
            }
            Event::Finished => self.finished(now, index),
            Event::Failed(why) => self.failed(now, index, why),
        }
    }

    /// Does what is due at `now`.
    pub fn wake(&mut self, now: Duration) {
        while let Some((index, why)) = self.overdue(now) {
            self.failed(now, index, why);
        }
        self.rotate(now);
    }

    /// When to call [`wake`](Self::wake), if nothing else happens before.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let limits = self.turns.iter().filter_map(|turn| self.limits(turn)).map(|(at, _)| at);
        let rotations = self.links.iter().filter_map(|link| self.rotation(link));
        limits.chain(rotations).min()
    }

    /// The next thing to do, until there is none. Poll after every other call.
    pub fn poll(&mut self) -> Option<Output> {
        self.outbox.pop_front()
    }

    /// Gives a turn to the next engine that may be used, with its audio so far.
    fn hear(&mut self, now: Duration, index: usize) {
        let turn = &self.turns[index];
        let (first, number) = (turn.next_engine, turn.number);
        let local = |engine: usize| self.members[engine] == Member::Local;
        let mut engines = first..self.members.len();
        let found = engines
            .clone()
            .find(|engine| local(*engine) || self.breakers.admits(*engine, now, &self.policy));
        // Where all are left alone and none was asked yet, a caller is worth a try.
        let untried = engines.find(|engine| first == 0 && self.breakers.may_be_tried(*engine));
        let Some(engine) = found.or(untried) else {
            if self.turns[index].goes_round() {
                return self.hear(now, index);
            }
            self.turns[index].next_engine = self.members.len();
            if self.turns[index].end.is_some() {
                self.give_up(index);
            }
            return;
        };
        self.turns[index].next_engine = engine + 1;
        match &self.members[engine] {
            Member::Local => {
                self.turns.remove(index);
                self.tell(Told::Local { turn: number });
            }
            Member::Remote(_) => self.give(now, index, engine),
        }
    }

    /// No engine is left for a turn that is over.
    fn give_up(&mut self, index: usize) {
        let turn = self.turns.remove(index);
        let resting = || Failure { engine: self.name(0), why: Why::Resting };
        let failure = turn.last.unwrap_or_else(resting);
        self.tell(Told::Failed { turn: turn.number, failure });
    }

    /// Gives a turn to a remote engine, with its audio so far.
    fn give(&mut self, now: Duration, index: usize, engine: usize) {
        let number = self.turns[index].number;
        let free = |link: &&mut Link| link.engine == engine && link.turn.is_none();
        let (link, open) = match self.links.iter_mut().find(free) {
            Some(link) => {
                link.turn = Some(number);
                (link.id, link.open)
            }
            None => (self.open(now, engine, Some(number)), false),
        };
        let turn = &self.turns[index];
        let end = turn.end.as_ref().map_or(self.history.next(), |(end, _)| *end);
        let boundary = turn.words.boundary();
        let from = match self.places(engine) {
            // Words that are heard again are told apart by their places.
            Places::Told => {
                let replay = self.policy.replay.as_millis() as u64 * u64::from(SAMPLE_RATE) / 1000;
                boundary.min(end.saturating_sub(replay)).max(turn.from)
            }
            Places::Guessed => boundary,
        };
        let (from, samples) = match &turn.end {
            None => self.history.between(from, end),
            Some((_, samples)) => {
                let skip = (from.saturating_sub(turn.from) as usize).min(samples.len());
                (turn.from + skip as u64, samples[skip..].to_vec())
            }
        };
        let finish = turn.end.is_some().then_some(now);
        self.send(link, Order::Begin(from));
        if !samples.is_empty() {
            self.send(link, Order::Audio(samples));
        }
        if finish.is_some() {
            self.send(link, Order::Finish);
        }
        self.turns[index].hearing =
            Some(Hearing { link, engine, open, alive: now, answered: now, answers: false, finish });
    }

    /// An engine has told all words of a turn.
    fn finished(&mut self, now: Duration, index: usize) {
        let turn = &self.turns[index];
        let Some(hearing) = &turn.hearing else { return };
        if hearing.finish.is_none() {
            let why = Why::protocol("it ended a turn that goes on");
            self.failed(now, index, why);
            return;
        }
        let silent = turn.words.is_empty();
        if silent && (!hearing.answers || turn.next_engine < self.members.len()) {
            self.unheard(now, index);
            return;
        }
        let (engine, link) = (hearing.engine, hearing.link);
        self.breakers.succeeded(engine);
        self.release(now, link, engine);
        let turn = self.turns.remove(index);
        self.tell(Told::Final { turn: turn.number, words: turn.words.all().0 });
    }

    /// An engine has heard no word where the voice activity was sure of a voice. It may have been a cough: the engine is
    /// not blamed if it said that much, and the last engine is believed.
    fn unheard(&mut self, now: Duration, index: usize) {
        let turn = &mut self.turns[index];
        let Some(hearing) = turn.hearing.take() else { return };
        // Where it says that nothing was, the next one is to listen again.
        turn.words = TurnWords::new(turn.from);
        if hearing.answers {
            self.breakers.succeeded(hearing.engine);
            self.release(now, hearing.link, hearing.engine);
        } else {
            self.leave(hearing.link, Output::Close);
            self.blame(now, index, hearing.engine, Why::Unheard);
        }
        let turn = &self.turns[index];
        if turn.next_engine < self.members.len() {
            self.hear(now, index);
            return;
        }
        let turn = self.turns.remove(index);
        let words = turn.words.all().0;
        self.tell(Told::Final { turn: turn.number, words });
    }

    /// An engine has failed in a turn: the next one hears it.
    fn failed(&mut self, now: Duration, index: usize, why: Why) {
        let turn = &mut self.turns[index];
        let Some(hearing) = turn.hearing.take() else { return };
        turn.words.forget_guesses();
        self.leave(hearing.link, Output::Drop);
        self.blame(now, index, hearing.engine, why);
        self.hear(now, index);
    }

    fn blame(&mut self, now: Duration, index: usize, engine: usize, why: Why) {
        self.breakers.failed(engine, &why, now, &self.policy);
        let failure = Failure { engine: self.name(engine), why };
        self.turns[index].last = Some(failure.clone());
        self.outbox.push_back(Output::Failed(failure));
    }

    /// A connection that hears no turn tells something.
    fn idle_event(&mut self, now: Duration, link: LinkId, event: Event) {
        let Event::Failed(why) = event else { return };
        let Some(index) = self.links.iter().position(|other| other.id == link) else { return };
        let link = self.links.remove(index);
        self.outbox.push_back(Output::Drop(link.id));
        // That a vendor ends a connection which nobody uses is no failure. That it lets nobody in is.
        if matches!(why, Why::Refused { .. } | Why::RateLimited { .. } | Why::Status { .. }) {
            self.breakers.failed(link.engine, &why, now, &self.policy);
            let failure = Failure { engine: self.name(link.engine), why };
            self.outbox.push_back(Output::Failed(failure));
        }
    }

    /// The first turn whose engine has failed by doing nothing.
    fn overdue(&self, now: Duration) -> Option<(usize, Why)> {
        self.turns.iter().enumerate().find_map(|(index, turn)| {
            let (at, why) = self.limits(turn)?;
            (at <= now).then_some((index, why))
        })
    }

    /// When the engine that hears `turn` has failed, should it do nothing until then.
    fn limits(&self, turn: &Turn) -> Option<(Duration, Why)> {
        let hearing = turn.hearing.as_ref()?;
        let Member::Remote(terms) = &self.members[hearing.engine] else { return None };
        let silence = self.policy.silence;
        let watched = !hearing.open || terms.signs == Signs::Always;
        let silent = watched.then(|| (hearing.alive + silence, Why::Silent { after: silence }));
        let unanswered = match hearing.finish {
            // Words that still come are worth a wait, but not any.
            Some(finish) => {
                let within = terms.finishes_within;
                Some((hearing.answered.clamp(finish, finish + 3 * within), within))
            }
            None => terms.answers_within.map(|within| (hearing.answered, within)),
        };
        let unanswered = unanswered
            .filter(|_| hearing.open)
            .map(|(since, within)| (since + within, Why::Unanswered { after: within }));
        silent.into_iter().chain(unanswered).min_by_key(|(at, _)| *at)
    }

    /// Replaces connections that grow old.
    fn rotate(&mut self, now: Duration) {
        let due = |link: &Link| self.rotation(link).is_some_and(|at| at <= now);
        let old: Vec<_> = self
            .links
            .iter()
            .filter(|link| due(link))
            .map(|link| (link.id, link.engine, link.turn))
            .collect();
        for (link, engine, turn) in old {
            match turn.and_then(|number| self.turns.iter().position(|turn| turn.number == number)) {
                None => {
                    self.leave(link, Output::Close);
                    self.prepare(now, engine);
                }
                Some(index) => {
                    self.leave(link, Output::Close);
                    self.turns[index].words.forget_guesses();
                    self.give(now, index, engine);
                }
            }
        }
    }

    /// When a connection is to be replaced.
    fn rotation(&self, link: &Link) -> Option<Duration> {
        let Member::Remote(Terms { life: Life::Session(longest), .. }) = &self.members[link.engine]
        else {
            return None;
        };
        let margin = if link.turn.is_some() { WITHIN_A_TURN } else { BETWEEN_TURNS };
        Some(link.opened + (*longest - margin.min(*longest / 2)))
    }

    /// A turn is over that a connection heard.
    fn release(&mut self, now: Duration, link: LinkId, engine: usize) {
        let lasts =
            matches!(&self.members[engine], Member::Remote(Terms { life: Life::Session(_), .. }));
        let spare = self.links.iter().any(|other| other.engine == engine && other.turn.is_none());
        match self.links.iter_mut().find(|other| other.id == link) {
            Some(link) if lasts && !spare => {
                link.turn = None;
                self.rotate(now);
            }
            _ => self.leave(link, Output::Close),
        }
    }

    /// Connects before a turn needs it, if that connection waits for one.
    fn prepare(&mut self, now: Duration, engine: usize) {
        let lasts = matches!(
            self.members.get(engine),
            Some(Member::Remote(Terms { life: Life::Session(_), .. }))
        );
        if lasts && self.breakers.is_closed(engine) {
            self.open(now, engine, None);
        }
    }

    fn open(&mut self, now: Duration, engine: usize, turn: Option<u32>) -> LinkId {
        let id = LinkId(self.next_link);
        self.next_link += 1;
        self.links.push(Link { id, engine, opened: now, open: false, turn });
        self.outbox.push_back(Output::Open(id, engine));
        id
    }

    fn leave(&mut self, link: LinkId, how: fn(LinkId) -> Output) {
        self.links.retain(|other| other.id != link);
        self.outbox.push_back(how(link));
    }

    fn send(&mut self, link: LinkId, order: Order) {
        self.outbox.push_back(Output::Send(link, order));
    }

    fn tell(&mut self, told: Told) {
        self.outbox.push_back(Output::Told(told));
    }

    fn tell_partial(&mut self, index: usize) {
        let turn = &self.turns[index];
        let (words, stable) = turn.words.all();
        if !words.is_empty() {
            self.tell(Told::Partial { turn: turn.number, words, stable });
        }
    }

    fn places(&self, engine: usize) -> Places {
        match &self.members[engine] {
            Member::Local => Places::Guessed,
            Member::Remote(terms) => terms.places,
        }
    }

    fn name(&self, engine: usize) -> Box<str> {
        match &self.members[engine] {
            Member::Local => "local".into(),
            Member::Remote(terms) => terms.name.clone(),
        }
    }
}

impl Turn {
    fn new(number: u32, from: u64) -> Self {
        Self {
            number,
            from,
            end: None,
            words: TurnWords::new(from),
            next_engine: 0,
            round: Round::First,
            hearing: None,
            last: None,
        }
    }

    /// Whether the turn begins again at the first engine, since a new connection may mend what went wrong with the last.
    fn goes_round(&mut self) -> bool {
        let passing = self.last.as_ref().is_some_and(|last| last.why.is_passing());
        let goes = passing && self.round == Round::First;
        if goes {
            (self.round, self.next_engine) = (Round::Second, 0);
        }
        goes
    }
}

#[cfg(test)]
mod tests;
