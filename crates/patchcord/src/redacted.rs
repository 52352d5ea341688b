//! The numbers of callers' payment cards, which nobody sees or keeps: they leave what is heard before the call is told, and
//! the turns before it if a number goes on over several.

use call::Record;
use intent::{Earlier, Redacted, Redactor};

/// What one caller says, without the cards.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    redactor: Redactor,
    /// The turns of the record that the redactor has seen the end of, in order.
    ended: Vec<usize>,
    /// What has to be said of earlier turns, the latest knowledge last.
    earlier: Vec<Earlier>,
}

impl Cards {
    /// What is heard of a turn that goes on.
    pub(crate) fn partial(&mut self, text: &str) -> Redacted {
        let redacted = self.redactor.partial(text);
        self.earlier.extend(redacted.earlier.iter().cloned());
        redacted
    }

    /// A turn as it was heard in the end: the one that the record has now as its last.
    pub(crate) fn turn(&mut self, text: &str, record: &Record) -> Redacted {
        let redacted = self.redactor.turn(text);
        self.ended.push(record.turns.len().saturating_sub(1));
        self.earlier.extend(redacted.earlier.iter().cloned());
        redacted
    }

    /// Whether turns that are over were concerned up to now.
    pub(crate) fn reach_back(&self) -> bool {
        !self.earlier.is_empty()
    }

    /// Takes out of a record what is known by now to be a card's.
    pub(crate) fn redact(&self, record: &mut Record) {
        for Earlier { turn, text, .. } in &self.earlier {
            let at = usize::try_from(*turn).ok().and_then(|turn| self.ended.get(turn));
            if let Some(turn) = at.and_then(|at| record.turns.get_mut(*at)) {
                turn.words.clone_from(text);
            }
        }
        for slot in &mut record.slots {
            let alone = intent::redact(&slot.value);
            if !alone.marks.is_empty() {
                slot.value = alone.text;
                continue;
            }
            // Of a card that was said, a slot may have a part that does not look like one.
            let said_in = |turn: &&call::Turn| {
                turn.from < slot.at.end && turn.to.is_none_or(|to| slot.at.start < to)
            };
            let digits = slot.value.chars().filter(char::is_ascii_digit).count();
            let mut turns = record.turns.iter().filter(said_in);
            if digits >= PART && turns.any(|turn| turn.words.contains("[card]")) {
                "[card]".clone_into(&mut slot.value);
            }
        }
    }
}

/// So many digits of a card's tell something about it.
pub(crate) const PART: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use call::{Slot, Turn};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    /// The record of a call in which this was heard, each with a partial before it.
    fn heard(cards: &mut Cards, turns: &[&str]) -> Record {
        let mut record = Record::default();
        for (words, n) in turns.iter().zip(0..) {
            let from = n * 10 * SECOND;
            let to = Some(from + 8 * SECOND);
            record.turns.push(Turn { from, to, ..Turn::default() });
            cards.partial(words);
            let clean = cards.turn(words, &record);
            record.turns.last_mut().expect("pushed above").words = clean.text;
        }
        record
    }

    fn slot(value: &str, second: u32) -> Slot {
        let at = second * SECOND..(second + 2) * SECOND;
        Slot { name: "account".to_owned(), value: value.to_owned(), confidence: 1.0, at }
    }

    #[test]
    fn a_card_that_is_said_over_turns_leaves_them_and_their_slots() {
        let mut cards = Cards::default();
        let mut call = heard(
            &mut cards,
            &[
                "I want to pay my bill",
                "it's four one one one",
                "one one one one",
                "eleven eleven",
                "triple one one thanks",
            ],
        );
        assert!(cards.reach_back());
        call.slots = vec![slot("4021", 1), slot("4111", 11), slot("4111111111111111", 50)];
        cards.redact(&mut call);
        assert_eq!(call.turns[0].words, "I want to pay my bill");
        assert!(call.turns[1].words.contains("[card]"), "{:?}", call.turns[1]);
        for part in ["four", "one", "eleven", "triple"] {
            assert!(!call.words().contains(part), "{}", call.words());
        }
        let values: Vec<_> = call.slots.iter().map(|slot| slot.value.as_str()).collect();
        assert_eq!(values, ["4021", "[card]", "[card]"]);
    }

    #[test]
    fn what_holds_no_card_stays_to_the_letter() {
        let mut cards = Cards::default();
        let mut call = heard(&mut cards, &["I'd like  to speak to Tom", "my number is 555 0100"]);
        let before = call.clone();
        cards.redact(&mut call);
        assert_eq!(call, before);
        assert!(!cards.reach_back());
    }
}
