//! The files of a recording.

use super::{Copy, Side};
use audio::{
    pcapng::{self, Datagram, Direction},
    rtp::{self, Packet},
};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::Range,
    os::unix::fs::{FileExt, OpenOptionsExt},
    path::Path,
    time::Duration,
};

/// What a recording is written into.
pub(super) trait Sink: Send {
    /// Takes a packet; says how many bytes it wrote.
    fn add(&mut self, copy: &Copy<'_>) -> io::Result<u64>;

    /// Makes the file whole as far as it goes.
    fn flush(&mut self) -> io::Result<()>;

    /// Overwrites what the caller said between two times of the recording.
    fn erase(&mut self, span: &Range<Duration>) -> io::Result<()>;

    /// The last packet was the last.
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// Who may read it besides us: nobody. It is what somebody said to us.
const PRIVATE: u32 = 0o600;

pub(super) fn create(path: &Path) -> io::Result<File> {
    // What is written is read again to silence a part of it.
    File::options().read(true).write(true).create_new(true).mode(PRIVATE).open(path)
}

/// The packets themselves.
pub(super) struct Pcapng {
    file: BufWriter<File>,
    us: SocketAddr,
    caller: SocketAddr,
    /// When the tap began, since 1970.
    began: Duration,
    block: Vec<u8>,
}

/// What stands for the other end where nobody has told its address.
const NOBODYS_PORT: u16 = 9;

impl Pcapng {
    pub(super) fn create(
        path: &Path,
        us: SocketAddr,
        caller: Option<SocketAddr>,
        began: Duration,
    ) -> io::Result<Pcapng> {
        let nobody: IpAddr = match us {
            SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
            SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
        };
        let caller = caller.unwrap_or(SocketAddr::new(nobody, NOBODYS_PORT));
        let (mut file, mut block) = (BufWriter::new(create(path)?), Vec::new());
        pcapng::begin(&mut block);
        file.write_all(&block)?;
        Ok(Pcapng { file, us, caller, began, block })
    }
}

impl Sink for Pcapng {
    fn add(&mut self, copy: &Copy<'_>) -> io::Result<u64> {
        let (from, to, direction) = match copy.side {
            Side::Caller => (self.caller, self.us, Direction::Inbound),
            Side::Us => (self.us, self.caller, Direction::Outbound),
        };
        let datagram = Datagram {
            at: self.began + copy.at,
            from,
            to,
            direction: Some(direction),
            lost_before: copy.lost_before.into(),
            payload: copy.packet,
        };
        self.block.clear();
        pcapng::write(&datagram, &mut self.block);
        self.file.write_all(&self.block)?;
        Ok(self.block.len() as u64)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }

    /// Walks back over the packets: a block has its length at its end too.
    fn erase(&mut self, span: &Range<Duration>) -> io::Result<()> {
        self.file.flush()?;
        let file = self.file.get_ref();
        let mut end = file.metadata()?.len();
        let word = |bytes: &[u8], at: usize| {
            let word = bytes.get(at..)?.first_chunk::<4>()?;
            Some(u32::from_le_bytes(*word))
        };
        loop {
            let mut len = [0; 4];
            let Some(at) = end.checked_sub(4) else { return Ok(()) };
            file.read_exact_at(&mut len, at)?;
            let len = u32::from_le_bytes(len);
            let Some(begin) = end.checked_sub(len.into()).filter(|_| len > 0) else {
                return Ok(());
            };
            self.block.resize(len as usize, 0);
            file.read_exact_at(&mut self.block, begin)?;
            let nanos = word(&self.block, TIME).zip(word(&self.block, TIME + 4));
            // The interface comes before all packets.
            let Some((high, low)) = nanos.filter(|_| word(&self.block, 0) == Some(PACKET_BLOCK))
            else {
                return Ok(());
            };
            let at = Duration::from_nanos(u64::from(high) << 32 | u64::from(low));
            let at = at.saturating_sub(self.began);
            // Those are all older.
            if at + LATE < span.start {
                return Ok(());
            }
            if span.contains(&at) && blank(&mut self.block, self.us).is_some() {
                file.write_all_at(&self.block, begin)?;
            }
            end = begin;
        }
    }
}

/// How much later than its place in the file a packet may have been received or sent: a frame of ours
/// counts from when it is played, which a queue over there may put off.
const LATE: Duration = Duration::from_secs(30);

/// Of a block with a packet: its type, where its time stands, and its addresses begin.
const PACKET_BLOCK: u32 = 6;
const TIME: usize = 12;
const IP: usize = 28;

/// Silences the packet in a block, if it was sent to `us`.
fn blank(block: &mut [u8], us: SocketAddr) -> Option<()> {
    let (header, to) = match us {
        SocketAddr::V4(_) => (20, 16..20),
        SocketAddr::V6(_) => (40, 24..40),
    };
    let ip = block.get_mut(IP..)?;
    let sent_to_us = match us.ip() {
        IpAddr::V4(us) => ip.get(to)? == us.octets(),
        IpAddr::V6(us) => ip.get(to)? == us.octets(),
    };
    let udp = ip.get_mut(header..)?;
    let [port, len] = [2, 4].map(|at| Some(u16::from_be_bytes([*udp.get(at)?, *udp.get(at + 1)?])));
    if !sent_to_us || port? != us.port() {
        return None;
    }
    // No checksum.
    udp.get_mut(6..8)?.fill(0);
    let datagram = udp.get_mut(8..usize::from(len?))?;
    let (payload_type, len) = match Packet::parse(datagram) {
        Ok(packet) => (packet.payload_type, packet.payload.len()),
        Err(_) => (rtp::TELEPHONE_EVENT, datagram.len()),
    };
    // 255 is no key (RFC 4733 section 3.2), and the silence of mu-law.
    let silence = if payload_type == rtp::PCMA { 0xD5 } else { 0xFF };
    let begin = datagram.len() - len;
    datagram[begin..].fill(silence);
    Some(())
}
