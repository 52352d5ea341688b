//! The cheapest path through the graph for what was heard: Viterbi's algorithm (1967) over heard sounds and
//! states, within a beam.

use super::graph::{Graph, Label, Mark, State};
use super::heard::{Heard, Move};
use crate::sounds::{gap, swap};

/// One step of a path.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// The node of what was heard where it arrives.
    pub(super) node: u32,
    pub(super) state: State,
    /// What the path cost so far.
    pub(super) cost: f32,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    Start,
    /// A sound of the graph was heard, more or less.
    Said,
    /// A sound of the graph was not heard.
    Missed,
    /// A sound was heard that no pattern has there.
    Made,
    /// A word was heard that no pattern has there.
    Skipped,
    /// Nothing was said.
    Free,
    Mark(Mark),
}

/// What to look at, and how far from the best.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Which nodes of what was heard.
    pub(super) nodes: (u32, u32),
    /// Which states; the path starts in the first.
    pub(super) states: (State, State),
    /// How much more than the cheapest a path may cost on its way.
    pub(super) beam: f32,
}

/// All paths that stayed within the beam.
pub(super) struct Paths {
    entries: Vec<Entry>,
    /// The entries of the last node.
    last: (usize, usize),
}

struct Entry {
    step: Step,
    from: u32,
    /// Which of the things that may come once have come.
    used: u32,
}

const NONE: u32 = u32::MAX;
/// A path may fall back this far, and not more, by sounds that were not heard.
const MISSED_BEAM: f32 = 1.5;
/// Paths kept at each node.
const MOST: usize = 4000;
/// What a piece of a value costs: a long number needs better reasons than a short one.
const PIECE: f32 = 0.3;

impl Paths {
    pub(super) fn find(graph: &Graph, heard: &Heard, limits: Limits) -> Paths {
        let mut paths = Paths { entries: Vec::new(), last: (0, 0) };
        let (first, last) = limits.nodes;
        let mut front = Front::new(limits.states);
        let mut ranges: Vec<(usize, usize)> = Vec::new();
        for node in first..=last {
            if node == first {
                front.offer(
                    limits.states.0,
                    Offer { cost: 0.0, from: NONE, kind: Kind::Start, used: 0 },
                );
            } else {
                for (from, heard_move) in heard.into(node) {
                    let Some(&range) =
                        from.checked_sub(first).and_then(|at| ranges.get(at as usize))
                    else {
                        continue;
                    };
                    front.advance(graph, &paths.entries, range, *heard_move);
                }
            }
            let from = paths.entries.len();
            front.settle(graph, node, limits.beam, &mut paths.entries);
            cut(&mut paths.entries, from);
            ranges.push((from, paths.entries.len()));
        }
        paths.last = ranges.last().copied().unwrap_or_default();
        paths
    }

    /// The paths that have heard everything: where they are, what they cost, and their index.
    pub(super) fn ends(&self) -> impl Iterator<Item = (Step, u32)> {
        let (from, to) = self.last;
        (from..to).map(|at| (self.entries[at].step, at as u32))
    }

    /// The steps of a path, first to last.
    pub(super) fn trace(&self, end: u32) -> Vec<Step> {
        let mut steps = Vec::new();
        let mut at = end;
        while at != NONE {
            let entry = &self.entries[at as usize];
            steps.push(entry.step);
            at = entry.from;
        }
        steps.reverse();
        steps
    }
}

/// Keeps the cheapest [`MOST`] entries from `from` on, and their ancestors within the node.
fn cut(entries: &mut [Entry], from: usize) {
    let fresh = &mut entries[from..];
    if fresh.len() <= MOST {
        return;
    }
    let mut costs: Vec<f32> = fresh.iter().map(|entry| entry.step.cost).collect();
    let (_, limit, _) = costs.select_nth_unstable_by(MOST, f32::total_cmp);
    let limit = *limit;
    // They keep their places, since others may come from them; they only lead nowhere any more.
    for entry in fresh.iter_mut().filter(|entry| entry.step.cost > limit) {
        entry.step.cost = f32::INFINITY;
    }
}

