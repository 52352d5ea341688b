//! Which call a connection is for.

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    str::FromStr,
};
use thiserror::Error;

/// The UUID of an AudioSocket. Whoever knows it can take the place of Asterisk, so it should not be guessed.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StreamId(pub [u8; 16]);

/// A text that is no UUID.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a UUID: 32 hexadecimal digits in groups of 8, 4, 4, 4 and 12 are")]
pub struct NotAUuid;

impl StreamId {
    /// A new one, of version 4 (RFC 9562 section 5.4).
    pub fn random() -> StreamId {
        // The standard library's hasher has secret random keys.
        let half = |what: &str| RandomState::new().hash_one(what).to_be_bytes();
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&half("first"));
        bytes[8..].copy_from_slice(&half("second"));
        bytes[6] = bytes[6] & 0x0F | 0x40;
        bytes[8] = bytes[8] & 0x3F | 0x80;
        StreamId(bytes)
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, byte) in self.0.iter().enumerate() {
            if matches!(index, 4 | 6 | 8 | 10) {
                f.write_str("-")?;
            }
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for StreamId {
    type Err = NotAUuid;

    fn from_str(text: &str) -> Result<StreamId, NotAUuid> {
        let mut bytes = [0; 16];
        let groups = [(0, 0..4), (9, 4..6), (14, 6..8), (19, 8..10), (24, 10..16)];
        if text.len() != 36 || !text.is_ascii() {
            return Err(NotAUuid);
        }
        for (at, group) in groups {
            if at > 0 && text.as_bytes()[at - 1] != b'-' {
                return Err(NotAUuid);
            }
            for (index, byte) in bytes[group].iter_mut().enumerate() {
                let digits = &text[at + 2 * index..][..2];
                // from_str_radix takes a sign.
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(NotAUuid);
                }
                *byte = u8::from_str_radix(digits, 16).map_err(|_| NotAUuid)?;
            }
        }
        Ok(StreamId(bytes))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_written_as_it_is_read() {
        let text = "40325ec2-5efd-4bd3-805f-53576e581d13";
        assert_eq!(text.parse::<StreamId>().unwrap().to_string(), text);
        assert_eq!(text.to_uppercase().parse::<StreamId>().unwrap().to_string(), text);
        for wrong in [
            "",
            "40325ec25efd4bd3805f53576e581d13",
            "40325ec2-5efd-4bd3-805f-53576e581d1",
            "40325ec2-5efd-4bd3-805f-53576e581d1g",
            "40325ec2-5efd-4bd3-805f-53576e581d+1",
            "40325ec2+5efd-4bd3-805f-53576e581d13",
            "40325ec2-5efd-4bd3-805f-53576e581é3",
        ] {
            assert_eq!(wrong.parse::<StreamId>(), Err(NotAUuid), "{wrong}");
        }
    }

    #[test]
    fn each_is_another_of_version_4() {
        let ids: std::collections::HashSet<StreamId> = (0..8).map(|_| StreamId::random()).collect();
        assert_eq!(ids.len(), 8);
        for id in ids {
            assert_eq!(id.to_string().as_bytes()[14], b'4');
        }
    }
}
