//! When what a packet holds was said, as far as its arrival and its timestamp tell.

use super::timeline::Least;
use audio::{SAMPLE_RATE, rtp};

/// The time at which each of a side's packets would have come without any delay but the least.
///
/// A packet that was held up on its way while a recording was paused must not be taken for what was
/// said after: its timestamp knows better than its arrival.
#[derive(Debug, Default)]
pub(super) struct Delay {
    stream: Option<Stream>,
}

#[derive(Debug)]
struct Stream {
    ssrc: u32,
    timestamp: u32,
    /// The timestamp counted on over its wraps, from 0.
    count: i64,
    least: Least,
}

/// What seems to be older is no packet that was held up but a clock that was set: 10 s.
const OLDEST: i64 = 10 * SAMPLE_RATE as i64;

impl Delay {
    /// Where a packet of sound belongs that came at `at`, both in samples.
    pub(super) fn of_sound(&mut self, at: i64, packet: &rtp::Packet<'_>) -> i64 {
        if let Some(stream) = self.stream.as_mut().filter(|stream| stream.ssrc == packet.ssrc) {
            let count = stream.count_of(packet.timestamp);
            if count > stream.count {
                (stream.count, stream.timestamp) = (count, packet.timestamp);
            }
            let position = count + stream.least.of(at, at - count);
            if at - position <= OLDEST {
                return position;
            }
        }
        let (ssrc, timestamp) = (packet.ssrc, packet.timestamp);
        let mut least = Least::new(at);
        least.of(at, at);
        self.stream = Some(Stream { ssrc, timestamp, count: 0, least });
        at
    }

    /// Where a packet belongs whose timestamp is not its own: that of a key says when it went down.
    pub(super) fn of_key(&self, at: i64, packet: &rtp::Packet<'_>) -> i64 {
        let stream = self.stream.as_ref().filter(|stream| stream.ssrc == packet.ssrc);
        stream.map_or(at, |stream| stream.count_of(packet.timestamp) + stream.least.value()).min(at)
    }
}

impl Stream {
    fn count_of(&self, timestamp: u32) -> i64 {
        self.count + i64::from(timestamp.wrapping_sub(self.timestamp) as i32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::rtp::{HEADER_LEN, Header, Packet};

    #[test]
    fn what_was_held_up_stands_where_it_was_said() {
        let mut delay = Delay::default();
        let mut place = |at: i64, ssrc: u32, timestamp: u32| {
            let mut bytes = [0; HEADER_LEN];
            Header { ssrc, timestamp, ..Header::default() }.write(&mut bytes);
            let packet = Packet::parse(&bytes).unwrap();
            (delay.of_key(at, &packet), delay.of_sound(at, &packet).min(at))
        };
        let first = u32::MAX - 200;
        let ts = |samples: u32| first.wrapping_add(samples);
        assert_eq!(place(1_000, 1, first).1, 1_000);
        assert_eq!(place(1_200, 1, ts(160)), (1_160, 1_160));
        assert_eq!(place(1_300, 1, ts(320)).1, 1_300, "the first one was late itself");
        // Two seconds at once.
        for n in 1..100 {
            assert_eq!(place(17_300, 1, ts(320 + n * 160)).1, 1_300 + i64::from(n) * 160);
        }
        assert_eq!(place(17_320, 1, ts(0)).0, 980, "and a key that was pressed before");
        assert_eq!(place(17_400, 1, ts(0).wrapping_sub(900_000)).1, 17_400, "a clock that was set");
        assert_eq!(place(17_500, 2, 7).1, 17_500, "another stream");
    }
}
