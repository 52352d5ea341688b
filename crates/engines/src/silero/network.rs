//! Silero's network for 8 kHz, for a batch of windows.
//!
//! A window with its lead-in becomes four spectra; four convolutions over time turn them into 128
//! values; a recurrent cell with 128 units (LSTM) weighs them against what came before; and one
//! more layer makes a probability of it. The convolutions see zeros before the first and after the
//! last spectrum, so each is computed as one layer for every output in time, without the weights
//! that would meet those zeros.

use std::array;

use audio::vector;

use super::layer::{LANES, Layer, Rows, Then};
use super::onnx::{Constants, OnnxError};
use super::{LEAD, UNITS};
use crate::recognizer::WINDOW;

/// Samples of one spectrum, and from one to the next.
const SPAN: usize = 128;
const HOP: usize = 64;
/// Samples put behind the window: the last ones mirrored.
const MIRRORED: usize = 32;
const PADDED: usize = LEAD + WINDOW + MIRRORED;
const SPECTRA: usize = (PADDED - SPAN) / HOP + 1;
/// Magnitudes of a spectrum.
const BINS: usize = SPAN / 2 + 1;
/// Half a spectrum's samples, folded onto the other half.
const FOLD: usize = SPAN / 2;
/// Channels of the convolutions, and places in time after the second.
const WIDE: usize = 128;
const NARROW: usize = 64;
const HALVES: usize = SPECTRA / 2;
/// Input, forget, cell and output gate of each unit.
const GATES: usize = 4 * UNITS;

/// The weights.
pub(super) struct Network {
    /// Cosines of what is even about the middle of a span, sines of what is odd.
    even: Layer,
    odd: Layer,
    /// The first convolution at the first, the inner, and the last place in time.
    first: [Layer; 3],
    /// The second, at both places in time.
    second: [Layer; 2],
    third: Layer,
    fourth: Layer,
    /// From the fourth convolution's output and the cell's last output to the gates.
    recurrent: Layer,
    answer: Vec<f32>,
    answer_bias: f32,
}

/// Room to work in, for one batch after the other.
#[derive(Default)]
pub(super) struct Scratch {
    even: Vec<f32>,
    odd: Vec<f32>,
    cosines: Vec<f32>,
    sines: Vec<f32>,
    magnitudes: Vec<f32>,
    first: Vec<f32>,
    second: Vec<f32>,
    third: Vec<f32>,
    recurrent: Vec<f32>,
    gates: Vec<f32>,
}

/// One window of a batch.
pub(super) struct Row<'w> {
    /// The samples that came before.
    pub(super) lead: &'w [f32; LEAD],
    pub(super) window: &'w [f32; WINDOW],
    /// The cell's last output and its memory; the new ones afterwards.
    pub(super) output: &'w mut [f32; UNITS],
    pub(super) memory: &'w mut [f32; UNITS],
    /// The answer: how probable speech is, 0 to 1.
    pub(super) speech: f32,
}

impl Network {
    /// The network in one branch of the model's file.
    ///
    /// # Errors
    /// [`OnnxError`] if that branch holds another network.
    pub(super) fn new(constants: &Constants<'_>) -> Result<Self, OnnxError> {
        let basis = constants.floats("stft.forward_basis_buffer", 2 * BINS * SPAN)?;
        let [first, second, third, fourth] = [
            Convolution::new(constants, CONVOLUTIONS[0], BINS, WIDE)?,
            Convolution::new(constants, CONVOLUTIONS[1], WIDE, NARROW)?,
            Convolution::new(constants, CONVOLUTIONS[2], NARROW, NARROW)?,
            Convolution::new(constants, CONVOLUTIONS[3], NARROW, WIDE)?,
        ];
        let from_input = constants.floats("decoder.rnn.weight_ih", GATES * WIDE)?;
        let from_output = constants.floats("decoder.rnn.weight_hh", GATES * UNITS)?;
        let input_bias = constants.floats("decoder.rnn.bias_ih", GATES)?;
        let output_bias = constants.floats("decoder.rnn.bias_hh", GATES)?;
        Ok(Self {
            even: Layer::new(FOLD, BINS, |bin, n| basis[bin * SPAN + n + 1], |_| 0.0),
            odd: Layer::new(FOLD, BINS, |bin, n| basis[(BINS + bin) * SPAN + n + 1], |_| 0.0),
            first: [first.layer(1, 3), first.layer(0, 3), first.layer(0, 2)],
            second: [second.layer(1, 3), second.layer(0, 3)],
            third: third.layer(1, 3),
            fourth: fourth.layer(1, 2),
            recurrent: Layer::new(
                WIDE + UNITS,
                GATES,
                |gate, input| match input.checked_sub(WIDE) {
                    None => from_input[gate * WIDE + input],
                    Some(unit) => from_output[gate * UNITS + unit],
                },
                |gate| input_bias[gate] + output_bias[gate],
            ),
            answer: constants.floats("decoder.decoder.2.weight", UNITS)?,
            answer_bias: constants.floats("decoder.decoder.2.bias", 1)?[0],
        })
    }

