//! The numbers of callers' payment cards, which nobody sees or keeps: they leave what is heard before the call is told, the
//! turns before it if a number goes on over several, and recordings. Those that are keyed in where nobody asks for a card
//! leave recordings, too; the journal has its own eye on keys.

use std::collections::VecDeque;
use std::ops::Range;
use std::time::Duration;

use call::Record;
use intent::{Earlier, Held, Mark, Redacted, Redactor, card_at_end};
use zeroize::Zeroizing;

/// What one caller says and keys in, without the cards.
#[derive(Debug, Default)]
pub(crate) struct Cards {
    redactor: Redactor,
    /// The turns that the redactor has seen the end of, in order.
    ended: Vec<Ended>,
    /// What has to be said of earlier turns, the latest knowledge last.
    earlier: Vec<Earlier>,
    /// The last keys and when they went down.
    keyed: VecDeque<(char, Duration)>,
    /// What was keyed in of cards where nobody asked for one.
    misplaced: Vec<Zeroizing<String>>,
    /// What was found already.
    known: Vec<Range<Duration>>,
    /// When digits were said that may become a card's, in the turn that goes on.
    perhaps: Option<Range<Duration>>,
    found: Found,
}

/// What has come to light of a card.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Found {
    /// Whether a part of it may have been told before.
    pub told_before: bool,
    /// When it was said or keyed in, on the call's clock, with something to spare at either end.
    pub at: Vec<Range<Duration>>,
}

#[derive(Debug)]
struct Ended {
    /// Which turn of the record it is.
    turn: usize,
    words: Vec<Range<Duration>>,
}

/// By so much a word may have been said earlier or later than its reading has it.
const SPARE: Duration = Duration::from_millis(200);

/// As long a key may sound.
const PRESS: Duration = Duration::from_secs(1);

/// Keys that lie further apart belong to no number together.
const GAP: Duration = Duration::from_secs(30);

/// Who keys in on within this time does not know yet that a card is asked for now.
const CONTINUES: Duration = Duration::from_millis(1_500);

/// So many digits of a card anybody may see (PCI DSS 4.0.1, 3.4.1).
const SHOWN: usize = 6;

/// The longest number of a card.
const LONGEST: usize = 19;

impl Cards {
    /// What is heard of a turn that goes on, with the time of each of its words, as spaces part them.
    pub(crate) fn partial(&mut self, text: &str, words: &[Range<Duration>]) -> Redacted {
        let redacted = self.redactor.partial(text);
        self.find(&redacted, words);
        self.perhaps = spans(&redacted.marks, words, |held| held == Held::PerhapsCardNumber).pop();
        redacted
    }

    /// A turn as it was heard in the end: the one that the record has now as its last.
    pub(crate) fn turn(
        &mut self,
        text: &str,
        words: &[Range<Duration>],
        record: &Record,
    ) -> Redacted {
        let redacted = self.redactor.turn(text);
        let turn = record.turns.len().saturating_sub(1);
        self.ended.push(Ended { turn, words: words.to_vec() });
        self.perhaps = None;
        self.find(&redacted, words);
        redacted
    }

    /// A key of the caller's that went down at `down`, where no card is asked for.
    pub(crate) fn key(&mut self, key: char, down: Duration) {
        let is_past = |last: &(char, Duration)| down.saturating_sub(last.1) > GAP;
        if !key.is_ascii_digit() || self.keyed.back().is_some_and(is_past) {
            self.keyed.clear();
        }
        if !key.is_ascii_digit() {
            return;
        }
        self.keyed.push_back((key, down));
        if self.keyed.len() > LONGEST {
            self.keyed.pop_front();
        }
        let digits: Vec<char> = self.keyed.iter().map(|(key, _)| *key).collect();
        if let Some(length) = card_at_end(&digits) {
            self.misplaced_from(digits.len() - length);
        }
    }

    /// A key that went down at `down`, where a card is asked for: one that was begun before belongs to it.
    pub(crate) fn key_of_card(&mut self, down: Duration) {
        let goes_on = |last: &(char, Duration)| down.saturating_sub(last.1) <= CONTINUES;
        if self.keyed.back().is_some_and(goes_on) && self.keyed.len() > SHOWN {
            self.misplaced_from(0);
        }
        self.keyed.clear();
    }

    /// The last keys, from that one on, are a card's.
    fn misplaced_from(&mut self, first: usize) {
        let keys = || self.keyed.iter().skip(first);
        self.misplaced.push(Zeroizing::new(keys().map(|(key, _)| *key).collect()));
        if let (Some(first), Some(last)) = (keys().next(), keys().next_back()) {
            self.silence(first.1.saturating_sub(PRESS)..last.1 + PRESS);
        }
    }

    /// The end of the turn that goes on is not waited for: what may be a card's is one's, up to `now`.
    pub(crate) fn suspect(&mut self, now: Duration) {
        if let Some(span) = self.perhaps.take() {
            self.silence(span.start..span.end.max(now));
            // Its first digits may have been told.
            self.found.told_before = true;
        }
    }

    /// What has come to light since the last look.
    pub(crate) fn found(&mut self) -> Found {
        std::mem::take(&mut self.found)
    }

    fn find(&mut self, redacted: &Redacted, words: &[Range<Duration>]) {
        let is_certain = |held| held != Held::PerhapsCardNumber;
        let mut spans = spans(&redacted.marks, words, is_certain);
        for earlier in &redacted.earlier {
            let turn = usize::try_from(earlier.turn).ok().and_then(|turn| self.ended.get(turn));
            spans.extend(
                turn.iter().flat_map(|turn| self::spans(&earlier.marks, &turn.words, is_certain)),
            );
        }
        spans.into_iter().for_each(|span| self.silence(span));
        self.found.told_before |= !redacted.earlier.is_empty();
        self.earlier.extend(redacted.earlier.iter().cloned());
    }

