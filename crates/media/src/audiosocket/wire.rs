//! AudioSocket messages: a kind (1 byte), a length (2 bytes, big endian), and that much payload.
//!
//! Asterisk opens the connection, says its UUID, and from then on both sides send sound: signed 16-bit samples, little
//! endian, of the one rate that the channel was made for. Kinds are those of Asterisk's `res_audiosocket.h`; the rates
//! above 8 kHz came with 20.17, 22.7 and 23.1.

use thiserror::Error;

/// The bytes before a payload.
pub const HEADER_LEN: usize = 3;

/// The longest payload.
pub const MAX_PAYLOAD: usize = u16::MAX as usize;

/// Samples a second of AudioSocket sound; each has a kind of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rate {
    /// 8 kHz, `slin`.
    Hz8000,
    /// 12 kHz, `slin12`.
    Hz12000,
    /// 16 kHz, `slin16`.
    Hz16000,
    /// 24 kHz, `slin24`.
    Hz24000,
    /// 32 kHz, `slin32`.
    Hz32000,
    /// 44.1 kHz, `slin44`.
    Hz44100,
    /// 48 kHz, `slin48`.
    Hz48000,
    /// 96 kHz, `slin96`.
    Hz96000,
    /// 192 kHz, `slin192`.
    Hz192000,
}

impl Rate {
    /// All of them, by kind from 0x10 on.
    pub const ALL: [Rate; 9] = [
        Rate::Hz8000,
        Rate::Hz12000,
        Rate::Hz16000,
        Rate::Hz24000,
        Rate::Hz32000,
        Rate::Hz44100,
        Rate::Hz48000,
        Rate::Hz96000,
        Rate::Hz192000,
    ];

    /// The kind of its messages.
    pub fn kind(self) -> u8 {
        kind::SOUND + self as u8
    }

    /// Samples a second.
    pub fn hz(self) -> u32 {
        match self {
            Rate::Hz8000 => 8_000,
            Rate::Hz12000 => 12_000,
            Rate::Hz16000 => 16_000,
            Rate::Hz24000 => 24_000,
            Rate::Hz32000 => 32_000,
            Rate::Hz44100 => 44_100,
            Rate::Hz48000 => 48_000,
            Rate::Hz96000 => 96_000,
            Rate::Hz192000 => 192_000,
        }
    }

    /// Samples in a frame of 20 ms.
    pub fn frame(self) -> usize {
        self.hz() as usize / 50
    }

    /// Asterisk's name of the format, as `format` of the external media.
    pub fn name(self) -> &'static str {
        match self {
            Rate::Hz8000 => "slin",
            Rate::Hz12000 => "slin12",
            Rate::Hz16000 => "slin16",
            Rate::Hz24000 => "slin24",
            Rate::Hz32000 => "slin32",
            Rate::Hz44100 => "slin44",
            Rate::Hz48000 => "slin48",
            Rate::Hz96000 => "slin96",
            Rate::Hz192000 => "slin192",
        }
    }

    fn of_kind(kind: u8) -> Option<Rate> {
        Rate::ALL.into_iter().find(|rate| rate.kind() == kind)
    }
}

/// A message, its payload borrowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    /// The call is over.
    HangUp,
    /// Which stream this is; the first message of Asterisk's.
    Uuid([u8; 16]),
    /// The caller has pressed a key, an ASCII character.
    Digit(char),
    /// Sound, 16-bit samples in little endian.
    Sound(Rate, &'a [u8]),
    /// Asterisk's side failed, with this code.
    Error(Option<u8>),
    /// A kind that this version does not know.
    Unknown(u8),
}

/// The kinds that are not sound.
mod kind {
    pub(super) const HANG_UP: u8 = 0x00;
    pub(super) const UUID: u8 = 0x01;
    pub(super) const DIGIT: u8 = 0x03;
    pub(super) const SOUND: u8 = 0x10;
    pub(super) const ERROR: u8 = 0xFF;
}

/// Why a message cannot be read. The length is known all the same, so the next one can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum WireError {
    /// A UUID that is not 16 bytes.
    #[error("an AudioSocket UUID of {0} bytes instead of 16")]
    Uuid(usize),
    /// A digit that is not one character of ASCII.
    #[error("an AudioSocket digit that is not one ASCII character")]
    Digit,
    /// Sound with half a sample at the end.
    #[error("AudioSocket sound of {0} bytes, which are no whole samples")]
    Sound(usize),
}

