//! Every vendor's engine against a server that speaks the vendor's protocol and fails on demand.

#![allow(clippy::unwrap_used)]

mod call;
mod dialects;
mod ears;
mod faults;
mod form;
mod grpc;
mod standin;
mod tones;
mod web;

use call::{Call, VENDORS, Vendor, for_each_vendor};
use standin::Fault;

const SENTENCE: &str = "alpha bravo charlie delta echo foxtrot golf hotel india juliet";

#[test]
fn each_vendor_is_heard_turn_after_turn() {
    for_each_vendor(|vendor| async move {
        let server = vendor.start(Fault::None).await;
        let mut call = Call::with(&[(vendor, &server)]);
        for sentence in ["golf hotel", SENTENCE, "echo"] {
            assert_eq!(call.turn(sentence).await, sentence, "{vendor:?}");
        }
        let turns = if vendor.one_turn() { 3 } else { 1 };
        assert_eq!(server.accepted(), turns, "{vendor:?}");
        call.end(&[&server]).await;
    });
}

#[test]
fn a_final_that_is_told_twice_counts_once() {
    for_each_vendor(|vendor| async move {
        let server = vendor.start(Fault::Doubled).await;
        let mut call = Call::with(&[(vendor, &server)]);
        assert_eq!(call.turn(SENTENCE).await, SENTENCE, "{vendor:?}");
        call.end(&[&server]).await;
    });
}

/// Line 6 of what hearing must show.
#[test]
fn the_first_engine_is_killed_in_mid_sentence_and_no_word_is_lost_or_doubled() {
    for_each_vendor(|first| async move {
        for second in VENDORS {
            let servers = [first.start(Fault::None).await, second.start(Fault::None).await];
            let mut call = Call::with(&[(first, &servers[0]), (second, &servers[1])]);
            call.begin();
            let sound = tones::speak(SENTENCE);
            // In the middle of the sixth word.
            let (before, after) = sound.split_at(5 * (tones::WORD + tones::GAP) + tones::WORD / 2);
            call.speak(before);
            if first.settles_while_one_speaks() {
                call.until_stable(2).await;
            } else {
                call.until_connected(&servers[0]).await;
            }
            servers[0].kill();
            call.speak(after);
            assert_eq!(call.finish().await, SENTENCE, "{first:?}, then {second:?}");
            assert_eq!(servers[1].accepted(), 1);
            call.end(&[&servers[0], &servers[1]]).await;
        }
    });
}

#[test]
fn a_late_answer_is_not_told_after_that_of_the_next_engine() {
    for_each_vendor(|vendor| async move {
        let servers = [vendor.start(Fault::Late).await, Vendor::Vosk.start(Fault::None).await];
        let mut call = Call::with(&[(vendor, &servers[0]), (Vendor::Vosk, &servers[1])]);
        assert_eq!(call.turn(SENTENCE).await, SENTENCE, "{vendor:?}");
        servers[0].release();
        assert_eq!(call.turn("echo").await, "echo", "{vendor:?}");
        call.end(&[&servers[0], &servers[1]]).await;
    });
}

#[test]
fn a_connection_that_is_half_open_gives_no_sign_of_life() {
    for_each_vendor(|vendor| async move {
        if vendor.answers_pings() {
            let server = vendor.start(Fault::HalfOpen(1)).await;
            let mut call = Call::watched(vendor, &server);
            let outcome = call.turn(SENTENCE).await;
            assert!(outcome.contains("it gave no sign of life"), "{vendor:?}: {outcome}");
            call.end(&[&server]).await;
        }
    });
}
