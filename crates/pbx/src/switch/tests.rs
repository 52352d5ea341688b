//! The switch in virtual time.

use super::*;
use crate::{
    Caller, EventKind, HangsUp, HungUpBy, Moment, Operation, Place, Reaction, Speech, StasisStatus,
    operation::route, params::Params, reply::Reply,
};
use audio::tone::{Sine, power};
use serde_json::{Value, json};
use std::{num::NonZeroU32, sync::Arc};

pub(super) const APP: &str = "patchcord";
pub(super) const SOCKET: SocketId = SocketId(1);

/// A switch with one application, and all that came out of it.
pub(super) struct Rig {
    pub(super) switch: Switch,
    pub(super) now: Duration,
    pub(super) events: Vec<(SocketId, Value)>,
    pub(super) effects: Vec<Effect>,
}

impl Rig {
    pub(super) fn new() -> Rig {
        let mut rig = Rig::deserted();
        rig.switch.attach(Duration::ZERO, SOCKET, &[APP.to_owned()], false);
        rig
    }

    /// Without a connected application.
    fn deserted() -> Rig {
        let switch = Switch::new(SwitchConfig {
            app: APP.to_owned(),
            context: "default".to_owned(),
            phones_context: "default".to_owned(),
            thread_start: Duration::from_millis(2),
            started: Duration::from_secs(1_700_000_000),
        });
        Rig { switch, now: Duration::ZERO, events: Vec::new(), effects: Vec::new() }
    }

    pub(super) fn run(&mut self, ms: u64) {
        self.now += Duration::from_millis(ms);
        self.switch.advance(self.now);
        self.drain();
    }

    pub(super) fn drain(&mut self) {
        while let Some(effect) = self.switch.poll() {
            match effect {
                Effect::Send { socket, text, .. } => {
                    self.events.push((socket, serde_json::from_str(&text).unwrap()));
                }
                other => self.effects.push(other),
            }
        }
    }

    fn reply(&mut self, line: &str, body: Value) -> Reply {
        let (method, path) = line.split_once(' ').unwrap();
        let found = match route(method, path) {
            Ok(found) => found,
            Err(refusal) => return refusal.into(),
        };
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let params = Params::new("", "application/json", body.as_bytes()).unwrap();
        let media = (found.operation == Operation::ExternalMedia).then(|| MediaAddress {
            local: "127.0.0.1:10000".parse().unwrap(),
            remote: "127.0.0.1:4000".parse().unwrap(),
        });
        let request = Request { operation: found.operation, ids: found.ids, params, media };
        let reply = self.switch.request(self.now, &request, Duration::ZERO);
        self.drain();
        reply
    }

    pub(super) fn ask(&mut self, line: &str, body: Value) -> Value {
        let reply = self.reply(line, body);
        assert!(reply.status < 300, "{line}: {reply:?}");
        reply.body.unwrap_or_default()
    }

    pub(super) fn reply_status(&mut self, line: &str, body: Value) -> u16 {
        self.reply(line, body).status
    }

    /// The status and message of a refusal.
    pub(super) fn refused(&mut self, line: &str, body: Value) -> (u16, String) {
        let reply = self.reply(line, body);
        let body = reply.body.unwrap_or_default();
        let words = body["message"].as_str().or(body["error"].as_str());
        (reply.status, words.unwrap_or_default().to_owned())
    }

    pub(super) fn call(&mut self, caller: Caller) -> String {
        let (_, id) = self.switch.call(self.now, caller);
        self.drain();
        id
    }

    pub(super) fn endpoint(&mut self, rings_ms: u64, then: Reaction) {
        let rings_for = Duration::from_millis(rings_ms);
        self.switch.endpoint("PJSIP/helpdesk", Endpoint { rings_for, then });
    }

    pub(super) fn originate(&mut self, id: &str, timeout: i64) {
        let body = json!({
            "endpoint": "PJSIP/helpdesk", "app": APP, "appArgs": "agent", "timeout": timeout,
            "callerId": "\"Ann\" <5550100>", "channelId": id,
        });
        self.ask("POST channels", body);
    }

