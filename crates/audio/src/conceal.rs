//! Packet-loss concealment: makes up telephone sound that did not arrive.
//!
//! Speech repeats itself from one pitch period to the next, so what is lost is filled with the
//! last period, with the last two and then three of them as the loss goes on, fading to nothing
//! within 60 ms. That is the method of ITU-T G.711 Appendix I, but for three things. It holds
//! nothing back: where the standard delays all sound by 3.75 ms to smooth the beginning of a loss,
//! here the made-up sound itself starts where the real one ended and bends to its course. Sound
//! without a pitch repeats at the longest period, so that a hiss does not become a buzz. And a
//! loss whose end is known ([`bridge`](Concealer::bridge)), as behind a jitter buffer, is also
//! filled backwards from the sound after it, and the one blended into the other: on recorded
//! speech that came nearer to the truth by 3 dB than the past alone.

#[cfg(test)]
mod tests;

/// The longest loss that is concealed from one side, in samples: 60 ms. What lasts longer is
/// silence.
pub const MAX_CONCEALED: usize = 480;

/// The longest loss that is concealed from both sides, in samples: 120 ms.
pub const MAX_BRIDGED: usize = 2 * MAX_CONCEALED;

/// Pitch periods from 66 to 200 Hz, in samples.
const SHORTEST: usize = 40;
const LONGEST: usize = 120;

/// The most of the sound on one side of a loss that is of use, in samples: three periods and the
/// quarter of one before them.
pub const HISTORY: usize = LONGEST * 3 + LONGEST / 4;

/// Samples that are compared with those a period before. The standard takes 160, but the pitch of
/// speech moves on within them: on recorded prompts 60 came nearer to what was lost by 1 dB.
const TEMPLATE: usize = 60;

/// From here on made-up sound fades, in samples.
const FADE_FROM: usize = 80;

/// The loss goes on with one more period after so many samples.
const STAGE: usize = 80;

/// The share of energy that a period explains in sound which has a pitch.
const VOICED: f32 = 0.4;

/// Conceals the losses of one stream of sound at 8 kHz. Fixed memory, and no delay.
///
/// ```
/// use audio::{conceal::Concealer, tone::Sine, FRAME};
///
/// let (mut concealer, mut sine) = (Concealer::new(), Sine::new(100.0, -12.0));
/// let mut frame = [0; FRAME];
/// for _ in 0..3 {
///     sine.fill(&mut frame);
///     concealer.heard(&mut frame);
/// }
/// concealer.conceal(&mut frame); // the fourth was lost
/// assert!(audio::tone::level_dbfs(&frame) > -14.0);
/// ```
#[derive(Debug, Clone)]
pub struct Concealer {
    /// What was given out last, as a ring whose oldest sample is at `oldest`.
    past: [i16; HISTORY],
    oldest: usize,
    state: State,
    /// What was known when the loss began.
    before: Extrapolation,
    /// What is known of its end.
    after: Extrapolation,
}

#[derive(Debug, Clone, Copy)]
enum State {
    /// Sound arrives.
    Hearing,
    /// It does not, since `done` samples.
    Losing { done: usize },
    /// It does not, since `done` samples of `of`.
    Bridging { done: usize, of: usize },
    /// It does again; the sound made up after `done` samples goes under it for `left` of `of`.
    Returning { done: usize, left: usize, of: usize },
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer {
            past: [0; HISTORY],
            oldest: 0,
            state: State::Hearing,
            before: Extrapolation::default(),
            after: Extrapolation::default(),
        }
    }
}

impl Concealer {
    /// A concealer that has heard silence so far.
    pub fn new() -> Concealer {
        Concealer::default()
    }

    /// Takes what arrived, in order. The first samples after a loss that was not bridged are
    /// blended with the made-up sound that they follow, in place; all others stay as they are.
    pub fn heard(&mut self, samples: &mut [i16]) {
        match self.state {
            State::Hearing | State::Returning { .. } => {}
            State::Losing { done } | State::Bridging { done, .. } => {
                let of = self.before.return_time(done);
                self.state = State::Returning { done, left: of, of };
            }
        }
        if let State::Returning { done, left, of } = &mut self.state {
            for sample in samples.iter_mut().take(*left) {
                let share = *left as f32 / (*of + 1) as f32;
                *sample = mix(f32::from(*sample), self.before.sample(*done), share) as i16;
                *done += 1;
                *left -= 1;
            }
            if *left == 0 {
                self.state = State::Hearing;
            }
        }
        self.remember(samples);
    }

    /// Announces a loss of `samples`, at most [`MAX_BRIDGED`], whose end is known: what comes after
    /// it begins with `after`, of which [`HISTORY`] samples are of use. They are not taken as
    /// heard yet.
    pub fn bridge(&mut self, samples: usize, after: impl IntoIterator<Item = i16>) {
        let mut reversed = [0; HISTORY];
        let mut known = 0;
        for (to, sample) in reversed.iter_mut().rev().zip(after) {
            *to = sample;
            known += 1;
        }
        if samples == 0 || samples > MAX_BRIDGED || known < SHORTEST * 2 {
            return;
        }
        self.after = Extrapolation::from(&reversed, known);
        self.begin();
        self.state = State::Bridging { done: 0, of: samples };
    }