#[derive(Clone, Copy)]
struct Offer {
    cost: f32,
    from: u32,
    kind: Kind,
    used: u32,
}

/// The best offer to every state at one node.
struct Front {
    states: (State, State),
    offers: Vec<Offer>,
    /// One bit a state: whether it has an offer.
    offered: Vec<u64>,
    best: f32,
}

impl Front {
    fn new(states: (State, State)) -> Front {
        let count = (states.1 - states.0 + 1) as usize;
        let none = Offer { cost: f32::INFINITY, from: NONE, kind: Kind::Start, used: 0 };
        Front {
            states,
            offers: vec![none; count],
            offered: vec![0; count.div_ceil(64)],
            best: f32::INFINITY,
        }
    }

    fn offer(&mut self, state: State, offer: Offer) {
        if state < self.states.0 || state > self.states.1 {
            return;
        }
        let at = (state - self.states.0) as usize;
        let bit = 1 << (at % 64);
        if self.offered[at / 64] & bit == 0 || offer.cost < self.offers[at].cost {
            self.offered[at / 64] |= bit;
            self.offers[at] = offer;
            self.best = self.best.min(offer.cost);
        }
    }

    /// Takes the paths of an earlier node on by what was heard since.
    fn advance(&mut self, graph: &Graph, entries: &[Entry], range: (usize, usize), heard: Move) {
        for (at, entry) in entries.iter().enumerate().take(range.1).skip(range.0) {
            let Step { state, cost, .. } = entry.step;
            if cost == f32::INFINITY {
                continue;
            }
            let from = at as u32;
            let used = entry.used;
            match heard {
                Move::Skip(skip) => {
                    if graph.is_between_words(state) {
                        let cost = cost + skip;
                        self.offer(state, Offer { cost, from, kind: Kind::Skipped, used });
                    }
                }
                Move::Sound(sound) => {
                    let made = cost + gap(sound);
                    self.offer(state, Offer { cost: made, from, kind: Kind::Made, used });
                    for arc in graph.arcs(state) {
                        if let Label::Sound(said) = arc.label {
                            let cost = cost + swap(said, sound);
                            self.offer(arc.to, Offer { cost, from, kind: Kind::Said, used });
                        }
                    }
                }
            }
        }
    }

    /// Moves every path on by what needs no sound, in the order of states, and keeps what is within the beam.
    fn settle(&mut self, graph: &Graph, node: u32, beam: f32, entries: &mut Vec<Entry>) {
        let best = self.best;
        for block in 0..self.offered.len() {
            while self.offered[block] != 0 {
                let bit = self.offered[block].trailing_zeros();
                self.offered[block] &= !(1 << bit);
                let at = block * 64 + bit as usize;
                let Offer { cost, from, kind, used } = self.offers[at];
                if cost > best + beam {
                    continue;
                }
                let state = self.states.0 + at as u32;
                let index = entries.len() as u32;
                entries.push(Entry { step: Step { node, state, cost, kind }, from, used });
                for arc in graph.arcs(state) {
                    let (cost, kind, used) = match arc.label {
                        Label::Free(free) => (cost + free, Kind::Free, used),
                        Label::Sound(said) if cost + gap(said) <= best + MISSED_BEAM.min(beam) => {
                            (cost + gap(said), Kind::Missed, used)
                        }
                        Label::Sound(_) => continue,
                        Label::Mark(Mark::Once(bit)) if used & (1 << bit) != 0 => continue,
                        Label::Mark(Mark::Once(bit)) => {
                            (cost, Kind::Mark(Mark::Once(bit)), used | (1 << bit))
                        }
                        Label::Mark(mark @ Mark::Piece(_)) => {
                            (cost + PIECE, Kind::Mark(mark), used)
                        }
                        Label::Mark(mark) => (cost, Kind::Mark(mark), used),
                    };
                    self.offer(arc.to, Offer { cost, from: index, kind, used });
                }
            }
        }
        self.best = f32::INFINITY;
    }
}