    /// The events so far in short, and forgets them.
    pub(super) fn told(&mut self) -> Vec<String> {
        let short = |event: &Value| {
            let mut words = event["type"].as_str().unwrap().to_owned();
            for detail in [
                &event["dialstatus"],
                &event["variable"],
                &event["value"],
                &event["digit"],
                &event["cause"],
                &event["tech_cause"],
            ] {
                match detail {
                    Value::Null => {}
                    Value::String(text) => words += &format!(" {text}"),
                    other => words += &format!(" {other}"),
                }
            }
            words.trim_end().to_owned()
        };
        self.events.drain(..).map(|(_, event)| short(&event)).collect()
    }

    pub(super) fn outcome(&self) -> &Outcome {
        let found = self.effects.iter().find_map(|effect| match effect {
            Effect::Finished { outcome, .. } => Some(outcome),
            _ => None,
        });
        found.expect("the call is over")
    }

    fn media_frames(&self) -> Vec<(u32, [i16; FRAME])> {
        let sent = self.effects.iter().filter_map(|effect| match effect {
            Effect::SendMedia { timestamp, frame, .. } => Some((*timestamp, *frame)),
            _ => None,
        });
        sent.collect()
    }
}

pub(super) fn tone(hz: f64, ms: usize) -> Arc<[i16]> {
    let mut samples = vec![0; ms * 8];
    Sine::new(hz, -12.0).fill(&mut samples);
    Arc::from(samples)
}

pub(super) fn patient() -> Caller {
    Caller { hangs_up: HangsUp::OnceConnectedFor(Duration::from_millis(200)), ..Caller::default() }
}

pub(super) fn answers(says: Arc<[i16]>) -> Reaction {
    Reaction::Answers { says: Speech::Looped(says), hangs_up_after: None }
}

fn has_tone(samples: &[i16], hz: f64) -> bool {
    power(samples, hz) > 0.5 * power(&tone(hz, 200), hz)
}

const MEDIA: &str = "POST channels/externalMedia";

fn media(id: &str) -> Value {
    json!({ "app": APP, "channelId": id, "external_host": "127.0.0.1:4000", "format": "ulaw" })
}

#[test]
fn a_call_is_answered_heard_connected_and_cleared_in_asterisks_order() {
    let mut rig = Rig::new();
    rig.endpoint(100, answers(tone(700.0, 20)));
    let caller = rig.call(Caller { audio: tone(400.0, 2000), ..patient() });
    assert_eq!(rig.events[0].1["channel"]["state"], "Ring");
    assert_eq!(rig.events[0].1["channel"]["dialplan"]["app_name"], "Stasis");
    assert_eq!(rig.events[0].1["application"], APP);
    assert_eq!(rig.told(), ["StasisStart"]);

    rig.ask(&format!("POST channels/{caller}/answer"), Value::Null);
    assert_eq!(rig.told(), ["ChannelStateChange"]);
    rig.ask("POST bridges/b", json!({ "type": "mixing" }));
    let reply = rig.ask(MEDIA, media("m"));
    assert_eq!(reply["state"], "Down");
    assert_eq!(reply["channelvars"]["UNICASTRTP_LOCAL_PORT"], "10000");
    let early = rig.refused("POST bridges/b/addChannel", json!({ "channel": "m" }));
    assert_eq!(early, (422, "Channel not in Stasis application".to_owned()));
    assert_eq!(rig.told(), Vec::<String>::new(), "the reply comes before the thread's work");
    rig.run(5);
    let setup = ["Dial", "ChannelStateChange", "Dial ANSWER", "ChannelVarset STASISSTATUS"];
    assert_eq!(rig.told(), [&setup[..], &["StasisStart"]].concat());

    rig.ask("POST bridges/b/addChannel", json!({ "channel": [&caller, "m"] }));
    assert_eq!(rig.told(), ["ChannelEnteredBridge", "ChannelEnteredBridge"]);
    rig.run(200);
    let frames = rig.media_frames();
    let sound: Vec<i16> = frames.iter().flat_map(|(_, frame)| *frame).collect();
    assert!(has_tone(&sound, 400.0) && !has_tone(&sound, 700.0));
    assert!(frames.windows(2).all(|pair| pair[1].0.wrapping_sub(pair[0].0) == 160));

    rig.originate("a", 30);
    rig.run(5);
    assert_eq!(rig.told(), ["Dial", "ChannelStateChange", "Dial RINGING"]);
    rig.run(100);
    let answered = ["ChannelStateChange", "Dial ANSWER", "ChannelVarset STASISSTATUS"];
    assert_eq!(rig.told(), [&answered[..], &["StasisStart"]].concat());
    rig.ask("POST bridges/b/removeChannel", json!({ "channel": "m" }));
    rig.ask("POST bridges/b/addChannel", json!({ "channel": "a" }));
    assert_eq!(rig.told(), ["ChannelLeftBridge", "ChannelEnteredBridge"]);

    rig.run(240);
    let hung_up = ["ChannelHangupRequest", "ChannelLeftBridge", "StasisEnd"];
    assert_eq!(rig.told(), hung_up, "a dialplan call ends without ChannelDestroyed");
    rig.ask("DELETE channels/a", Value::Null);
    let dropped = ["ChannelHangupRequest 32", "ChannelLeftBridge", "StasisEnd"];
    let destroyed = ["ChannelVarset STASISSTATUS SUCCESS", "ChannelDestroyed 16"];
    assert_eq!(rig.told(), [&dropped[..], &destroyed].concat());
    rig.ask("DELETE channels/m", Value::Null);
    rig.ask("DELETE bridges/b", Value::Null);

    let outcome = rig.outcome();
    assert_eq!(outcome.connected_to, Some(Place::Endpoint("PJSIP/helpdesk".to_owned())));
    assert_eq!((outcome.hung_up_by, outcome.cause), (HungUpBy::Caller, 16));
    assert!(has_tone(&outcome.heard[outcome.heard.len() - 1600..], 700.0));
    assert!(has_tone(&outcome.agent_heard, 400.0));
    assert_eq!((rig.switch.channels(), rig.switch.bridges(), rig.switch.deadline()), (0, 0, None));
    assert_eq!(rig.ask("GET applications", Value::Null)[0]["channel_ids"], json!([]));
}

