//! What may be said, word by word: for a recogniser that can hold what it hears against it.

use std::collections::HashSet;

use super::Grammar;
use super::graph::{Graph, Label, Mark, State};
use crate::numerals;

/// A [`Grammar`] as words between places: every way from place 0 to one of the ends is a sentence that fits one
/// of the patterns, perhaps with a word of politeness before it or behind it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Script {
    /// From, to, and what is said between them.
    pub steps: Vec<(u32, u32, Step)>,
    /// Where sentences end.
    pub ends: Vec<u32>,
}

/// What leads from one place to the next.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// A word, in each way in which it may be written: "eight" or "8".
    Say(Vec<String>),
    /// Nothing.
    Silent,
    /// Nothing; but of the steps with the same number, 0 to 31, only one may be taken in a sentence.
    Once(u8),
}

impl Grammar {
    /// What may be said, word by word.
    #[must_use]
    pub fn script(&self) -> Script {
        let mut steps: Vec<(u32, u32, Step)> = Vec::new();
        let mut spoken = HashSet::new();
        for (from, to, word) in &self.graph.words {
            spoken.insert((*from, *to));
            steps.push((*from, *to, Step::Say(ways_to_write(word))));
        }
        for (from, arc) in self.graph.silent_arcs() {
            // The matcher lets a little word be missing, since it may not have been heard; here it is the
            // sound that is asked.
            if spoken.contains(&(from, arc.to)) {
                continue;
            }
            let step = match arc.label {
                Label::Mark(Mark::Once(number)) => Step::Once(number),
                _ => Step::Silent,
            };
            steps.push((from, arc.to, step));
        }
        let mut ends: Vec<State> = self.graph.ends.keys().copied().collect();
        ends.sort_unstable();
        let mut polite = |at: State, words: &[&str]| {
            steps.extend(words.iter().map(|word| (at, at, Step::Say(vec![(*word).to_owned()]))));
        };
        polite(Graph::START, &BEFORE);
        ends.iter().for_each(|end| polite(*end, &BEHIND));
        Script { steps, ends }
    }
}

const BEFORE: [&str; 12] =
    ["um", "uh", "hi", "hello", "hey", "yes", "yeah", "okay", "so", "well", "please", "and"];
const BEHIND: [&str; 3] = ["please", "thanks", "um"];

/// A word as it is, and a number also in digits.
fn ways_to_write(word: &str) -> Vec<String> {
    let mut ways = vec![word.to_owned()];
    ways.extend(numerals::value([word]).map(|number| number.to_string()));
    ways
}

#[cfg(test)]
mod tests {
    use super::super::{Domain, IntentPatterns, SlotKind};
    use super::*;

    /// Every sentence of a script without its polite words, found by walking it.
    fn sentences(script: &Script) -> HashSet<String> {
        let mut found = HashSet::new();
        let mut open = vec![(Graph::START, String::new(), 0_u32)];
        while let Some((at, said, used)) = open.pop() {
            if script.ends.contains(&at) {
                found.insert(said.clone());
            }
            for (_, to, step) in
                script.steps.iter().filter(|(from, to, _)| *from == at && to != from)
            {
                match step {
                    Step::Say(ways) => {
                        open.push((*to, format!("{said} {}", ways[0]).trim().to_owned(), used));
                    }
                    Step::Silent => open.push((*to, said.clone(), used)),
                    Step::Once(bit) if used & (1 << bit) == 0 => {
                        open.push((*to, said.clone(), used | (1 << bit)));
                    }
                    Step::Once(_) => {}
                }
            }
        }
        found
    }

    #[test]
    fn a_script_says_what_the_patterns_say() {
        let values = |values: &[&str]| {
            SlotKind::Values(values.iter().map(|value| (*value).into()).collect())
        };
        let domain = Domain {
            intents: vec![IntentPatterns {
                name: "order".into(),
                patterns: vec!["(bring|make) [{size}; {roast}] coffee".into()],
            }],
            slots: [
                ("size".into(), values(&["eight ounce", "large"])),
                ("roast".into(), values(&["dark"])),
            ]
            .into(),
        };
        let script = Grammar::build(&domain).unwrap().script();
        let said = sentences(&script);
        for sentence in [
            "bring coffee",
            "make large coffee",
            "make eight ounce dark coffee",
            "bring dark eight ounce coffee",
        ] {
            assert!(said.contains(sentence), "{sentence}: {said:?}");
        }
        assert_eq!(said.len(), 2 * (1 + 2 + 1 + 2 + 2), "{said:?}");
        let digits = |(_, _, step): &(u32, u32, Step)| matches!(step, Step::Say(ways) if ways == &["eight".to_owned(), "8".to_owned()]);
        assert!(script.steps.iter().any(digits));
    }

    #[test]
    fn values_that_nobody_can_list_are_in_the_script() {
        let domain = Domain {
            intents: vec![IntentPatterns { name: "it".into(), patterns: vec!["at {hour}".into()] }],
            slots: [("hour".into(), SlotKind::Time)].into(),
        };
        let script = Grammar::build(&domain).unwrap().script();
        let word = |said: &str| {
            script.steps.iter().any(|(_, _, step)| {
                matches!(step, Step::Say(ways) if ways.iter().any(|way| way == said))
            })
        };
        assert!(word("half") && word("past") && word("seven") && word("7"));
    }
}
