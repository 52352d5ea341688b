//! What may be said, word by word, for a recognizer that can hold what it hears against it.

/// Sentences as steps between places: every way from place 0 to an end is one. Steps may lead back to where they
/// began, and so be taken again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Script {
    places: Vec<Place>,
}

#[derive(Debug, Clone, Default, PartialEq)]
struct Place {
    steps: Vec<(u32, Step)>,
    is_end: bool,
}

/// What leads from one place to another.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// One word, in each way in which it may be written.
    Say(Vec<String>),
    /// Nothing.
    Silent,
    /// Nothing; of the steps with the same number, 0 to 31, only one may be taken in a sentence.
    Once(u8),
}

/// How far a sentence has come: where it is, and which numbered steps it has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub(crate) struct Spot {
    place: u32,
    taken: u32,
}

impl Script {
    /// A script of `steps` (from, to, what is said between) and the places where sentences end.
    #[must_use]
    pub fn new(steps: impl IntoIterator<Item = (u32, u32, Step)>, ends: &[u32]) -> Self {
        let mut script = Self::default();
        for (from, to, step) in steps {
            script.place(to);
            script.place(from).steps.push((to, step));
        }
        for end in ends {
            script.place(*end).is_end = true;
        }
        script
    }

    fn place(&mut self, number: u32) -> &mut Place {
        let number = number as usize;
        if number >= self.places.len() {
            self.places.resize(number + 1, Place::default());
        }
        &mut self.places[number]
    }

    /// The words that may come next at a spot, each with the spot that it leads to; and whether the sentence may
    /// end there.
    pub(crate) fn next(&self, from: Spot) -> (Vec<(&[String], Spot)>, bool) {
        let (mut words, mut ends) = (Vec::new(), false);
        let mut seen = std::collections::HashSet::from([from]);
        let mut open = vec![from];
        while let Some(spot) = open.pop() {
            let Some(place) = self.places.get(spot.place as usize) else { continue };
            ends |= place.is_end;
            for (to, step) in &place.steps {
                let there = Spot { place: *to, ..spot };
                let silent = match step {
                    Step::Say(ways) => {
                        words.push((ways.as_slice(), there));
                        continue;
                    }
                    Step::Silent => there,
                    Step::Once(number) => {
                        let bit = 1_u32.checked_shl(u32::from(*number)).unwrap_or(0);
                        if spot.taken & bit != 0 {
                            continue;
                        }
                        Spot { taken: spot.taken | bit, ..there }
                    }
                };
                if seen.insert(silent) {
                    open.push(silent);
                }
            }
        }
        (words, ends)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn say(word: &str) -> Step {
        Step::Say(vec![word.to_owned()])
    }

    #[test]
    fn words_come_next_past_silent_steps_and_numbered_ones_once() {
        let script = Script::new(
            [
                (0, 1, Step::Once(0)),
                (0, 2, Step::Once(1)),
                (1, 0, say("red")),
                (2, 0, say("round")),
                (0, 3, Step::Silent),
                (3, 4, say("apple")),
            ],
            &[4],
        );
        let words = |spot| -> Vec<String> {
            let mut words: Vec<String> =
                script.next(spot).0.iter().map(|(ways, _)| ways[0].clone()).collect();
            words.sort();
            words
        };
        let start = Spot::default();
        assert_eq!(words(start), ["apple", "red", "round"]);
        let after = |word: &str| {
            let (next, _) = script.next(start);
            next.iter().find(|(ways, _)| ways[0] == word).map(|(_, spot)| *spot).unwrap()
        };
        assert_eq!(words(after("red")), ["apple", "round"]);
        assert!(!script.next(start).1 && script.next(after("apple")).1);
    }
}
