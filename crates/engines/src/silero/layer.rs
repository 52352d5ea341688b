//! A linear layer for a batch of rows: the arithmetic that nearly all of the time goes into.
//!
//! Every output is the bias plus the products in the order of the inputs, whatever else is in the
//! batch and whatever the machine: a row's result is the same to the bit alone and among others.

use audio::vector;

/// Outputs that are computed side by side: two vector registers of AVX2.
pub(super) const LANES: usize = 16;
/// Rows that share each weight that is loaded. 6 rows of 2 registers of sums, 2 of weights, and
/// 2 to work with fill the 16 that there are.
const ROWS: usize = 6;

/// The weights and biases of one layer.
pub(super) struct Layer {
    inputs: usize,
    /// For each 16 outputs their biases and, for each input, their weights.
    panels: Vec<Panel>,
}

struct Panel {
    bias: [f32; LANES],
    weights: Vec<[f32; LANES]>,
}

/// Where rows lie in a buffer: row `n` begins at `at + n * step`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub(super) at: usize,
    pub(super) step: usize,
}

/// What is done to each sum before it is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    Nothing,
    /// Negative values become 0.
    Rectify,
}

impl Layer {
    /// A layer from `weight(output, input)` and `bias(output)`. Outputs are rounded up to a multiple
    /// of [`LANES`]; those that are added are 0.
    pub(super) fn new(
        inputs: usize,
        outputs: usize,
        weight: impl Fn(usize, usize) -> f32,
        bias: impl Fn(usize) -> f32,
    ) -> Self {
        let lanes = |panel: usize, value: &dyn Fn(usize) -> f32| {
            std::array::from_fn(|lane| {
                let output = panel * LANES + lane;
                if output < outputs { value(output) } else { 0.0 }
            })
        };
        let panels = (0..outputs.div_ceil(LANES)).map(|panel| Panel {
            bias: lanes(panel, &bias),
            weights: (0..inputs)
                .map(|input| lanes(panel, &|output| weight(output, input)))
                .collect(),
        });
        Self { inputs, panels: panels.collect() }
    }

    /// Outputs, rounded up.
    pub(super) fn outputs(&self) -> usize {
        self.panels.len() * LANES
    }

    /// Computes `count` rows.
    ///
    /// # Panics
    /// If a row does not lie within its buffer.
    pub(super) fn apply(
        &self,
        count: usize,
        (input, from): (&[f32], Rows),
        (output, to): (&mut [f32], Rows),
        then: Then,
    ) {
        vector::run(
            #[inline(always)]
            |(input, output)| self.multiply(count, (input, from), (output, to), then),
            (input, output),
        );
    }

    #[inline(always)]
    fn multiply(
        &self,
        count: usize,
        (input, from): (&[f32], Rows),
        (output, to): (&mut [f32], Rows),
        then: Then,
    ) {
        for (number, panel) in self.panels.iter().enumerate() {
            for first in (0..count).step_by(ROWS) {
                // Where fewer rows are left, the last one is computed again.
                let rows: [usize; ROWS] = std::array::from_fn(|row| (first + row).min(count - 1));
                let inputs = rows.map(|row| &input[from.at + row * from.step..][..self.inputs]);
                let sums = tile(panel, inputs);
                for (row, mut sums) in rows.into_iter().zip(sums) {
                    if then == Then::Rectify {
                        sums = sums.map(|sum| sum.max(0.0));
                    }
                    let at = to.at + row * to.step + number * LANES;
                    output[at..at + LANES].copy_from_slice(&sums);
                }
            }
        }
    }
}

#[inline(always)]
fn tile(panel: &Panel, rows: [&[f32]; ROWS]) -> [[f32; LANES]; ROWS] {
    let weights = &panel.weights[..];
    let rows = rows.map(|row| &row[..weights.len()]);
    let mut sums = [panel.bias; ROWS];
    for (input, weights) in weights.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(rows) {
            let value = row[input];
            for (sum, weight) in sums.iter_mut().zip(weights) {
                *sum += value * weight;
            }
        }
    }
    sums
}
