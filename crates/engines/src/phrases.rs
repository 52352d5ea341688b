//! What a caller may say, as hints for whoever reads the audio.

use std::sync::Arc;

/// Words and phrases that a call's callers are likely to say: openers, slot values, names. A
/// recognizer leans towards them; it never hears them where they were not said. Cheap to clone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Phrases(Arc<[Phrase]>);

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
        self.0.iter()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether both are clones of one, so that what was built from the one serves the other.
    #[must_use]
    pub fn same(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl<S: Into<String>> FromIterator<S> for Phrases {
    fn from_iter<I: IntoIterator<Item = S>>(phrases: I) -> Self {
        let ordinary = |text: S| Phrase { text: text.into(), weight: 1.0 };
        Self(phrases.into_iter().map(ordinary).collect())
    }
}
