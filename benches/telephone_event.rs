//! A pressed key from its packets, and once from two witnesses. The crates for RTP leave RFC 4733 to their users.

use audio::{
    FRAME,
    rtp::{HEADER_LEN, Header, Packet},
    telephone_event::{Deduplicator, Digits, EVENT_LEN, Event, Witness, code_of},
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::{hint::black_box, time::Duration};

fn keys(c: &mut Criterion) {
    let code = code_of('5').expect("a key");
    let payload = Event { code, end: false, volume: 10, duration: FRAME as u16 }.to_bytes();
    let mut datagram = [0; HEADER_LEN + EVENT_LEN];
    let (head, event) = datagram.split_first_chunk_mut().expect("longer than a header");
    Header { payload_type: 101, ..Header::default() }.write(head);
    event.copy_from_slice(&payload);
    let packet = Packet::parse(&datagram).expect("a packet");
    let mut group = c.benchmark_group("telephone event");
    group.bench_function("the first report of a key", |b| {
        let (mut digits, mut packet) = (Digits::default(), packet);
        b.iter(|| {
            // Each press is far from the last one.
            packet.timestamp = packet.timestamp.wrapping_add(10 * FRAME as u32);
            assert_eq!(digits.push(black_box(&packet)), Some('5'));
        });
    });
    group.bench_function("another report of it", |b| {
        let mut digits = Digits::default();
        digits.push(&packet);
        b.iter(|| assert_eq!(digits.push(black_box(&packet)), None));
    });
    group.bench_function("a press told by both", |b| {
        let (mut presses, mut at) = (Deduplicator::default(), Duration::ZERO);
        b.iter(|| {
            at += Duration::from_millis(200);
            let first = presses.is_new(Witness::Media, black_box('5'), at);
            let second = presses.is_new(Witness::Ari, black_box('5'), at);
            assert!(first && !second);
        });
    });
    group.finish();
}

criterion_group!(benches, keys);
criterion_main!(benches);