impl<'a> Message<'a> {
    /// Splits the first message off `bytes`: the message, and how many bytes it takes. `None` while it is not whole.
    pub fn split(bytes: &'a [u8]) -> Option<(Result<Message<'a>, WireError>, usize)> {
        let ([kind, high, low], rest) = bytes.split_first_chunk::<HEADER_LEN>()?;
        let payload = rest.get(..usize::from(u16::from_be_bytes([*high, *low])))?;
        Some((Message::of(*kind, payload), HEADER_LEN + payload.len()))
    }

    fn of(kind: u8, payload: &'a [u8]) -> Result<Message<'a>, WireError> {
        Ok(match kind {
            kind::HANG_UP => Message::HangUp,
            kind::UUID => {
                Message::Uuid(payload.try_into().map_err(|_| WireError::Uuid(payload.len()))?)
            }
            kind::DIGIT => match payload {
                [digit] if digit.is_ascii_graphic() => Message::Digit(char::from(*digit)),
                _ => return Err(WireError::Digit),
            },
            kind::ERROR => Message::Error(payload.first().copied()),
            kind => match Rate::of_kind(kind) {
                Some(rate) if payload.len().is_multiple_of(2) => Message::Sound(rate, payload),
                Some(_) => return Err(WireError::Sound(payload.len())),
                None => Message::Unknown(kind),
            },
        })
    }

    /// Appends the message as it is on the wire.
    ///
    /// # Panics
    /// When the sound is longer than [`MAX_PAYLOAD`].
    pub fn write(self, out: &mut Vec<u8>) {
        let digit;
        let code;
        let (kind, payload): (u8, &[u8]) = match &self {
            Message::HangUp => (kind::HANG_UP, &[]),
            Message::Uuid(uuid) => (kind::UUID, uuid),
            Message::Digit(key) => {
                digit = [*key as u8];
                (kind::DIGIT, &digit)
            }
            Message::Sound(rate, samples) => (rate.kind(), samples),
            Message::Error(error) => {
                code = *error;
                (kind::ERROR, code.as_slice())
            }
            Message::Unknown(kind) => (*kind, &[]),
        };
        let len = u16::try_from(payload.len()).expect("the caller keeps to MAX_PAYLOAD");
        out.push(kind);
        out.extend_from_slice(&len.to_be_bytes());
        out.extend_from_slice(payload);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let samples = [1, 0, 255, 127];
        let mut messages = vec![
            Message::HangUp,
            Message::Uuid([7; 16]),
            Message::Digit('#'),
            Message::Error(None),
            Message::Error(Some(4)),
            Message::Unknown(0x42),
        ];
        messages.extend(Rate::ALL.map(|rate| Message::Sound(rate, &samples)));
        let mut bytes = Vec::new();
        for message in &messages {
            message.write(&mut bytes);
        }
        let mut rest = &bytes[..];
        for message in messages {
            let (read, len) = Message::split(rest).unwrap();
            assert_eq!(read, Ok(message));
            rest = &rest[len..];
        }
        assert!(rest.is_empty());
    }

    #[test]
    fn the_bytes_are_those_of_asterisk() {
        let mut bytes = Vec::new();
        Message::Sound(Rate::Hz8000, &[0x34, 0x12]).write(&mut bytes);
        assert_eq!(bytes, [0x10, 0, 2, 0x34, 0x12]);
        let kinds = Rate::ALL.map(Rate::kind);
        assert_eq!(kinds, [0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18]);
        assert_eq!(Rate::ALL.map(Rate::frame), [160, 240, 320, 480, 640, 882, 960, 1920, 3840]);
    }

    #[test]
    fn a_message_in_pieces_waits_for_the_rest() {
        let whole = [0x01, 0, 16, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 0x00];
        for len in 0..19 {
            assert_eq!(Message::split(&whole[..len]), None, "{len}");
        }
        assert_eq!(Message::split(&whole).unwrap().1, 19);
    }

    #[test]
    fn a_broken_message_is_told_and_the_next_one_read() {
        for (bytes, error) in [
            (&[0x01, 0, 1, 9][..], WireError::Uuid(1)),
            (&[0x03, 0, 0][..], WireError::Digit),
            (&[0x03, 0, 1, 7][..], WireError::Digit),
            (&[0x10, 0, 3, 0, 0, 0][..], WireError::Sound(3)),
        ] {
            assert_eq!(Message::split(bytes), Some((Err(error), bytes.len())));
        }
    }
}
