//! A hundred calls, and the road to Asterisk is cut silently, or Asterisk dies: nothing is lost and nothing is left.

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::asterisk::Asterisk;
use tests::patchcord::Patchcord;
use tests::proxy::{Proxy, Road};
use tests::sipp::{Behaviour, CallRecord, Crowd, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, unless_skipped};

const CALLS: usize = 100;
const LEAVE: usize = 30;
const COME: usize = 20;
const A_SECOND: usize = 10;

/// An Asterisk behind a road that can be cut, a Patchcord at its other end whose callers may keep silent for long, and
/// the operator's phone, which rings for those whom the dialplan keeps.
fn set() -> Option<(Stage, Proxy, Phone)> {
    let set = || {
        let asterisk = Asterisk::start_with(&[("http.conf", "sessionlimit = 300\n")])?;
        let proxy = Proxy::before(&asterisk)?;
        let patient = |text: String| {
            text.replace("silence_ms = 3500", "silence_ms = 300000")
                .replace("conversation_s = 60", "conversation_s = 600")
        };
        let patchcord = Patchcord::start_at(&asterisk, &proxy.ari_url(), patient)?;
        let soon = Behaviour::Answers(Duration::from_millis(50));
        let operator = Phone::start(&asterisk, "operator", soon, Background::Silence)?;
        Ok((Stage { asterisk, patchcord }, proxy, operator))
    };
    unless_skipped(set())
}

/// A crowd that calls, all of it answered.
fn crowd(stage: &Stage, many: usize) -> Crowd {
    let crowd = Crowd::start(&stage.asterisk, DID, many, A_SECOND).expect("a crowd");
    let answered = |calls: &[CallRecord]| {
        calls.iter().filter(|call| call.answered_at.is_some()).count() == many
    };
    crowd.wait(2 * PATIENCE, answered).unwrap_or_else(|error| panic!("{error}"));
    crowd
}

/// The records of the next calls to end, and when the last of them had.
fn ended(stage: &Stage, many: usize) -> (Vec<Value>, Instant) {
    let records = (0..many).map(|_| stage.next_call()).collect();
    (records, Instant::now())
}

#[test]
fn a_silent_cut_under_a_hundred_calls_loses_and_leaves_nothing() {
    let Some((stage, proxy, operator)) = set() else { return };
    let first = crowd(&stage, CALLS);

    let cut = Instant::now();
    proxy.set(Road::Silent);
    first.hang_up(LEAVE);
    let late = Crowd::start(&stage.asterisk, DID, COME, A_SECOND).expect("a crowd");
    // Asterisk has taken them all while Patchcord could not know.
    late.wait(PATIENCE, |calls| calls.len() == COME).unwrap_or_else(|error| panic!("{error}"));
    let gone =
        |calls: &[CallRecord]| calls.iter().filter(|call| call.ended.is_some()).count() == LEAVE;
    first.wait(PATIENCE, gone).unwrap_or_else(|error| panic!("{error}"));
    proxy.set(Road::Open);

    let (closed, at) = ended(&stage, LEAVE);
    println!("{LEAVE} calls that ended in the gap were closed {:?} after the cut", at - cut);
    assert!(closed.iter().all(|call| call["outcome"] == "abandoned"), "{closed:#?}");
    let answered = |calls: &[CallRecord]| calls.iter().all(|call| call.answered_at.is_some());
    late.wait(PATIENCE, answered).unwrap_or_else(|error| panic!("{error}"));
    println!("{COME} calls that came in the gap were answered {:?} after the cut", cut.elapsed());

    let by_the_dialplan = operator.calls().len();
    first.hang_up(CALLS);
    late.hang_up(COME);
    let served = COME - by_the_dialplan;
    println!("of the new calls {served} were served, {by_the_dialplan} went on in the dialplan");
    ended(&stage, CALLS - LEAVE + served);
    nothing_more(&stage);
}

/// The calls of a dead Asterisk are over on its side; those who had them need not hang up.
#[test]
fn an_asterisk_that_dies_under_a_hundred_calls_loses_and_leaves_nothing() {
    let Some((mut stage, _proxy, operator)) = set() else { return };
    let first = crowd(&stage, CALLS);

    let died = Instant::now();
    stage.asterisk.kill().expect("it ran");
    drop(first);
    stage.asterisk.restart().unwrap_or_else(|error| panic!("{error}"));
    let late = crowd(&stage, COME);

    let (_, at) = ended(&stage, CALLS);
    println!("{CALLS} calls of the dead Asterisk were closed {:?} after its death", at - died);
    let by_the_dialplan = operator.calls().len();
    late.hang_up(COME);
    let served = COME - by_the_dialplan;
    println!("of the new calls {served} were served, {by_the_dialplan} went on in the dialplan");
    ended(&stage, served);
    nothing_more(&stage);
}

/// Nothing is left in Asterisk, and no call has a second record.
fn nothing_more(stage: &Stage) {
    stage.nothing_is_left();
    let more = stage.patchcord.next_call(Duration::ZERO);
    assert!(more.is_err(), "a call ended twice: {more:?}");
}
