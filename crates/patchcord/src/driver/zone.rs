//! The zone in which a card is keyed in, as the driver sees it: what is cut, and whose a key is.
//!
//! From the command on no key leads to the call. Each belongs to where it *went down*, whenever it is told of: one that
//! went down before the zone is for nobody within it, and one that went down inside is for nobody outside. After the zone
//! there is half a second whose keys are nobody's, since a key may still be on its way by two roads.

use std::time::Duration;

use call::{Input, ZoneCut};
use flow::{CardItem, Secret};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::task::AbortHandle;
use zeroize::Zeroizing;

/// How long a cut may take. The call waits a little longer, so that it is told which one failed.
pub(super) const WITHIN: Duration = Duration::from_millis(450);

/// For how long after the zone keys are nobody's.
const GRACE: Duration = Duration::from_millis(500);

/// How long after the zone a leg that cannot tell when a key went down is not asked.
const LONG_PRESS: Duration = Duration::from_secs(2);

/// How long after the zone it is forgotten which keys were pressed in it, which those who tell of them twice are known by.
const FORGET: Duration = Duration::from_secs(10);

/// The key that ends a number.
const END: char = '#';

/// A cut that is being made.
pub(super) type Cut = (ZoneCut, BoxFuture<'static, Result<(), String>>);

/// Where the call stands towards a zone.
#[derive(Debug, Default)]
pub(super) struct Zone {
    state: State,
    entering: Option<AbortHandle>,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Never,
    Inside {
        since: Duration,
        taking: Option<Taking>,
    },
    /// It was left then.
    Left(Duration),
}

/// An item that is being keyed in.
#[derive(Debug)]
struct Taking {
    item: CardItem,
    typed: Typed,
}

/// Digits that nobody prints.
struct Typed(Zeroizing<String>);

impl std::fmt::Debug for Typed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Typed")
    }
}

/// Whose a key is.
#[derive(Debug, PartialEq)]
pub(super) enum Pressed {
    /// The call's, outside of any zone.
    Outside(char),
    /// Nobody's.
    Nobodys,
    /// The card's.
    Cards(Input),
}

impl Zone {
    /// The zone begins now: from here on keys are taken.
    pub(super) fn begin(&mut self, now: Duration) {
        self.state = State::Inside { since: now, taking: None };
    }

    /// The cuts are under way.
    pub(super) fn entering(&mut self, task: AbortHandle) {
        self.entering = Some(task);
    }

    /// What was keyed in is wiped.
    pub(super) fn leave(&mut self, now: Duration) {
        if let Some(entering) = self.entering.take() {
            entering.abort();
        }
        if let State::Inside { .. } = self.state {
            self.state = State::Left(now);
        }
    }

    /// Up to when keys were nobody's, or the card's, once no word of them can come any more; told once.
    pub(super) fn over(&mut self, now: Duration) -> Option<Duration> {
        match self.state {
            State::Left(at) if now >= at + FORGET => {
                self.state = State::Never;
                Some(at + GRACE)
            }
            _ => None,
        }
    }

    /// Whether it may matter when exactly a key went down.
    pub(super) fn is_near(&self, now: Duration) -> bool {
        match self.state {
            State::Never => false,
            State::Inside { .. } => true,
            State::Left(at) => now < at + LONG_PRESS,
        }
    }

    pub(super) fn take(&mut self, item: CardItem) {
        if let State::Inside { taking, .. } = &mut self.state {
            // As long as it can become, so that no copy stays behind where it grew.
            let typed = Typed(Zeroizing::new(String::with_capacity(item.length().1)));
            *taking = Some(Taking { item, typed });
        }
    }

    /// What was keyed in so far is all.
    pub(super) fn end(&mut self) -> Option<Input> {
        let State::Inside { taking, .. } = &mut self.state else { return None };
        let Taking { item, typed } = taking.take()?;
        Some(Input::CardTaken(Secret::new(item, &typed.0)))
    }

    pub(super) fn forget(&mut self) {
        if let State::Inside { taking, .. } = &mut self.state {
            *taking = None;
        }
    }

    /// A key that went down at `down`.
    pub(super) fn press(&mut self, key: char, down: Duration) -> Pressed {
        let taking = match &mut self.state {
            State::Never => return Pressed::Outside(key),
            State::Left(at) if down >= *at + GRACE => return Pressed::Outside(key),
            State::Left(_) => return Pressed::Nobodys,
            State::Inside { since, .. } if down < *since => return Pressed::Nobodys,
            State::Inside { taking, .. } => taking,
        };
        let Some(Taking { item, typed }) = taking else { return Pressed::Nobodys };
        if key.is_ascii_digit() {
            typed.0.push(key);
        }
        let full = typed.0.len() >= item.length().1;
        match key {
            END => self.end().map_or(Pressed::Nobodys, Pressed::Cards),
            _ if full => self.end().map_or(Pressed::Nobodys, Pressed::Cards),
            _ if key.is_ascii_digit() => Pressed::Cards(Input::CardKey),
            _ => Pressed::Nobodys,
        }
    }
}

