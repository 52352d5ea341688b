//! The event stream encoding of AWS.
//!
//! From the developer guide of Amazon Transcribe, "Event stream encoding": total length and length of the headers, four bytes
//! each and big-endian, and their CRC-32; the headers; the payload; the CRC-32 of all before. A header is the length of its name in a byte, its
//! name, its type, and its value; text is type 7, with its length in two bytes.

const TEXT: u8 = 7;
const PRELUDE: usize = 12;
const CHECKSUM: usize = 4;

/// A message, borrowed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame<'a> {
    headers: Vec<(&'a str, &'a str)>,
    pub(super) payload: &'a [u8],
}

/// Why bytes are no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum FrameError {
    #[error("an event stream message of a wrong length")]
    Length,
    #[error("an event stream message with a wrong checksum")]
    Checksum,
    #[error("an event stream message with a header that is none")]
    Header,
}

impl<'a> Frame<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, FrameError> {
        let word = |at: usize| {
            let bytes = bytes.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u32::from_be_bytes).ok_or(FrameError::Length)
        };
        let (total, headers) = (word(0)? as usize, word(4)? as usize);
        let longest = bytes.len().checked_sub(PRELUDE + CHECKSUM).ok_or(FrameError::Length)?;
        if total != bytes.len() || headers > longest {
            return Err(FrameError::Length);
        }
        let end = total - CHECKSUM;
        if word(8)? != crc32fast::hash(&bytes[..8]) || word(end)? != crc32fast::hash(&bytes[..end])
        {
            return Err(FrameError::Checksum);
        }
        let (head, payload) = bytes[PRELUDE..end].split_at(headers);
        Ok(Self { headers: texts(head)?, payload })
    }

    /// The value of a header that holds text.
    pub(super) fn header(&self, name: &str) -> Option<&'a str> {
        self.headers.iter().find(|(key, _)| *key == name).map(|(_, value)| *value)
    }
}

/// The headers that hold text; of the others only the length matters.
fn texts(mut rest: &[u8]) -> Result<Vec<(&str, &str)>, FrameError> {
    fn take<'a>(rest: &mut &'a [u8], count: usize) -> Result<&'a [u8], FrameError> {
        let (taken, left) = rest.split_at_checked(count).ok_or(FrameError::Header)?;
        *rest = left;
        Ok(taken)
    }
    let mut headers = Vec::new();
    while !rest.is_empty() {
        let length = usize::from(take(&mut rest, 1)?[0]);
        let name = str::from_utf8(take(&mut rest, length)?).map_err(|_| FrameError::Header)?;
        let kind = take(&mut rest, 1)?[0];
        let fixed = match kind {
            0 | 1 => 0,
            2 => 1,
            3 => 2,
            4 => 4,
            5 | 8 => 8,
            6 | TEXT => {
                let length = take(&mut rest, 2)?;
                usize::from(u16::from_be_bytes([length[0], length[1]]))
            }
            9 => 16,
            _ => return Err(FrameError::Header),
        };
        let value = take(&mut rest, fixed)?;
        if kind == TEXT {
            headers.push((name, str::from_utf8(value).map_err(|_| FrameError::Header)?));
        }
    }
    Ok(headers)
}

/// A message with these headers.
pub(super) fn frame(headers: &[(&str, &str)], payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::new();
    for (name, value) in headers {
        head.push(name.len() as u8);
        head.extend_from_slice(name.as_bytes());
        head.push(TEXT);
        head.extend_from_slice(&(value.len() as u16).to_be_bytes());
        head.extend_from_slice(value.as_bytes());
    }
    let total = PRELUDE + head.len() + payload.len() + CHECKSUM;
    let mut bytes = Vec::with_capacity(total);
    bytes.extend_from_slice(&(total as u32).to_be_bytes());
    bytes.extend_from_slice(&(head.len() as u32).to_be_bytes());
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes.extend_from_slice(&head);
    bytes.extend_from_slice(payload);
    bytes.extend_from_slice(&crc32fast::hash(&bytes).to_be_bytes());
    bytes
}

/// An `AudioEvent`.
pub(super) fn audio(pcm: &[u8]) -> Vec<u8> {
    let headers = [
        (":content-type", "application/octet-stream"),
        (":event-type", "AudioEvent"),
        (":message-type", "event"),
    ];
    frame(&headers, pcm)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_message_is_read_as_it_was_written() {
        let bytes = frame(&[("a", "b"), (":event-type", "X")], b"payload");
        let read = Frame::parse(&bytes).unwrap();
        assert_eq!(
            (read.header(":event-type"), read.header("c"), read.payload),
            (Some("X"), None, &b"payload"[..])
        );
        let mut wrong = bytes.clone();
        wrong[20] ^= 1;
        assert_eq!(Frame::parse(&wrong), Err(FrameError::Checksum));
        assert_eq!(Frame::parse(&bytes[..bytes.len() - 1]), Err(FrameError::Length));
    }

    /// The empty message that AWS gives as an example of the encoding (sources of `aws-sdk`, "empty_message").
    #[test]
    fn the_checksums_are_those_of_aws() {
        let empty = [0, 0, 0, 16, 0, 0, 0, 0, 0x05, 0xc2, 0x48, 0xeb, 0x7d, 0x98, 0xc8, 0xff];
        assert_eq!(frame(&[], &[]), empty);
    }

    proptest! {
        #[test]
        fn any_headers_are_read_or_refused(head in proptest::collection::vec(any::<u8>(), 0..60)) {
            let _ = texts(&head);
        }
    }
}
