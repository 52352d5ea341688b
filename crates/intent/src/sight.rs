//! What a model looks at, and phrases with that worked out.

use std::cell::RefCell;
use std::collections::HashMap;

use crate::features::{Feature, features};

/// What a model looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sees {
    /// Words, their pieces and their sound.
    Words,
    /// Embeddings.
    Meaning,
    /// All of these.
    Both,
}

/// A phrase with its features worked out.
#[derive(Clone, Debug)]
pub(crate) struct Prepared {
    pub(crate) words: Vec<String>,
    pub(crate) features: Vec<Feature>,
    /// Empty if the model does not look at it.
    pub(crate) embedding: Vec<f32>,
}

/// Makes the embedding of a text.
type Embed<'e> = dyn FnMut(&str) -> Vec<f32> + 'e;

/// Works out what a model sees of a phrase.
pub(crate) struct Sight<'e> {
    sees: Sees,
    embed: RefCell<&'e mut Embed<'e>>,
    known: RefCell<HashMap<String, Vec<f32>>>,
}

impl<'e> Sight<'e> {
    pub(crate) fn new(sees: Sees, embed: &'e mut Embed<'e>) -> Sight<'e> {
        Sight { sees, embed: RefCell::new(embed), known: RefCell::default() }
    }

    pub(crate) fn sees(&self) -> Sees {
        self.sees
    }

    /// What is seen of `text`, whose words are `words`.
    pub(crate) fn of(&self, text: &str, words: &[String]) -> Prepared {
        let embedding = match self.sees {
            Sees::Words => Vec::new(),
            Sees::Meaning | Sees::Both => self.embedding(text),
        };
        Prepared { words: words.to_vec(), features: seen(self.sees, words), embedding }
    }

    /// What is seen of words without a text of their own.
    pub(crate) fn of_words(&self, words: &[String]) -> Prepared {
        match self.sees {
            Sees::Words => self.of("", words),
            Sees::Meaning | Sees::Both => self.of(&words.join(" "), words),
        }
    }

    fn embedding(&self, text: &str) -> Vec<f32> {
        let mut known = self.known.borrow_mut();
        if let Some(embedding) = known.get(text) {
            return embedding.clone();
        }
        let embedding = (self.embed.borrow_mut())(text);
        known.insert(text.to_owned(), embedding.clone());
        embedding
    }
}

/// The features that a model looks at.
pub(crate) fn seen(sees: Sees, words: &[String]) -> Vec<Feature> {
    match sees {
        Sees::Meaning => Vec::new(),
        Sees::Words | Sees::Both => features(words),
    }
}
