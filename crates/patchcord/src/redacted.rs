//! The numbers of callers' payment cards leave the record of a call before anybody sees or keeps it.

use call::Record;
use intent::Redactor;

/// Takes them out of all that the caller said.
pub(crate) fn redact(record: &mut Record) {
    let mut redactor = Redactor::default();
    let mut held = vec![false; record.turns.len()];
    for at in 0..record.turns.len() {
        let redacted = redactor.turn(&record.turns[at].words);
        held[at] |= !redacted.marks.is_empty();
        record.turns[at].words = redacted.text;
        for earlier in redacted.earlier {
            let at = earlier.turn as usize;
            held[at] |= !earlier.marks.is_empty();
            record.turns[at].words = earlier.text;
        }
    }
    for slot in &mut record.slots {
        let alone = intent::redact(&slot.value);
        if !alone.marks.is_empty() {
            slot.value = alone.text;
            continue;
        }
        // Of a card that was said, a slot may have a part that does not look like one.
        let said_in = |turn: &call::Turn| {
            turn.from < slot.at.end && turn.to.is_none_or(|to| slot.at.start < to)
        };
        let mut turns = record.turns.iter().zip(&held);
        let digits = slot.value.chars().filter(char::is_ascii_digit).count();
        if digits >= PART && turns.any(|(turn, &held)| held && said_in(turn)) {
            "[card]".clone_into(&mut slot.value);
        }
    }
}

/// So many digits of a card's tell something about it.
const PART: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use call::{Slot, Turn};
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    fn record(turns: &[&str]) -> Record {
        let turns = turns.iter().zip(0..).map(|(words, n)| Turn {
            words: (*words).to_owned(),
            from: n * 10 * SECOND,
            to: Some((n * 10 + 8) * SECOND),
            ..Turn::default()
        });
        Record { turns: turns.collect(), ..Record::default() }
    }

    fn slot(value: &str, second: u32) -> Slot {
        let at = second * SECOND..(second + 2) * SECOND;
        Slot { name: "account".to_owned(), value: value.to_owned(), confidence: 1.0, at }
    }

    #[test]
    fn a_card_that_is_said_over_two_turns_leaves_both_and_the_slots_of_them() {
        let mut call = record(&[
            "I want to pay my bill",
            "it's four one one one one one one one",
            "eleven eleven triple one one thanks",
        ]);
        call.slots = vec![slot("4021", 1), slot("41111111", 11), slot("4111111111111111", 30)];
        redact(&mut call);
        assert_eq!(call.turns[0].words, "I want to pay my bill");
        assert!(call.turns[1].words.contains("[card]"), "{:?}", call.turns[1]);
        assert!(!call.words().contains("four one"), "{}", call.words());
        assert!(!call.words().contains("eleven"), "{}", call.words());
        let values: Vec<_> = call.slots.iter().map(|slot| slot.value.as_str()).collect();
        assert_eq!(values, ["4021", "[card]", "[card]"]);
    }

    #[test]
    fn what_holds_no_card_stays_to_the_letter() {
        let mut call = record(&["I'd like  to speak to Tom", "my number is 555 0100"]);
        let before = call.clone();
        redact(&mut call);
        assert_eq!(call, before);
    }
}