    /// Takes each row a step further.
    pub(super) fn judge(&self, scratch: &mut Scratch, rows: &mut [Row<'_>]) {
        if rows.is_empty() {
            return;
        }
        scratch.grow(rows.len());
        self.encode(scratch, rows);
        let inputs = scratch.recurrent.chunks_exact_mut(WIDE + UNITS);
        for (input, row) in inputs.zip(rows.iter()) {
            input[WIDE..].copy_from_slice(row.output);
        }
        let recurrent = Rows { at: 0, step: WIDE + UNITS };
        let gates = Rows { at: 0, step: GATES };
        self.recurrent.apply(
            rows.len(),
            (&scratch.recurrent, recurrent),
            (&mut scratch.gates, gates),
            Then::Nothing,
        );
        for (gates, row) in scratch.gates.as_chunks().0.iter().zip(rows) {
            vector::run(
                #[inline(always)]
                |(gates, output, memory)| remember(gates, output, memory),
                (gates, &mut *row.output, &mut *row.memory),
            );
            row.speech = self.answer(row.output);
        }
    }

    /// From the windows to the first half of the recurrent layer's inputs.
    fn encode(&self, scratch: &mut Scratch, rows: &[Row<'_>]) {
        let Scratch { even, odd, cosines, sines, magnitudes, first, second, third, .. } = scratch;
        let count = rows.len();
        let halves =
            even.chunks_exact_mut(SPECTRA * FOLD).zip(odd.chunks_exact_mut(SPECTRA * FOLD));
        for (row, (even, odd)) in rows.iter().zip(halves) {
            fold(row, even, odd);
        }
        let folded = Rows { at: 0, step: FOLD };
        let bins = self.even.outputs();
        let spectrum = Rows { at: 0, step: bins };
        self.even.apply(SPECTRA * count, (even, folded), (cosines, spectrum), Then::Nothing);
        self.odd.apply(SPECTRA * count, (odd, folded), (sines, spectrum), Then::Nothing);
        let parts = cosines.chunks_exact(bins).zip(sines.chunks_exact(bins));
        for (magnitudes, (re, im)) in magnitudes.chunks_exact_mut(BINS).zip(parts) {
            for (magnitude, (re, im)) in magnitudes.iter_mut().zip(re.iter().zip(im)) {
                *magnitude = (re * re + im * im).sqrt();
            }
        }
        let [start, inner, end] = &self.first;
        for (time, layer) in [start, inner, inner, end].into_iter().enumerate() {
            let from = Rows { at: time.saturating_sub(1) * BINS, step: SPECTRA * BINS };
            let to = Rows { at: time * WIDE, step: SPECTRA * WIDE };
            layer.apply(count, (magnitudes, from), (first, to), Then::Rectify);
        }
        for (time, layer) in self.second.iter().enumerate() {
            let from = Rows { at: time * WIDE, step: SPECTRA * WIDE };
            let to = Rows { at: time * NARROW, step: HALVES * NARROW };
            layer.apply(count, (first, from), (second, to), Then::Rectify);
        }
        let halves = Rows { at: 0, step: HALVES * NARROW };
        let narrow = Rows { at: 0, step: NARROW };
        self.third.apply(count, (second, halves), (third, narrow), Then::Rectify);
        let recurrent = Rows { at: 0, step: WIDE + UNITS };
        self.fourth.apply(
            count,
            (third, narrow),
            (&mut scratch.recurrent, recurrent),
            Then::Rectify,
        );
    }

    fn answer(&self, output: &[f32; UNITS]) -> f32 {
        let terms = output.iter().zip(&self.answer).map(|(value, weight)| value.max(0.0) * weight);
        sigmoid(terms.sum::<f32>() + self.answer_bias)
    }
}

impl Scratch {
    fn grow(&mut self, rows: usize) {
        let bins = BINS.next_multiple_of(LANES);
        let sizes = [
            (&mut self.even, SPECTRA * FOLD),
            (&mut self.odd, SPECTRA * FOLD),
            (&mut self.cosines, SPECTRA * bins),
            (&mut self.sines, SPECTRA * bins),
            (&mut self.magnitudes, SPECTRA * BINS),
            (&mut self.first, SPECTRA * WIDE),
            (&mut self.second, HALVES * NARROW),
            (&mut self.third, NARROW),
            (&mut self.recurrent, WIDE + UNITS),
            (&mut self.gates, GATES),
        ];
        for (buffer, size) in sizes {
            buffer.resize(rows * size, 0.0);
        }
    }
}

/// The parts of a spectrum's samples that are even and odd about its middle. The transform weighs
/// sample `n` and sample `128 - n` alike (its window is periodic), and sample 0 not at all.
fn fold(row: &Row<'_>, even: &mut [f32], odd: &mut [f32]) {
    let mut samples = [0.0; PADDED];
    let (lead, rest) = samples.split_at_mut(LEAD);
    let (window, mirrored) = rest.split_at_mut(WINDOW);
    lead.copy_from_slice(row.lead);
    window.copy_from_slice(row.window);
    // The very last sample is the mirror.
    for (sample, source) in mirrored.iter_mut().zip(window.iter().rev().skip(1)) {
        *sample = *source;
    }
    let halves = even.as_chunks_mut::<FOLD>().0.iter_mut().zip(odd.as_chunks_mut::<FOLD>().0);
    for (time, (even, odd)) in halves.enumerate() {
        let span: &[f32; SPAN] = samples[time * HOP..].first_chunk().expect("four spans fit");
        *even = array::from_fn(|n| span[n + 1] + span[SPAN - 1 - n]);
        *odd = array::from_fn(|n| span[n + 1] - span[SPAN - 1 - n]);
        // The middle has no partner.
        even[FOLD - 1] = span[FOLD];
    }
}

/// One step of the cell: forget, learn, and answer.
#[inline(always)]
fn remember(gates: &[f32; GATES], output: &mut [f32; UNITS], memory: &mut [f32; UNITS]) {
    for unit in 0..UNITS {
        let [learn, forget, cell, tell] = array::from_fn(|gate| gates[gate * UNITS + unit]);
        memory[unit] = sigmoid(forget) * memory[unit] + sigmoid(learn) * tanh(cell);
        output[unit] = sigmoid(tell) * tanh(memory[unit]);
    }
}

#[inline(always)]
fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + exp(-x))
}

