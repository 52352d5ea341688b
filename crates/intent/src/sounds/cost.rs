//! What it costs to take one sound for another: the further apart they are made, the more; less where
//! a telephone line (300 to 3,400 Hz) drops what tells them apart.
//!
//! One unit is about what two unrelated consonants cost. The weights follow the classes in which
//! listeners confuse sounds behind a low-pass filter (Miller and Nicely, 1955): voicing and nasality
//! survive it, place does not.

use std::sync::LazyLock;

use super::phoneme::{COUNT, Consonant, End, Making, Manner, Phoneme, Vowel};

/// What it costs to hear `heard` where `said` was said; the same both ways.
pub(crate) fn swap(said: Phoneme, heard: Phoneme) -> f32 {
    SWAPS[usize::from(said.0)][usize::from(heard.0)]
}

/// What it costs to miss a sound, or to hear one that was not said.
pub(crate) fn gap(sound: Phoneme) -> f32 {
    GAPS[usize::from(sound.0)]
}

static GAPS: LazyLock<[f32; COUNT]> = LazyLock::new(|| {
    let mut gaps = [0.0; COUNT];
    for sound in Phoneme::all() {
        gaps[usize::from(sound.0)] = match sound.name() {
            // They come and go in ordinary speech.
            "HH" => 0.29,
            "AH" | "T" | "D" => 0.38,
            "IH" | "R" | "W" | "Y" | "DH" | "TH" | "F" | "V" => 0.43,
            _ => match sound.making() {
                Making::Vowel(_) => 0.67,
                Making::Consonant(Consonant { manner: Manner::Sibilant, .. }) => 0.57,
                Making::Consonant(Consonant { manner: Manner::Affricate, .. }) => 0.71,
                Making::Consonant(_) => 0.48,
            },
        };
    }
    gaps
});

static SWAPS: LazyLock<[[f32; COUNT]; COUNT]> = LazyLock::new(|| {
    let mut swaps = [[0.0; COUNT]; COUNT];
    for a in Phoneme::all() {
        for b in Phoneme::all().filter(|b| *b != a) {
            let apart = match (a.making(), b.making()) {
                (Making::Vowel(a), Making::Vowel(b)) => vowels(a, b),
                (Making::Consonant(a), Making::Consonant(b)) => consonants(a, b),
                (Making::Vowel(_), Making::Consonant(_)) => across(a, b),
                (Making::Consonant(_), Making::Vowel(_)) => across(b, a),
            };
            // Never more than to miss the one and to make up the other.
            swaps[usize::from(a.0)][usize::from(b.0)] = apart.min(gap(a) + gap(b));
        }
    }
    swaps
});

fn vowels(a: Vowel, b: Vowel) -> f32 {
    let place = (a.open - b.open).hypot(a.back - b.back);
    let end = match (a.end, b.end) {
        (a, b) if a == b => 0.0,
        (End::R, End::Steady) | (End::Steady, End::R) => 0.2,
        (End::Front | End::Back, End::Steady) | (End::Steady, End::Front | End::Back) => 0.15,
        _ => 0.3,
    };
    (0.05 + 0.6 * place + end).min(0.8)
}

fn consonants(a: Consonant, b: Consonant) -> f32 {
    use Manner::{Affricate, Breath, Glide, Liquid, Nasal, Sibilant, Stop};
    let (manner, place) = match (a.manner, b.manner) {
        (Nasal, Nasal) | (Breath, Breath) => (0.1, 0.08),
        (a, b) if a == b => (0.1, 0.14),
        (Sibilant, Breath) | (Breath, Sibilant) => (0.25, 0.08),
        (Affricate, Sibilant | Stop) | (Sibilant | Stop, Affricate) => (0.25, 0.14),
        (Liquid, Glide) | (Glide, Liquid) => (0.35, 0.05),
        (Stop, Breath) | (Breath, Stop) => (0.35, 0.14),
        (Nasal, Liquid | Stop) | (Liquid | Stop, Nasal) => (0.55, 0.1),
        _ => (0.7, 0.1),
    };
    let voice = if a.voiced == b.voiced { 0.0 } else { 0.2 };
    (manner + place * (a.place - b.place).abs() + voice).min(1.0)
}

/// Vowels that are near a consonant: those that are the same sound but for its length.
fn across(vowel: Phoneme, consonant: Phoneme) -> f32 {
    match (vowel.name(), consonant.name()) {
        ("ER", "R") => 0.2,
        ("IY", "Y") | ("UW", "W") => 0.3,
        ("IH", "Y") | ("UH" | "OW", "W" | "L") | ("AH", "L" | "R") | ("AO" | "AA", "R" | "L") => {
            0.55
        }
        _ => 1.2,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sound(name: &str) -> Phoneme {
        Phoneme::all().find(|phoneme| phoneme.name() == name).unwrap()
    }

    #[test]
    fn swaps_are_a_symmetric_scale_from_nothing() {
        for a in Phoneme::all() {
            assert_eq!(swap(a, a), 0.0);
            for b in Phoneme::all().filter(|b| *b != a) {
                assert_eq!(swap(a, b), swap(b, a));
                assert!((0.05..=1.5).contains(&swap(a, b)), "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn what_a_line_confuses_is_near() {
        for (near, far) in [
            (("S", "F"), ("S", "M")),
            (("M", "N"), ("M", "B")),
            (("P", "B"), ("P", "S")),
            (("IH", "EH"), ("IH", "AA")),
            (("ER", "R"), ("ER", "S")),
            (("D", "T"), ("D", "L")),
        ] {
            let cost = |(a, b)| swap(sound(a), sound(b));
            assert!(cost(near) < cost(far), "{near:?} {far:?}");
        }
    }
}
