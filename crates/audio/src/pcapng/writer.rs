//! A capture in the making: blocks to append to a file, in little endian.

use super::{
    ALIGNMENT, BYTE_ORDER, Datagram, Direction, END_OF_OPTIONS, INTERFACE, INTERFACE_RESOLUTION,
    PACKET, PACKET_FLAGS, PACKET_LOST, RAW, SECTION, SECTION_APPLICATION, ip,
};

/// Appends what a file begins with.
pub fn begin(out: &mut Vec<u8>) {
    block(SECTION, out, |out| {
        out.extend(BYTE_ORDER.to_le_bytes());
        out.extend(1_u16.to_le_bytes());
        out.extend(0_u16.to_le_bytes());
        out.extend((-1_i64).to_le_bytes()); // the length of the section is not known
        option(SECTION_APPLICATION, b"Patchcord", out);
        option(END_OF_OPTIONS, &[], out);
    });
    block(INTERFACE, out, |out| {
        out.extend(RAW.to_le_bytes());
        out.extend([0; 2]);
        out.extend(0_u32.to_le_bytes()); // packets are never cut
        option(INTERFACE_RESOLUTION, &[9], out); // ten to the power of minus nine
        option(END_OF_OPTIONS, &[], out);
    });
}

/// Appends a datagram.
pub fn write(datagram: &Datagram<'_>, out: &mut Vec<u8>) {
    let Datagram { at, from, to, direction, lost_before, payload } = *datagram;
    block(PACKET, out, |out| {
        let nanos = at.as_nanos() as u64;
        out.extend(0_u32.to_le_bytes());
        out.extend(((nanos >> 32) as u32).to_le_bytes());
        out.extend((nanos as u32).to_le_bytes());
        let lengths = out.len();
        out.extend([0; 8]);
        let packet = out.len();
        ip::write(from, to, payload, out);
        let len = ((out.len() - packet) as u32).to_le_bytes();
        out[lengths..lengths + 4].copy_from_slice(&len);
        out[lengths + 4..packet].copy_from_slice(&len);
        pad(out.len() - packet, out);
        if let Some(direction) = direction {
            let flags: u32 = match direction {
                Direction::Inbound => 1,
                Direction::Outbound => 2,
            };
            option(PACKET_FLAGS, &flags.to_le_bytes(), out);
        }
        if lost_before > 0 {
            option(PACKET_LOST, &lost_before.to_le_bytes(), out);
        }
        option(END_OF_OPTIONS, &[], out);
    });
}

/// A block has its length at both ends.
fn block(kind: u32, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>)) {
    let begin = out.len();
    out.extend(kind.to_le_bytes());
    out.extend([0; 4]);
    body(out);
    let len = ((out.len() - begin + 4) as u32).to_le_bytes();
    out[begin + 4..begin + 8].copy_from_slice(&len);
    out.extend(len);
}

fn option(code: u16, value: &[u8], out: &mut Vec<u8>) {
    out.extend(code.to_le_bytes());
    out.extend((value.len() as u16).to_le_bytes());
    out.extend(value);
    pad(value.len(), out);
}

fn pad(len: usize, out: &mut Vec<u8>) {
    let padding = len.next_multiple_of(ALIGNMENT) - len;
    out.extend(&[0; ALIGNMENT][..padding]);
}
