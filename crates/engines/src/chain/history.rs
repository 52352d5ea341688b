//! The caller's audio of the last moment, and of the turn under way.

use std::collections::VecDeque;

use audio::SAMPLE_RATE;

/// What is kept while nobody speaks: turns begin a little before it is certain that they do.
const KEEP: usize = SAMPLE_RATE as usize;
/// What is kept at most, whoever speaks: a minute.
const MOST: usize = 60 * SAMPLE_RATE as usize;
/// Lost audio up to this long is silence; a longer hole begins afresh.
const LONGEST_HOLE: u64 = SAMPLE_RATE as u64;

#[derive(Debug, Default)]
pub(super) struct History {
    samples: VecDeque<i16>,
    /// Position after the last sample.
    next: u64,
}

impl History {
    /// Position after the last sample.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Takes samples that begin at `position`, and forgets all before `keep_from`, but for the last moment. Gives back
    /// what is new, silence in place of what was lost.
    pub(super) fn push(
        &mut self,
        samples: &[i16],
        position: u64,
        keep_from: Option<u64>,
    ) -> Vec<i16> {
        if position.abs_diff(self.next) > LONGEST_HOLE {
            self.samples.clear();
            self.next = position;
        }
        let hole = position.saturating_sub(self.next) as usize;
        let known = (self.next.saturating_sub(position) as usize).min(samples.len());
        let mut new = vec![0; hole];
        new.extend_from_slice(&samples[known..]);
        self.samples.extend(&new);
        self.next += new.len() as u64;
        let keep = keep_from
            .map_or(KEEP, |from| (self.next.saturating_sub(from) as usize).clamp(KEEP, MOST));
        let excess = self.samples.len().saturating_sub(keep);
        self.samples.drain(..excess);
        new
    }

    /// The samples from `from` to `to`, or what is left of them, and where they begin.
    pub(super) fn between(&self, from: u64, to: u64) -> (u64, Vec<i16>) {
        let oldest = self.next - self.samples.len() as u64;
        let (from, to) = (from.clamp(oldest, self.next), to.clamp(oldest, self.next));
        let range = (from - oldest) as usize..(to.max(from) - oldest) as usize;
        (from, self.samples.range(range).copied().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holes_are_silence_and_repeats_are_not_heard_again() {
        let mut history = History::default();
        assert_eq!(history.push(&[1; 160], 8_000_000, None).len(), 160);
        assert_eq!(history.push(&[2; 160], 8_000_200, None)[38..42], [0, 0, 2, 2]);
        assert_eq!(history.push(&[3; 160], 8_000_240, None), [3; 40]);
        assert_eq!(history.next(), 8_000_400);
        assert_eq!(
            history.between(8_000_100, 8_000_162),
            (8_000_100, [vec![1; 60], vec![0; 2]].concat())
        );
        assert_eq!(history.between(0, 10), (8_000_000, vec![]));
    }

    #[test]
    fn a_turn_is_kept_whole_and_silence_is_not() {
        let mut history = History::default();
        for frame in 0..500 {
            history.push(&[0; 160], frame * 160, Some(8_000));
        }
        assert_eq!(history.between(0, u64::MAX).0, 8_000);
        history.push(&[0; 160], 80_000, None);
        assert_eq!(history.between(0, u64::MAX), (72_160, vec![0; KEEP]));
    }
}
