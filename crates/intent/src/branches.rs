//! Where a sentence can still turn to another intent: "put me through to" may be followed by a colleague's name, a
//! department, or "a person".

use std::collections::HashMap;

use crate::examples::Phrase;

/// The pairs of words after which an example phrase goes on, with the intents of those phrases.
#[derive(Clone, Debug, Default)]
pub(crate) struct Branches(HashMap<(String, String), Vec<usize>>);

impl Branches {
    pub(crate) fn of(phrases: &[Phrase]) -> Branches {
        let mut branches = Branches::default();
        for phrase in phrases {
            for followed in phrase.words.windows(3) {
                let pair = (followed[0].clone(), followed[1].clone());
                let intents = branches.0.entry(pair).or_default();
                if !intents.contains(&phrase.intent) {
                    intents.push(phrase.intent);
                }
            }
        }
        branches
    }

    /// Whether the last two of `words` may go on to another intent than `intent`.
    pub(crate) fn leave(&self, words: &[String], intent: usize) -> bool {
        let [.., first, second] = words else { return false };
        let known = self.0.get(&(first.clone(), second.clone()));
        known.is_some_and(|intents| intents.iter().any(|&other| other != intent))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<String> {
        text.split(' ').map(str::to_owned).collect()
    }

    #[test]
    fn a_pair_that_goes_on_to_another_intent_is_open() {
        let phrase =
            |text: &str, intent| Phrase { text: text.to_owned(), words: words(text), intent };
        let branches = Branches::of(&[
            phrase("put me through to a person", 0),
            phrase("put me through to tom becker", 1),
            phrase("my account is locked", 2),
        ]);
        assert!(branches.leave(&words("please put me through to"), 0));
        assert!(!branches.leave(&words("put me through to a person"), 0));
        assert!(!branches.leave(&words("my account"), 2));
        assert!(branches.leave(&words("my account"), 0));
        assert!(!branches.leave(&words("to"), 0));
    }
}
