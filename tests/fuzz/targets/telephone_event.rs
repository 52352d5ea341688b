//! Fuzzes streams of telephone events: `cargo +nightly fuzz run --fuzz-dir tests/fuzz telephone_event`.
#![no_main]

#[path = "../telephone_event.rs"]
mod telephone_event;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    telephone_event::judge(bytes);
});
