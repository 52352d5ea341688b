//! Reading and writing one RTP packet of 20 ms mu-law, beside the crates that do it: `rtp` (of webrtc) and `rtp-types`.

use audio::{
    FRAME, rtcp,
    rtp::{HEADER_LEN, Header, Packet, Template},
};
use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use webrtc_util::marshal::{Marshal, Unmarshal};

const HEADER: Header =
    Header { marker: false, payload_type: 0, sequence: 1, timestamp: 160, ssrc: 7 };

fn datagram() -> [u8; HEADER_LEN + FRAME] {
    let mut datagram = [0xFF; HEADER_LEN + FRAME];
    HEADER.write(datagram.first_chunk_mut().expect("longer than a header"));
    datagram
}

/// All that the media plane looks at.
type Seen = (u16, u32, u32, u8, bool, usize);

fn read(c: &mut Criterion) {
    let datagram = datagram();
    let mut group = c.benchmark_group("rtp/read");
    group.bench_function("audio", |b| {
        b.iter(|| -> Seen {
            let p = Packet::parse(black_box(&datagram)).expect("a packet");
            (p.sequence, p.timestamp, p.ssrc, p.payload_type, p.marker, p.payload.len())
        });
    });
    group.bench_function("rtp-types", |b| {
        b.iter(|| -> Seen {
            let p = rtp_types::RtpPacket::parse(black_box(&datagram)).expect("a packet");
            let (kind, marker) = (p.payload_type(), p.marker_bit());
            (p.sequence_number(), p.timestamp(), p.ssrc(), kind, marker, p.payload().len())
        });
    });
    group.bench_function("rtp", |b| {
        b.iter(|| -> Seen {
            let p =
                rtp::packet::Packet::unmarshal(&mut black_box(&datagram[..])).expect("a packet");
            let h = &p.header;
            (h.sequence_number, h.timestamp, h.ssrc, h.payload_type, h.marker, p.payload.len())
        });
    });
    group.finish();
}

fn write(c: &mut Criterion) {
    let mut out = datagram();
    let mut group = c.benchmark_group("rtp/write a header");
    group.bench_function("audio, template", |b| {
        let mut template = Template::new(&HEADER);
        b.iter(|| {
            template.advance(FRAME as u32);
            black_box(&mut out)[..HEADER_LEN].copy_from_slice(template.bytes());
        });
    });
    group.bench_function("audio, whole", |b| {
        b.iter(|| black_box(&HEADER).write(black_box(&mut out).first_chunk_mut().expect("room")));
    });
    group.bench_function("rtp", |b| {
        let mut header = rtp::header::Header { version: 2, ssrc: 7, ..Default::default() };
        b.iter(|| {
            header.sequence_number = header.sequence_number.wrapping_add(1);
            header.timestamp = header.timestamp.wrapping_add(FRAME as u32);
            header.marshal_to(&mut black_box(&mut out)[..]).expect("room")
        });
    });
    group.bench_function("rtp-types", |b| {
        let mut sequence = 0_u16;
        b.iter(|| {
            sequence = sequence.wrapping_add(1);
            rtp_types::RtpPacketBuilder::<&[u8], &[u8]>::new()
                .payload_type(0)
                .sequence_number(sequence)
                .timestamp(u32::from(sequence) * FRAME as u32)
                .ssrc(7)
                .write_into(&mut black_box(&mut out)[..])
                .expect("room")
        });
    });
    group.finish();
}

fn reports(c: &mut Criterion) {
    let mut buffer = [0; 128];
    let blocks = [rtcp::ReportBlock { ssrc: 8, jitter: 3, ..Default::default() }];
    let mut writer = rtcp::Writer::new(&mut buffer);
    writer.sender_report(7, &rtcp::SenderInfo::default(), &blocks).expect("room");
    writer.cname(7, "asterisk@pbx.example").expect("room");
    let compound = writer.finish();
    let mut group = c.benchmark_group("rtcp/read a compound");
    group.bench_function("audio", |b| {
        b.iter(|| {
            let compound = rtcp::Compound::parse(black_box(compound)).expect("a compound");
            compound.packets().map(black_box).count()
        });
    });
    group.bench_function("rtcp-types", |b| {
        b.iter(|| {
            let compound = rtcp_types::Compound::parse(black_box(compound)).expect("a compound");
            compound.map(black_box).count()
        });
    });
    group.finish();
}

criterion_group!(benches, read, write, reports);
criterion_main!(benches);
