//! Whether a sentence of the script was said, or something else that it was taken for.

use crate::sounds::distance;
use crate::understanding::Scripted;

/// How likely it is, 0 to 1, that the sentence was said where `free` was written.
///
/// Two witnesses: the recogniser, which finds the sentence so much less likely than what it wrote itself, a word of
/// that; and how unlike the two sound, for one that was said is misheard as something that sounds like it.
pub(crate) fn confidence(free: &str, scripted: Scripted<'_>) -> f32 {
    let words = free.split_whitespace().count().max(1) as f32;
    let unlikely = (-scripted.log_ratio / (words + 2.0)).max(0.0);
    let unlike = distance(free, scripted.text);
    let odds = BASE - UNLIKELY * unlikely - UNLIKE * unlike;
    1.0 / (1.0 + (-odds).exp())
}

// Set by hand between two clouds that lie far apart: 180 orders of drinks by 90 people, clean and in noise (at most
// 1.5 nats a word and 0.33 unlike), and 130 sentences about other things held against the same script (at least 3
// and 0.44).
const BASE: f32 = 8.5;
const UNLIKELY: f32 = 2.0;
const UNLIKE: f32 = 14.0;

#[cfg(test)]
mod tests {
    use super::*;

    fn sure(free: &str, text: &str, log_ratio: f32) -> f32 {
        confidence(free, Scripted { text, log_ratio })
    }

    #[test]
    fn a_sentence_that_was_misheard_is_believed_and_one_that_was_not_said_is_not() {
        let misheard =
            sure("can I get a large dark rose mocker", "can i get a large dark roast mocha", -7.0);
        assert!(misheard > 0.9, "{misheard}");
        let other = sure("is it possible to apply for a card", "i would like a cappuccino", -40.0);
        assert!(other < 0.01, "{other}");
        assert!(sure("large mocha", "large mocha", 0.0) > 0.99);
    }

    #[test]
    fn either_witness_can_raise_doubt() {
        let said = "can i get a large mocha";
        assert!(sure(said, said, -60.0) < 0.05);
        assert!(sure("please reset my password", said, -1.0) < 0.7);
    }
}
