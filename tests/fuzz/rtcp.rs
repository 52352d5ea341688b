//! What holds for every datagram that may come to an RTCP port.

use audio::rtcp::{Compound, NtpTime, Packet, RtcpError, Writer, round_trip};

/// Reads it as a compound and finds it consistent; gives the number of its packets.
pub(crate) fn judge(datagram: &[u8]) -> Result<usize, RtcpError> {
    let compound =
        Compound::parse(datagram).inspect_err(|error| assert!(!error.to_string().is_empty()))?;
    let mut buffer = [0; 1024];
    for packet in compound.packets() {
        match packet {
            Packet::SenderReport { ssrc, info, reports } => {
                let blocks: Vec<_> = reports.collect();
                let mut writer = Writer::new(&mut buffer);
                writer.sender_report(ssrc, &info, &blocks).expect("what was read can be written");
                let written =
                    Compound::parse(writer.finish()).expect("what was written can be read");
                let Some(Packet::SenderReport { ssrc: again, info: sent, reports }) =
                    written.packets().next()
                else {
                    panic!("a report was written");
                };
                assert_eq!((again, sent), (ssrc, info));
                assert!(reports.eq(blocks));
            }
            Packet::ReceiverReport { reports, .. } => {
                for block in reports {
                    let trip = round_trip(NtpTime(0x1234_5678_9ABC_DEF0), &block);
                    assert!(trip.is_none_or(|trip| trip.as_secs() < 1 << 15));
                }
            }
            Packet::SourceDescription(chunks) => {
                for chunk in chunks {
                    let named = chunk.items().find(|item| item.kind == 1).map(|item| item.text);
                    assert_eq!(chunk.cname(), named);
                }
            }
            Packet::Goodbye { sources, reason } => {
                assert!(sources.count() < 32 && reason.len() < 256)
            }
            Packet::Other { body, .. } => assert!(body.len() < datagram.len()),
            other => panic!("{other:?} is new here"),
        }
    }
    Ok(compound.packets().count())
}
