//! What can be said, as a graph: states joined by sounds. Every arc leads to a later state, so one pass over
//! the states, in order, settles all costs.

use std::collections::HashMap;

use crate::sounds::Phoneme;

/// A place between two sounds.
pub(super) type State = u32;

/// Where an arc leads and what stands on it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arc {
    pub(super) to: State,
    pub(super) label: Label,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Label {
    Sound(Phoneme),
    /// Nothing is said; something is left out at this cost.
    Free(f32),
    /// Nothing is said; something is meant.
    Mark(Mark),
}

/// What a path says besides its sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    /// A slot begins: an index into [`Graph::places`].
    Enter(u32),
    Leave(u32),
    /// The slot has the value with this index.
    Value(u32),
    /// A piece of a value: an index into [`Graph::pieces`].
    Piece(u32),
    /// One of several things that may come in any order: none of them comes twice.
    Once(u8),
}

/// A slot in a pattern: the states of what may stand there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    /// Which slot of the domain.
    pub(super) slot: u32,
    pub(super) first: State,
    pub(super) last: State,
}

#[derive(Clone, Debug)]
pub(super) struct Graph {
    /// The arcs of all states, state by state.
    arcs: Vec<Arc>,
    /// Where the arcs of each state begin, and the end of the last.
    begins: Vec<u32>,
    /// Whether a word ends at each state, so that others may come in between.
    between: Vec<bool>,
    pub(super) places: Vec<Place>,
    pub(super) pieces: Vec<&'static str>,
    /// Where patterns are complete, with their intents.
    pub(super) ends: HashMap<State, u32>,
    /// The words that lead from one state to a later one, by the sounds between them.
    pub(super) words: Vec<(State, State, Box<str>)>,
}

impl Graph {
    pub(super) const START: State = 0;

    pub(super) fn last(&self) -> State {
        u32::try_from(self.between.len() - 1).expect("the builder counted them in 32 bits")
    }

    pub(super) fn arcs(&self, state: State) -> &[Arc] {
        let (from, to) = (self.begins[state as usize], self.begins[state as usize + 1]);
        &self.arcs[from as usize..to as usize]
    }

    /// The arcs on which nothing is said.
    pub(super) fn silent_arcs(&self) -> impl Iterator<Item = (State, Arc)> {
        let states = 0..=self.last();
        let arcs = states.flat_map(|from| self.arcs(from).iter().map(move |arc| (from, *arc)));
        arcs.filter(|(_, arc)| !matches!(arc.label, Label::Sound(_)))
    }

    /// Whether words that no pattern has may come here.
    pub(super) fn is_between_words(&self, state: State) -> bool {
        self.between[state as usize]
    }
}

/// A graph in the making.
#[derive(Default)]
pub(super) struct Builder {
    arcs: Vec<(State, Arc)>,
    between: Vec<bool>,
    places: Vec<Place>,
    pieces: Vec<&'static str>,
    words: Vec<(State, State, Box<str>)>,
    known_pieces: HashMap<&'static str, u32>,
}

impl Builder {
    /// A new state, later than all others.
    pub(super) fn state(&mut self) -> State {
        self.between.push(false);
        u32::try_from(self.between.len() - 1).expect("a domain has fewer than 2^32 sounds")
    }

    pub(super) fn between_words(&mut self, state: State) {
        self.between[state as usize] = true;
    }

    pub(super) fn arc(&mut self, from: State, to: State, label: Label) {
        debug_assert!(from < to, "costs are settled in the order of states");
        self.arcs.push((from, Arc { to, label }));
    }

    /// A state to which `from` lead for free; a word may end there.
    pub(super) fn join(&mut self, from: &[State]) -> State {
        let joined = self.state();
        self.between_words(joined);
        for state in from {
            self.arc(*state, joined, Label::Free(0.0));
        }
        joined
    }

    pub(super) fn mark(&mut self, from: State, mark: Mark) -> State {
        let to = self.state();
        self.between_words(to);
        self.arc(from, to, Label::Mark(mark));
        to
    }

    /// Adds a piece of a value after `from`.
    pub(super) fn piece(&mut self, from: State, piece: &'static str) -> State {
        let next = u32::try_from(self.pieces.len()).expect("pieces are few");
        let index = *self.known_pieces.entry(piece).or_insert(next);
        if index == next {
            self.pieces.push(piece);
        }
        self.mark(from, Mark::Piece(index))
    }

    /// Notes that the sounds between two states are those of `word`.
    pub(super) fn spelled(&mut self, from: State, to: State, word: &str) {
        self.words.push((from, to, word.into()));
    }

    /// The ways to say `word`, from `from` to a new state.
    pub(super) fn word(&mut self, from: State, word: &str, ways: &[Vec<Phoneme>]) -> State {
        let mut lasts = Vec::with_capacity(ways.len());
        for way in ways {
            let Some((last, sounds)) = way.split_last() else { continue };
            let mut at = from;
            for sound in sounds {
                let to = self.state();
                self.arc(at, to, Label::Sound(*sound));
                at = to;
            }
            lasts.push((at, *last));
        }
        let end = self.state();
        self.between_words(end);
        for (at, last) in lasts {
            self.arc(at, end, Label::Sound(last));
        }
        self.spelled(from, end, word);
        end
    }

    /// Opens a slot; [`Builder::leave`] closes it.
    pub(super) fn enter(&mut self, from: State, slot: u32) -> (u32, State) {
        let place = u32::try_from(self.places.len()).expect("slots are few");
        let first = self.mark(from, Mark::Enter(place));
        self.places.push(Place { slot, first, last: first });
        (place, first)
    }

    pub(super) fn leave(&mut self, place: u32, from: State) -> State {
        self.places[place as usize].last = from;
        self.mark(from, Mark::Leave(place))
    }

    /// The graph, with the states where patterns are complete and their intents.
    pub(super) fn finish(mut self, ends: HashMap<State, u32>) -> Graph {
        self.arcs.sort_by_key(|(from, _)| *from);
        let mut begins = vec![0; self.between.len() + 1];
        for (from, _) in &self.arcs {
            begins[*from as usize + 1] += 1;
        }
        for state in 0..self.between.len() {
            begins[state + 1] += begins[state];
        }
        Graph {
            arcs: self.arcs.into_iter().map(|(_, arc)| arc).collect(),
            begins,
            between: self.between,
            places: self.places,
            pieces: self.pieces,
            ends,
            words: self.words,
        }
    }
}
