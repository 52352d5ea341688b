//! What is written is read, here and by the crate `rtcp-types`, and any bytes are read without a
//! panic.

use super::*;
use crate::quality::Reception;
use proptest::prelude::*;
use rtcp_types::RtcpPacketWriterExt as _;
use std::time::Duration;

const NAME: &str = "patchcord@example";

fn info() -> SenderInfo {
    let sent = NtpTime(0x0102_0304_0506_0708);
    SenderInfo { sent, timestamp: 160, packets: 9, octets: 1440 }
}

fn block(ssrc: u32, lost: i32) -> ReportBlock {
    ReportBlock {
        ssrc,
        fraction_lost: 57,
        lost,
        extended_highest: 0x0001_0002,
        jitter: 33,
        last_report: 0x0304_0506,
        delay: 70_000,
    }
}

/// A compound with all that we write.
fn everything(buffer: &mut [u8]) -> &[u8] {
    let mut writer = Writer::new(buffer);
    writer.sender_report(7, &info(), &[block(8, 5), block(9, -3)]).unwrap();
    writer.receiver_report(7, &[block(10, 0x7F_FFFF)]).unwrap();
    writer.cname(7, NAME).unwrap();
    writer.goodbye(&[7, 8], "done").unwrap();
    writer.goodbye(&[9], "").unwrap();
    writer.finish()
}

#[test]
fn what_is_written_is_read() {
    let mut buffer = [0xAA; 256];
    let compound = Compound::parse(everything(&mut buffer)).unwrap();
    let packets: Vec<Packet<'_>> = compound.packets().collect();
    let [
        Packet::SenderReport { ssrc: 7, info: sent, reports },
        Packet::ReceiverReport { ssrc: 7, reports: received },
        Packet::SourceDescription(chunks),
        Packet::Goodbye { sources, reason: b"done" },
        Packet::Goodbye { reason: b"", .. },
    ] = &packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!(*sent, info());
    assert!(reports.clone().eq([block(8, 5), block(9, -3)]));
    assert!(received.clone().eq([block(10, 0x7F_FFFF)]));
    let chunks: Vec<Chunk<'_>> = chunks.clone().collect();
    assert_eq!((chunks.len(), chunks[0].ssrc), (1, 7));
    assert_eq!(chunks[0].cname(), Some(NAME.as_bytes()));
    assert!(sources.clone().eq([7, 8]));
}

#[test]
fn what_is_written_is_read_elsewhere() {
    let mut buffer = [0xAA; 256];
    let compound = rtcp_types::Compound::parse(everything(&mut buffer)).unwrap();
    let packets: Vec<rtcp_types::Packet<'_>> = compound.map(Result::unwrap).collect();
    let [
        rtcp_types::Packet::Sr(sr),
        rtcp_types::Packet::Rr(rr),
        rtcp_types::Packet::Sdes(sdes),
        rtcp_types::Packet::Bye(bye),
        rtcp_types::Packet::Bye(short),
    ] = &packets[..]
    else {
        panic!("{packets:?}")
    };
    assert_eq!((sr.ssrc(), sr.ntp_timestamp(), sr.rtp_timestamp()), (7, info().sent.0, 160));
    assert_eq!((sr.packet_count(), sr.octet_count()), (9, 1440));
    let report = sr.report_blocks().next().unwrap();
    assert_eq!((report.ssrc(), report.fraction_lost(), report.cumulative_lost()), (8, 57, 5));
    assert_eq!(report.extended_sequence_number(), 0x0001_0002);
    assert_eq!(report.interarrival_jitter(), 33);
    assert_eq!(report.last_sender_report_timestamp(), 0x0304_0506);
    assert_eq!(report.delay_since_last_sender_report_timestamp(), 70_000);
    assert_eq!((rr.ssrc(), rr.n_reports()), (7, 1));
    let chunk = sdes.chunks().next().unwrap();
    let item = chunk.items().next().unwrap();
    assert_eq!((chunk.ssrc(), item.type_(), item.value()), (7, 1, NAME.as_bytes()));
    assert!(bye.ssrcs().eq([7, 8]));
    assert_eq!((bye.reason(), short.reason()), (Some(&b"done"[..]), None));
}

