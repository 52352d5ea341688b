//! A model that speaks with its own voice: which of its words the caller has heard.

use std::time::Duration;

use crate::words::PlayId;

/// What a model speaks.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// Its sentences, and where in its sound each begins.
    sentences: Vec<(Duration, String)>,
    sound: Sound,
    /// How much of it had been heard when it was held last.
    before: Duration,
    /// Since when more of it is heard.
    since: Option<Duration>,
}

#[derive(Debug, Default, PartialEq, Eq)]
enum Sound {
    /// Nobody hears it yet.
    #[default]
    Waits,
    Plays(PlayId),
    /// It was played to its end.
    Over,
}

impl Voice {
    pub(super) fn says(&mut self, words: String, from: Duration) {
        self.sentences.push((from, words));
    }

    pub(super) fn waits(&self) -> bool {
        self.sound == Sound::Waits
    }

    pub(super) fn is_over(&self) -> bool {
        self.sound == Sound::Over
    }

    pub(super) fn plays(&mut self, id: PlayId) {
        self.sound = Sound::Plays(id);
    }

    pub(super) fn audible(&mut self, id: PlayId, at: Duration) {
        if self.sound == Sound::Plays(id) {
            self.since = Some(at);
        }
    }

    pub(super) fn ended(&mut self, id: PlayId) {
        if self.sound == Sound::Plays(id) {
            self.sound = Sound::Over;
        }
    }

    pub(super) fn held(&mut self, now: Duration) {
        if let Some(since) = self.since.take() {
            self.before += now.saturating_sub(since);
        }
    }

    pub(super) fn resumed(&mut self, now: Duration) {
        if self.before > Duration::ZERO {
            self.since = Some(now);
        }
    }

    /// The sentences that the caller has heard, or hears now.
    pub(super) fn heard(&self, now: Duration) -> String {
        let heard = self.before + self.since.map_or(Duration::ZERO, |at| now.saturating_sub(at));
        let begun = |from: &Duration| self.is_over() || *from < heard;
        let words = self.sentences.iter().filter(|(from, _)| begun(from));
        words.map(|(_, words)| words.as_str()).collect::<Vec<_>>().join(" ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_begun_counts_and_what_is_held_is_not_heard() {
        let second = Duration::from_secs;
        let mut voice = Voice::default();
        voice.says("One.".to_owned(), Duration::ZERO);
        voice.says("Two.".to_owned(), second(2));
        voice.plays(PlayId(1));
        assert_eq!(voice.heard(second(9)), "");
        voice.audible(PlayId(1), second(10));
        assert_eq!(voice.heard(second(11)), "One.");
        voice.held(second(11));
        assert_eq!(voice.heard(second(20)), "One.");
        voice.resumed(second(20));
        assert_eq!(voice.heard(second(21)), "One.");
        assert_eq!(voice.heard(second(22)), "One. Two.");
        voice.says("Three.".to_owned(), second(90));
        voice.ended(PlayId(1));
        assert_eq!(voice.heard(second(22)), "One. Two. Three.");
    }
}