/// Waits until all cuts are confirmed; or says which one was not.
pub(super) async fn confirmed(cuts: Vec<Cut>) -> Result<(), ZoneCut> {
    let cuts = cuts.into_iter().map(|(cut, made)| async move {
        match tokio::time::timeout(WITHIN, made).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(cause)) => {
                tracing::warn!(cut = cut.name(), cause, "a zone is refused");
                Err(cut)
            }
            Err(_) => {
                tracing::warn!(cut = cut.name(), "a zone is refused: it took too long");
                Err(cut)
            }
        }
    });
    let mut cuts: FuturesUnordered<_> = cuts.collect();
    while let Some(made) = cuts.next().await {
        made?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn inside(item: CardItem) -> Zone {
        let mut zone = Zone::default();
        zone.begin(ms(1_000));
        zone.take(item);
        zone
    }

    fn taken(zone: &mut Zone, keys: &str) -> Option<String> {
        keys.chars().find_map(|key| match zone.press(key, ms(2_000)) {
            Pressed::Cards(Input::CardTaken(secret)) => Some(secret.reveal().to_owned()),
            _ => None,
        })
    }

    #[test]
    fn an_item_ends_by_hash_by_its_full_length_or_when_nothing_more_comes() {
        let number = taken(&mut inside(CardItem::Number), "4111111111111111#");
        assert_eq!(number.as_deref(), Some("4111111111111111"));
        assert_eq!(taken(&mut inside(CardItem::Expiry), "*0927").as_deref(), Some("0927"));
        assert_eq!(taken(&mut inside(CardItem::Cvc), "1234").as_deref(), Some("1234"));
        let mut zone = inside(CardItem::Cvc);
        assert_eq!(taken(&mut zone, "123"), None);
        assert_eq!(zone.end(), Some(Input::CardTaken(Secret::new(CardItem::Cvc, "123"))));
        assert_eq!(zone.end(), None, "it is given once");
    }

    #[test]
    fn a_key_belongs_to_where_it_went_down() {
        let mut zone = Zone::default();
        assert_eq!(zone.press('1', ms(990)), Pressed::Outside('1'));
        zone.begin(ms(1_000));
        assert_eq!(zone.press('1', ms(995)), Pressed::Nobodys, "it went down before");
        assert_eq!(zone.press('4', ms(1_100)), Pressed::Nobodys, "nothing is asked for yet");
        zone.take(CardItem::Cvc);
        assert_eq!(zone.press('4', ms(1_200)), Pressed::Cards(Input::CardKey));
        zone.leave(ms(5_000));
        assert_eq!(zone.press('1', ms(4_900)), Pressed::Nobodys, "it was on its way");
        assert_eq!(zone.press('1', ms(5_300)), Pressed::Nobodys);
        assert!(zone.is_near(ms(6_000)) && !zone.is_near(ms(7_000)));
        assert_eq!(zone.press('1', ms(5_500)), Pressed::Outside('1'));
    }

    #[test]
    fn nothing_prints_what_is_keyed_in() {
        let mut zone = inside(CardItem::Number);
        assert_eq!(taken(&mut zone, "41111111"), None);
        let printed = format!("{zone:?} {:?}", zone.end());
        assert!(!printed.contains("4111"), "{printed}");
    }

    #[tokio::test]
    async fn one_cut_that_fails_or_takes_too_long_is_enough() {
        let made = || -> BoxFuture<'static, _> { Box::pin(async { Ok(()) }) };
        assert_eq!(confirmed(Vec::new()).await, Ok(()));
        assert_eq!(confirmed(vec![(ZoneCut::Recording, made())]).await, Ok(()));
        let refused: Cut = (ZoneCut::MixMonitor, Box::pin(async { Err("it is on".to_owned()) }));
        let cuts = vec![(ZoneCut::Recording, made()), refused];
        assert_eq!(confirmed(cuts).await, Err(ZoneCut::MixMonitor));
        let lost: Cut = (ZoneCut::AsteriskRecording, Box::pin(std::future::pending()));
        let cuts = vec![(ZoneCut::Recording, made()), lost];
        assert_eq!(confirmed(cuts).await, Err(ZoneCut::AsteriskRecording));
    }
}
