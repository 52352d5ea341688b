//! Scenarios against a real Asterisk 22, with SIP callers and SIP phones.
//!
//! Needs what `tests/rig/setup` builds, and `patchcord` built for release (`cargo build --release`). On a machine that cannot run the rig each scenario says why and is skipped, unless
//! `PATCHCORD_REQUIRE_RIG` is set.

#![allow(clippy::print_stdout, reason = "what was measured is printed")]

mod canaries;
mod clocks;
mod command_line;
mod conferring;
mod conformance;
mod connecting;
mod description;
mod doctor;
mod endurance;
mod facts;
mod flood;
mod flows;
mod hanging_up;
mod introducing;
mod keeping;
mod media_roads;
mod outage;
mod publishing;
mod reading;
mod roads;
mod speaking;
mod store_away;
mod supervising;
mod talking;
mod transferring;

#[allow(clippy::unwrap_used, reason = "tests")]
#[path = "../../crates/store/tests/suite/folder.rs"]
mod folder;
#[allow(clippy::unwrap_used, dead_code, reason = "tests, and the store's need more of it")]
#[path = "../../crates/store/tests/suite/postgres.rs"]
mod postgres;

use std::time::{Duration, Instant};

use serde_json::Value;
use tests::asterisk::{Asterisk, Holdings, RigError};
use tests::patchcord::{Patchcord, assets};
use tests::sipp::{Act, CallRecord, CallerRun, Phone};

/// How long anything in a call may take before the scenario has failed.
const PATIENCE: Duration = Duration::from_secs(40);
/// The inbound number.
const DID: &str = "5550100";

/// A real Asterisk and a Patchcord that serves it; the hours are read where the rig plays 440 Hz.
struct Stage {
    asterisk: Asterisk,
    patchcord: Patchcord,
}

impl Stage {
    /// Sets the stage; `None` where it cannot be set, with the reason printed.
    fn set() -> Option<Stage> {
        Stage::set_with(|receptionist| receptionist)
    }

    fn set_with(change: impl FnOnce(String) -> String) -> Option<Stage> {
        let stage = Asterisk::start().and_then(|asterisk| {
            let change =
                |text: String| change(text.replace("announcements,hours,1", "queues,tone,1"));
            let patchcord = Patchcord::start(&asterisk, change)?;
            Ok(Stage { asterisk, patchcord })
        });
        unless_skipped(stage)
    }

    /// Sets the stage for calls that go through a flow; `None` where it cannot be set, with the reason printed.
    fn through(flow: &str) -> Option<Stage> {
        Stage::through_with(flow, "")
    }

    /// The same with lines added to the configuration.
    fn through_with(flow: &str, added: &str) -> Option<Stage> {
        let stage = Asterisk::start().and_then(|asterisk| {
            let patchcord = Patchcord::start_through_with(&asterisk, flow, added)?;
            Ok(Stage { asterisk, patchcord })
        });
        unless_skipped(stage)
    }

    fn next_call(&self) -> Value {
        self.patchcord.next_call(PATIENCE).unwrap_or_else(|error| panic!("{error}"))
    }

    /// The caller hangs up; gives the call's JSON line once nothing is left.
    fn hang_up(&self, caller: CallerRun) -> Value {
        self.hang_up_and_hear(caller).0
    }

    /// The same, and what the caller heard.
    fn hang_up_and_hear(&self, caller: CallerRun) -> (Value, Vec<i16>) {
        caller.act(Act::HangUp);
        let call = self.next_call();
        let record = caller.finish(PATIENCE).unwrap_or_else(|error| panic!("{error}"));
        self.nothing_is_left();
        (call, record.recording.heard)
    }

    /// Asterisk holds no channel, bridge or RTP socket any more, soon after the last call.
    fn nothing_is_left(&self) {
        let empty = |held: &Holdings| held.channels + held.bridges + held.rtp_sockets == 0;
        let holdings = || self.asterisk.holdings().expect("Asterisk answers");
        let held = poll(Duration::from_secs(5), holdings, empty);
        let channels = || self.asterisk.cli("core show channels").expect("cli");
        assert!(empty(&held), "Asterisk still holds {held:?}\n{}", channels());
    }
}

/// What was started; nothing, with the reason printed, where this machine cannot run the rig and need not.
fn unless_skipped<T>(started: Result<T, RigError>) -> Option<T> {
    match started {
        Ok(started) => Some(started),
        Err(RigError::Skipped(why)) if std::env::var_os("PATCHCORD_REQUIRE_RIG").is_none() => {
            println!("skipped: {why}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Looks again and again until what is seen is `enough`, or `patience` is over; gives what was seen last.
fn poll<T>(patience: Duration, look: impl Fn() -> T, enough: impl Fn(&T) -> bool) -> T {
    let give_up = Instant::now() + patience;
    loop {
        let seen = look();
        if enough(&seen) || Instant::now() > give_up {
            return seen;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Waits until somebody has answered the phone.
fn answered(phone: &Phone) {
    let answered = |calls: &[CallRecord]| calls.iter().any(|call| call.answered_at.is_some());
    phone.wait(PATIENCE, answered).unwrap_or_else(|error| panic!("{error}"));
}

/// Waits until the caller hears a tone.
fn hears(caller: &CallerRun, hz: f64) {
    caller
        .wait(PATIENCE, |call| hears_tone(&call.recording.heard, hz))
        .unwrap_or_else(|error| panic!("{hz} Hz is not heard: {error}"));
}

/// A sample call's audio.
fn recording(name: &str) -> Vec<i16> {
    let path = assets().join("calls").join(format!("{name}.wav"));
    audio::wav::read(&std::fs::read(path).expect("the sample call exists")).expect("a WAV file")
}

/// Whether most of the power of a second that begins at most a second before the end lies at `hz`.
fn hears_tone(heard: &[i16], hz: f64) -> bool {
    let window = 4_000;
    heard.windows(window).rev().step_by(800).take(20).any(|part| {
        let all = 10_f64.powf(audio::tone::level_dbfs(part) / 10.0);
        all > 1e-5 && audio::tone::power(part, hz) > all / 2.0
    })
}