#[inline(always)]
fn tanh(x: f32) -> f32 {
    2.0 * sigmoid(2.0 * x) - 1.0
}

/// e to the power of `x`, within 3e-7 of it, from operations that the compiler can do side by side
/// and every machine does alike.
#[inline(always)]
fn exp(x: f32) -> f32 {
    /// Adding it leaves the nearest whole number in the lowest bits.
    const ROUND: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    let x = x.clamp(-87.0, 87.0);
    let rounded = x * std::f32::consts::LOG2_E + ROUND;
    let power = rounded - ROUND;
    let rest = x - power * LN_2_HIGH - power * LN_2_LOW;
    let mut series = 1.0 / 5040.0;
    for term in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        series = series * rest + term;
    }
    // The float whose exponent is that number.
    let scale = f32::from_bits(rounded.to_bits().wrapping_add(127) << 23);
    series * scale
}

const CONVOLUTIONS: [[&str; 2]; 4] = [
    ["encoder.0.reparam_conv.weight", "encoder.0.reparam_conv.bias"],
    ["encoder.1.reparam_conv.weight", "encoder.1.reparam_conv.bias"],
    ["encoder.2.reparam_conv.weight", "encoder.2.reparam_conv.bias"],
    ["encoder.3.reparam_conv.weight", "encoder.3.reparam_conv.bias"],
];

/// A convolution over three places in time, as the file has it: by output, input, place.
struct Convolution {
    inputs: usize,
    outputs: usize,
    weights: Vec<f32>,
    bias: Vec<f32>,
}

impl Convolution {
    const PLACES: usize = 3;

    fn new(
        constants: &Constants<'_>,
        [weights, bias]: [&'static str; 2],
        inputs: usize,
        outputs: usize,
    ) -> Result<Self, OnnxError> {
        let weights = constants.floats(weights, outputs * inputs * Self::PLACES)?;
        Ok(Self { inputs, outputs, weights, bias: constants.floats(bias, outputs)? })
    }

    /// The layer that sees the places `from..to`, one behind the other.
    fn layer(&self, from: usize, to: usize) -> Layer {
        let weight = |output: usize, input: usize| {
            let (place, channel) = (from + input / self.inputs, input % self.inputs);
            self.weights[(output * self.inputs + channel) * Self::PLACES + place]
        };
        Layer::new((to - from) * self.inputs, self.outputs, weight, |output| self.bias[output])
    }
}
