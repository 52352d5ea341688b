//! From the cheapest path to what it means.

use std::collections::HashMap;
use std::ops::Range;

use super::align::{Kind, Limits, Paths, Step};
use super::confidence::{Evidence, shares};
use super::graph::{Graph, Label, Mark, Place};
use super::heard::{Heard, Weight};
use super::{Grammar, SlotKind, spoken_values};

/// What a caller meant.
#[derive(Clone, Debug, PartialEq)]
pub struct Understood {
    /// The intent's name.
    pub intent: String,
    /// The slots that were said, in the order in which they were.
    pub slots: Vec<Slot>,
    /// How likely it is that the caller said this and nothing else, 0 to 1.
    pub confidence: f32,
    /// What the sounds cost that were taken for others, missed, made up or passed over; a unit is about one
    /// wrong sound.
    pub cost: f32,
    /// How much more the cheapest other intent costs.
    pub margin: f32,
}

/// A slot that was said.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Its value, in the domain's words.
    pub value: String,
    /// How likely it is that this value was said, rather than another or none, 0 to 1.
    pub confidence: f32,
    /// The next likely values and their probabilities, the likeliest first; at most three.
    pub others: Vec<(String, f32)>,
    /// Which words it was heard in: indices into the text divided at spaces.
    pub words: Range<usize>,
}

impl Understood {
    /// The value of a slot, if it was said.
    #[must_use]
    pub fn slot(&self, name: &str) -> Option<&str> {
        self.slots.iter().find(|slot| slot.name == name).map(|slot| slot.value.as_str())
    }
}

pub(super) fn understand(grammar: &Grammar, heard: &Heard, paths: &Paths) -> Option<Understood> {
    let mut best: Vec<(u32, Step, u32)> = Vec::new();
    for (step, index) in paths.ends() {
        let Some(&intent) = grammar.graph.ends.get(&step.state) else { continue };
        match best.iter_mut().find(|(known, ..)| *known == intent) {
            Some(known) if step.cost < known.1.cost => *known = (intent, step, index),
            Some(_) => {}
            None => best.push((intent, step, index)),
        }
    }
    best.sort_by(|a, b| a.1.cost.total_cmp(&b.1.cost));
    let &(intent, end, index) = best.first()?;
    let margin = best.get(1).map_or(super::BEAM, |(_, next, _)| next.cost - end.cost);
    let trace = paths.trace(index);
    let slots = slots(grammar, heard, &trace)?;
    let evidence = weigh(grammar, heard, &trace);
    let weakest = slots.iter().map(|slot| slot.confidence).fold(1.0, f32::min);
    Some(Understood {
        intent: grammar.intents[intent as usize].clone(),
        confidence: evidence.confidence(grammar.setting) * shares(&[0.0, margin])[0] * weakest,
        slots,
        cost: end.cost,
        margin,
    })
}

/// Counts what was heard as said, and what was not.
fn weigh(grammar: &Grammar, heard: &Heard, trace: &[Step]) -> Evidence {
    let mut evidence = Evidence::default();
    let mut slot: Option<&SlotKind> = None;
    let mut before = 0.0;
    for step in trace {
        let token = heard.token(step.node).map(|(_, token)| token);
        let weight = token.map_or(Weight::Filler, |token| token.weight);
        let unlisted =
            slot.is_some_and(|kind| !matches!(kind, SlotKind::Values(_) | SlotKind::People(_)));
        let paid = step.cost - before;
        before = step.cost;
        match step.kind {
            Kind::Mark(Mark::Enter(place)) => {
                let place = grammar.graph.places[place as usize];
                slot = Some(&grammar.slots[place.slot as usize].1);
            }
            Kind::Mark(Mark::Leave(_)) => slot = None,
            Kind::Skipped => {
                let sounds = token.map_or(0, |token| token.sounds) as f32;
                match weight {
                    Weight::Filler => {}
                    Weight::Common => evidence.common_over += sounds,
                    Weight::Telling => evidence.telling_over += sounds,
                }
            }
            Kind::Said if slot.is_some() || weight == Weight::Telling => {
                evidence.telling += 1.0;
                evidence.mistaken += paid;
                evidence.unlisted += if unlisted { 1.0 } else { 0.0 };
            }
            Kind::Said => {
                evidence.common += 1.0;
                evidence.mistaken += paid * 0.5;
            }
            Kind::Missed | Kind::Made => evidence.mistaken += paid,
            Kind::Start | Kind::Free | Kind::Mark(_) => {}
        }
        if unlisted && !matches!(step.kind, Kind::Mark(_)) {
            evidence.unlisted_mistaken += paid;
        }
    }
    evidence
}

