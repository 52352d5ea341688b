//! What holds for every text that may come over a media WebSocket.

use media::websocket::control::{ControlError, ControlFormat, Event};

/// Reads it, and finds it consistent.
pub(crate) fn judge(bytes: &[u8]) -> Result<Event, ControlError> {
    let text = String::from_utf8_lossy(bytes);
    let event = Event::parse(&text);
    let plain = ControlFormat::of(&text) == ControlFormat::PlainText;
    match &event {
        Ok(Event::MediaStart(start)) if plain => {
            for value in [&start.connection_id, &start.format] {
                assert!(text.contains(value.as_str()), "{value:?} is not there");
            }
        }
        Ok(Event::DtmfEnd(key)) if plain => assert!(text.contains(*key)),
        Ok(Event::MarkProcessed(Some(mark)) | Event::BufferingCompleted(Some(mark))) if plain => {
            assert!(text.contains(&mark.0.to_string()), "{mark:?} is not there");
        }
        Ok(Event::Error(words)) if plain => assert!(text.contains(words.as_str())),
        Ok(Event::Unknown(name)) if plain => assert!(text.trim_start().starts_with(name.as_str())),
        Ok(_) => {}
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    event
}
