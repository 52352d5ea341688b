//! An agent hands the caller on by the phone's own keys, on a real Asterisk: the caller ends up with somebody else, the record
//! says with whom, and nothing is left.

use std::time::Duration;

use serde_json::Value;
use tests::asterisk::Asterisk;
use tests::patchcord::Patchcord;
use tests::sipp::{Act, Behaviour, CallRecord, Caller, CallerRun, End, Phone};
use tests::softphone::Background;

use crate::{DID, PATIENCE, Stage, answered, hears, hears_tone, unless_skipped};

const CALLER_HZ: f64 = 700.0;
const AGENT_HZ: f64 = 1_100.0;
const OTHER_HZ: f64 = 1_700.0;
const SOON: Behaviour = Behaviour::Answers(Duration::from_millis(300));

/// Phones may call each other, and the operator's phone two of them.
const PHONES: &[(&str, &str)] = &[
    ("pjsip.conf", "\n[operator](+type=endpoint)\ncontext = phones\n"),
    (
        "extensions.conf",
        "\n[phones]\nexten => sales,1,Dial(PJSIP/sales,20)\nexten => gone,1,Hangup(17)\n\
         [from-provider](+)\nexten => sales,1,Dial(PJSIP/sales,20)\n",
    ),
];

fn stage(added: &str) -> Option<Stage> {
    let stage = Asterisk::start_with(PHONES).and_then(|asterisk| {
        let url = asterisk.ari_url();
        let patchcord = Patchcord::start_with(&asterisk, &url, |text| text, added)?;
        Ok(Stage { asterisk, patchcord })
    });
    unless_skipped(stage)
}

fn phone(stage: &Stage, name: &str, hz: f64) -> Phone {
    Phone::start(&stage.asterisk, name, SOON, Background::Tone(hz)).expect("a phone")
}

/// A caller who talks with the operator.
fn talks(stage: &Stage, operator: &Phone) -> CallerRun {
    let mut caller = Caller::new("100", DID).at(Duration::from_millis(300), Act::Press('0'));
    caller.background = Background::Tone(CALLER_HZ);
    let caller = caller.start(&stage.asterisk).expect("a caller");
    answered(operator);
    hears(&caller, AGENT_HZ);
    caller
}

fn uri(stage: &Stage, who: &str) -> String {
    format!("sip:{who}@127.0.0.1:{}", stage.asterisk.sip_port())
}

fn hears_caller(phone: &Phone) {
    let hears = |calls: &[CallRecord]| {
        calls.iter().any(|call| hears_tone(&call.recording.heard, CALLER_HZ))
    };
    phone.wait(PATIENCE, hears).expect("they hear the caller");
}

fn referred(phone: &Phone, status: u16) {
    let told = |calls: &[CallRecord]| calls.iter().any(|call| call.referred == Some(status));
    phone.wait(PATIENCE, told).expect("the phone's wish is heard");
}

fn is_let_go(phone: &Phone) {
    let gone = |calls: &[CallRecord]| calls.iter().all(|call| call.ended.is_some());
    phone.wait(PATIENCE, gone).expect("the phone is let go");
}

/// The caller's call: how it ended, who took it, and who had it then.
fn says(call: &Value) -> [&str; 3] {
    ["outcome", "destination", "transferred_to"].map(|key| call[key].as_str().unwrap_or("-"))
}

#[test]
fn a_caller_is_followed_to_the_extension_that_the_agent_dials() {
    let Some(stage) = stage("") else { return };
    let operator = phone(&stage, "operator", AGENT_HZ);
    let sales = phone(&stage, "sales", OTHER_HZ);
    let caller = talks(&stage, &operator);
    operator.act(&Act::Refer(uri(&stage, "sales")));
    referred(&operator, 202);
    answered(&sales);
    hears(&caller, OTHER_HZ);
    hears_caller(&sales);
    // As a phone does that is told of its success.
    operator.hang_up();
    is_let_go(&operator);
    let call = stage.hang_up(caller);
    assert_eq!(says(&call), ["transferred", "operator", "sales"], "{call}");
    is_let_go(&sales);
}

