//! Digits pressed on a telephone, sent as events beside the sound (RFC 4733 section 2).

use crate::{SAMPLE_RATE, rtp};

/// Bytes of an event payload.
pub const EVENT_LEN: usize = 4;

/// One report of an event: a key is reported every 20 to 50 ms while it is held, and its end
/// three times over (RFC 4733 sections 2.3 and 2.5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// The event; 0 to 15 are the keys.
    pub code: u8,
    /// The key has been let go.
    pub end: bool,
    /// Loudness below the reference level, 0 to 63 (-dBm0).
    pub volume: u8,
    /// How long the event has lasted since its RTP timestamp, in samples.
    pub duration: u16,
}

impl Event {
    /// Reads an RTP payload; `None` when it is shorter than an event. Only the first event of a
    /// payload is read, which is the only one that telephones send.
    pub fn parse(payload: &[u8]) -> Option<Event> {
        let [code, flags, d0, d1] = *payload.first_chunk::<EVENT_LEN>()?;
        Some(Event {
            code,
            end: flags & END != 0,
            volume: flags & 0x3F,
            duration: u16::from_be_bytes([d0, d1]),
        })
    }

    /// The event as an RTP payload; `volume` is limited to 63.
    pub fn to_bytes(&self) -> [u8; EVENT_LEN] {
        let flags = self.volume.min(0x3F) | if self.end { END } else { 0 };
        let [d0, d1] = self.duration.to_be_bytes();
        [self.code, flags, d0, d1]
    }

    /// The key: `0` to `9`, `*`, `#`, `A` to `D`. `None` for an event that is no key.
    pub fn digit(&self) -> Option<char> {
        KEYS.get(usize::from(self.code)).map(|key| char::from(*key))
    }
}

/// The event code of a key, the inverse of [`Event::digit`].
pub fn code_of(digit: char) -> Option<u8> {
    KEYS.iter().position(|key| char::from(*key) == digit).map(|code| code as u8)
}

/// Turns the many reports of a key into one digit each.
///
/// All reports of one event carry the RTP timestamp of its beginning. The digit is given with the
/// first report that arrives, whichever that is: nobody waits for the key to be let go, and any
/// report but one may be lost.
#[derive(Debug, Default)]
pub struct Digits {
    latest: Option<Report>,
}

#[derive(Debug, Clone, Copy)]
struct Report {
    ssrc: u32,
    timestamp: u32,
    event: Event,
}

impl Digits {
    /// Takes a telephone-event packet; gives the digit if this is the first report of a key.
    pub fn push(&mut self, packet: &rtp::Packet<'_>) -> Option<char> {
        let event = Event::parse(packet.payload)?;
        let report = Report { ssrc: packet.ssrc, timestamp: packet.timestamp, event };
        // Each stream has timestamps of its own.
        let latest = self.latest.filter(|latest| latest.ssrc == report.ssrc);
        if latest.is_some_and(|latest| report.was_overtaken_by(&latest)) {
            return None;
        }
        self.latest = Some(report);
        if latest.is_some_and(|latest| report.repeats(&latest)) { None } else { event.digit() }
    }
}

impl Report {
    /// Whether both are of one event. An event longer than the 16-bit duration (8.2 s) goes on in
    /// a new segment, stamped where the last one ended (RFC 4733 section 2.5.1.3).
    fn repeats(&self, latest: &Report) -> bool {
        let continues = !latest.event.end
            && latest.event.code == self.event.code
            && self.timestamp == latest.timestamp.wrapping_add(u32::from(u16::MAX));
        self.timestamp == latest.timestamp || continues
    }

    /// Whether this is of an earlier event. Packets are late by seconds at most; a timestamp
    /// further back is a new beginning.
    fn was_overtaken_by(&self, latest: &Report) -> bool {
        (1..SAMPLE_RATE * 5).contains(&latest.timestamp.wrapping_sub(self.timestamp))
    }
}

const END: u8 = 0x80;

/// By event code (RFC 4733 section 3.2).
const KEYS: &[u8; 16] = b"0123456789*#ABCD";

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

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
        assert_eq!(
            push(&mut digits, 7, 3000, &report(2, 480, true)),
            Some('2'),
            "only an end arrived"
        );
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

    proptest! {
        #[test]
        fn presses_give_one_digit_each_whatever_is_lost(
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
}
