//! Fuzzes the reading of RTP packets and all that they pass: `cargo +nightly fuzz run --fuzz-dir tests/fuzz rtp`.
#![no_main]

#[path = "../rtp.rs"]
mod rtp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = rtp::judge(bytes);
});
