//! What was sent and what was received (RFC 3550 section 6.4).

use crate::quality::Reception;
use std::time::Duration;

/// Wall-clock time as NTP counts it: seconds since 1900 in the upper half, parts of a second in
/// the lower (RFC 3550 section 4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct NtpTime(pub u64);

impl NtpTime {
    /// The time `since` the beginning of 1970.
    pub fn from_unix(since: Duration) -> NtpTime {
        const BETWEEN: u64 = 2_208_988_800;
        let seconds = since.as_secs().wrapping_add(BETWEEN) << 32;
        let part = (u64::from(since.subsec_nanos()) << 32) / 1_000_000_000;
        NtpTime(seconds | part)
    }

    /// The middle half, which report blocks refer to: 16 bits of seconds, 16 of their parts.
    pub fn middle(self) -> u32 {
        (self.0 >> 16) as u32
    }
}

/// What a participant has sent (section 6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SenderInfo {
    /// When the report was sent.
    pub sent: NtpTime,
    /// The same moment on the clock of its RTP timestamps.
    pub timestamp: u32,
    /// Packets sent since the beginning; wraps.
    pub packets: u32,
    /// Payload bytes in them; wraps.
    pub octets: u32,
}

/// Bytes of a [`SenderInfo`].
pub(super) const INFO: usize = 20;

impl SenderInfo {
    pub(super) fn read(bytes: &[u8; INFO]) -> SenderInfo {
        let word = words(bytes);
        let sent = NtpTime((u64::from(word(0)) << 32) | u64::from(word(1)));
        SenderInfo { sent, timestamp: word(2), packets: word(3), octets: word(4) }
    }

    pub(super) fn write(&self, to: &mut [u8; INFO]) {
        to[..8].copy_from_slice(&self.sent.0.to_be_bytes());
        put(&mut to[8..], &[self.timestamp, self.packets, self.octets]);
    }
}

/// How a participant receives one source (section 6.4.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ReportBlock {
    /// The source.
    pub ssrc: u32,
    /// The share of packets lost since the last report, in 256ths.
    pub fraction_lost: u8,
    /// Packets lost since the beginning, limited to 24 bits; negative for more duplicates than
    /// losses.
    pub lost: i32,
    /// The highest sequence number received, with the number of its wraps in the upper half.
    pub extended_highest: u32,
    /// Interarrival jitter, in samples.
    pub jitter: u32,
    /// The middle of the time of the last sender report from the source; 0 if there was none.
    pub last_report: u32,
    /// How long ago that came, in 65,536ths of a second.
    pub delay: u32,
}

/// Bytes of a [`ReportBlock`].
pub(super) const BLOCK: usize = 24;

impl ReportBlock {
    /// The report on `ssrc`, which sent its last sender report at `last_report` on its own clock;
    /// that came `ago`. Begins the next interval of `reception`.
    pub fn new(
        ssrc: u32,
        reception: &mut Reception,
        last_report: Option<(NtpTime, Duration)>,
    ) -> ReportBlock {
        let (last_report, delay) = last_report.map_or((0, 0), |(sent, ago)| {
            let delay = ago.as_nanos() * (1 << 16) / 1_000_000_000;
            (sent.middle(), u32::try_from(delay).unwrap_or(u32::MAX))
        });
        ReportBlock {
            ssrc,
            fraction_lost: reception.interval().fraction(),
            lost: reception.lost().clamp(-0x80_0000, 0x7F_FFFF),
            extended_highest: reception.extended_highest(),
            jitter: reception.jitter_samples(),
            last_report,
            delay,
        }
    }

    fn read(bytes: &[u8; BLOCK]) -> ReportBlock {
        let word = words(bytes);
        ReportBlock {
            ssrc: word(0),
            fraction_lost: bytes[4],
            // The shift back brings the sign along.
            lost: (word(1) << 8) as i32 >> 8,
            extended_highest: word(2),
            jitter: word(3),
            last_report: word(4),
            delay: word(5),
        }
    }

    pub(super) fn write(&self, to: &mut [u8; BLOCK]) {
        let lost = self.lost.clamp(-0x80_0000, 0x7F_FFFF) as u32 & 0xFF_FFFF;
        let loss = (u32::from(self.fraction_lost) << 24) | lost;
        let counts = [self.extended_highest, self.jitter, self.last_report, self.delay];
        put(to, &[self.ssrc, loss]);
        put(&mut to[8..], &counts);
    }
}

/// The round trip to the peer whose `block` on us came at `now`, both on the clock of our sender
/// reports (section 6.4.1). `None` if it has not had one yet, or if the block makes no sense.
pub fn round_trip(now: NtpTime, block: &ReportBlock) -> Option<Duration> {
    let since = now.middle().wrapping_sub(block.last_report);
    let trip = since.wrapping_sub(block.delay);
    // Clocks are read to 15 us, so a trip of next to nothing may come out as a little less.
    let trip = if trip > u32::MAX - 64 { 0 } else { trip };
    let sane = block.last_report != 0 && trip < 1 << 31;
    sane.then(|| Duration::from_nanos((u64::from(trip) * 1_000_000_000) >> 16))
}

/// Iterates over the report blocks of a packet, at most 31.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reports<'a>(&'a [u8]);

impl<'a> Reports<'a> {
    /// `count` blocks at the beginning of `body`; what follows them is the profile's.
    pub(super) fn split(count: u8, body: &'a [u8]) -> Option<Reports<'a>> {
        body.get(..usize::from(count) * BLOCK).map(Reports)
    }
}

impl Iterator for Reports<'_> {
    type Item = ReportBlock;

    fn next(&mut self) -> Option<ReportBlock> {
        let (block, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(ReportBlock::read(block))
    }
}

/// The big-endian words of `bytes`, by index.
fn words(bytes: &[u8]) -> impl Fn(usize) -> u32 {
    |index| {
        let word = bytes[index * 4..].first_chunk().expect("the index is within a fixed layout");
        u32::from_be_bytes(*word)
    }
}

fn put(to: &mut [u8], words: &[u32]) {
    for (bytes, word) in to.chunks_exact_mut(4).zip(words) {
        bytes.copy_from_slice(&word.to_be_bytes());
    }
}
