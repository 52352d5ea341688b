//! Server-sent events (the HTML standard, section 9.2.6), as far as language models send them: their data.

/// No event is longer than this, in bytes.
const LONGEST: usize = 256 * 1024;

/// Makes events of bytes, however these are cut.
#[derive(Debug, Default)]
pub(super) struct Events {
    line: Vec<u8>,
    data: String,
}

impl Events {
    /// The data of the events that these bytes complete.
    ///
    /// # Errors
    /// In words.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        let mut events = Vec::new();
        for byte in bytes {
            if *byte != b'\n' {
                self.line.push(*byte);
                if self.line.len() + self.data.len() > LONGEST {
                    return Err(format!("an event is longer than {LONGEST} bytes"));
                }
                continue;
            }
            let line = std::mem::take(&mut self.line);
            events.extend(self.line(&line));
        }
        Ok(events)
    }

    /// The data of an event that nothing follows.
    pub(super) fn rest(&mut self) -> Option<String> {
        let line = std::mem::take(&mut self.line);
        self.line(&line).or_else(|| self.line(b""))
    }

    fn line(&mut self, line: &[u8]) -> Option<String> {
        let line = String::from_utf8_lossy(line);
        let line = line.trim_end_matches('\r');
        if line.is_empty() {
            return (!self.data.is_empty()).then(|| std::mem::take(&mut self.data));
        }
        if let Some(data) = line.strip_prefix("data:") {
            if !self.data.is_empty() {
                self.data.push('\n');
            }
            self.data.push_str(data.strip_prefix(' ').unwrap_or(data));
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_the_same_however_their_bytes_come() {
        let text =
            ": ping\r\n\r\nevent: x\r\ndata: {\"a\":\r\ndata: 1}\r\n\r\ndata:zwölf\n\ndata: [DONE]";
        for size in 1..text.len() {
            let mut events = Events::default();
            let mut all: Vec<String> = text
                .as_bytes()
                .chunks(size)
                .flat_map(|bytes| events.push(bytes).unwrap())
                .collect();
            all.extend(events.rest());
            assert_eq!(all, ["{\"a\":\n1}", "zwölf", "[DONE]"], "{size}");
            assert_eq!(events.rest(), None);
        }
    }

    #[test]
    fn an_event_without_an_end_is_refused() {
        let mut events = Events::default();
        assert!(events.push(&vec![b'x'; LONGEST + 1]).is_err());
    }
}
