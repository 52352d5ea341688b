//! The caller's keys: Asterisk tells of them as events, and some legs see them too. Which press it was, and when the key
//! went down.

use std::time::Duration;

use audio::telephone_event::{Deduplicator, Witness};

use crate::media_road::TellsKeys;

/// Passes each press once, whoever tells of it.
pub(super) struct Keys {
    leg: TellsKeys,
    presses: Deduplicator,
    asterisk: AsteriskClock,
}

/// A press that nobody has told of before.
#[derive(Clone, Copy)]
pub(super) struct Press {
    pub(super) key: char,
    /// When the key went down, as far as that is known.
    pub(super) down: Duration,
}

/// When something happened that Asterisk tells of late. Its clock is not ours, but the event that came fastest says how
/// far they are apart at most.
#[derive(Debug, Default)]
struct AsteriskClock {
    /// What our clock shows less what Asterisk's does, in milliseconds.
    ahead: Option<i64>,
}

impl Keys {
    pub(super) fn new(leg: TellsKeys) -> Self {
        Self { leg, presses: Deduplicator::default(), asterisk: AsteriskClock::default() }
    }

    /// When something happened that Asterisk stamped so (milliseconds since 1970) and that came at `came`.
    pub(super) fn at(&mut self, stamp: Option<i64>, came: Duration) -> Duration {
        stamp.map_or(came, |stamp| self.asterisk.at(stamp, came))
    }

    /// Asterisk has told at `up` of a key that was `held` until then.
    pub(super) fn told_by_asterisk(
        &mut self,
        key: char,
        up: Duration,
        held: Duration,
    ) -> Option<Press> {
        let down = up.saturating_sub(held);
        // However long it was held, both must name the same moment.
        let at = match self.leg {
            TellsKeys::GoingDown => down,
            TellsKeys::LetGo => up,
        };
        self.presses.is_new(Witness::Ari, key, at).then_some(Press { key, down })
    }

    /// The leg has told of a key.
    pub(super) fn told_by_leg(&mut self, key: char, at: Duration) -> Option<Press> {
        self.presses.is_new(Witness::Media, key, at).then_some(Press { key, down: at })
    }

    /// Whether the leg can tell when a key went down. Asterisk always can.
    pub(super) fn leg_is_exact(&self) -> bool {
        self.leg == TellsKeys::GoingDown
    }

    /// Forgets which keys were pressed before then.
    pub(super) fn forget_before(&mut self, then: Duration) {
        self.presses.forget_before(then);
    }
}

impl AsteriskClock {
    fn at(&mut self, stamp: i64, came: Duration) -> Duration {
        let ahead = i64::try_from(came.as_millis()).unwrap_or(i64::MAX).saturating_sub(stamp);
        let ahead = self.ahead.map_or(ahead, |known| known.min(ahead));
        self.ahead = Some(ahead);
        let at = Duration::from_millis(u64::try_from(stamp.saturating_add(ahead)).unwrap_or(0));
        at.min(came)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_comes_late_happened_when_it_was_stamped() {
        let mut keys = Keys::new(TellsKeys::GoingDown);
        assert_eq!(keys.at(None, ms(40)), ms(40));
        assert_eq!(keys.at(Some(1_000_100), ms(100)), ms(100));
        // One that came faster shows that the first took 30 ms.
        assert_eq!(keys.at(Some(1_000_230), ms(200)), ms(200));
        assert_eq!(keys.at(Some(1_000_330), ms(9_000)), ms(300));
    }

    #[test]
    fn a_press_is_one_digit_on_every_road_whoever_tells_of_it_and_however_long_it_is_held() {
        for (leg, held) in [TellsKeys::GoingDown, TellsKeys::LetGo]
            .into_iter()
            .flat_map(|leg| [80, 3_000].map(|held| (leg, ms(held))))
        {
            let (down, up) = (ms(10_000), ms(10_000) + held);
            let seen = match leg {
                TellsKeys::GoingDown => down,
                TellsKeys::LetGo => up,
            };
            let only_asterisk = [Keys::new(leg).told_by_asterisk('5', up, held)];
            let only_leg = [Keys::new(leg).told_by_leg('5', seen)];
            let leg_first = {
                let mut keys = Keys::new(leg);
                [
                    keys.told_by_leg('5', seen),
                    keys.told_by_asterisk('5', up + ms(30), held),
                    // And the next press is another one.
                    keys.told_by_asterisk('5', up + ms(500), ms(80)),
                    keys.told_by_leg('5', up + ms(500)),
                ]
            };
            let mut keys = Keys::new(leg);
            let asterisk_first =
                [keys.told_by_asterisk('5', up, held), keys.told_by_leg('5', seen + ms(30))];
            let count = |told: &[Option<Press>]| told.iter().flatten().count();
            assert_eq!(
                [
                    count(&only_asterisk),
                    count(&only_leg),
                    count(&leg_first),
                    count(&asterisk_first)
                ],
                [1, 1, 2, 1],
                "{leg:?}, held for {held:?}"
            );
        }
    }
}
