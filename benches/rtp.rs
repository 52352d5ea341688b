//! Reading and writing one RTP packet of 20 ms mu-law.

use audio::{
    FRAME,
    rtp::{HEADER_LEN, Header, Packet},
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;

fn rtp(c: &mut Criterion) {
    let header = Header { sequence: 1, timestamp: 160, ssrc: 7, ..Header::default() };
    let mut datagram = [0xFF; HEADER_LEN + FRAME];
    let (head, _) = datagram.split_first_chunk_mut().expect("longer than a header");
    header.write(head);
    let mut group = c.benchmark_group("rtp");
    group.bench_function("parse", |b| b.iter(|| Packet::parse(black_box(&datagram))));
    group.bench_function("write a header", |b| {
        let mut out = [0; HEADER_LEN];
        b.iter(|| black_box(&header).write(black_box(&mut out)));
    });
    group.finish();
}

criterion_group!(benches, rtp);
criterion_main!(benches);