#[test]
fn sound_from_external_media_reaches_the_caller_in_order() {
    let mut rig = Rig::new();
    let caller = rig.call(patient());
    rig.ask(&format!("POST channels/{caller}/answer"), Value::Null);
    rig.ask(MEDIA, media("m"));
    rig.run(10);
    rig.ask("POST bridges/b", Value::Null);
    rig.ask("POST bridges/b/addChannel", json!({ "channel": [&caller, "m"] }));
    let key = rig.switch.find_channel("m").unwrap();
    let prompt = tone(500.0, 200);
    for frame in prompt.chunks(FRAME) {
        rig.switch.receive(rig.now, key, frame);
        rig.run(20);
    }
    rig.ask(&format!("DELETE channels/{caller}"), Value::Null);
    let outcome = rig.outcome();
    let begin = outcome.heard.iter().position(|sample| *sample != 0).unwrap() - 1;
    assert_eq!(outcome.heard[begin..begin + prompt.len()], *prompt);
    assert!(outcome.at(&Moment::FirstSound) > outcome.at(&Moment::Answered));
    assert_eq!(outcome.hung_up_by, HungUpBy::Application);
}

#[test]
fn a_busy_destination_ends_with_its_cause() {
    let mut rig = Rig::new();
    rig.endpoint(0, Reaction::Busy);
    rig.originate("a", 30);
    rig.run(5);
    let told = ["Dial", "ChannelHangupRequest 17 486", "Dial BUSY", "ChannelDestroyed 17 486"];
    assert_eq!(rig.events.last().unwrap().1["cause_txt"], "User busy");
    assert_eq!(rig.told(), told);
    assert_eq!(rig.switch.channels(), 0);
}

#[test]
fn a_destination_that_does_not_answer_is_given_up_at_the_timeout() {
    let mut rig = Rig::new();
    rig.endpoint(0, Reaction::NoAnswer);
    rig.originate("a", 2);
    rig.run(1990);
    assert_eq!(rig.told(), ["Dial", "ChannelStateChange", "Dial RINGING"]);
    let state = rig.refused("POST channels/a/answer", Value::Null);
    assert_eq!(state, (409, "Channel not in Stasis application".to_owned()));
    rig.run(20);
    assert_eq!(rig.told(), ["ChannelDestroyed 19 480"]);
}

