#![allow(clippy::print_stdout, reason = "a skipped test says why")]

use ort::value::{Tensor, TensorRef};

use super::*;
use crate::models::{ModelPaths, Store};
use crate::runtime::Runtime;

/// The models, or none where they are not fetched: then the reason is printed, unless they are
/// required.
fn models() -> Option<ModelPaths> {
    let store = Store::open(Store::default_dir().unwrap()).unwrap();
    let paths = store.paths();
    if let Err(error) = &paths {
        assert!(std::env::var_os("PATCHCORD_REQUIRE_MODELS").is_none(), "{error}");
        println!("skipped: {error}");
    }
    paths.ok()
}

fn windows_of(wav: &[u8]) -> Vec<[f32; WINDOW]> {
    let samples = audio::wav::read(wav).unwrap();
    let windows = samples.as_chunks::<WINDOW>().0.iter();
    windows.map(|window| window.map(|sample| f32::from(sample) / 32_768.0)).collect()
}

fn speech() -> Vec<[f32; WINDOW]> {
    windows_of(include_bytes!("../../../../assets/calls/long-winded-invoice.wav"))
}

/// What ONNX Runtime makes of one call.
fn oracle(paths: &ModelPaths, windows: &[[f32; WINDOW]]) -> Vec<f32> {
    let runtime = Runtime::load(&paths.onnxruntime).unwrap();
    let mut session = runtime.session(&paths.silero).unwrap();
    let rate = Tensor::from_array(((), vec![i64::from(audio::SAMPLE_RATE)])).unwrap();
    let mut lead = [0.0; LEAD];
    let mut state = vec![0.0; 2 * UNITS];
    let judge = |window: &[f32; WINDOW]| {
        let input = [&lead[..], window].concat();
        let outputs = session
            .run(ort::inputs! {
                "input" => TensorRef::from_array_view(([1, input.len()], &input[..])).unwrap(),
                "state" => TensorRef::from_array_view(([2, 1, UNITS], &state[..])).unwrap(),
                "sr" => &rate,
            })
            .unwrap();
        let values = |name: &str| outputs[name].try_extract_tensor::<f32>().unwrap().1.to_vec();
        let (output, next) = (values("output"), values("stateN"));
        drop(outputs);
        state = next;
        lead = *window.last_chunk().unwrap();
        output[0]
    };
    windows.iter().map(judge).collect()
}

fn alone(silero: &mut Silero, windows: &[[f32; WINDOW]]) -> Vec<f32> {
    let mut state = VadState::default();
    windows.iter().map(|window| silero.judge_alone(&mut state, window).unwrap()).collect()
}

#[test]
fn our_arithmetic_agrees_with_onnx_runtime() {
    let Some(paths) = models() else { return };
    let speech = speech();
    let expected = oracle(&paths, &speech);
    assert!(expected.iter().any(|p| *p > 0.9) && expected.iter().any(|p| *p < 0.1));
    let ours = alone(&mut Silero::load(&paths.silero).unwrap(), &speech);
    for (number, (ours, theirs)) in ours.iter().zip(&expected).enumerate() {
        assert!((ours - theirs).abs() < 1e-5, "window {number}: {ours}, not {theirs}");
    }
}

#[test]
fn a_window_in_a_batch_is_judged_as_alone_to_the_bit() {
    let Some(paths) = models() else { return };
    let mut silero = Silero::load(&paths.silero).unwrap();
    let speech = speech();
    // Calls that are at different places of the same recording, some not yet begun.
    for calls in [2, 7, 13] {
        let start = |call: usize| call * 17;
        let mut states: Vec<_> = (0..calls).map(|_| VadState::default()).collect();
        let mut heard = vec![Vec::new(); calls];
        for step in 0..30 {
            let present: Vec<_> = (0..calls).filter(|call| step >= *call).collect();
            let mut batch: Vec<_> = present
                .iter()
                .map(|&call| {
                    let samples = speech[(start(call) + step - call) % speech.len()];
                    Window::new(Box::new(samples), std::mem::take(&mut states[call]))
                })
                .collect();
            silero.judge(&mut batch);
            for (&call, window) in present.iter().zip(batch) {
                states[call] = window.state;
                heard[call].push(window.speech.unwrap());
            }
        }
        for (call, heard) in heard.iter().enumerate() {
            let windows: Vec<_> =
                speech.iter().cycle().skip(start(call)).take(heard.len()).copied().collect();
            assert_eq!(*heard, alone(&mut silero, &windows), "call {call} of {calls}");
        }
    }
}

#[test]
fn what_is_skipped_still_leads_into_the_next_window() {
    let Some(paths) = models() else { return };
    let silero = Silero::load(&paths.silero).unwrap();
    let mut state = VadState::default();
    let mut samples = [0.0; WINDOW];
    samples[WINDOW - 1] = 0.5;
    silero.skip(&mut state, &samples);
    assert_eq!(state.lead[LEAD - 1], 0.5);
    assert_eq!(state.memory, [0.0; UNITS]);
}

#[test]
fn another_file_is_refused_with_its_name_and_the_mend() {
    let path = std::env::temp_dir().join(format!("patchcord-{}-no-model", std::process::id()));
    std::fs::write(&path, b"plain text").unwrap();
    let text = Silero::load(&path).err().unwrap().to_string();
    std::fs::remove_file(&path).unwrap();
    assert!(text.contains("no-model") && text.contains("models verify"), "{text}");
    assert!(Silero::load(&path).is_err(), "not there");
}