/// The slots along a path; none if one has an impossible value.
fn slots(grammar: &Grammar, heard: &Heard, trace: &[Step]) -> Option<Vec<Slot>> {
    let mut slots = Vec::new();
    let mut rest = trace;
    while let Some(at) =
        rest.iter().position(|step| matches!(step.kind, Kind::Mark(Mark::Enter(_))))
    {
        rest = &rest[at..];
        let leave = rest.iter().position(|step| matches!(step.kind, Kind::Mark(Mark::Leave(_))))?;
        slots.push(slot(grammar, heard, &rest[..leave])?);
        rest = &rest[leave..];
    }
    Some(slots)
}

/// The slot that a stretch of a path says.
fn slot(grammar: &Grammar, heard: &Heard, steps: &[Step]) -> Option<Slot> {
    let Some(Kind::Mark(Mark::Enter(place))) = steps.first().map(|step| step.kind) else {
        return None;
    };
    let place = grammar.graph.places[place as usize];
    let (name, kind) = &grammar.slots[place.slot as usize];
    // From its first sound that was heard to its last.
    let mut sounds = steps
        .windows(2)
        .filter(|pair| pair[1].kind == Kind::Said)
        .map(|pair| (pair[0].node, pair[1].node));
    let (begin, first) = sounds.next().unwrap_or((steps[0].node, steps[0].node));
    let end = sounds.next_back().map_or(first, |(_, node)| node);
    let word = |node: u32| heard.token(node).map_or(0, |(_, token)| token.word);
    let words = word(first)..word(end) + 1;
    let spent = steps.last().map_or(0.0, |step| step.cost) - steps[0].cost;
    let listed = steps.iter().find_map(|step| match step.kind {
        Kind::Mark(Mark::Value(value)) => Some(grammar.values[value as usize].clone()),
        _ => None,
    });
    let skipped = heard.skipped(begin..end);
    match listed {
        Some(value) => {
            let (confidence, others) = rivals(grammar, heard, place, (begin, end), &value, skipped);
            Some(Slot { name: name.clone(), value, confidence, others, words })
        }
        None => {
            let value = spoken_values::value(kind, &pieces(&grammar.graph, steps))?;
            let confidence = shares(&[spent, skipped])[0];
            Some(Slot { name: name.clone(), value, confidence, others: Vec::new(), words })
        }
    }
}

fn pieces<'g>(graph: &'g Graph, steps: &[Step]) -> Vec<&'g str> {
    let piece = |step: &Step| match step.kind {
        Kind::Mark(Mark::Piece(piece)) => Some(graph.pieces[piece as usize]),
        _ => None,
    };
    steps.iter().filter_map(piece).collect()
}

/// How sure a listed value is, among all values that the same stretch may say and to say none; and the
/// likeliest of the others.
fn rivals(
    grammar: &Grammar,
    heard: &Heard,
    place: Place,
    nodes: (u32, u32),
    value: &str,
    skipped: f32,
) -> (f32, Vec<(String, f32)>) {
    let limits = Limits { nodes, states: (place.first, place.last), beam: 3.0 };
    let paths = Paths::find(&grammar.graph, heard, limits);
    let mut costs: HashMap<&str, f32> = HashMap::new();
    for (step, _) in paths.ends() {
        if let Kind::Mark(Mark::Value(at)) = step.kind {
            // The cost of a part of a name stands behind its mark.
            let after = grammar.graph.arcs(step.state).iter().find_map(|arc| match arc.label {
                Label::Free(cost) => Some(cost),
                _ => None,
            });
            let cost = step.cost + after.unwrap_or(0.0);
            let known = costs.entry(&grammar.values[at as usize]).or_insert(cost);
            *known = known.min(cost);
        }
    }
    let own = costs.remove(value).unwrap_or(0.0);
    let mut others: Vec<(&str, f32)> = costs.into_iter().collect();
    others.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(b.0)));
    let mut costs = vec![own, skipped];
    costs.extend(others.iter().map(|(_, cost)| *cost));
    let shares = shares(&costs);
    let likely = others
        .iter()
        .zip(&shares[2..])
        .take(3)
        .filter(|(_, share)| **share > 0.01)
        .map(|((other, _), share)| ((*other).to_owned(), *share))
        .collect();
    (shares[0], likely)
}
