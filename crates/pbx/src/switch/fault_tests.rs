//! What the switch does wrong on purpose, and the sounds that faults can strike.

use super::tests::{APP, Rig, SOCKET, answers, patient, tone};
use super::*;
use crate::{Caller, EventKind, HangsUp, HungUpBy, Operation};
use serde_json::{Value, json};

fn caller(how: HangsUp) -> Caller {
    Caller { hangs_up: how, ..Caller::default() }
}

#[test]
fn a_playback_sounds_to_its_end_and_the_next_begins() {
    let mut rig = Rig::new();
    rig.switch.sound("hello", tone(500.0, 100));
    let id = rig.call(patient());
    rig.ask(&format!("POST channels/{id}/answer"), Value::Null);
    rig.told();
    for playback in ["a", "b"] {
        rig.ask(&format!("POST channels/{id}/play/{playback}"), json!({ "media": "sound:hello" }));
    }
    assert_eq!(rig.told(), ["PlaybackStarted"]);
    rig.run(120);
    assert_eq!(rig.told(), ["PlaybackFinished", "PlaybackStarted"]);
    rig.ask("DELETE playbacks/b", Value::Null);
    assert_eq!(rig.told(), ["PlaybackFinished"]);
    rig.ask(&format!("POST channels/{id}/play/c"), json!({ "media": "sound:missing" }));
    assert_eq!(rig.events[1].1["playback"]["state"], "failed");
    rig.ask(&format!("DELETE channels/{id}"), Value::Null);
    assert!(audio::tone::power(&rig.outcome().heard, 500.0) > 0.0);
}

#[test]
fn a_playback_can_lose_its_end() {
    let mut rig = Rig::new();
    rig.switch.sound("hello", tone(500.0, 40));
    rig.switch.inject(Fault::DropEvents { kind: EventKind::PlaybackFinished });
    let id = rig.call(patient());
    rig.ask(&format!("POST channels/{id}/answer"), Value::Null);
    rig.ask(&format!("POST channels/{id}/play/a"), json!({ "media": "sound:hello" }));
    rig.run(100);
    assert_eq!(rig.told().last().unwrap(), "PlaybackStarted");
    assert_eq!(rig.refused("GET playbacks/a", Value::Null).0, 404, "it is over all the same");
}

#[test]
fn an_event_can_come_twice() {
    let mut rig = Rig::new();
    rig.switch.inject(Fault::DuplicateEvents { kind: EventKind::StasisStart });
    rig.call(patient());
    assert_eq!(rig.told(), ["StasisStart", "StasisStart"]);
}

#[test]
fn what_a_late_request_is_about_is_gone() {
    let mut rig = Rig::new();
    rig.endpoint(0, answers(tone(700.0, 20)));
    for operation in [Operation::Answer, Operation::AddChannel, Operation::DestroyBridge] {
        rig.switch.inject(Fault::LateRequest { operation });
    }
    let id = rig.call(patient());
    assert_eq!(rig.refused(&format!("POST channels/{id}/answer"), Value::Null).0, 404);
    assert_eq!(rig.outcome().hung_up_by, HungUpBy::Caller);
    rig.ask("POST bridges/b", Value::Null);
    rig.originate("a", 30);
    rig.run(5);
    let gone = rig.refused("POST bridges/b/addChannel", json!({ "channel": "a" }));
    assert_eq!(gone, (400, "Channel not found".to_owned()));
    assert_eq!(rig.refused("DELETE bridges/b", Value::Null).0, 404);
    assert_eq!((rig.switch.channels(), rig.switch.bridges()), (0, 0));
}

#[test]
fn a_caller_can_hang_up_at_every_step() {
    for step in 1..6 {
        for how in [HangsUp::BeforeRequest(step), HangsUp::AfterEvent(step)] {
            let mut rig = Rig::new();
            let id = rig.call(caller(how));
            rig.switch.press(rig.now, rig.switch.find_channel(&id).unwrap(), '1');
            rig.run(1);
            let mut alive = Vec::new();
            for request in ["answer", "ring", "moh", "dtmf?dtmf=1", "answer"] {
                let line = format!("POST channels/{id}/{}", request.split('?').next().unwrap());
                alive.push(rig.reply_status(&line, json!({ "dtmf": "1" })) < 300);
                rig.run(1);
            }
            let served = alive.iter().filter(|it| **it).count();
            match how {
                HangsUp::BeforeRequest(_) => assert_eq!(served, step as usize - 1, "{how:?}"),
                // The call's events are its StasisStart, the key, and the change to Up.
                _ => assert_eq!(served, [0, 0, 1, 5, 5][step as usize - 1], "{how:?}"),
            }
        }
    }
}

#[test]
fn sockets_are_cut_closed_or_silenced() {
    let cases = [
        (Fault::CloseSocket, Effect::Cut { socket: SOCKET }, false),
        (Fault::CloseSocketPolitely, Effect::Close { socket: SOCKET }, false),
        (Fault::SilenceSocket, Effect::Silence { socket: SOCKET }, true),
    ];
    for (fault, effect, active) in cases {
        let mut rig = Rig::new();
        rig.switch.inject(fault);
        rig.drain();
        assert_eq!(rig.effects, [effect]);
        assert_eq!(rig.switch.is_active(APP), active, "{fault:?}");
    }
}

#[test]
fn another_client_takes_the_application_until_it_is_healed() {
    let mut rig = Rig::new();
    rig.switch.inject(Fault::ReplaceApplication);
    rig.drain();
    rig.call(patient());
    let ours: Vec<_> = rig.events.iter().filter(|(socket, _)| *socket == SOCKET).collect();
    assert_eq!(ours.len(), 1);
    assert_eq!(ours[0].1["type"], "ApplicationReplaced");
    rig.switch.heal();
    assert!(!rig.switch.is_active(APP));
}
