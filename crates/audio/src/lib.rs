//! Telephone sound as values: no clock, socket, file or task is ever touched here.
//!
//! Inside Patchcord sound is mono 16-bit linear PCM at 8 kHz, cut into frames of 20 ms. This crate
//! holds everything between that and the wire: [`g711`] companding, [`rtp`] and [`rtcp`] packets,
//! [`telephone_event`] digits, the [`jitter`] buffer that turns packets into frames and has lost
//! ones made up ([`conceal`]), [`quality`] in numbers, [`resample`] for the recogniser, for synthesis
//! and for files, [`wav`] files, [`pcapng`] captures, [`tone`]s with the means to find them again, [`mix`]ing and fading.
//! Wideband legs speak [`g722`], or with the feature `opus` Opus.
//!
//! Time is an argument: a [`Duration`] since an instant that the caller chose
//! once for the stream.
//!
//! ```
//! use audio::{g711, jitter::JitterBuffer, rtp, FRAME};
//! use std::time::Duration;
//!
//! let mut datagram = [0; rtp::HEADER_LEN + FRAME];
//! let header = rtp::Header { payload_type: rtp::PCMU, sequence: 7, ..rtp::Header::default() };
//! header.write(datagram.first_chunk_mut().unwrap());
//! g711::encode_ulaw(&[1000; FRAME], &mut datagram[rtp::HEADER_LEN..]);
//!
//! let mut buffer = JitterBuffer::new();
//! let arrival = Duration::from_millis(3);
//! buffer.push(arrival, &rtp::Packet::parse(&datagram)?);
//! let frame = buffer.pop(arrival).expect("a packet in order is held for no time at all");
//! assert_eq!(frame.samples, [988; FRAME]);
//! # Ok::<(), rtp::RtpError>(())
//! ```

#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod conceal;
pub mod g711;
pub mod g722;
pub mod jitter;
pub mod mix;
#[cfg(feature = "opus")]
pub mod opus;
pub mod pcapng;
pub mod quality;
pub mod resample;
pub mod rtcp;
pub mod rtp;
pub mod telephone_event;
pub mod tone;
pub mod vector;
pub mod wav;

use std::time::Duration;

/// Samples in a second of telephone sound, and ticks in a second of the G.711 RTP clock.
pub const SAMPLE_RATE: u32 = 8000;

/// Samples in a frame.
pub const FRAME: usize = 160;

/// How long a frame sounds: [`FRAME`] samples at [`SAMPLE_RATE`].
pub const FRAME_TIME: Duration = Duration::from_millis(20);

/// How long `samples` sound at [`SAMPLE_RATE`].
pub const fn duration_of(samples: u64) -> Duration {
    Duration::from_micros(samples * (1_000_000 / SAMPLE_RATE as u64))
}
