//! Whether anything is heard at all.

use crate::leg::LegEvent;
use std::time::Duration;
use tokio::time::Instant;

/// Tells the first sound, and when nothing comes any more.
#[derive(Debug)]
pub(crate) struct Watch {
    state: State,
    /// The last sound, or the start.
    since: Instant,
    silent_after: Duration,
}

#[derive(Debug)]
enum State {
    Nothing,
    Sound,
    /// Sound stopped, or never came, and this has been told.
    SilenceTold {
        before: bool,
    },
}

impl Watch {
    pub(crate) fn new(now: Instant, silent_after: Duration) -> Watch {
        Watch { state: State::Nothing, since: now, silent_after }
    }

    /// Notes that something was heard.
    pub(crate) fn heard(&mut self, now: Instant) -> Option<LegEvent> {
        let first = matches!(self.state, State::Nothing | State::SilenceTold { before: false });
        self.state = State::Sound;
        self.since = now;
        first.then_some(LegEvent::FirstPacket { at: now })
    }

    /// When to [look](Watch::look) next.
    pub(crate) fn deadline(&self) -> Option<Instant> {
        let told = matches!(self.state, State::SilenceTold { .. });
        (!told).then(|| self.since + self.silent_after)
    }

    /// The silence, if it is time to tell.
    pub(crate) fn look(&mut self, now: Instant) -> Option<LegEvent> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        self.state = State::SilenceTold { before: matches!(self.state, State::Sound) };
        Some(LegEvent::Silent { gap: now.saturating_duration_since(self.since) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_sound_and_each_silence_are_told_once() {
        let start = Instant::now();
        let at = |ms| start + Duration::from_millis(ms);
        let mut watch = Watch::new(start, Duration::from_secs(2));
        assert_eq!(watch.look(at(1999)), None);
        let gap = Duration::from_secs(2);
        assert_eq!(watch.look(at(2000)), Some(LegEvent::Silent { gap }));
        assert_eq!((watch.look(at(9000)), watch.deadline()), (None, None));
        assert_eq!(watch.heard(at(9000)), Some(LegEvent::FirstPacket { at: at(9000) }));
        assert_eq!(watch.heard(at(9020)), None);
        assert_eq!(watch.deadline(), Some(at(11_020)));
        assert_eq!(watch.look(at(11_020)), Some(LegEvent::Silent { gap }));
        assert_eq!(watch.heard(at(12_000)), None, "the first packet was told");
    }
}
