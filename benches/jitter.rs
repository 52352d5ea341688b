//! The step that every received packet takes: into the jitter buffer, and out of it as a frame.

use audio::{
    FRAME, FRAME_TIME,
    jitter::{Frame, JitterBuffer},
    rtp::{HEADER_LEN, Header, Packet},
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::{hint::black_box, time::Duration};

/// Longer than any packet is waited for.
const PATIENCE: Duration = Duration::from_secs(1);

/// A sender in step with the clock.
struct Stream {
    header: Header,
    datagram: [u8; HEADER_LEN + FRAME],
    now: Duration,
}

impl Stream {
    fn new() -> Stream {
        let datagram = [0x80; HEADER_LEN + FRAME];
        Stream { header: Header::default(), datagram, now: Duration::ZERO }
    }

    /// Passes over `packets` and pushes the one after them.
    fn push(&mut self, buffer: &mut JitterBuffer, packets: u32) {
        let steps = packets + 1;
        self.now += FRAME_TIME * steps;
        self.header.sequence = self.header.sequence.wrapping_add(steps as u16);
        self.header.timestamp = self.header.timestamp.wrapping_add(FRAME as u32 * steps);
        let (head, _) = self.datagram.split_first_chunk_mut().expect("longer than a header");
        self.header.write(head);
        let packet = Packet::parse(black_box(&self.datagram)).expect("a whole packet");
        buffer.push(self.now, &packet);
    }

    fn pop(&self, buffer: &mut JitterBuffer, waited: Duration) -> Option<Frame> {
        buffer.pop(self.now + waited)
    }
}

fn jitter(c: &mut Criterion) {
    let mut group = c.benchmark_group("jitter");
    group.bench_function("a packet in order", |b| {
        let (mut stream, mut buffer) = (Stream::new(), JitterBuffer::new());
        b.iter(|| {
            stream.push(&mut buffer, 0);
            let frame = stream.pop(&mut buffer, Duration::ZERO);
            assert!(black_box(frame).is_some(), "a packet in order is a frame at once");
            stream.pop(&mut buffer, Duration::ZERO)
        });
    });
    group.bench_function("a packet after a lost one", |b| {
        let (mut stream, mut buffer) = (Stream::new(), JitterBuffer::new());
        stream.push(&mut buffer, 0);
        b.iter(|| {
            stream.push(&mut buffer, 1);
            while let Some(frame) = stream.pop(&mut buffer, PATIENCE) {
                black_box(frame);
            }
        });
        assert!(buffer.stats().concealed > 0, "losses are concealed");
    });
    group.finish();
}

criterion_group!(benches, jitter);
criterion_main!(benches);
