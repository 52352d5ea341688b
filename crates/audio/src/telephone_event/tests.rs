//! Digits as their user sees them: packets in, digits out.

use super::*;
use proptest::prelude::*;
use std::collections::BTreeMap;

fn report(code: u8, duration: u16, end: bool) -> [u8; EVENT_LEN] {
    Event { code, end, volume: 10, duration }.to_bytes()
}

fn push(digits: &mut Digits, ssrc: u32, timestamp: u32, payload: &[u8]) -> Option<char> {
    let header = rtp::Header { ssrc, timestamp, ..rtp::Header::default() };
    let mut bytes = [0; rtp::HEADER_LEN];
    header.write(&mut bytes);
    digits.push(&rtp::Packet::parse(&[&bytes, payload].concat()).unwrap())
}

#[test]
fn an_event_is_read_as_the_rfc_draws_it() {
    assert_eq!(
        Event::parse(&[11, 0x8A, 0x03, 0x20]),
        Some(Event { code: 11, end: true, volume: 10, duration: 800 })
    );
    assert_eq!(Event::parse(&[1, 0, 0]), None);
}

#[test]
fn keys_and_codes_agree() {
    for (code, key) in "0123456789*#ABCD".chars().enumerate() {
        assert_eq!(code_of(key), Some(code as u8));
        assert_eq!(Event::parse(&report(code as u8, 0, false)).unwrap().digit(), Some(key));
    }
    assert_eq!(code_of('x'), None);
    assert_eq!(Event::parse(&report(16, 0, false)).unwrap().digit(), None, "hook flash");
}

#[test]
fn a_key_held_and_let_go_is_one_digit() {
    let mut digits = Digits::default();
    assert_eq!(push(&mut digits, 7, 1000, &report(5, 160, false)), Some('5'));
    assert_eq!(push(&mut digits, 7, 1000, &report(5, 320, false)), None);
    for _ in 0..3 {
        assert_eq!(push(&mut digits, 7, 1000, &report(5, 480, true)), None);
    }
    assert_eq!(push(&mut digits, 7, 4000, &report(5, 160, false)), Some('5'), "pressed again");
}

#[test]
fn one_surviving_report_is_enough() {
    let mut digits = Digits::default();
    assert_eq!(
        push(&mut digits, 7, 1000, &report(1, 160, false)),
        Some('1'),
        "all its ends are lost"
    );
    assert_eq!(push(&mut digits, 7, 3000, &report(2, 480, true)), Some('2'), "only an end arrived");
}

#[test]
fn a_report_overtaken_by_the_next_key_is_not_a_second_digit() {
    let mut digits = Digits::default();
    assert_eq!(push(&mut digits, 7, 1000, &report(1, 160, false)), Some('1'));
    assert_eq!(push(&mut digits, 7, 3000, &report(2, 160, false)), Some('2'));
    assert_eq!(push(&mut digits, 7, 1000, &report(1, 480, true)), None);
    assert_eq!(push(&mut digits, 7, 3000, &report(2, 320, false)), None);
}

#[test]
fn a_very_long_press_is_one_digit() {
    let mut digits = Digits::default();
    let wrapping = u32::MAX - 100;
    assert_eq!(push(&mut digits, 7, wrapping, &report(9, u16::MAX, false)), Some('9'));
    let second = wrapping.wrapping_add(u32::from(u16::MAX));
    assert_eq!(push(&mut digits, 7, second, &report(9, 800, true)), None);
}

#[test]
fn a_sender_that_starts_over_is_heard() {
    let mut digits = Digits::default();
    assert_eq!(push(&mut digits, 7, 10_000_000, &report(1, 160, true)), Some('1'));
    assert_eq!(push(&mut digits, 7, 500, &report(2, 160, true)), Some('2'));
    assert_eq!(push(&mut digits, 8, 500, &report(2, 160, true)), Some('2'), "a new stream");
    assert_eq!(push(&mut digits, 9, 100, &report(2, 160, true)), Some('2'), "and another");
    assert_eq!(push(&mut digits, 9, 200, &[2, 0]), None, "no event at all");
}