#[test]
fn what_is_written_elsewhere_is_read() {
    use rtcp_types::{Bye, ReceiverReport, Sdes, SdesChunk, SdesItem, Unknown};
    let item = |kind, text| SdesItem::builder(kind, text);
    let written = rtcp_types::Compound::builder()
        .add_packet(ReceiverReport::builder(7))
        .add_packet(
            Sdes::builder()
                .add_chunk(SdesChunk::builder(7).add_item(item(2, "name")).add_item(item(1, "c")))
                .add_chunk(SdesChunk::builder(8)),
        )
        .add_packet(Unknown::builder(207, &[1, 2, 3, 4]).count(3))
        .add_packet(Bye::builder().add_source(7).padding(8));
    let mut buffer = [0; 256];
    let length = written.write_into(&mut buffer).unwrap();
    let compound = Compound::parse(&buffer[..length]).unwrap();
    let packets: Vec<Packet<'_>> = compound.packets().collect();
    let Packet::SourceDescription(chunks) = &packets[1] else { panic!("{packets:?}") };
    let names: Vec<_> = chunks.clone().map(|chunk| (chunk.ssrc, chunk.cname())).collect();
    assert_eq!(names, [(7, Some(&b"c"[..])), (8, None)]);
    let first = Item { kind: 2, text: b"name" };
    assert_eq!(chunks.clone().next().unwrap().items().next(), Some(first));
    assert_eq!(packets[2], Packet::Other { kind: 207, count: 3, body: &[1, 2, 3, 4] });
    let Packet::Goodbye { sources, reason: b"" } = &packets[3] else { panic!("{packets:?}") };
    assert!(sources.clone().eq([7]));
}

#[test]
fn what_is_wrong_is_named() {
    let rr = [0x80, 201, 0, 1, 0, 0, 0, 7];
    let error = |rest: &[u8]| Compound::parse(&[&rr, rest].concat()).unwrap_err();
    let truncated = |at, len| RtcpError::Truncated { at, len };
    assert_eq!(Compound::parse(&[]), Err(truncated(0, 0)));
    assert_eq!(Compound::parse(&rr[..7]), Err(truncated(0, 7)));
    assert_eq!(error(&[0x80, 203, 0]), truncated(8, 11));
    assert_eq!(error(&[0x40, 203, 0, 0]), RtcpError::Version { version: 1, at: 8 });
    assert_eq!(Compound::parse(&[0x80, 203, 0, 0]), Err(RtcpError::First(203)));
    let content = |kind| RtcpError::Content { kind, at: 8 };
    assert_eq!(error(&[0x81, 201, 0, 1, 0, 0, 0, 7]), content(201), "no block");
    assert_eq!(error(&[0x80, 200, 0, 1, 0, 0, 0, 7]), content(200), "no sender");
    assert_eq!(error(&[0x81, 202, 0, 2, 0, 0, 0, 7, 1, 9, 0, 0]), content(202), "cut item");
    assert_eq!(error(&[0x81, 202, 0, 2, 0, 0, 0, 7, 1, 2, 0, 0]), content(202), "no end");
    assert_eq!(error(&[0x81, 203, 0, 2, 0, 0, 0, 7, 4, 0, 0, 0]), content(203), "cut reason");
    let padding = RtcpError::Padding { at: 8 };
    for last in [0, 3, 5, 8] {
        assert_eq!(error(&[0xA0, 203, 0, 1, 0, 0, 0, last]), padding);
    }
    assert_eq!(error(&[0xA0, 203, 0, 0]), padding, "nothing to be padding");
    let inner = [0xA0, 203, 0, 1, 0, 0, 0, 4, 0x80, 203, 0, 0];
    assert_eq!(error(&inner), padding, "padding before the end");
    let text = content(202).to_string();
    assert_eq!(text, "RTCP packet of type 202 at byte 8 is too short for its content");
}

