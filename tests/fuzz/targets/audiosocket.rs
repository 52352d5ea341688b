//! Fuzzes the reading of AudioSocket messages: `cargo +nightly fuzz run --fuzz-dir tests/fuzz audiosocket`.
#![no_main]

#[path = "../audiosocket.rs"]
mod audiosocket;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = audiosocket::judge(bytes);
});
