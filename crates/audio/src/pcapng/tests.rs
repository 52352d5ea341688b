use super::*;
use pcap_file::{
    DataLink,
    pcapng::{
        PcapNgReader, PcapNgWriter,
        blocks::{
            Block,
            enhanced_packet::{EnhancedPacketBlock, EnhancedPacketOption},
            interface_description::{InterfaceDescriptionBlock, InterfaceDescriptionOption},
        },
    },
};
use proptest::prelude::*;

const V4: (&str, &str) = ("192.0.2.1:10000", "192.0.2.2:30000");
const V6: (&str, &str) = ("[2001:db8::1]:10000", "[2001:db8::2]:30000");

fn datagram<'a>((from, to): (&str, &str), payload: &'a [u8]) -> Datagram<'a> {
    Datagram {
        at: Duration::new(1_700_000_000, 123_456_789),
        from: from.parse().unwrap(),
        to: to.parse().unwrap(),
        direction: Some(Direction::Inbound),
        lost_before: 0,
        payload,
    }
}

fn file(datagrams: &[Datagram<'_>]) -> Vec<u8> {
    let mut file = Vec::new();
    begin(&mut file);
    datagrams.iter().for_each(|datagram| write(datagram, &mut file));
    file
}

#[test]
fn another_reader_finds_the_packets_with_their_times_directions_and_losses() {
    let lost =
        Datagram { direction: Some(Direction::Outbound), lost_before: 7, ..datagram(V6, b"odd") };
    let bytes = file(&[datagram(V4, b"even"), lost]);
    let mut reader = PcapNgReader::new(&bytes[..]).unwrap();
    let mut packets = Vec::new();
    while let Some(block) = reader.next_block() {
        match block.unwrap() {
            Block::EnhancedPacket(packet) => packets.push(packet.into_owned()),
            Block::InterfaceDescription(interface) => {
                assert_eq!(interface.linktype, DataLink::RAW);
                assert!(interface.options.contains(&InterfaceDescriptionOption::IfTsResol(9)));
            }
            other => panic!("{other:?}"),
        }
    }
    let nanos = 1_700_000_000_123_456_789_u64;
    assert_eq!(packets.len(), 2);
    assert_eq!(packets[0].options, [EnhancedPacketOption::Flags(1)]);
    let expected = [EnhancedPacketOption::Flags(2), EnhancedPacketOption::DropCount(7)];
    assert_eq!(packets[1].options, expected);
    for packet in packets {
        // It takes every time for one in units of its own, and leaves the resolution to its users.
        assert_eq!(
            packet.timestamp.as_nanos() % 1_000_000_000_000,
            u128::from(nanos) % 1_000_000_000_000
        );
        assert_eq!(packet.data.len(), packet.original_len as usize);
    }
}

/// The headers of one packet written down by hand, with sums that another program made.
#[test]
fn headers_are_as_the_standards_have_them() {
    let bytes = file(&[datagram(V4, &[0xAB, 0xCD, 0xEF])]);
    let at = bytes.windows(2).position(|pair| pair == [0x45, 0]).unwrap();
    let expected = [
        0x45, 0, 0, 31, 0, 0, 0x40, 0, 64, 17, 0xB6, 0xCA, 192, 0, 2, 1, 192, 0, 2, 2, // IP
        0x27, 0x10, 0x75, 0x30, 0, 11, 0x44, 0xC5, 0xAB, 0xCD, 0xEF, // UDP
    ];
    assert_eq!(bytes[at..at + 31], expected);
}

#[test]
fn captures_of_others_are_read_whatever_they_were_taken_with() {
    let mut bare = Vec::new();
    ip::write(V4.0.parse().unwrap(), V4.1.parse().unwrap(), b"sound", &mut bare);
    let ethernet = |tags: &[u8]| [&[1; 12][..], tags, &[0x08, 0x00], &bare, &[0; 13]].concat();
    let links = [
        (DataLink::ETHERNET, ethernet(&[])),
        (DataLink::ETHERNET, ethernet(&[0x81, 0, 0, 5])),
        (DataLink::LINUX_SLL, [&[0; 16][..], &bare].concat()),
        (DataLink::from(276), [&[0; 20][..], &bare].concat()),
        (DataLink::NULL, [&[2, 0, 0, 0][..], &bare].concat()),
        (DataLink::IPV4, bare.clone()),
        (DataLink::USB_LINUX, bare.clone()),
    ];
    let mut file = Vec::new();
    let mut writer = PcapNgWriter::with_endianness(&mut file, pcap_file::Endianness::Big).unwrap();
    for (linktype, _) in &links {
        let (linktype, options) = (*linktype, vec![InterfaceDescriptionOption::IfTsResol(3)]);
        let interface = InterfaceDescriptionBlock { linktype, snaplen: 0, options };
        writer.write_pcapng_block(interface).unwrap();
    }
    for (index, (_, packet)) in links.iter().enumerate() {
        let packet = EnhancedPacketBlock {
            interface_id: index as u32,
            // Taken for nanoseconds by the writer, and counted in milliseconds by the interface.
            timestamp: Duration::from_nanos(1_500),
            original_len: packet.len() as u32,
            data: packet.into(),
            options: vec![],
        };
        writer.write_pcapng_block(packet).unwrap();
    }
    let read = read(&file).unwrap();
    let expected =
        Datagram { at: Duration::from_millis(1_500), direction: None, ..datagram(V4, b"sound") };
    assert_eq!(read, [expected; 6], "all but the last, whose link is not known");
}

#[test]
fn what_was_cut_short_gives_what_is_there_and_what_is_none_says_so() {
    let whole = datagram(V4, &[7; 172]);
    let bytes = file(&[whole, whole]);
    for cut in 1..200 {
        assert_eq!(read(&bytes[..bytes.len() - cut]).unwrap(), [whole], "{cut}");
    }
    assert_eq!(read(b"RIFF1234WAVE"), Err(PcapngError::NotPcapng));
    assert_eq!(read(&[]), Err(PcapngError::NotPcapng));
    let mut broken = bytes.clone();
    let second = bytes.len() - (bytes.len() - file(&[whole]).len());
    broken[second + 4] = 3;
    assert!(matches!(read(&broken), Err(PcapngError::Block { at, .. }) if at == second));
}

proptest! {
    #[test]
    fn what_is_written_is_read(
        nanos in any::<u64>(), lost_before in any::<u64>(), inbound in any::<Option<bool>>(),
        v6 in any::<bool>(), payload in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        let direction =
            inbound.map(|inbound| if inbound { Direction::Inbound } else { Direction::Outbound });
        let at = Duration::from_nanos(nanos);
        let addresses = if v6 { V6 } else { V4 };
        let datagram = Datagram { at, direction, lost_before, ..datagram(addresses, &payload) };
        let file = file(&[datagram]);
        prop_assert_eq!(read(&file).unwrap(), [datagram]);
    }

    #[test]
    fn any_bytes_are_a_capture_or_an_error(
        bytes in prop::collection::vec(any::<u8>(), 0..300), at in 0usize..400, with in any::<u8>(),
    ) {
        let _ = read(&[file(&[]), bytes].concat());
        let mut changed = file(&[datagram(V4, &[1; 100]), datagram(V6, &[2; 100])]);
        let at = at % changed.len();
        changed[at] = with;
        let _ = read(&changed);
    }
}
