//! The words and phrases of a domain by themselves, for recognisers that lean towards what may be said.

use std::collections::HashSet;

use super::domain::{Choice, Domain, SlotKind};
use super::pattern::{self, Piece};

impl Domain {
    /// Runs of words that stand together in patterns, and every value of every slot, each once. A pattern that
    /// cannot be read has none.
    #[must_use]
    pub fn hints(&self) -> Vec<String> {
        let mut hints = Hints::default();
        for text in self.intents.iter().flat_map(|intent| &intent.patterns) {
            if let Ok(piece) = pattern::parse(text) {
                hints.piece(&piece);
                hints.end_run();
            }
        }
        for kind in self.slots.values() {
            if let SlotKind::Values(choices) | SlotKind::People(choices) = kind {
                choices.iter().for_each(|choice| hints.choice(choice));
            }
        }
        hints.list
    }
}

#[derive(Default)]
struct Hints {
    list: Vec<String>,
    known: HashSet<String>,
    run: Vec<String>,
}

impl Hints {
    fn piece(&mut self, piece: &Piece) {
        match piece {
            Piece::Word(word) => self.run.push(word.clone()),
            Piece::Slot(_) => self.end_run(),
            Piece::All(pieces) => pieces.iter().for_each(|piece| self.piece(piece)),
            Piece::One(pieces) | Piece::Any(pieces) => self.apart(pieces),
            Piece::Maybe(piece) => self.apart(std::slice::from_ref(piece)),
        }
    }

    fn apart(&mut self, pieces: &[Piece]) {
        self.end_run();
        for piece in pieces {
            self.piece(piece);
            self.end_run();
        }
    }

    fn end_run(&mut self) {
        let run = std::mem::take(&mut self.run).join(" ");
        self.add(run);
    }

    fn choice(&mut self, choice: &Choice) {
        self.add(choice.value.clone());
        choice.also.iter().for_each(|also| self.add(also.clone()));
    }

    fn add(&mut self, phrase: String) {
        if !phrase.trim().is_empty() && self.known.insert(phrase.clone()) {
            self.list.push(phrase);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::IntentPatterns;
    use super::*;

    #[test]
    fn runs_of_words_and_values_are_hints() {
        let domain = Domain {
            intents: vec![IntentPatterns {
                name: "order".into(),
                patterns: vec!["[can i have|get me] a [{size}] cup of {drink} to go".into()],
            }],
            slots: [
                ("size".into(), SlotKind::Values(vec!["small".into(), "large".into()])),
                ("drink".into(), SlotKind::Values(vec!["iced tea".into()])),
                ("nights".into(), SlotKind::Number),
            ]
            .into(),
        };
        let expected =
            ["can i have", "get me", "a", "cup of", "to go", "iced tea", "small", "large"];
        assert_eq!(domain.hints(), expected);
    }
}