#[test]
fn a_rejection_carries_its_own_cause() {
    let mut rig = Rig::new();
    rig.endpoint(0, Reaction::Rejects { cause: 21 });
    rig.originate("a", 30);
    rig.run(5);
    assert_eq!(rig.told()[3], "ChannelDestroyed 21 603");
}

#[test]
fn a_created_channel_enters_stasis_undialled_and_is_dialled_later() {
    let mut rig = Rig::new();
    rig.endpoint(50, answers(tone(700.0, 20)));
    rig.ask(
        "POST channels/create",
        json!({ "endpoint": "PJSIP/helpdesk", "app": APP, "channelId": "a" }),
    );
    rig.run(5);
    let entered = ["ChannelDialplan", "ChannelVarset STASISSTATUS", "StasisStart"];
    assert_eq!(rig.told(), entered);
    let down = rig.refused("POST channels/a/answer", Value::Null);
    assert_eq!(down, (412, "Channel in invalid state".to_owned()));
    rig.ask("POST channels/a/dial", json!({ "timeout": 1 }));
    rig.run(5);
    assert_eq!(rig.told(), ["Dial", "ChannelStateChange", "Dial RINGING"]);
    rig.run(60);
    assert_eq!(rig.told(), ["ChannelStateChange", "Dial ANSWER"]);
    let twice = rig.refused("POST channels/a/dial", Value::Null);
    assert_eq!(twice, (409, "Channel is not in the 'Down' state".to_owned()));
    rig.run(2000);
    assert_eq!(rig.switch.channels(), 1, "the answer ends the dial's timeout");
}

#[test]
fn refusals_have_asterisks_status_and_words() {
    let mut rig = Rig::new();
    rig.endpoint(0, Reaction::Unregistered);
    let caller = rig.call(patient());
    rig.ask("POST bridges/b", Value::Null);
    let endpoint = |name: &str| json!({ "endpoint": name, "app": APP });
    let cases = [
        ("GET channels/x", Value::Null, 404, "Channel not found"),
        ("POST channels/x/answer", Value::Null, 404, "Channel not found"),
        ("DELETE channels/x", Value::Null, 404, "Channel not found"),
        ("POST channels", json!({}), 400, "Endpoint must be specified"),
        ("POST channels", endpoint("PJSIP"), 400, "Invalid endpoint specified"),
        (
            "POST channels",
            json!({ "endpoint": "PJSIP/x" }),
            400,
            "Application or extension must be specified",
        ),
        ("POST channels", endpoint("PJSIP/nobody"), 500, "Allocation failed"),
        ("POST channels", endpoint("PJSIP/helpdesk"), 500, "Allocation failed"),
        ("POST channels/externalMedia", json!({}), 400, "app cannot be empty"),
        (MEDIA, json!({ "app": APP, "external_host": "h:1" }), 400, "format cannot be empty"),
        (MEDIA, media(&caller), 500, "An internal error prevented this request from being handled"),
        ("POST bridges/b", Value::Null, 409, "Bridge with id 'b' already exists"),
        ("POST bridges/c", json!({ "type": "dtmf_events" }), 500, "Unable to create bridge"),
        ("POST bridges/x/addChannel", json!({ "channel": "y" }), 404, "Bridge not found"),
        ("POST bridges/b/addChannel", json!({}), 400, "Missing parameter channel"),
        ("POST bridges/b/addChannel", json!({ "channel": "y" }), 400, "Channel not found"),
        (
            "POST bridges/b/removeChannel",
            json!({ "channel": caller }),
            422,
            "Channel not in this bridge",
        ),
        ("GET applications/x", Value::Null, 404, "Application not found"),
        ("POST channels/x/record", Value::Null, 501, "Not implemented by the embedded PBX"),
        ("GET nowhere", Value::Null, 404, "Resource not found"),
    ];
    for (line, body, status, message) in cases {
        assert_eq!(rig.refused(line, body.clone()), (status, message.to_owned()), "{line} {body}");
    }
    let reason = rig.refused(&format!("DELETE channels/{caller}"), json!({ "reason": "bored" }));
    assert_eq!(reason, (400, "Invalid reason for hangup reason provided".to_owned()));
    let number = json!({ "reason_code": 21 });
    rig.ask(&format!("DELETE channels/{caller}"), number);
    assert_eq!(rig.outcome().cause, 16, "a number where a string belongs counts as absent");
}

