//! A caller's sound as it comes over the line: a recording in RTP packets, or the packets of a capture, through the same gate
//! and jitter buffer as live.

use std::collections::VecDeque;
use std::time::Duration;

use audio::jitter::{Frame, JitterBuffer, Stats};
use audio::telephone_event::Digits;
use audio::{FRAME, FRAME_TIME, g711, rtp};
use media::Gate;

use crate::captured::CapturedPacket;

/// The caller's side of a line: speaks from the answer on, then keeps silent.
pub(crate) struct CallerLine<'a> {
    source: Source<'a>,
    answered: Duration,
    /// When the first packet came.
    first: Option<Duration>,
    /// Of the next packet that is made here.
    header: rtp::Header,
    skipped: usize,
    /// What comes back of our own voice with the next packet.
    echo: [i16; FRAME],
    gate: Gate,
    digits: Digits,
    jitter: JitterBuffer,
}

/// Where the sound comes from.
enum Source<'a> {
    /// What is left of it.
    Recording(&'a [i16]),
    Capture(VecDeque<&'a CapturedPacket>),
}

/// What comes over the line at a time.
#[derive(Default)]
pub(crate) struct Arrival {
    pub(crate) keys: Vec<char>,
    pub(crate) frames: Vec<Frame>,
}

impl<'a> CallerLine<'a> {
    /// A recording, which is spoken from the answer on.
    pub(crate) fn new(audio: &'a [i16]) -> Self {
        Self::of(Source::Recording(audio))
    }

    /// Packets that came once, and come again in the same rhythm.
    pub(crate) fn captured(packets: &'a [CapturedPacket]) -> Self {
        Self::of(Source::Capture(packets.iter().collect()))
    }

    fn of(source: Source<'a>) -> Self {
        Self {
            source,
            answered: Duration::ZERO,
            first: None,
            header: rtp::Header { payload_type: rtp::PCMU, ..rtp::Header::default() },
            skipped: 0,
            echo: [0; FRAME],
            gate: Gate::default(),
            digits: Digits::default(),
            jitter: JitterBuffer::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn echo(&mut self, echo: [i16; FRAME]) {
        self.echo = echo;
    }

    pub(crate) fn answered(&mut self, at: Duration) {
        self.answered = at;
    }

    /// When the first packet comes that is sent after `media` is up; of a recording, those before are lost.
    pub(crate) fn first_frame_after(&mut self, media: Duration) -> Duration {
        let mut arrives = self.answered + FRAME_TIME;
        while arrives < media {
            arrives += FRAME_TIME;
            if let Source::Recording(audio) = &mut self.source {
                *audio = audio.get(FRAME..).unwrap_or_default();
                self.skipped += FRAME;
            }
        }
        arrives
    }

    /// How much of the recording was lost before media was up, in seconds.
    pub(crate) fn skipped_seconds(&self) -> f64 {
        audio::duration_of(self.skipped as u64).as_secs_f64()
    }

    /// What the jitter buffer made of it all.
    pub(crate) fn stats(&self) -> Stats {
        self.jitter.stats()
    }

    /// What the packets bring that arrive now, or whose turn it is.
    pub(crate) fn arrival(&mut self, now: Duration) -> Arrival {
        let since = now - *self.first.get_or_insert(now);
        let mut arrival = Arrival::default();
        match &mut self.source {
            Source::Recording(audio) => {
                let (said, rest) = audio.split_at(audio.len().min(FRAME));
                *audio = rest;
                self.speak(now, said, &mut arrival);
            }
            Source::Capture(packets) if packets.is_empty() => self.speak(now, &[], &mut arrival),
            Source::Capture(packets) => {
                let due = packets.iter().take_while(|packet| packet.at <= since).count();
                for packet in packets.drain(..due).collect::<Vec<_>>() {
                    self.receive(now, &packet.bytes, &mut arrival);
                }
            }
        }
        arrival.frames.extend(std::iter::from_fn(|| self.jitter.pop(now)));
        arrival
    }

    /// When to ask for the next arrival.
    pub(crate) fn next(&self, now: Duration) -> Duration {
        let packet = match (&self.source, self.first) {
            (Source::Capture(packets), Some(first)) if !packets.is_empty() => {
                packets.front().map(|packet| first + packet.at)
            }
            _ => None,
        };
        let packet = packet.unwrap_or(now + FRAME_TIME);
        self.jitter.deadline().map_or(packet, |deadline| packet.min(deadline)).max(now)
    }

    /// A packet of what is said, filled up with silence.
    fn speak(&mut self, now: Duration, said: &[i16], arrival: &mut Arrival) {
        let mut samples = [0; FRAME];
        samples[..said.len()].copy_from_slice(said);
        for (sample, echo) in samples.iter_mut().zip(self.echo) {
            *sample = sample.saturating_add(echo);
        }
        let mut datagram = [0; rtp::HEADER_LEN + FRAME];
        let (header, payload) = datagram.split_first_chunk_mut().expect("longer than a header");
        self.header.write(header);
        g711::encode_ulaw(&samples, payload);
        self.receive(now, &datagram, arrival);
    }

    fn receive(&mut self, now: Duration, datagram: &[u8], arrival: &mut Arrival) {
        let Ok(packet) = self.gate.admit(datagram) else { return };
        if packet.payload_type == rtp::TELEPHONE_EVENT {
            arrival.keys.extend(self.digits.push(&packet));
        }
        // What is made here goes on where the capture ends.
        self.header.ssrc = packet.ssrc;
        self.header.sequence = packet.sequence.wrapping_add(1);
        self.header.timestamp = packet.timestamp.wrapping_add(FRAME as u32);
        self.jitter.push(now, &packet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::jitter::FrameKind;
    use audio::telephone_event::Event;

    fn packet(ms: u64, sequence: u16, payload_type: u8, payload: &[u8]) -> CapturedPacket {
        let mut bytes = vec![0; rtp::HEADER_LEN];
        let timestamp = u32::from(sequence) * 160;
        let header = rtp::Header { sequence, timestamp, payload_type, ssrc: 9, marker: false };
        header.write(bytes.first_chunk_mut().expect("that long"));
        bytes.extend(payload);
        CapturedPacket { at: Duration::from_millis(ms), bytes }
    }

    #[test]
    fn a_capture_is_heard_as_it_came_and_then_there_is_silence() {
        let event = Event { code: 5, end: true, volume: 10, duration: 800 }.to_bytes();
        let sound = [0x80; FRAME];
        let packets = [
            packet(0, 0, rtp::PCMU, &sound),
            packet(20, 1, rtp::PCMU, &sound),
            // One is lost, and one late.
            packet(90, 3, rtp::PCMU, &sound),
            packet(95, 4, rtp::TELEPHONE_EVENT, &event),
        ];
        let mut line = CallerLine::captured(&packets);
        line.answered(Duration::from_millis(5));
        let mut now = line.first_frame_after(Duration::from_millis(40));
        let (mut frames, mut keys) = (Vec::new(), Vec::new());
        while now < Duration::from_millis(400) {
            let arrival = line.arrival(now);
            keys.extend(arrival.keys);
            frames.extend(arrival.frames);
            let next = line.next(now);
            assert!(next > now, "time goes on");
            now = next;
        }
        assert_eq!(keys, ['5']);
        let kinds: Vec<FrameKind> = frames.iter().map(|frame| frame.kind).collect();
        let voice = FrameKind::Voice;
        assert_eq!(kinds[..4], [voice, voice, FrameKind::Concealed, voice]);
        assert!(frames[6..].iter().all(|frame| frame.samples == [0; FRAME]));
        assert_eq!((line.stats().lost, line.stats().resyncs), (1, 0));
        assert!(frames.windows(2).all(|pair| pair[1].position == pair[0].position + 160));
    }
}
