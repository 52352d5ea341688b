//! Calls out of captures: the packets of one caller, as they came.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use audio::pcapng::{self, Datagram, Direction, PcapngError};
use media::Gate;
use thiserror::Error;

/// A captured call: the caller's side.
#[derive(Debug, Clone)]
pub(crate) struct CapturedCall {
    /// The file's name without its ending.
    pub name: String,
    pub packets: Vec<CapturedPacket>,
}

/// A datagram with RTP, and when it came: the first one at zero.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CapturedPacket {
    pub at: Duration,
    pub bytes: Vec<u8>,
}

/// Why a capture cannot be replayed.
#[derive(Debug, Error)]
pub(crate) enum CapturedError {
    #[error(
        "cannot read {path}: {source}\n  mend: name a capture, as `capture` in [media] writes it"
    )]
    Read { path: PathBuf, source: std::io::Error },
    #[error("{path}: {source}")]
    Format { path: PathBuf, source: PcapngError },
    #[error(
        "{path} holds no mu-law RTP that came to us\n  mend: capture the media between Asterisk and Patchcord"
    )]
    Nothing { path: PathBuf },
    #[error("{path} does not tell which stream is the caller's\n{}  mend: name it with --ssrc", list(.streams))]
    Several { path: PathBuf, streams: Vec<(Stream, usize)> },
}

/// Whose packets are whose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stream {
    from: SocketAddr,
    to: SocketAddr,
    ssrc: u32,
}

/// Reads the caller's packets out of a capture: those of the stream `ssrc` if that is told; else those that came in, as
/// our own captures say; else those of the only ones who send any.
pub(crate) fn open(path: &Path, ssrc: Option<u32>) -> Result<CapturedCall, CapturedError> {
    let bytes = std::fs::read(path)
        .map_err(|source| CapturedError::Read { path: path.to_owned(), source })?;
    let datagrams = pcapng::read(&bytes)
        .map_err(|source| CapturedError::Format { path: path.to_owned(), source })?;
    let packets = pick(path, &datagrams, ssrc)?;
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    Ok(CapturedCall { name, packets })
}

fn pick(
    path: &Path,
    datagrams: &[Datagram<'_>],
    wanted: Option<u32>,
) -> Result<Vec<CapturedPacket>, CapturedError> {
    let told = datagrams.iter().any(|datagram| datagram.direction == Some(Direction::Inbound));
    let incoming = |datagram: &&Datagram<'_>| match wanted {
        Some(_) => true,
        None if told => datagram.direction == Some(Direction::Inbound),
        None => datagram.direction != Some(Direction::Outbound),
    };
    let mut streams: BTreeMap<Stream, usize> = BTreeMap::new();
    let mut picked = Vec::new();
    for datagram in datagrams.iter().filter(incoming) {
        let Some(ssrc) = heard(datagram.payload) else { continue };
        if wanted.is_none_or(|wanted| wanted == ssrc) {
            let Datagram { from, to, .. } = *datagram;
            *streams.entry(Stream { from, to, ssrc }).or_default() += 1;
            picked.push(datagram);
        }
    }
    let path = path.to_owned();
    // One sender may begin anew; of two nobody knows which is meant.
    let mut senders = streams.keys().map(|stream| (stream.from, stream.to));
    let sender = senders.next();
    if senders.any(|other| Some(other) != sender) {
        return Err(CapturedError::Several { path, streams: streams.into_iter().collect() });
    }
    let first = picked.iter().map(|datagram| datagram.at).min();
    let first = first.ok_or(CapturedError::Nothing { path })?;
    let mut packets: Vec<CapturedPacket> = picked
        .into_iter()
        .map(|it| CapturedPacket { at: it.at - first, bytes: it.payload.to_vec() })
        .collect();
    packets.sort_by_key(|packet| packet.at);
    Ok(packets)
}

/// The SSRC of a packet that a leg may hear.
fn heard(payload: &[u8]) -> Option<u32> {
    // One that has heard nothing yet lets every stream in.
    Gate::default().admit(payload).ok().map(|packet| packet.ssrc)
}

fn list(streams: &[(Stream, usize)]) -> String {
    let line = |(Stream { from, to, ssrc }, packets): &(Stream, usize)| {
        format!("  --ssrc {ssrc:#010x}: {packets} packets from {from} to {to}\n")
    };
    streams.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use audio::rtp;

    fn rtp(ssrc: u32, payload_type: u8) -> Vec<u8> {
        let mut bytes = vec![0xFF; rtp::HEADER_LEN + audio::FRAME];
        let header = rtp::Header { ssrc, payload_type, ..rtp::Header::default() };
        header.write(bytes.first_chunk_mut().expect("longer than a header"));
        bytes
    }

    fn datagram(payload: &[u8], from: u16, direction: Option<Direction>) -> Datagram<'_> {
        Datagram {
            at: Duration::from_secs(u64::from(from)),
            from: SocketAddr::new([127, 0, 0, 1].into(), from),
            to: SocketAddr::new([127, 0, 0, 1].into(), 9),
            direction,
            lost_before: 0,
            payload,
        }
    }

    #[test]
    fn the_callers_packets_are_found() {
        let (caller, us, video) = (rtp(1, 0), rtp(2, 0), rtp(3, 96));
        let path = Path::new("call.pcapng");
        let ours = [
            datagram(&us, 5, Some(Direction::Outbound)),
            datagram(&caller, 7, Some(Direction::Inbound)),
            datagram(&video, 8, Some(Direction::Inbound)),
        ];
        let expected = [CapturedPacket { at: Duration::ZERO, bytes: caller.clone() }];
        assert_eq!(pick(path, &ours, None).expect("it is told"), expected);
        let theirs = [datagram(&us, 5, None), datagram(&caller, 7, None)];
        assert_eq!(pick(path, &theirs, Some(1)).expect("it is named"), expected);
        let error = pick(path, &theirs, None).expect_err("nobody knows").to_string();
        assert!(error.contains("--ssrc 0x00000001: 1 packets from 127.0.0.1:7"), "{error}");
        assert!(matches!(pick(path, &theirs[..0], None), Err(CapturedError::Nothing { .. })));
    }
}
