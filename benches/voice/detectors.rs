//! The detectors, each behind one trait, and what each costs.

use std::error::Error;
use std::hint::black_box;
use std::time::Instant;

use audio::resample::Upsampler;
use engines::models::ModelPaths;
use engines::recognizer::{Vad, WINDOW, Window};
use engines::runtime::Runtime;
use engines::silero::{Silero, VadState};
use engines::voice::{Batch, Voice};
use ort::session::Session;
use ort::value::{Tensor, TensorRef};

use super::corpus::Stream;

pub(super) trait Detector {
    fn name(&self) -> &'static str;
    /// What it calls speech.
    fn threshold(&self) -> f32 {
        0.5
    }
    fn judge(&mut self, window: &[i16; WINDOW]) -> f32;
    fn reset(&mut self);
}

pub(super) fn all(silero: &Silero) -> Vec<Box<dyn Detector>> {
    vec![
        Box::new(Energy::default()),
        Box::new(Earshot::default()),
        Box::new(Network { silero: silero.clone(), state: VadState::default() }),
        Box::new(Gated { batch: Batch::new(silero.clone()), voice: Voice::default() }),
    ]
}

fn floats(window: &[i16; WINDOW]) -> [f32; WINDOW] {
    window.map(|sample| f32::from(sample) / 32_768.0)
}

/// How far the energy is above a floor that falls at once and rises slowly.
#[derive(Default)]
struct Energy {
    floor: f32,
}

impl Detector for Energy {
    fn name(&self) -> &'static str {
        "energy over the floor"
    }

    /// 6 dB.
    fn threshold(&self) -> f32 {
        4.0
    }

    fn judge(&mut self, window: &[i16; WINDOW]) -> f32 {
        let energy = floats(window).iter().map(|sample| sample * sample).sum::<f32>() + 1e-6;
        let rises = if self.floor == 0.0 { energy } else { self.floor * 1.01 };
        self.floor = rises.min(energy);
        energy / self.floor
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

struct Earshot {
    detector: earshot::Detector,
    wide: Upsampler,
    samples: Vec<f32>,
}

impl Default for Earshot {
    fn default() -> Self {
        Self { detector: earshot::Detector::default(), wide: Upsampler::new(), samples: Vec::new() }
    }
}

impl Detector for Earshot {
    fn name(&self) -> &'static str {
        "earshot"
    }

    /// It judges 16 ms at a time: the mean of two.
    fn judge(&mut self, window: &[i16; WINDOW]) -> f32 {
        self.samples.clear();
        self.wide.process(window, &mut self.samples);
        let hops = self.samples.chunks_exact(WINDOW);
        hops.map(|hop| self.detector.predict_f32(hop)).sum::<f32>() / 2.0
    }

    fn reset(&mut self) {
        *self = Self::default();
    }
}

struct Network {
    silero: Silero,
    state: VadState,
}

impl Detector for Network {
    fn name(&self) -> &'static str {
        "Silero at 8 kHz"
    }

    fn judge(&mut self, window: &[i16; WINDOW]) -> f32 {
        self.silero.judge_alone(&mut self.state, &floats(window)).expect("it cannot fail")
    }

    fn reset(&mut self) {
        self.state = VadState::default();
    }
}

struct Gated {
    batch: Batch<Silero, ()>,
    voice: Voice<VadState>,
}

impl Detector for Gated {
    fn name(&self) -> &'static str {
        "Silero behind the gate"
    }

    fn judge(&mut self, window: &[i16; WINDOW]) -> f32 {
        let mut answer = self.batch.offer((), &mut self.voice, Box::new(floats(window)));
        self.batch.run(|(), voice, speech| {
            self.voice = voice;
            answer = speech.ok();
        });
        answer.expect("it cannot fail")
    }

    fn reset(&mut self) {
        self.voice = Voice::default();
    }
}

/// Prints what a window costs with each detector, and how many the gate lets through.
pub(super) fn costs(
    paths: &ModelPaths,
    silero: &Silero,
    streams: &[Stream],
) -> Result<(), Box<dyn Error>> {
    let windows: Vec<_> = streams[0].windows().copied().collect();
    for detector in &mut all(silero) {
        let least = least(|| {
            for window in &windows {
                black_box(detector.judge(window));
            }
        });
        print_cost(detector.name(), least / windows.len() as f64);
    }
    Runtime::load(&paths.onnxruntime)?;
    for size in [1, 8, 16, 32, 64] {
        let mut session =
            Session::builder()?.with_intra_threads(1)?.commit_from_file(&paths.silero)?;
        let input: Vec<f32> = (0..size).flat_map(|_| [0.1; 32 + WINDOW]).collect();
        let state = vec![0.0f32; 2 * size * 128];
        let rate = Tensor::from_array(((), vec![8000i64]))?;
        let least = least(|| {
            let input = TensorRef::from_array_view(([size, 32 + WINDOW], &input[..]));
            let state = TensorRef::from_array_view(([2, size, 128], &state[..]));
            let (input, state) = (input.expect("its shape"), state.expect("its shape"));
            let inputs = ort::inputs! { "input" => input, "state" => state, "sr" => &rate };
            black_box(session.run(inputs).expect("it runs"));
        });
        print_cost(&format!("ONNX Runtime, batch of {size}"), least / size as f64);
    }
    for size in [1, 8, 16, 32, 64] {
        let mut silero = silero.clone();
        let window =
            |window: &[i16; WINDOW]| Window::new(Box::new(floats(window)), VadState::default());
        let mut batch: Vec<_> = windows.iter().cycle().take(size).map(window).collect();
        let least = least(|| silero.judge(&mut batch));
        print_cost(&format!("ours, batch of {size}"), least / size as f64);
    }
    Ok(())
}

fn print_cost(name: &str, seconds: f64) {
    let (window, frame) = (seconds * 1e6, seconds * 1e6 * 20.0 / 32.0);
    println!("{name:28}{window:7.2} us, {frame:6.2} us a frame of 20 ms");
}

/// The shortest of several runs, in seconds.
fn least(mut work: impl FnMut()) -> f64 {
    let time = |_| {
        let start = Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    (0..30).map(time).fold(f64::MAX, f64::min)
}
