//! What the model looks at in a phrase: words, pairs of words, pieces of words, and their sound.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use crate::sound_key;

/// One thing seen in a phrase, by the hash of its letters and kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Feature {
    hash: u64,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Word,
    /// Two neighbours written together, in one space with the words: so "pass word" meets "password".
    Pair,
    /// Three or four neighbouring letters of a word, its ends marked.
    Piece,
    /// The sound key of a word, or of two neighbours together: so "lab top" meets "laptop".
    Sound,
}

impl Kind {
    /// How much a feature of this kind says beside a word of the same rarity. The accuracy is flat
    /// around these values: half or twice as much changes it by less than a point.
    fn scale(self) -> f32 {
        match self {
            Kind::Word => 1.0,
            Kind::Pair => 0.7,
            Kind::Piece => 0.4,
            Kind::Sound => 0.8,
        }
    }
}

/// The features of a phrase, each once, in a fixed order.
pub(crate) fn features(words: &[String]) -> Vec<Feature> {
    let mut found = Vec::with_capacity(words.len() * 12);
    let mut letters = Vec::new();
    for (at, word) in words.iter().enumerate() {
        found.push(Feature { hash: hash(0, word.chars()), kind: Kind::Word });
        if let Some(next) = words.get(at + 1) {
            let together = [word.as_str(), next.as_str()].concat();
            found.push(Feature { hash: hash(0, together.chars()), kind: Kind::Pair });
            found.extend(sound_of(&together));
        }
        found.extend(sound_of(word));
        letters.clear();
        letters.extend(['^'].into_iter().chain(word.chars()).chain(['$']));
        if letters.len() >= SHORTEST_IN_PIECES + 2 {
            for piece in letters.windows(3).chain(letters.windows(4)) {
                let hash = hash(1, piece.iter().copied());
                found.push(Feature { hash, kind: Kind::Piece });
            }
        }
    }
    found.sort_unstable();
    found.dedup_by_key(|feature| feature.hash);
    found
}

fn sound_of(word: &str) -> Option<Feature> {
    let key = sound_key::key(word);
    let hash = hash(2, key.chars());
    (key.len() >= SHORTEST_KEY).then_some(Feature { hash, kind: Kind::Sound })
}

/// Letters in the shortest word that is looked at in pieces.
const SHORTEST_IN_PIECES: usize = 3;
/// Sounds in the shortest key that tells words apart.
const SHORTEST_KEY: usize = 2;

/// FNV-1a over characters: the same in every run and on every machine, which the standard library
/// does not promise of its own.
fn hash(space: u64, letters: impl Iterator<Item = char>) -> u64 {
    letters.fold(0xcbf2_9ce4_8422_2325 ^ space, |hash, letter| {
        (hash ^ u64::from(u32::from(letter))).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A phrase as numbers: the features that training knew, and their weights.
pub(crate) type Vector = Vec<(u32, f32)>;

/// The features that training saw, numbered, with the weight of each.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    index: HashMap<u64, u32, BuildHasherDefault<AlreadyHashed>>,
    weights: Vec<f32>,
}

impl Space {
    /// Numbers the features of `documents`. A feature weighs more the rarer it is (inverse document
    /// frequency), so that the words of openers say next to nothing.
    pub(crate) fn of<'a>(documents: impl Iterator<Item = &'a [Feature]>) -> Space {
        let mut index: HashMap<u64, u32, BuildHasherDefault<AlreadyHashed>> = HashMap::default();
        let mut seen: Vec<(Kind, f32)> = Vec::new();
        let mut total = 0.0;
        for document in documents {
            total += 1.0;
            for feature in document {
                let number = *index.entry(feature.hash).or_insert_with(|| {
                    seen.push((feature.kind, 0.0));
                    u32::try_from(seen.len() - 1).expect("examples hold fewer than 2^32 features")
                });
                seen[number as usize].1 += 1.0;
            }
        }
        let weight = |&(kind, count): &(Kind, f32)| {
            kind.scale() * ((total + 1.0) / (count + 0.5)).ln().max(0.0)
        };
        Space { index, weights: seen.iter().map(weight).collect() }
    }

    /// How many features it numbers.
    pub(crate) fn len(&self) -> usize {
        self.weights.len()
    }

    /// A phrase in this space. Its length is brought near one, but a long phrase keeps the whole weight
    /// of its telling words: a caller who goes on talking does not take back what was said.
    pub(crate) fn vector(&self, features: &[Feature]) -> Vector {
        let mut vector: Vector = features
            .iter()
            .filter_map(|feature| self.index.get(&feature.hash))
            .map(|&number| (number, self.weights[number as usize]))
            .collect();
        let length = vector.iter().map(|(_, weight)| weight * weight).sum::<f32>().sqrt();
        let unit = length.clamp(UNIT.0, UNIT.1);
        for (_, weight) in &mut vector {
            *weight /= unit;
        }
        vector
    }
}

/// What a phrase's length is divided by: itself, but no less and no more than these. Phrases of
/// some six words are between them.
const UNIT: (f32, f32) = (16.0, 20.0);

/// Passes on what is a hash already.
#[derive(Clone, Debug, Default)]
struct AlreadyHashed(u64);

impl Hasher for AlreadyHashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::words;

    fn of(text: &str) -> Vec<Feature> {
        features(&words(text))
    }

    fn shared(one: &str, other: &str) -> Vec<Kind> {
        let other = of(other);
        let same = |f: &&Feature| other.iter().any(|o| o.hash == f.hash);
        of(one).iter().filter(same).map(|f| f.kind).collect()
    }

    #[test]
    fn a_split_word_meets_the_whole_one() {
        assert!(shared("password", "my pass word").contains(&Kind::Word));
        assert!(shared("lap top", "laptop").contains(&Kind::Pair));
    }

    #[test]
    fn misheard_words_share_sound_or_pieces() {
        assert_eq!(shared("lopez", "lopes").iter().filter(|&&k| k == Kind::Sound).count(), 1);
        assert!(shared("forgot", "forgotten").contains(&Kind::Piece));
        assert!(shared("billing", "umbrella").iter().all(|&k| k == Kind::Piece));
    }

    #[test]
    fn a_feature_counts_once_and_rare_ones_weigh_more() {
        assert_eq!(of("go go gadget go").len(), of("go gadget go").len());
        assert_eq!(of("gadget go gadget go").len(), of("go gadget go").len());
        let documents = [of("reset my password"), of("my laptop"), of("my bill")];
        let space = Space::of(documents.iter().map(Vec::as_slice));
        let weight = |word| space.vector(&of(word))[0].1;
        assert!(weight("password") > 2.0 * weight("my"));
        assert!(space.vector(&of("zzz")).is_empty());
    }
}