#[test]
fn a_report_that_comes_after_the_next_key_is_still_a_digit() {
    let mut digits = Digits::default();
    assert_eq!(push(&mut digits, 7, 3000, &report(2, 160, false)), Some('2'));
    assert_eq!(push(&mut digits, 7, 1000, &report(1, 480, true)), Some('1'), "the only one");
    assert_eq!(push(&mut digits, 7, 1000, &report(1, 480, true)), None);
    assert_eq!(push(&mut digits, 7, 3000, &report(2, 480, true)), None);
}

#[test]
fn segments_may_be_lost_or_out_of_order() {
    let mut digits = Digits::default();
    let segment = |n: u32| 500_u32.wrapping_sub(u32::from(u16::MAX)).wrapping_add(n * 65_535);
    assert_eq!(push(&mut digits, 7, segment(0), &report(9, 800, false)), Some('9'));
    for n in [3, 1, 2, 4, 3] {
        assert_eq!(push(&mut digits, 7, segment(n), &report(9, 800, n == 4)), None, "{n}");
    }
    assert_eq!(push(&mut digits, 7, segment(4) + 4000, &report(9, 160, false)), Some('9'));
    assert_eq!(push(&mut digits, 7, segment(6), &report(8, 160, false)), Some('8'), "another key");
}

proptest! {
    #[test]
    fn presses_give_one_digit_each_whatever_happens_on_the_way(
        presses in prop::collection::vec((0u8..16, 1u32..400), 1..40),
        packets in prop::collection::vec((0u8..3, 0usize..12), 40 * 6),
        start in any::<(u16, u32)>(),
    ) {
        // Six reports a press, each sent none, one or two times and overtaken by up to eleven.
        let (mut wire, mut expected, mut timestamp) = (vec![], BTreeMap::new(), start.1);
        for (index, (code, pause)) in presses.into_iter().enumerate() {
            timestamp = timestamp.wrapping_add(960 + pause);
            let reports = &packets[index * 6..][..6];
            for (number, (copies, delay)) in reports.iter().enumerate() {
                let bytes = report(code, (number.min(3) as u16 + 1) * 160, number > 2);
                for copy in 0..usize::from(*copies) {
                    wire.push((index * 6 + number + delay * (copy + 1), timestamp, bytes));
                }
            }
            if reports.iter().any(|(copies, _)| *copies > 0) {
                *expected.entry(char::from(KEYS[usize::from(code)])).or_insert(0) += 1;
            }
        }
        wire.sort_by_key(|(slot, ..)| *slot);
        let (mut digits, mut heard) = (Digits::default(), BTreeMap::new());
        for (_, timestamp, bytes) in wire {
            if let Some(digit) = push(&mut digits, 7, timestamp, &bytes) {
                *heard.entry(digit).or_insert(0) += 1;
            }
        }
        prop_assert_eq!(heard, expected);
    }

    #[test]
    fn presses_in_order_give_digits_in_order(
        presses in prop::collection::vec((0u8..16, 1u8..64), 1..20),
        start in any::<u32>(),
    ) {
        let (mut digits, mut heard, mut dialled) = (Digits::default(), vec![], vec![]);
        for (index, (code, arrives)) in presses.into_iter().enumerate() {
            let timestamp = start.wrapping_add(index as u32 * 1600);
            dialled.push(char::from(KEYS[usize::from(code)]));
            for number in (0..6).filter(|bit| arrives >> bit & 1 == 1) {
                let bytes = report(code, (number + 1) * 160, number > 2);
                heard.extend(push(&mut digits, 7, timestamp, &bytes));
            }
        }
        prop_assert_eq!(heard, dialled);
    }
}
