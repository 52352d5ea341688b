//! Events that wait while the state is compared.

use std::collections::{HashSet, VecDeque};

use super::envelope::{Envelope, Family};
use super::mailbox::Frame;
use super::queue::Limits;

/// How much may wait: some seconds of a busy Asterisk.
pub(super) const LIMITS: Limits = Limits { count: 65_536, bytes: 64 << 20 };

/// Live events in order, until they are released.
#[derive(Debug)]
pub(super) struct Hold {
    frames: VecDeque<Frame>,
    bytes: usize,
    limits: Limits,
    overflowed: bool,
}

/// Whose beginning or end is among the events that wait: what they say is not made up a second time.
#[derive(Clone, Debug, Default)]
pub(crate) struct Held {
    pub(crate) starts: HashSet<String>,
    pub(crate) ends: HashSet<String>,
    pub(crate) bridge_ends: HashSet<String>,
}

impl Hold {
    pub(super) fn new(limits: Limits) -> Self {
        Self { frames: VecDeque::new(), bytes: 0, limits, overflowed: false }
    }

    /// Keeps an event; when there is no more room, all are let go, and the comparison must start over.
    pub(super) fn keep(&mut self, frame: Frame) {
        self.bytes += frame.text.len();
        self.frames.push_back(frame);
        if self.frames.len() > self.limits.count || self.bytes > self.limits.bytes {
            self.frames = VecDeque::new();
            self.bytes = 0;
            self.overflowed = true;
        }
    }

    /// What waits; `None` if something that should wait was let go since the last time.
    pub(super) fn held(&mut self) -> Option<Held> {
        if std::mem::take(&mut self.overflowed) {
            return None;
        }
        let mut held = Held::default();
        for frame in &self.frames {
            let envelope: Envelope<'_> = serde_json::from_str(&frame.text).unwrap_or_default();
            held.note(&envelope);
        }
        Some(held)
    }

    pub(super) fn into_frames(self) -> VecDeque<Frame> {
        self.frames
    }
}

impl Held {
    fn note(&mut self, envelope: &Envelope<'_>) {
        let channel = envelope.channel.as_deref().map(str::to_owned);
        match &*envelope.kind {
            "StasisStart" => self.starts.extend(channel),
            "StasisEnd" | "ChannelDestroyed" => self.ends.extend(channel),
            "BridgeDestroyed" => {
                let bridges = envelope.ids.iter().filter(|(family, _)| *family == Family::Bridge);
                self.bridge_ends.extend(bridges.map(|(_, id)| id.clone().into_owned()));
            }
            _ => {}
        }
    }
}