#[test]
fn a_call_ends_with_the_one_who_was_handed_the_caller() {
    let Some(stage) = stage("") else { return };
    let operator = phone(&stage, "operator", AGENT_HZ);
    let sales = phone(&stage, "sales", OTHER_HZ);
    let caller = talks(&stage, &operator);
    operator.act(&Act::Refer(uri(&stage, "sales")));
    hears(&caller, OTHER_HZ);
    operator.hang_up();
    sales.hang_up();
    let record = caller.finish(PATIENCE).expect("the caller is hung up");
    assert!(matches!(record.ended, Some((_, End::Theirs))), "{:?}", record.ended);
    let call = stage.next_call();
    assert_eq!(says(&call), ["transferred", "operator", "sales"], "{call}");
    stage.nothing_is_left();
}

#[test]
fn a_caller_is_handed_to_an_agent_who_was_asked_first() {
    let Some(stage) = stage("") else { return };
    let operator = phone(&stage, "operator", AGENT_HZ);
    let sales = phone(&stage, "sales", OTHER_HZ);
    let caller = talks(&stage, &operator);
    // The operator's second line.
    let mut asks = Caller::new("operator", "sales");
    asks.background = Background::Tone(AGENT_HZ);
    let asks = asks.start(&stage.asterisk).expect("a second line");
    answered(&sales);
    hears(&asks, OTHER_HZ);
    let to = format!("{}?Replaces={}", uri(&stage, "sales"), asks.replaces());
    operator.act(&Act::Refer(to));
    referred(&operator, 202);
    hears(&caller, OTHER_HZ);
    hears_caller(&sales);
    operator.hang_up();
    is_let_go(&operator);
    asks.finish(PATIENCE).expect("the second line is let go, too");
    let call = stage.hang_up(caller);
    assert_eq!(says(&call), ["transferred", "operator", "sales"], "{call}");
    is_let_go(&sales);
}

#[test]
fn an_extension_that_is_not_there_leaves_caller_and_agent_together() {
    let Some(stage) = stage("") else { return };
    let operator = phone(&stage, "operator", AGENT_HZ);
    let caller = talks(&stage, &operator);
    operator.act(&Act::Refer(uri(&stage, "nobody")));
    // The phone is told later that it did not work.
    referred(&operator, 202);
    let before = caller.record().recording.heard.len();
    caller
        .wait(PATIENCE, |call| {
            let since = call.recording.heard.get(before..).unwrap_or_default();
            since.len() > 16_000 && hears_tone(since, AGENT_HZ)
        })
        .expect("they still talk");
    let call = stage.hang_up(caller);
    assert_eq!(says(&call), ["connected", "operator", "-"], "{call}");
}

#[test]
fn where_transfers_are_ours_only_destinations_can_be_dialled() {
    let Some(stage) = stage("[dialling]\ntransfers = \"destinations\"\n") else { return };
    let operator = phone(&stage, "operator", AGENT_HZ);
    let billing = phone(&stage, "billing", OTHER_HZ);
    let caller = talks(&stage, &operator);
    // Asterisk has this extension; the receptionist has no such destination.
    operator.act(&Act::Refer(uri(&stage, "gone")));
    referred(&operator, 202);
    operator.act(&Act::Refer(uri(&stage, "billing")));
    answered(&billing);
    hears(&caller, OTHER_HZ);
    hears_caller(&billing);
    is_let_go(&operator);
    let call = stage.hang_up(caller);
    assert_eq!(says(&call), ["transferred", "operator", "billing"], "{call}");
    let troubles = call["troubles"].to_string();
    assert!(troubles.contains("gone, who is no destination"), "{troubles}");
    is_let_go(&billing);
}
