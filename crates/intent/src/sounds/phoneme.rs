//! The sounds of American English, and what the mouth does for each.

use std::fmt;

/// One sound: a phoneme of ARPAbet, without stress.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Phoneme(pub(super) u8);

/// How many there are.
pub(super) const COUNT: usize = 39;

/// How a sound is made, as far as it decides what it is taken for.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Making {
    Vowel(Vowel),
    Consonant(Consonant),
}

/// Where a vowel is spoken, and where it goes.
#[derive(Clone, Copy, PartialEq)]
pub(super) struct Vowel {
    /// 0 for a closed mouth ("ee"), 1 for an open one ("ah").
    pub(super) open: f32,
    /// 0 for the front of the mouth, 1 for its back.
    pub(super) back: f32,
    pub(super) end: End,
}

/// What a vowel ends in.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum End {
    Steady,
    /// Towards "ee", as in "buy".
    Front,
    /// Towards "oo", as in "bow".
    Back,
    /// With the tongue of an r, as in "bird".
    R,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) struct Consonant {
    /// 0 for the lips to 5 for the throat.
    pub(super) place: f32,
    pub(super) manner: Manner,
    pub(super) voiced: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Manner {
    Stop,
    Affricate,
    /// A fricative that hisses: most of it is above what a telephone carries.
    Sibilant,
    /// A weak fricative.
    Breath,
    Nasal,
    Liquid,
    Glide,
}

/// Name, one-letter name and making of every sound.
#[rustfmt::skip]
const TABLE: [(&str, u8, Making); COUNT] = {
    use End::{Back, Front, R, Steady};
    use Manner::{Affricate, Breath, Glide, Liquid, Nasal, Sibilant, Stop};
    const fn v(open: f32, back: f32, end: End) -> Making {
        Making::Vowel(Vowel { open, back, end })
    }
    const fn c(place: f32, manner: Manner, voiced: bool) -> Making {
        Making::Consonant(Consonant { place, manner, voiced })
    }
    [
        ("AA", b'a', v(1.0, 0.75, Steady)), ("AE", b'@', v(0.85, 0.1, Steady)),
        ("AH", b'A', v(0.6, 0.55, Steady)), ("AO", b'c', v(0.8, 0.95, Steady)),
        ("AW", b'W', v(0.9, 0.5, Back)),    ("AY", b'Y', v(0.9, 0.5, Front)),
        ("EH", b'E', v(0.55, 0.15, Steady)), ("ER", b'R', v(0.5, 0.5, R)),
        ("EY", b'e', v(0.4, 0.05, Front)),  ("IH", b'I', v(0.25, 0.15, Steady)),
        ("IY", b'i', v(0.0, 0.0, Steady)),  ("OW", b'o', v(0.5, 0.95, Back)),
        ("OY", b'O', v(0.6, 0.95, Front)),  ("UH", b'U', v(0.25, 0.8, Steady)),
        ("UW", b'u', v(0.0, 0.9, Steady)),
        ("B", b'b', c(0.0, Stop, true)),    ("CH", b'C', c(2.5, Affricate, false)),
        ("D", b'd', c(2.0, Stop, true)),    ("DH", b'D', c(1.0, Breath, true)),
        ("F", b'f', c(0.5, Breath, false)), ("G", b'g', c(4.0, Stop, true)),
        ("HH", b'h', c(5.0, Breath, false)), ("JH", b'J', c(2.5, Affricate, true)),
        ("K", b'k', c(4.0, Stop, false)),   ("L", b'l', c(2.0, Liquid, true)),
        ("M", b'm', c(0.0, Nasal, true)),   ("N", b'n', c(2.0, Nasal, true)),
        ("NG", b'G', c(4.0, Nasal, true)),  ("P", b'p', c(0.0, Stop, false)),
        ("R", b'r', c(2.5, Liquid, true)),  ("S", b's', c(2.0, Sibilant, false)),
        ("SH", b'S', c(2.5, Sibilant, false)), ("T", b't', c(2.0, Stop, false)),
        ("TH", b'T', c(1.0, Breath, false)), ("V", b'v', c(0.5, Breath, true)),
        ("W", b'w', c(0.5, Glide, true)),   ("Y", b'y', c(3.0, Glide, true)),
        ("Z", b'z', c(2.0, Sibilant, true)), ("ZH", b'Z', c(2.5, Sibilant, true)),
    ]
};

impl Phoneme {
    /// Its name in ARPAbet, such as "AE".
    #[must_use]
    pub fn name(self) -> &'static str {
        TABLE[usize::from(self.0)].0
    }

    /// The sound of a letter in the one-letter form of ARPAbet.
    pub(super) fn of_letter(letter: u8) -> Option<Phoneme> {
        let at = TABLE.iter().position(|(_, known, _)| *known == letter)?;
        Some(Phoneme(u8::try_from(at).expect("the table is short")))
    }

    /// Its letter in the one-letter form of ARPAbet.
    pub(super) fn letter(self) -> u8 {
        TABLE[usize::from(self.0)].1
    }

    pub(super) fn making(self) -> Making {
        TABLE[usize::from(self.0)].2
    }

    /// All of them.
    pub(super) fn all() -> impl Iterator<Item = Phoneme> {
        (0..COUNT as u8).map(Phoneme)
    }
}

impl fmt::Debug for Phoneme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_and_sounds_are_one_to_one() {
        for phoneme in Phoneme::all() {
            assert_eq!(Phoneme::of_letter(phoneme.letter()), Some(phoneme));
        }
        assert_eq!(Phoneme::of_letter(b'?'), None);
    }
}
