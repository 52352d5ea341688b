//! Fuzzes the reading of control text of media WebSockets: `cargo +nightly fuzz run --fuzz-dir tests/fuzz media_control`.
#![no_main]

#[path = "../media_control.rs"]
mod media_control;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = media_control::judge(bytes);
});
