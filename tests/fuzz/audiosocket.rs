//! What holds for every byte that may come over an AudioSocket.

use media::audiosocket::wire::{HEADER_LEN, Message, WireError};

/// Reads all messages, and finds them consistent.
pub(crate) fn judge(bytes: &[u8]) -> Vec<Result<Message<'_>, WireError>> {
    let mut messages = Vec::new();
    let mut rest = bytes;
    while let Some((message, len)) = Message::split(rest) {
        assert!((HEADER_LEN..=rest.len()).contains(&len), "{len} bytes of {}", rest.len());
        assert_eq!(Message::split(&rest[..len]), Some((message, len)), "it ends where it ends");
        assert_eq!(Message::split(&rest[..len - 1]), None, "it is not whole before");
        if let Ok(message) = message {
            let mut written = Vec::new();
            message.write(&mut written);
            let read = Message::split(&written).map(|(read, _)| read);
            assert_eq!(read, Some(Ok(message)), "it is written as it is read");
        }
        messages.push(message);
        rest = &rest[len..];
    }
    messages
}
