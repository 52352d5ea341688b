//! Packet-loss concealment: makes up telephone sound that did not arrive.
//!
//! Speech repeats itself from one pitch period to the next, so what is lost is filled with the
//! last period, with the last two and then three of them as the loss goes on, fading to nothing
//! within 60 ms. That is the method of ITU-T G.711 Appendix I, but for two things. It holds
//! nothing back: where the standard delays all sound by 3.75 ms to smooth the beginning of a loss,
//! here the made-up sound itself starts where the real one ended and bends to its course. And
//! sound without a pitch repeats at the longest period, so that a hiss does not become a buzz.

#[cfg(test)]
mod tests;

/// The longest loss that is concealed, in samples: 60 ms. What lasts longer is silence.
pub const MAX_CONCEALED: usize = 480;

/// Pitch periods from 66 to 200 Hz, in samples.
const SHORTEST: usize = 40;
const LONGEST: usize = 120;

/// Three periods and the quarter of one before them.
const HISTORY: usize = LONGEST * 3 + LONGEST / 4;

/// Samples of the past that are compared with those a period before.
const TEMPLATE: usize = 160;

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
}

#[derive(Debug, Clone)]
enum State {
    /// Sound arrives.
    Hearing,
    /// It does not, since some samples.
    Losing(Loss),
    /// It does again; the made-up sound goes under it for `left` of `of` samples.
    Returning { loss: Loss, left: usize, of: usize },
}

impl Default for Concealer {
    fn default() -> Concealer {
        Concealer { past: [0; HISTORY], oldest: 0, state: State::Hearing }
    }
}

impl Concealer {
    /// A concealer that has heard silence so far.
    pub fn new() -> Concealer {
        Concealer::default()
    }

    /// Takes what arrived, in order. The first samples after a loss are blended with the made-up
    /// sound that they follow, in place; all others stay as they are.
    pub fn heard(&mut self, samples: &mut [i16]) {
        if let State::Losing(loss) = &self.state {
            let of = loss.return_time();
            self.state = State::Returning { loss: loss.clone(), left: of, of };
        }
        if let State::Returning { loss, left, of } = &mut self.state {
            for sample in samples.iter_mut().take(*left) {
                let share = *left as f32 / (*of + 1) as f32;
                *sample = mix(f32::from(*sample), loss.next(), share) as i16;
                *left -= 1;
            }
            if *left == 0 {
                self.state = State::Hearing;
            }
        }
        self.remember(samples);
    }

    /// Makes up what did not arrive. Beyond [`MAX_CONCEALED`] samples in a row it is silence.
    pub fn conceal(&mut self, samples: &mut [i16]) {
        if !matches!(self.state, State::Losing(_)) {
            self.past.rotate_left(self.oldest);
            self.oldest = 0;
            self.state = State::Losing(Loss::after(&self.past));
        }
        if let State::Losing(loss) = &mut self.state {
            samples.fill_with(|| loss.next() as i16);
        }
        self.remember(samples);
    }

    fn remember(&mut self, samples: &[i16]) {
        let samples = &samples[samples.len().saturating_sub(HISTORY)..];
        let (head, tail) = samples.split_at(samples.len().min(HISTORY - self.oldest));
        self.past[self.oldest..][..head.len()].copy_from_slice(head);
        self.past[..tail.len()].copy_from_slice(tail);
        self.oldest = (self.oldest + samples.len()) % HISTORY;
    }
}

/// Sound that goes on after it was lost.
#[derive(Debug, Clone)]
struct Loss {
    past: [i16; HISTORY],
    period: usize,
    /// Samples over which two courses of the sound are blended.
    blend: usize,
    /// How far the past is from where a period before it would have led.
    offset: f32,
    /// Samples made up.
    done: usize,
    course: Course,
    /// The course before the last change, and how many samples it is still blended in.
    former: (Course, usize),
}

/// A loop over the last periods.
#[derive(Debug, Clone, Copy)]
struct Course {
    periods: usize,
    at: usize,
}

impl Loss {
    fn after(past: &[i16; HISTORY]) -> Loss {
        let period = period_of(past);
        let course = Course { periods: 1, at: 0 };
        let offset = f32::from(past[HISTORY - 1]) - f32::from(past[HISTORY - 1 - period]);
        let former = (course, 0);
        Loss { past: *past, period, blend: period / 4, offset, done: 0, course, former }
    }

    fn next(&mut self) -> f32 {
        if self.done >= MAX_CONCEALED {
            return 0.0;
        }
        if self.done.is_multiple_of(STAGE) && (1..3).contains(&(self.done / STAGE)) {
            // The same phase, a period earlier.
            self.former = (self.course, self.blend);
            self.course.periods += 1;
        }
        let mut sample = self.step(self.course);
        self.course = self.moved(self.course);
        if self.former.1 > 0 {
            sample = mix(sample, self.step(self.former.0), self.former.1 as f32 / self.blend as f32);
            self.former = (self.moved(self.former.0), self.former.1 - 1);
        }
        let bend = self.blend.saturating_sub(self.done) as f32 / self.blend as f32;
        let faded = self.done.saturating_sub(FADE_FROM) as f32 / (MAX_CONCEALED - FADE_FROM) as f32;
        self.done += 1;
        (sample + self.offset * bend) * (1.0 - faded)
    }

    /// The sample of a course; the end of its loop is blended into its beginning.
    fn step(&self, course: Course) -> f32 {
        let round = course.periods * self.period;
        let index = HISTORY - round + course.at;
        let sample = f32::from(self.past[index]);
        let left = HISTORY - index;
        if left > self.blend {
            return sample;
        }
        let share = (self.blend + 1 - left) as f32 / (self.blend + 1) as f32;
        mix(sample, f32::from(self.past[index - round]), share)
    }

    fn moved(&self, course: Course) -> Course {
        Course { at: (course.at + 1) % (course.periods * self.period), ..course }
    }

    /// How long the made-up sound goes on under the real one: longer after a longer loss, for then
    /// the two have more to agree on.
    fn return_time(&self) -> usize {
        let longer = if self.done < MAX_CONCEALED { self.done / STAGE * 32 } else { 0 };
        (self.blend + longer).min(STAGE)
    }
}

fn mix(sample: f32, other: f32, share: f32) -> f32 {
    sample + (other - sample) * share
}

/// The lag at which the past resembles itself best.
fn period_of(past: &[i16; HISTORY]) -> usize {
    let template = &past[HISTORY - TEMPLATE..];
    let likeness = |lag: usize, step: usize| {
        let before = &past[HISTORY - TEMPLATE - lag..][..TEMPLATE];
        let (mut product, mut energy) = (0, 1);
        for (now, then) in template.iter().zip(before).step_by(step) {
            product += i64::from(i32::from(*now) * i32::from(*then));
            energy += i64::from(i32::from(*then) * i32::from(*then));
        }
        product as f32 / (energy as f32).sqrt()
    };
    let best = |lags: &mut dyn Iterator<Item = usize>, step| {
        lags.max_by(|a, b| likeness(*a, step).total_cmp(&likeness(*b, step))).unwrap_or(LONGEST)
    };
    let coarse = best(&mut (SHORTEST..=LONGEST).step_by(2), 2);
    let fine = best(&mut (coarse.max(SHORTEST + 1) - 1..=(coarse + 1).min(LONGEST)), 1);
    let energy: i64 = template.iter().map(|s| i64::from(*s) * i64::from(*s)).sum();
    if likeness(fine, 1) < VOICED * (energy as f32).sqrt() { LONGEST } else { fine }
}