#[test]
fn what_does_not_fit_is_not_written() {
    let mut buffer = [0; 16];
    let mut writer = Writer::new(&mut buffer);
    writer.receiver_report(7, &[]).unwrap();
    assert_eq!(writer.cname(7, "a"), Err(WriteError::NoRoom { needed: 12, room: 8 }));
    assert_eq!(writer.cname(7, &"a".repeat(256)), Err(WriteError::TooLong(256)));
    assert_eq!(writer.goodbye(&[0; 32], ""), Err(WriteError::TooMany(32)));
    assert_eq!(writer.finish().len(), 8);
}

#[test]
fn a_block_reports_a_reception() {
    let mut reception = Reception::default();
    for (index, sequence) in [65_534, 65_535, 2].into_iter().enumerate() {
        let mut bytes = [0; crate::rtp::HEADER_LEN];
        let timestamp = u32::from(u16::wrapping_sub(sequence, 65_534)) * 160;
        crate::rtp::Header { sequence, timestamp, ..Default::default() }.write(&mut bytes);
        let arrival = Duration::from_millis(20 * index as u64);
        reception.sound(arrival, &crate::rtp::Packet::parse(&bytes).unwrap());
    }
    let heard = Some((NtpTime(0x0000_0001_8000_0000), Duration::from_millis(1500)));
    let block = ReportBlock::new(7, &mut reception, heard);
    // Five numbers, two of them lost; the third came 40 ms = 320 samples early.
    let expected = ReportBlock {
        ssrc: 7,
        fraction_lost: 102,
        lost: 2,
        extended_highest: 0x0001_0002,
        jitter: 20,
        last_report: 0x0001_8000,
        delay: 98_304,
    };
    assert_eq!(block, expected);
    let again = ReportBlock::new(7, &mut reception, None);
    assert_eq!((again.fraction_lost, again.lost, again.last_report), (0, 2, 0));
}

#[test]
fn the_round_trip_is_that_of_the_standards_example() {
    // RFC 3550 figure 2: a report of 0xb44db705, 5.250 s in between, back at 0xb710:8000.
    let block = ReportBlock { last_report: 0xB705_2000, delay: 0x0005_4000, ..Default::default() };
    let now = NtpTime(0xB44D_B710_8000_0000);
    assert_eq!(round_trip(now, &block), Some(Duration::from_millis(6125)));
    let early = NtpTime(0xB44D_B70A_5FFF_0000);
    assert_eq!(round_trip(early, &block), Some(Duration::ZERO), "within the clock's grain");
    assert_eq!(round_trip(NtpTime(0xB44D_B709_0000_0000), &block), None, "before it was sent");
    assert_eq!(round_trip(now, &ReportBlock::default()), None);
}

#[test]
fn wall_clock_time_is_told_as_ntp_does() {
    // The epoch of Unix, and half a second later.
    assert_eq!(NtpTime::from_unix(Duration::ZERO).0, 0x83AA_7E80_0000_0000);
    assert_eq!(NtpTime::from_unix(Duration::from_millis(500)).middle(), 0x7E80_8000);
}

proptest! {
    #[test]
    fn any_bytes_are_a_compound_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        heads in prop::collection::vec((0usize..200, 0u8..32, 200u8..206, 0u8..12), 0..8),
    ) {
        let mut bytes = bytes;
        for (at, count, kind, words) in heads {
            if let Some(head) = bytes.get_mut(at / 4 * 4..at / 4 * 4 + 4) {
                head.copy_from_slice(&[0x80 | count, kind, 0, words]);
            }
        }
        if let Ok(compound) = Compound::parse(&bytes) {
            prop_assert!(compound.packets().count() > 0);
            for packet in compound.packets() {
                match packet {
                    Packet::SenderReport { reports, .. } | Packet::ReceiverReport { reports, .. } => {
                        prop_assert!(reports.count() <= MOST);
                    }
                    Packet::SourceDescription(chunks) => {
                        prop_assert!(chunks.flat_map(|chunk| chunk.items()).count() <= bytes.len());
                    }
                    Packet::Goodbye { sources, .. } => prop_assert!(sources.count() <= MOST),
                    Packet::Other { body, .. } => prop_assert!(body.len() < bytes.len()),
                }
            }
        }
    }
}