    /// Makes up what did not arrive. Beyond [`MAX_CONCEALED`] samples in a row it is silence,
    /// unless it was announced.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        if matches!(self.state, State::Hearing | State::Returning { .. }) {
            self.begin();
            self.state = State::Losing { done: 0 };
        }
        for sample in samples.iter_mut() {
            *sample = self.next() as i16;
        }
        self.remember(samples);
    }

    fn begin(&mut self) {
        self.past.rotate_left(self.oldest);
        self.oldest = 0;
        self.before = Extrapolation::from(&self.past, HISTORY);
    }

    fn next(&mut self) -> f32 {
        match &mut self.state {
            State::Losing { done } => {
                *done += 1;
                self.before.sample(*done - 1)
            }
            State::Bridging { done, of } => {
                let (forwards, backwards) = (*done, *of - 1 - *done);
                *done += 1;
                let share = *done as f32 / (*of + 1) as f32;
                if done == of {
                    // What follows needs no blend.
                    self.state = State::Hearing;
                }
                mix(self.before.sample(forwards), self.after.sample(backwards), share)
            }
            State::Hearing | State::Returning { .. } => 0.0,
        }
    }

    fn remember(&mut self, samples: &[i16]) {
        let samples = &samples[samples.len().saturating_sub(HISTORY)..];
        let (head, tail) = samples.split_at(samples.len().min(HISTORY - self.oldest));
        self.past[self.oldest..][..head.len()].copy_from_slice(head);
        self.past[..tail.len()].copy_from_slice(tail);
        self.oldest = (self.oldest + samples.len()) % HISTORY;
    }
}

/// Sound that goes on after what is known of it.
#[derive(Debug, Clone)]
struct Extrapolation {
    /// The latest sample is the last.
    known: [i16; HISTORY],
    period: usize,
    /// Periods that are known in full.
    periods: usize,
    /// Samples over which two courses of the sound are blended.
    blend: usize,
    /// How far the last sample is from where a period before it would have led.
    offset: f32,
}

impl Default for Extrapolation {
    fn default() -> Extrapolation {
        Extrapolation { known: [0; HISTORY], period: LONGEST, periods: 3, blend: 1, offset: 0.0 }
    }
}

impl Extrapolation {
    /// Of `sound` only the last `known` samples are sound, at least two of the shortest periods.
    fn from(sound: &[i16; HISTORY], known: usize) -> Extrapolation {
        let period = period_of(&sound[HISTORY - known..]);
        let blend = period / 4;
        let periods = (known.saturating_sub(blend) / period).clamp(1, 3);
        let offset = f32::from(sound[HISTORY - 1]) - f32::from(sound[HISTORY - 1 - period]);
        Extrapolation { known: *sound, period, periods, blend, offset }
    }

    /// The sample `at` after the last known one.
    fn sample(&self, at: usize) -> f32 {
        if at >= MAX_CONCEALED {
            return 0.0;
        }
        let stage = (at / STAGE).min(self.periods - 1);
        let mut sample = self.looped(stage, at);
        let into = at - stage * STAGE;
        if stage > 0 && into < self.blend {
            let share = (into + 1) as f32 / (self.blend + 1) as f32;
            sample = mix(self.looped(stage - 1, at), sample, share);
        }
        let bend = self.blend.saturating_sub(at) as f32 / self.blend as f32;
        let faded = at.saturating_sub(FADE_FROM) as f32 / (MAX_CONCEALED - FADE_FROM) as f32;
        (sample + self.offset * bend) * (1.0 - faded)
    }

    /// The sample `at` of the loop over one more period than `stage`, which begins at the phase
    /// where the one before it ends. The end of the loop is blended into its beginning.
    fn looped(&self, stage: usize, at: usize) -> f32 {
        let begun = (1..=stage).fold(0, |phase, n| (phase + STAGE) % (n * self.period));
        let round = (stage + 1) * self.period;
        let index = HISTORY - round + (begun + at - stage * STAGE) % round;
        let sample = f32::from(self.known[index]);
        let left = HISTORY - index;
        if left > self.blend {
            return sample;
        }
        let share = (self.blend + 1 - left) as f32 / (self.blend + 1) as f32;
        mix(sample, f32::from(self.known[index - round]), share)
    }

    /// How long the made-up sound goes on under the real one after a loss of `done`: longer after a
    /// longer one, for then the two have more to agree on.
    fn return_time(&self, done: usize) -> usize {
        let longer = if done < MAX_CONCEALED { done / STAGE * 32 } else { 0 };
        (self.blend + longer).min(STAGE)
    }
}

fn mix(sample: f32, other: f32, share: f32) -> f32 {
    sample + (other - sample) * share
}

/// The lag at which `sound` resembles itself best at its end.
fn period_of(sound: &[i16]) -> usize {
    let longest = LONGEST.min(sound.len() / 2);
    let template = &sound[sound.len() - TEMPLATE.min(sound.len() - longest)..];
    let likeness = |lag: usize, step: usize| {
        let before = &sound[sound.len() - template.len() - lag..][..template.len()];
        let (mut product, mut energy) = (0, 1);
        for (now, then) in template.iter().zip(before).step_by(step) {
            product += i64::from(i32::from(*now) * i32::from(*then));
            energy += i64::from(i32::from(*then) * i32::from(*then));
        }
        product as f32 / (energy as f32).sqrt()
    };
    let best = |lags: &mut dyn Iterator<Item = usize>, step| {
        lags.max_by(|a, b| likeness(*a, step).total_cmp(&likeness(*b, step))).unwrap_or(longest)
    };
    let coarse = best(&mut (SHORTEST..=longest).step_by(2), 2);
    let fine = best(&mut (coarse.max(SHORTEST + 1) - 1..=(coarse + 1).min(longest)), 1);
    let energy: i64 = template.iter().map(|s| i64::from(*s) * i64::from(*s)).sum();
    if likeness(fine, 1) < VOICED * (energy as f32).sqrt() { longest } else { fine }
}
