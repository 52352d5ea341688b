//! PostgreSQL is killed for a minute under fifty calls, on a real Asterisk: no record is lost, and none is there twice.

use std::collections::BTreeSet;
use std::thread::sleep;
use std::time::Duration;

use serde_json::Value;
use tests::asterisk::Asterisk;
use tests::patchcord::Patchcord;
use tests::sipp::{CallRecord, Crowd};

use crate::postgres::Postgres;
use crate::publishing::kept;
use crate::{DID, PATIENCE, Stage, poll, unless_skipped};

const CALLS: usize = 50;
/// Of those, so many hang up while the database is away,
const MEANWHILE: usize = 25;
/// and so many others ring then.
const LATE: usize = 5;
const AWAY: Duration = Duration::from_secs(60);

const FLOW: &str = r#"
schema = 1
name = "waits"
start = "music"
[node.music]
music = { for_s = 300 }
to = { done = "hang_up" }
"#;

fn ids(calls: &[Value]) -> BTreeSet<&str> {
    calls.iter().filter_map(|call| call["id"].as_str()).collect()
}

fn talking(calls: &[CallRecord]) -> usize {
    calls.iter().filter(|call| call.answered_at.is_some() && call.ended.is_none()).count()
}

#[test]
fn a_store_that_is_killed_for_a_minute_under_fifty_calls_loses_and_doubles_no_record() {
    let Some(mut postgres) = Postgres::start(&[]) else { return };
    let stage = Asterisk::start().and_then(|asterisk| {
        let store = format!("[store]\nlocation = \"{}\"\n", postgres.url());
        let patchcord = Patchcord::start_through_with(&asterisk, FLOW, &store)?;
        Ok(Stage { asterisk, patchcord })
    });
    let Some(stage) = unless_skipped(stage) else { return };
    let crowd = Crowd::start(&stage.asterisk, DID, CALLS, 10).expect("a crowd");
    let all = |calls: &[CallRecord]| talking(calls) == CALLS;
    crowd.wait(PATIENCE, all).unwrap_or_else(|error| panic!("{error}"));
    let begun = |calls: &Vec<Value>| calls.len() == CALLS;
    assert!(begun(&poll(PATIENCE, || kept(&stage), begun)), "a call is kept when it begins");

    postgres.kill();
    crowd.hang_up(MEANWHILE);
    let late = Crowd::start(&stage.asterisk, DID, LATE, 10).expect("a crowd");
    late.wait(PATIENCE, |calls| talking(calls) == LATE).unwrap_or_else(|error| panic!("{error}"));
    let mut told: Vec<Value> = (0..MEANWHILE).map(|_| stage.next_call()).collect();
    // It is away for so long: that is what is asked for, not a wait for something.
    sleep(AWAY);
    crowd
        .wait(PATIENCE, |calls| talking(calls) == CALLS - MEANWHILE)
        .unwrap_or_else(|error| panic!("calls end with the database: {error}"));
    postgres.begin();

    crowd.hang_up(CALLS);
    late.hang_up(LATE);
    told.extend((MEANWHILE..CALLS + LATE).map(|_| stage.next_call()));
    let over = |calls: &Vec<Value>| {
        calls.len() == CALLS + LATE && calls.iter().all(|call| call["outcome"] == "abandoned")
    };
    let calls = poll(PATIENCE, || kept(&stage), over);
    assert!(over(&calls), "{} are kept: {calls:?}", calls.len());
    assert_eq!(ids(&calls), ids(&told));
    assert_eq!(ids(&calls).len(), CALLS + LATE, "each is there once");
    stage.nothing_is_left();
}
