//! The moments at which a call wants to be woken.

use std::collections::BTreeMap;
use std::time::Duration;

/// What a call may be waiting for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Timer {
    /// The caller answered and audio both ways.
    Setup,
    /// The caller's first packet.
    FirstAudio,
    /// The caller's voice, after a prompt.
    Silence,
    /// A word, in what is taken for speech.
    Words,
    /// The final reading, after the end of speech.
    Final,
    /// A decision, after the end of speech.
    Decide,
    /// The next key of a number.
    Keys,
    /// The first audible sample of what is said.
    Audible,
    /// What a language model writes: its first words, then the next.
    Writing,
    /// The end of the longest message.
    Message,
    /// The cuts around a zone.
    Zone,
    /// What the flow waits for.
    Flow,
    /// A pause of a caller who still speaks while we connect.
    Announce,
    /// Asterisk's answer to the connecting command.
    Accept,
    /// The agent.
    Ring,
    /// The way into a room or out of it, and the end of the caller's time there.
    Room,
    /// The reminder before that.
    Remind,
    /// The end of a last prompt, or the channel's leaving.
    Leave,
}

/// At most one moment for each [`Timer`].
#[derive(Debug, Default)]
pub(crate) struct Timers(BTreeMap<Timer, Duration>);

impl Timers {
    pub(crate) fn arm(&mut self, timer: Timer, at: Duration) {
        self.0.insert(timer, at);
    }

    pub(crate) fn disarm(&mut self, timer: Timer) {
        self.0.remove(&timer);
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    /// The earliest moment.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.0.values().min().copied()
    }

    /// Takes the earliest timer that is due.
    pub(crate) fn take_due(&mut self, now: Duration) -> Option<Timer> {
        let (&timer, _) =
            self.0.iter().filter(|&(_, &at)| at <= now).min_by_key(|&(&timer, &at)| (at, timer))?;
        self.0.remove(&timer);
        Some(timer)
    }
}
