//! What a model learns from, and what can be wrong with it.

use std::collections::HashMap;

use crate::text::words;

/// The intents that a caller may have, each with phrases that express it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Examples {
    /// In the order in which [`IntentId`](crate::IntentId) numbers them.
    pub intents: Vec<IntentExamples>,
    /// What callers say that is none of the intents, where that is known; it may be empty.
    pub others: Vec<String>,
}

/// One intent: its name, some phrases that express it, and words that decide by themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntentExamples {
    /// Unique among the intents.
    pub name: String,
    /// What a caller may say, in their words; eight to fourteen phrases of varied wording do well.
    pub phrases: Vec<String>,
    /// Words or phrases that decide by themselves when said in full, such as "operator". One that
    /// was said adds a fixed weight to the intent's log-odds (see [`Model::rank`](crate::Model::rank)).
    pub keywords: Vec<String>,
}

/// Why nothing could be learned from some [`Examples`]. Phrases and keywords are compared as words:
/// casing, punctuation, fillers ("um") and the spelling of contractions do not count.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LearnError {
    /// The list of intents is empty.
    #[error("there is no intent to learn: add at least one, with a few phrases a caller may say")]
    NoIntents,
    /// An intent's name is empty.
    #[error("intent number {position} has no name: give it one")]
    NoName {
        /// Counted from 1.
        position: usize,
    },
    /// Two intents have the same name.
    #[error("two intents are named `{name}`: rename one, or join their phrases")]
    DuplicateName {
        /// The name of both.
        name: String,
    },
    /// An intent has no phrases.
    #[error("intent `{intent}` has no phrases: add some that a caller may say")]
    NoPhrases {
        /// Its name.
        intent: String,
    },
    /// A phrase or keyword holds no word.
    #[error("intent `{intent}`: there is no word in \"{phrase}\": write what a caller may say")]
    NoWords {
        /// The intent it stands under.
        intent: String,
        /// The phrase or keyword as given.
        phrase: String,
    },
    /// The same phrase, or the same keyword, stands under two intents.
    #[error("\"{phrase}\" stands under both `{first}` and `{second}`: keep it in one of them")]
    SharedPhrase {
        /// The phrase or keyword as given under the second intent.
        phrase: String,
        /// The intent that has it first.
        first: String,
        /// The intent that has it again.
        second: String,
    },
}

/// A phrase or keyword as words, with the number of its intent.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    pub(crate) text: String,
    pub(crate) words: Vec<String>,
    pub(crate) intent: usize,
}

impl Examples {
    /// These examples with one more intent, without keywords.
    #[must_use]
    pub fn with(mut self, name: &str, phrases: &[&str]) -> Examples {
        let phrases = phrases.iter().map(|&phrase| phrase.to_owned()).collect();
        self.intents.push(IntentExamples { name: name.to_owned(), phrases, keywords: Vec::new() });
        self
    }

    /// Takes out what cannot be learned from a corpus that nobody wrote with care: phrases without a
    /// word, those that stand under an earlier intent as well, and intents that are left with none. Says
    /// how many phrases that were.
    pub fn settle(&mut self) -> usize {
        let mut owner: HashMap<Vec<String>, usize> = HashMap::new();
        let mut dropped = 0;
        for (at, intent) in self.intents.iter_mut().enumerate() {
            intent.phrases.retain(|phrase| {
                let words = words(phrase);
                let keep = !words.is_empty() && *owner.entry(words).or_insert(at) == at;
                dropped += usize::from(!keep);
                keep
            });
        }
        self.intents.retain(|intent| !intent.phrases.is_empty());
        dropped
    }

    /// The phrases and the keywords as words, once nothing is wrong with them.
    pub(crate) fn check(&self) -> Result<(Vec<Phrase>, Vec<Phrase>), LearnError> {
        if self.intents.is_empty() {
            return Err(LearnError::NoIntents);
        }
        for (at, intent) in self.intents.iter().enumerate() {
            if intent.name.trim().is_empty() {
                return Err(LearnError::NoName { position: at + 1 });
            }
            if self.intents[..at].iter().any(|earlier| earlier.name == intent.name) {
                return Err(LearnError::DuplicateName { name: intent.name.clone() });
            }
            if intent.phrases.is_empty() {
                return Err(LearnError::NoPhrases { intent: intent.name.clone() });
            }
        }
        Ok((self.distinct(|intent| &intent.phrases)?, self.distinct(|intent| &intent.keywords)?))
    }

    /// The chosen texts of every intent as words, each once.
    fn distinct(
        &self,
        texts: fn(&IntentExamples) -> &Vec<String>,
    ) -> Result<Vec<Phrase>, LearnError> {
        let mut owner: HashMap<Vec<String>, usize> = HashMap::new();
        let mut distinct = Vec::new();
        for (at, intent) in self.intents.iter().enumerate() {
            for text in texts(intent) {
                let words = words(text);
                if words.is_empty() {
                    let (intent, phrase) = (intent.name.clone(), text.clone());
                    return Err(LearnError::NoWords { intent, phrase });
                }
                match owner.insert(words.clone(), at) {
                    None => distinct.push(Phrase { text: text.clone(), words, intent: at }),
                    Some(first) if first == at => {}
                    Some(first) => {
                        return Err(LearnError::SharedPhrase {
                            phrase: text.clone(),
                            first: self.intents[first].name.clone(),
                            second: intent.name.clone(),
                        });
                    }
                }
            }
        }
        Ok(distinct)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistake(examples: &Examples) -> String {
        examples.check().unwrap_err().to_string()
    }

    #[test]
    fn every_mistake_is_named_with_its_place() {
        let good = Examples::default().with("sales", &["buy something"]);
        assert!(mistake(&Examples::default()).contains("no intent"));
        assert!(mistake(&good.clone().with(" ", &["a"])).contains("number 2 has no name"));
        assert!(mistake(&good.clone().with("sales", &["a"])).contains("named `sales`"));
        assert!(mistake(&good.clone().with("empty", &[])).contains("`empty` has no phrases"));
        assert!(mistake(&good.clone().with("odd", &["um ..."])).contains("no word in \"um ...\""));
        assert_eq!(
            mistake(&good.with("shop", &["Buy, um, something!"])),
            "\"Buy, um, something!\" stands under both `sales` and `shop`: keep it in one of them"
        );
    }

    #[test]
    fn a_keyword_belongs_to_one_intent() {
        let mut examples = Examples::default().with("a", &["one thing"]).with("b", &["another"]);
        examples.intents[0].keywords = vec!["operator".into()];
        examples.intents[1].keywords = vec!["Operator".into()];
        assert!(matches!(examples.check(), Err(LearnError::SharedPhrase { .. })));
    }

    #[test]
    fn a_phrase_said_twice_in_one_intent_counts_once() {
        let examples = Examples::default().with("a", &["hello there", "Hello, there!"]);
        assert_eq!(examples.check().unwrap().0.len(), 1);
    }
}