#[test]
fn ids_can_be_used_again_but_not_twice_at_once() {
    let mut rig = Rig::new();
    rig.endpoint(0, answers(tone(700.0, 20)));
    rig.originate("a", 30);
    let body = json!({ "endpoint": "PJSIP/helpdesk", "app": APP });
    let twice = rig.refused("POST channels/a", body.clone());
    assert_eq!(twice, (409, "Channel with given unique ID already exists".to_owned()));
    rig.ask("DELETE channels/a", Value::Null);
    rig.ask("POST channels/a", body);
}

#[test]
fn without_an_application_a_call_falls_through_to_the_dialplan() {
    let mut rig = Rig::deserted();
    rig.switch.place("default", "100");
    rig.call(Caller { audio: tone(400.0, 100), ..Caller::default() });
    rig.run(200);
    let outcome = rig.outcome();
    assert_eq!(outcome.stasis, StasisStatus::Failed);
    let place =
        Place::Dialplan { context: "default".to_owned(), exten: "100".to_owned(), priority: 2 };
    assert_eq!(outcome.connected_to, Some(place));
    assert!(outcome.at(&Moment::StasisFailed) < outcome.at(&Moment::HungUp));
}

#[test]
fn continue_leads_to_a_place_or_to_the_end() {
    let mut rig = Rig::new();
    rig.switch.place("sales", "s");
    for (body, connected) in [(json!({ "context": "sales" }), true), (Value::Null, false)] {
        let caller = rig.call(patient());
        rig.told();
        rig.ask(&format!("POST channels/{caller}/continue"), body);
        assert_eq!(rig.told(), ["StasisEnd"]);
        rig.run(300);
        let outcome = rig.outcome();
        assert_eq!(outcome.connected_to.is_some(), connected);
        let by = if connected { HungUpBy::Caller } else { HungUpBy::Dialplan };
        assert_eq!(outcome.hung_up_by, by);
        rig.effects.clear();
    }
}

#[test]
fn digits_are_told_on_release_before_the_answer_too() {
    let mut rig = Rig::new();
    let digits = vec![(Duration::from_millis(50), '0')];
    rig.call(Caller { digits, patience: Duration::from_millis(100), ..patient() });
    rig.run(60);
    assert_eq!(rig.events[1].1["duration_ms"], 100);
    assert_eq!(rig.told(), ["StasisStart", "ChannelDtmfReceived 0"]);
    rig.run(50);
    let outcome = rig.outcome();
    assert!(!outcome.answered && outcome.heard.is_empty());
    assert_eq!(outcome.at(&Moment::DigitSent('0')), Some(Duration::from_millis(50)));
}

#[test]
fn an_agent_who_hangs_up_leaves_the_caller_in_the_application() {
    let mut rig = Rig::new();
    let hangs_up_after = Some(Duration::from_millis(100));
    rig.endpoint(0, Reaction::Answers { says: Speech::Once(tone(700.0, 50)), hangs_up_after });
    let hangs_up = HangsUp::At(Duration::from_secs(1));
    let caller = rig.call(Caller { audio: tone(400.0, 900), hangs_up, ..Caller::default() });
    rig.ask(&format!("POST channels/{caller}/answer"), Value::Null);
    rig.ask("POST bridges/b", Value::Null);
    rig.originate("a", 30);
    rig.run(5);
    rig.ask("POST bridges/b/addChannel", json!({ "channel": [&caller, "a"] }));
    rig.told();
    rig.run(150);
    let told = ["ChannelHangupRequest", "ChannelLeftBridge", "StasisEnd"];
    assert_eq!(rig.told()[..3], told);
    assert_eq!(rig.ask(&format!("GET channels/{caller}"), Value::Null)["state"], "Up");
    rig.run(1000);
    let outcome = rig.outcome();
    assert!(outcome.at(&Moment::AgentHungUp).is_some());
    assert!(has_tone(&outcome.agent_heard, 400.0));
}

