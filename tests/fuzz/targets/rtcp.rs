//! Fuzzes the reading of RTCP compounds: `cargo +nightly fuzz run --fuzz-dir tests/fuzz rtcp`.
#![no_main]

#[path = "../rtcp.rs"]
mod rtcp;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = rtcp::judge(bytes);
});
