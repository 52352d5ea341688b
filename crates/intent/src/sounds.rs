//! Words as runs of sounds, and how likely a telephone line and a recogniser turn one into another.
//!
//! "dark rose mocker" is spelled unlike "dark roast mocha", but sounds like it. [`pronounce`] gives
//! the sounds of a word, from the CMU Pronouncing Dictionary or, for words that it does not have,
//! from rules learned from it; [`distance`] compares two phrases sound by sound, wherever their
//! words begin and end. Sounds are those of American English: words of other languages are read as
//! an American would read them, and letters beyond a to z, once their accents are taken off, are
//! left out.

mod cost;
mod lexicon;
mod phoneme;

pub(crate) use cost::{gap, swap};
pub use lexicon::pronounce;
pub(crate) use lexicon::pronunciations;
pub use phoneme::Phoneme;

/// How unlike two phrases sound: 0 for the same sounds, 1 for sounds that have nothing in common. Where
/// words begin and end does not count.
///
/// ```
/// use intent::sounds::distance;
///
/// assert!(distance("dark rose mocker", "dark roast mocha") < 0.2);
/// assert!(distance("ice tea", "iced tea") < 0.1);
/// assert!(distance("dark roast mocha", "reset my password") > 0.4);
/// ```
#[must_use]
pub fn distance(a: &str, b: &str) -> f32 {
    let sounds = |text: &str| -> Vec<Phoneme> {
        crate::grammar::spoken(text).iter().flat_map(|word| pronounce(word)).collect()
    };
    let (a, b) = (sounds(a), sounds(b));
    let gaps = |sounds: &[Phoneme]| -> f32 { sounds.iter().map(|sound| gap(*sound)).sum() };
    let most = gaps(&a) + gaps(&b);
    if most == 0.0 { 0.0 } else { edits(&a, &b) / most }
}

/// The least cost of turning one run of sounds into another.
fn edits(a: &[Phoneme], b: &[Phoneme]) -> f32 {
    let mut row = vec![0.0];
    for sound in b {
        row.push(row[row.len() - 1] + gap(*sound));
    }
    for from in a {
        let mut diagonal = row[0];
        row[0] += gap(*from);
        for (at, to) in b.iter().enumerate() {
            let swapped = diagonal + swap(*from, *to);
            diagonal = row[at + 1];
            row[at + 1] = swapped.min(diagonal + gap(*from)).min(row[at] + gap(*to));
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sounds_alike_is_nearer_than_what_is_spelled_alike() {
        for (heard, said, other) in [
            ("mocker", "mocha", "doctor"),
            ("whether", "weather", "leather"),
            ("pay roll", "payroll", "patrol"),
            ("for tea", "forty", "fourteen"),
            ("see nine", "c nine", "sea line"),
            ("jon smyth", "john smith", "joan smart"),
            ("hour", "our", "hair"),
            ("fone", "phone", "fine"),
        ] {
            let (near, far) = (distance(heard, said), distance(heard, other));
            assert!(near < far, "{heard}: {said} {near}, {other} {far}");
        }
    }

    #[test]
    fn distance_is_symmetric_and_within_0_and_1() {
        for (a, b) in
            [("", ""), ("", "billing"), ("sales", "nails"), ("東京", "oslo"), ("a", "zzz")]
        {
            let there = distance(a, b);
            assert!((there - distance(b, a)).abs() < 1e-5 && (0.0..=1.0).contains(&there));
        }
    }
}