    fn silence(&mut self, span: Range<Duration>) {
        // Another reading may have the same words a little earlier or later.
        let covers = |known: &Range<Duration>| {
            known.start <= span.start + SPARE && span.end <= known.end + SPARE
        };
        if !self.known.iter().any(covers) {
            self.known.push(span.clone());
            self.found.at.push(span);
        }
    }

    /// Takes out of a record what is known by now to be a card's.
    pub(crate) fn redact(&self, record: &mut Record) {
        for Earlier { turn, text, .. } in &self.earlier {
            let ended = usize::try_from(*turn).ok().and_then(|turn| self.ended.get(turn));
            if let Some(turn) = ended.and_then(|ended| record.turns.get_mut(ended.turn)) {
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
            let digits: Zeroizing<String> =
                Zeroizing::new(slot.value.chars().filter(char::is_ascii_digit).collect());
            let said = || record.turns.iter().filter(said_in).any(|it| it.words.contains("[card]"));
            let keyed = || self.misplaced.iter().any(|card| card.contains(digits.as_str()));
            if digits.len() >= PART && said() || digits.len() > SHOWN && keyed() {
                "[card]".clone_into(&mut slot.value);
            }
        }
    }
}

/// When the words of some marks were said, with something to spare.
fn spans(
    marks: &[Mark],
    words: &[Range<Duration>],
    of: impl Fn(Held) -> bool,
) -> Vec<Range<Duration>> {
    let said = marks.iter().filter(|mark| of(mark.held)).filter_map(|mark| {
        let (first, last) = (words.get(mark.words.start)?, words.get(..mark.words.end)?.last()?);
        Some(first.start.saturating_sub(SPARE)..last.end + SPARE)
    });
    said.collect()
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
            let each = |at: u32| from + at * SECOND / 2..from + (at + 1) * SECOND / 2;
            let times: Vec<_> = words.split_whitespace().zip(0..).map(|(_, at)| each(at)).collect();
            cards.partial(words, &times);
            let clean = cards.turn(words, &times, &record);
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
        let found = cards.found();
        assert!(found.told_before);
        // From "four", half a second into the second turn, to the last digit but the thanks, each turn by itself.
        let said = |at: u64| found.at.iter().any(|span| span.contains(&Duration::from_millis(at)));
        for (at, is_card) in [
            (1_000, false),
            (10_200, false),
            (10_600, true),
            (12_300, true),
            (20_100, true),
            (30_900, true),
            (41_400, true),
            (41_900, false),
        ] {
            assert_eq!(said(at), is_card, "{at}: {:?}", found.at);
        }
        assert_eq!(cards.found(), Found::default(), "it is told once");
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
    fn digits_that_nobody_heard_the_end_of_are_suspected() {
        let words: Vec<_> = (0..13).map(|at| at * SECOND..(at + 1) * SECOND).collect();
        let digits = "5 2 0 1 1 9 0 7 5 6 4 4";
        let mut cards = Cards::default();
        cards.partial(digits, &words);
        assert_eq!(cards.found(), Found::default(), "it may be something else");
        cards.suspect(15 * SECOND);
        let at = vec![Duration::ZERO..15 * SECOND];
        assert_eq!(cards.found(), Found { told_before: true, at });
        let mut cards = Cards::default();
        cards.partial(digits, &words);
        cards.turn(&format!("{digits} parcels"), &words, &Record::default());
        cards.suspect(20 * SECOND);
        assert_eq!(cards.found(), Found::default(), "it was");
    }

    #[test]
    fn the_beginning_of_a_card_that_was_taken_for_something_else_leaves_the_slots() {
        let keyed = |keys: &str, then: u64| {
            let mut cards = Cards::default();
            let apart = Duration::from_millis(200);
            keys.chars().zip(0..).for_each(|(key, n)| cards.key(key, n * apart));
            cards.key_of_card(Duration::from_millis(200 * keys.len() as u64 + then));
            let mut call = Record { slots: vec![slot("411111111111", 1)], ..Record::default() };
            cards.redact(&mut call);
            call.slots.remove(0).value
        };
        assert_eq!(keyed("411111111111", 400), "[card]", "its end was keyed in where it belongs");
        assert_eq!(keyed("411111111111", 4_000), "411111111111", "the card is another number");
        assert_eq!(keyed("4111111111111111", 9_000), "[card]", "its end went to the next question");
    }

    #[test]
    fn what_holds_no_card_stays_to_the_letter() {
        let mut cards = Cards::default();
        let mut call = heard(&mut cards, &["I'd like  to speak to Tom", "my number is 555 0100"]);
        let before = call.clone();
        cards.redact(&mut call);
        assert_eq!(call, before);
        assert_eq!(cards.found(), Found::default());
    }

    #[test]
    fn a_card_that_is_keyed_in_where_nobody_asks_for_one_is_found_with_its_last_key() {
        let mut cards = Cards::default();
        let mut press = |keys: &str, from: u64, apart: u64| {
            for (key, n) in keys.chars().zip(0..) {
                cards.key(key, Duration::from_millis(from + n * apart));
            }
            cards.found().at
        };
        assert_eq!(press("12411111111111111", 10_000, 300), []);
        let found =
            [10 * SECOND - Duration::from_millis(400)..16 * SECOND + Duration::from_millis(100)];
        assert_eq!(press("1", 15_100, 0), found);
        assert_eq!(press("41111111#11111111", 60_000, 300), [], "two numbers");
        assert_eq!(press("4111111111111111", 200_000, 31_000), [], "and sixteen");
    }
}
