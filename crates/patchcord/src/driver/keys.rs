//! The caller's keys: Asterisk tells of them as events, and some legs see them too.

use std::time::Duration;

use audio::telephone_event::{Deduplicator, Witness};
use call::Input;

use crate::media_road::TellsKeys;

/// Passes each press once, whoever tells of it.
pub(super) struct Keys {
    leg: TellsKeys,
    presses: Deduplicator,
}

impl Keys {
    pub(super) fn new(leg: TellsKeys) -> Self {
        Self { leg, presses: Deduplicator::default() }
    }

    /// Asterisk has told at `up` of a key that was `held` until then.
    pub(super) fn told_by_asterisk(
        &mut self,
        key: char,
        up: Duration,
        held: Duration,
    ) -> Option<Input> {
        // However long it was held, both must name the same moment.
        let at = match self.leg {
            TellsKeys::GoingDown => up.saturating_sub(held),
            TellsKeys::LetGo => up,
        };
        self.told(Witness::Ari, key, at)
    }

    /// The leg has told of a key.
    pub(super) fn told_by_leg(&mut self, key: char, at: Duration) -> Option<Input> {
        self.told(Witness::Media, key, at)
    }

    fn told(&mut self, witness: Witness, key: char, at: Duration) -> Option<Input> {
        self.presses.is_new(witness, key, at).then_some(Input::Digit(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
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
            let count = |told: &[Option<Input>]| told.iter().flatten().count();
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
