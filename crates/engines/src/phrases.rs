//! What a caller may say, as hints for whoever reads the audio.

use std::sync::Arc;

use crate::script::Script;

/// How strongly to lean towards a single word. Of 152 sample calls, begun at eight places of the readings' beat, 5 % took
/// 368 ms to be decided without, 314 ms with 0.5 and with 0.8, and 319 ms with 0.3.
const WORD: f32 = 0.8;

/// Words and phrases that a call's callers are likely to say: openers, slot values, names. A
/// recognizer leans towards them; it never hears them where they were not said. With a script, it also
/// says which of its sentences was most likely said. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Phrases {
    list: Arc<[Phrase]>,
    words: Arc<[Phrase]>,
    script: Option<Arc<Script>>,
}

/// One of [`Phrases`].
#[derive(Debug, Clone, PartialEq)]
pub struct Phrase {
    /// The words as they are written in the receptionist's file.
    pub text: String,
    /// How strongly to lean towards it: 1 is ordinary, 0 is not at all.
    pub weight: f32,
}

impl Phrases {
    /// All of them, in order; none at first.
    pub fn iter(&self) -> impl Iterator<Item = &Phrase> {
        self.list.iter()
    }

    /// The same phrases, with single words that callers use: what is leant towards while they still speak.
    #[must_use]
    pub fn with_words<S: Into<String>>(self, words: impl IntoIterator<Item = S>) -> Self {
        let word = |text: S| Phrase { text: text.into(), weight: WORD };
        Self { words: words.into_iter().map(word).collect(), ..self }
    }

    /// Single words that callers use.
    pub fn words(&self) -> impl Iterator<Item = &Phrase> {
        self.words.iter()
    }

    /// The same phrases, with the sentences that may be said.
    #[must_use]
    pub fn with_script(self, script: Script) -> Self {
        Self { script: Some(Arc::new(script)), ..self }
    }

    /// The sentences that may be said, if they are known.
    #[must_use]
    pub fn script(&self) -> Option<&Arc<Script>> {
        self.script.as_ref()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether both are clones of one, so that what was built from the one serves the other.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.list, &other.list) && Arc::ptr_eq(&self.words, &other.words)
    }
}

impl<S: Into<String>> FromIterator<S> for Phrases {
    fn from_iter<I: IntoIterator<Item = S>>(phrases: I) -> Self {
        let ordinary = |text: S| Phrase { text: text.into(), weight: 1.0 };
        Self { list: phrases.into_iter().map(ordinary).collect(), ..Self::default() }
    }
}
