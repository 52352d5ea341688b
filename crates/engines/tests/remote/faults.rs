//! The list of faults, the same for every vendor: what each comes to alone, and that another engine makes up for it.

use crate::SENTENCE;
use crate::call::{Call, Vendor, for_each_vendor};
use crate::standin::Fault;

/// A fault, and what of these the failure says.
const FAULTS: [(Fault, &[&str]); 12] = [
    (Fault::Refuse, &["the key was refused"]),
    (Fault::TooMany, &["too many requests; they may be made again in 7s"]),
    (Fault::Unavailable, &["HTTP status 503"]),
    (
        Fault::Close(3),
        &["it closed the stream", "the connection broke", "it does not speak its protocol"],
    ),
    (Fault::Reset(3), &["the connection broke"]),
    (Fault::HalfOpen(3), &["it said nothing of the speech"]),
    (Fault::Error(3), &["it reports", "it does not speak its protocol", "HTTP status 503"]),
    (Fault::Mute, &["it said nothing of the speech"]),
    (Fault::Empty, &[""]),
    (Fault::Malformed, &["it does not speak its protocol"]),
    (Fault::Huge, &["it does not speak its protocol"]),
    (Fault::Late, &["it said nothing of the speech"]),
];

#[test]
fn each_fault_of_each_vendor_has_an_outcome_and_leaves_nothing_behind() {
    for_each_vendor(|vendor| async move {
        for (fault, says) in FAULTS {
            let server = vendor.start(fault).await;
            let mut call = Call::with(&[(vendor, &server)]);
            let outcome = call.turn(SENTENCE).await;
            if fault == Fault::Empty {
                assert_eq!(outcome, "", "{vendor:?}");
            } else {
                let said = says.iter().any(|text| outcome.contains(text));
                assert!(said, "{vendor:?}, {fault:?}: {outcome}");
            }
            call.end(&[&server]).await;
        }
    });
}

#[test]
fn whatever_goes_wrong_the_next_engine_has_every_word_once() {
    for_each_vendor(|vendor| async move {
        for (fault, _) in FAULTS {
            let servers = [vendor.start(fault).await, Vendor::Deepgram.start(Fault::None).await];
            let mut call = Call::with(&[(vendor, &servers[0]), (Vendor::Deepgram, &servers[1])]);
            assert_eq!(call.turn(SENTENCE).await, SENTENCE, "{vendor:?}, {fault:?}");
            call.end(&[&servers[0], &servers[1]]).await;
        }
    });
}
