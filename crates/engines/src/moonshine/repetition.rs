//! Greedy decoding now and then falls into a loop ("the screen, the screen, the ..."); this finds
//! it.

/// How much repetition makes a loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Patience {
    /// While the decoder goes on: people do say things twice, and "no" three times.
    Ordinary,
    /// When the decoder has not come to an end by itself: that alone is suspicious.
    Short,
}

/// Longest phrase looked for, in tokens.
const LONGEST_PHRASE: usize = 12;

/// If `tokens` end in a loop, the length to cut them to, which keeps the phrase once.
pub(super) fn cut<T: PartialEq>(tokens: &[T], patience: Patience) -> Option<usize> {
    // The second figure is for short phrases: it lets "5 5 5 5" live.
    let (repeats, shortest) = match patience {
        Patience::Ordinary => (3, 8),
        Patience::Short => (2, 6),
    };
    (1..=LONGEST_PHRASE).find_map(|phrase| {
        let repeated = tokens
            .iter()
            .rev()
            .zip(tokens.iter().rev().skip(phrase))
            .take_while(|(later, earlier)| later == earlier)
            .count();
        let enough = (phrase * repeats).max(shortest) - phrase;
        (repeated >= enough).then(|| tokens.len() - repeated)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ordinary(tokens: &[u32]) -> Option<usize> {
        cut(tokens, Patience::Ordinary)
    }

    #[test]
    fn loops_are_cut_to_one_phrase() {
        assert_eq!(ordinary(&[1, 2, 9, 9, 9, 9, 9, 9, 9, 9]), Some(3));
        assert_eq!(ordinary(&[1, 5, 6, 5, 6, 5, 6, 5, 6]), Some(3));
        assert_eq!(ordinary(&[1, 2, 3, 4, 5].repeat(3)), Some(5));
    }

    #[test]
    fn honest_repetition_stays() {
        assert_eq!(ordinary(&[]), None);
        assert_eq!(ordinary(&[7, 7, 7, 7, 7, 7, 7]), None, "seven of one digit");
        assert_eq!(ordinary(&[5, 6, 5, 6, 5, 6]), None, "no, no, no");
        assert_eq!(ordinary(&[1, 2, 3, 4, 1, 2, 3, 4]), None, "said twice");
        assert_eq!(ordinary(&[9, 9, 9, 9, 9, 9, 9, 9, 1]), None, "the loop has ended by itself");
    }

    #[test]
    fn a_reading_without_an_end_gets_less_patience() {
        let tokens = [8, 1, 2, 3, 4, 1, 2, 3, 4, 1, 2];
        assert_eq!(ordinary(&tokens), None);
        assert_eq!(cut(&tokens, Patience::Short), Some(5));
    }
}
