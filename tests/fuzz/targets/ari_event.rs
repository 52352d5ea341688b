//! Fuzzes the reading of events.
#![no_main]

#[path = "../ari_event.rs"]
mod ari_event;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    ari_event::judge(bytes);
});