#[test]
fn a_second_socket_takes_the_application_over() {
    let mut rig = Rig::new();
    let second = SocketId(2);
    rig.switch.attach(rig.now, second, &[APP.to_owned()], true);
    rig.call(patient());
    let (first, told) = &rig.events[0];
    assert_eq!((*first, &told["type"]), (SOCKET, &json!("ApplicationReplaced")));
    let started: Vec<_> = rig.events[1..].iter().map(|(socket, _)| *socket).collect();
    assert_eq!(started, [second], "subscribe-all counts for a new application only");
    rig.switch.detach(rig.now, SOCKET);
    assert!(rig.switch.is_active(APP), "the replaced socket takes nothing with it");
}

#[test]
fn a_closed_socket_leaves_its_calls_in_the_application() {
    let mut rig = Rig::new();
    let caller = rig.call(patient());
    rig.switch.inject(Fault::CloseSocket);
    rig.drain();
    assert_eq!(rig.effects, [Effect::Cut { socket: SOCKET }]);
    rig.ask(&format!("POST channels/{caller}/answer"), Value::Null);
    rig.switch.attach(rig.now, SocketId(2), &[APP.to_owned()], false);
    rig.told();
    rig.ask(&format!("POST channels/{caller}/continue"), Value::Null);
    assert_eq!(rig.told(), ["StasisEnd"], "the subscription outlived the socket");
}

#[test]
fn subscribe_all_hears_what_no_other_application_hears() {
    let mut rig = Rig::deserted();
    rig.switch.attach(rig.now, SOCKET, &[APP.to_owned()], true);
    rig.ask("POST bridges/b", Value::Null);
    let caller = rig.call(patient());
    rig.ask(&format!("DELETE channels/{caller}"), Value::Null);
    let told = rig.told();
    for kind in ["BridgeCreated", "ChannelCreated", "ChannelDialplan", "ChannelDestroyed 16"] {
        assert!(told.iter().any(|it| it == kind), "{kind} in {told:?}");
    }
}

#[test]
fn an_explicit_subscription_brings_the_cause_of_a_dialplan_call() {
    let mut rig = Rig::new();
    let caller = rig.call(patient());
    let source = json!({ "eventSource": format!("channel:{caller}") });
    rig.ask(&format!("POST applications/{APP}/subscription"), source);
    rig.run(60_000);
    assert_eq!(rig.told().last().unwrap(), "ChannelDestroyed 127 487");
}

#[test]
fn faults_drop_events_and_packets_and_delay_what_they_name() {
    let mut rig = Rig::new();
    rig.switch.inject(Fault::DropEvents { kind: EventKind::StasisEnd });
    let caller = rig.call(Caller { audio: tone(400.0, 2000), ..patient() });
    rig.ask(&format!("POST channels/{caller}/answer"), Value::Null);
    rig.ask(MEDIA, media("m"));
    rig.run(10);
    rig.ask("POST bridges/b", Value::Null);
    rig.ask("POST bridges/b/addChannel", json!({ "channel": [&caller, "m"] }));
    rig.switch.inject(Fault::PacketLoss { one_in: NonZeroU32::new(4).unwrap() });
    rig.run(800);
    assert_eq!(rig.media_frames().len(), 30, "ten of forty are lost");
    rig.ask(&format!("DELETE channels/{caller}"), Value::Null);
    assert!(!rig.told().iter().any(|event| event == "StasisEnd"));
}

#[test]
fn held_events_leave_the_reply_a_head_start() {
    let mut rig = Rig::new();
    let caller = rig.call(patient());
    let request = Request {
        operation: Operation::Answer,
        ids: vec![caller],
        params: Params::default(),
        media: None,
    };
    rig.switch.request(rig.now, &request, Duration::from_millis(40));
    let held = rig.switch.effects.iter().find_map(|effect| match effect {
        Effect::Send { not_before, .. } => Some(*not_before),
        _ => None,
    });
    assert_eq!(held, Some(Duration::from_millis(40)));
}

#[test]
fn stopping_finishes_every_call() {
    let mut rig = Rig::new();
    rig.call(patient());
    rig.switch.end_all(rig.now);
    rig.drain();
    assert_eq!(rig.outcome().hung_up_by, HungUpBy::Shutdown);
    assert_eq!(rig.refused("GET channels", Value::Null).0, 503);
}
