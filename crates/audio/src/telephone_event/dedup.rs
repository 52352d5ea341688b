//! One press of a key, told by two: as events in the RTP stream and by Asterisk over ARI.

use std::time::Duration;

/// Who tells of a digit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Witness {
    /// The media leg: telephone events (RFC 4733), or tones found in the sound.
    Media,
    /// Asterisk, with `ChannelDtmfReceived`.
    Ari,
}

/// Passes each press once, with whichever witness tells of it first.
///
/// Either witness may miss a press, and neither tells of one twice. They agree on the order, but
/// not on the moment: a press is matched with the oldest one of the same digit within
/// [`WINDOW`](Deduplicator::WINDOW) that only the other witness has told of. So two presses of the
/// same digit stay two, however close they are and in whatever order the four reports come.
#[derive(Debug, Default)]
pub struct Deduplicator {
    passed: [Option<Press>; MEMORY],
    oldest: usize,
}

/// Presses that are remembered: more than fingers make within the window.
const MEMORY: usize = 32;

#[derive(Debug, Clone, Copy)]
struct Press {
    digit: char,
    at: Duration,
    told: Told,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    By(Witness),
    ByBoth,
}

impl Deduplicator {
    /// How far apart the two may tell of one press.
    pub const WINDOW: Duration = Duration::from_secs(1);

    /// Takes a digit; says whether it is a press that has not been passed yet.
    ///
    /// `at` is when the key went *down*, on any clock that both witnesses are told by. Asterisk
    /// tells of a digit when it is let go: take the event's `duration_ms` off.
    #[must_use = "a press told twice is to be dropped"]
    pub fn is_new(&mut self, witness: Witness, digit: char, at: Duration) -> bool {
        let (newer, older) = self.passed.split_at_mut(self.oldest);
        let by_age = older.iter_mut().chain(newer).flatten();
        let twin = by_age.into_iter().find(|press| {
            press.digit == digit
                && matches!(press.told, Told::By(other) if other != witness)
                && press.at.abs_diff(at) <= Deduplicator::WINDOW
        });
        if let Some(press) = twin {
            press.told = Told::ByBoth;
            return false;
        }
        self.passed[self.oldest] = Some(Press { digit, at, told: Told::By(witness) });
        self.oldest = (self.oldest + 1) % MEMORY;
        true
    }

    /// Forgets the presses before `then`.
    pub fn forget_before(&mut self, then: Duration) {
        for known in &mut self.passed {
            *known = known.filter(|press| press.at >= then);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{
        Witness::{Ari, Media},
        *,
    };
    use proptest::prelude::*;

    fn told(reports: &[(Witness, char, u64)]) -> String {
        let mut presses = Deduplicator::default();
        let mut is_new = |(witness, digit, at): &(Witness, char, u64)| {
            presses.is_new(*witness, *digit, Duration::from_millis(*at))
        };
        reports.iter().filter(|report| is_new(report)).map(|(_, digit, _)| *digit).collect()
    }

    #[test]
    fn a_press_told_by_both_is_one_whoever_is_first() {
        assert_eq!(told(&[(Media, '5', 100), (Ari, '5', 130)]), "5");
        assert_eq!(told(&[(Ari, '5', 130), (Media, '5', 100)]), "5");
        assert_eq!(told(&[(Media, '5', 100)]), "5");
        assert_eq!(told(&[(Ari, '5', 100)]), "5");
    }

    #[test]
    fn what_is_forgotten_is_another_press() {
        let mut presses = Deduplicator::default();
        let ms = Duration::from_millis;
        assert!(presses.is_new(Media, '4', ms(100)) && presses.is_new(Media, '5', ms(200)));
        presses.forget_before(ms(200));
        assert!(presses.is_new(Ari, '4', ms(100)) && !presses.is_new(Ari, '5', ms(200)));
    }

    #[test]
    fn the_same_key_again_is_another_press() {
        let (m1, m2, a1, a2) =
            ((Media, '5', 0), (Media, '5', 200), (Ari, '5', 60), (Ari, '5', 260));
        for order in [[m1, m2, a1, a2], [m1, a1, m2, a2], [a1, m1, a2, m2], [a1, a2, m1, m2]] {
            assert_eq!(told(&order), "55");
        }
        assert_eq!(told(&[m1, a1, a2]), "55", "the media leg missed the second");
        assert_eq!(told(&[a1, m2, a2]), "55", "or the first");
        assert_eq!(told(&[m1, m2, a2]), "55", "Asterisk missed one");
        assert_eq!(told(&[(Media, '5', 0), (Ari, '5', 1001)]), "55", "too far apart");
    }

    proptest! {
        #[test]
        fn each_press_passes_once(
            presses in prop::collection::vec((0usize..4, 80u64..1500, 0u8..4), 1..60),
            delays in prop::collection::vec(0u64..600, 120),
            blind in prop_oneof![Just(Media), Just(Ari)],
        ) {
            // Both see the key go down within 300 ms of each other, one of them misses some, and
            // what they tell comes in the order that each saw it.
            let (mut reports, mut expected, mut down) = (vec![], [0; 4], 1000);
            let mut last = [0, 0];
            for (index, (digit, pause, missed)) in presses.into_iter().enumerate() {
                down += pause;
                expected[digit] += 1;
                for (side, witness) in [Media, Ari].into_iter().enumerate() {
                    if witness == blind && missed == 0 {
                        continue;
                    }
                    last[side] = (down + delays[index * 2 + side]).max(last[side]);
                    let skew = 300 * (side as u64);
                    reports.push((last[side], witness, digit, down + skew));
                }
            }
            reports.sort_by_key(|(comes, ..)| *comes);
            let (mut deduplicator, mut passed) = (Deduplicator::default(), [0; 4]);
            for (_, witness, digit, at) in reports {
                let key = char::from(b'0' + digit as u8);
                passed[digit] += u32::from(deduplicator.is_new(witness, key, Duration::from_millis(at)));
            }
            prop_assert_eq!(passed, expected);
        }
    }
}
