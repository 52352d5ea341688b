//! The files of a recording.

use super::{
    Copy, Side,
    timeline::{Both, Timeline},
};
use crate::gate::Gate;
use audio::{
    SAMPLE_RATE,
    pcapng::{self, Datagram, Direction},
    rtp::Packet,
};
use hound::{SampleFormat, WavSpec, WavWriter};
use std::{
    fs::File,
    io::{self, BufWriter, Write},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    time::Duration,
};

/// What a recording is written into.
pub(super) trait Sink: Send {
    /// Takes a packet; says how many bytes it wrote.
    fn add(&mut self, copy: &Copy<'_>) -> io::Result<u64>;

    /// Makes the file whole as far as it goes.
    fn flush(&mut self) -> io::Result<()>;

    /// The last packet was the last.
    fn finish(&mut self) -> io::Result<()> {
        self.flush()
    }
}

/// Who may read it besides us: nobody. It is what somebody said to us.
const PRIVATE: u32 = 0o600;

fn create(path: &Path) -> io::Result<BufWriter<File>> {
    let file = File::options().write(true).create_new(true).mode(PRIVATE).open(path)?;
    Ok(BufWriter::new(file))
}

/// Both sides as sound: the caller left, we right.
pub(super) struct Wav {
    file: WavWriter<BufWriter<File>>,
    line: Timeline,
    gate: Gate,
}

impl Wav {
    pub(super) fn create(path: &Path) -> io::Result<Wav> {
        let spec = WavSpec {
            channels: 2,
            sample_rate: SAMPLE_RATE,
            bits_per_sample: 16,
            sample_format: SampleFormat::Int,
        };
        let file = WavWriter::new(create(path)?, spec).map_err(io_error)?;
        Ok(Wav { file, line: Timeline::new(), gate: Gate::default() })
    }
}

impl Sink for Wav {
    fn add(&mut self, copy: &Copy<'_>) -> io::Result<u64> {
        let packet = match copy.side {
            Side::Caller => self.gate.admit(copy.packet).ok(),
            Side::Us => Packet::parse(copy.packet).ok(),
        };
        let Some(packet) = packet else { return Ok(0) };
        let (file, mut written) = (&mut self.file, Ok(0));
        self.line.add(copy.at, copy.side, &packet, |both| {
            if let Ok(bytes) = &written {
                written = write(file, both).map(|more| bytes + more);
            }
        });
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush().map_err(io_error)
    }

    fn finish(&mut self) -> io::Result<()> {
        for both in self.line.rest() {
            write(&mut self.file, both)?;
        }
        self.flush()
    }
}

/// Writes a moment; says how many bytes it took.
fn write(file: &mut WavWriter<BufWriter<File>>, both: Both) -> io::Result<u64> {
    for sample in both {
        file.write_sample(sample).map_err(io_error)?;
    }
    Ok(size_of::<Both>() as u64)
}

fn io_error(error: hound::Error) -> io::Error {
    match error {
        hound::Error::IoError(error) => error,
        other => io::Error::other(other),
    }
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
        let (mut file, mut block) = (create(path)?, Vec::new());
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
}
