//! The life of a caller: in from outside, through the dialplan, into the application, and out.

use super::{
    Effect, Key, Switch, Timer,
    channel::{CallerLine, Channel, Line, Location, Origin, Party, State},
    end::Ending,
};
use crate::{Caller, EventKind, HangsUp, HungUpBy, Moment, Place, StasisStatus, cause};
use serde_json::json;
use std::{
    collections::{BTreeMap, VecDeque},
    time::Duration,
};

/// How long a key is held down.
const DIGIT_MS: u64 = 100;

impl Switch {
    /// Somebody calls: the dialplan runs `Stasis()` at priority 1 of the dialled extension.
    pub(crate) fn call(&mut self, now: Duration, caller: Caller) -> (Key, String) {
        self.advance(now);
        let serial = self.next_serial();
        let id = self.channel_id(serial);
        let location = Location {
            context: self.config.context.clone(),
            exten: caller.dialled.clone(),
            priority: 1,
        };
        let key = self.add_channel(Channel {
            id: id.clone(),
            name: format!("PJSIP/caller-{serial:08x}"),
            state: State::Ring,
            caller: Party { name: caller.name.clone(), number: caller.number.clone() },
            connected: Party::default(),
            location,
            running: (String::new(), String::new()),
            created: self.now,
            variables: BTreeMap::new(),
            cause: 0,
            tech_cause: None,
            stasis: None,
            bridge: None,
            playing: VecDeque::new(),
            origin: Origin::Inbound,
            line: Line::Caller(Box::new(CallerLine {
                answered: false,
                spoken: 0,
                heard: Vec::new(),
                heard_sound: false,
                stasis: StasisStatus::Failed,
                connected_to: None,
                agent: None,
                agent_heard: Vec::new(),
                hung_up_by: HungUpBy::Shutdown,
                timeline: Vec::new(),
                began: (self.requests, self.told),
                spec: caller.clone(),
            })),
        });
        self.publish_channel(key, EventKind::ChannelCreated, json!({}));
        self.after(caller.patience, key, Timer::CallerHangsUp);
        if let HangsUp::At(at) = caller.hangs_up {
            self.after(at, key, Timer::CallerHangsUp);
        }
        for (at, digit) in caller.digits {
            self.after(at, key, Timer::Digit(digit));
        }
        let app = self.config.app.clone();
        if self.enter_stasis(key, &app, &caller.app_args) {
            self.note(key, Moment::EnteredStasis);
            if let Some(line) = self.channel(key).caller_line() {
                line.stasis = StasisStatus::Success;
            }
        } else {
            self.note(key, Moment::StasisFailed);
            let next = Location { priority: 2, ..self.channel(key).location.clone() };
            self.enter_dialplan(key, next);
        }
        (key, id)
    }

    /// Puts a channel into an application; false, with the channel where it was, when the
    /// application is not active.
    pub(super) fn enter_stasis(&mut self, key: Key, app: &str, args: &[String]) -> bool {
        let data = std::iter::once(app).chain(args.iter().map(String::as_str));
        let data = data.collect::<Vec<_>>().join(",");
        let channel = self.channel(key);
        let first = channel.running.0.is_empty();
        channel.running = ("Stasis".to_owned(), data.clone());
        if first {
            let fields = json!({ "dialplan_app": "Stasis", "dialplan_app_data": data });
            self.publish_channel(key, EventKind::ChannelDialplan, fields);
        }
        self.set_variable(key, "STASISSTATUS", "");
        if !self.is_active(app) {
            self.set_variable(key, "STASISSTATUS", "FAILED");
            return false;
        }
        let channel = self.channel(key);
        channel.stasis = Some(app.to_owned());
        let topic = channel.topic();
        self.subscribe(app, topic);
        let channel = self.channel_json(&self.channels[&key]);
        self.emit(app, EventKind::StasisStart, json!({ "args": args, "channel": channel }));
        true
    }

    /// Takes a channel out of its bridge and its application.
    pub(super) fn leave_stasis(&mut self, key: Key) {
        self.leave_bridge(key);
        let channel = self.channel(key);
        let Some(app) = channel.stasis.take() else { return };
        let topic = channel.topic();
        let fields = json!({ "channel": self.channel_json(&self.channels[&key]) });
        self.emit(&app, EventKind::StasisEnd, fields);
        self.unsubscribe(&app, &topic);
        self.set_variable(key, "STASISSTATUS", "SUCCESS");
    }

    /// Sends a channel to a place in the dialplan. A place that [`Switch::place`] named takes the
    /// call and keeps it; any other has nothing to go on with, and the dialplan hangs up.
    pub(super) fn enter_dialplan(&mut self, key: Key, location: Location) {
        let known = (location.context.clone(), location.exten.clone());
        let Location { context, exten, priority } = location.clone();
        self.channel(key).location = location;
        if self.places.contains(&known) {
            self.answer(key);
            self.connected(key, Place::Dialplan { context, exten, priority });
        } else {
            self.end(key, Ending::Dialplan);
        }
    }

    /// Brings an inbound channel up; a channel that is up already stays as it is.
    pub(super) fn answer(&mut self, key: Key) {
        if self.channel(key).state == State::Up {
            return;
        }
        self.set_state(key, State::Up);
        if let Some(line) = self.channel(key).caller_line() {
            line.answered = true;
            self.note(key, Moment::Answered);
        }
    }

    pub(super) fn set_state(&mut self, key: Key, state: State) {
        self.channel(key).state = state;
        self.publish_channel(key, EventKind::ChannelStateChange, json!({}));
    }

    pub(super) fn set_variable(&mut self, key: Key, name: &str, value: &str) {
        self.channel(key).variables.insert(name.to_owned(), value.to_owned());
        let fields = json!({ "variable": name, "value": value });
        self.publish_channel(key, EventKind::ChannelVarset, fields);
    }

    /// The caller has reached `place`.
    pub(super) fn connected(&mut self, key: Key, place: Place) {
        let Some(line) = self.channel(key).caller_line() else { return };
        line.connected_to = Some(place.clone());
        if let HangsUp::OnceConnectedFor(time) = line.spec.hangs_up {
            self.after(time, key, Timer::CallerHangsUp);
        }
        self.note(key, Moment::ConnectedTo(place));
    }

    pub(super) fn note(&mut self, key: Key, moment: Moment) {
        let now = self.now;
        let channel = self.channel(key);
        let at = now.saturating_sub(channel.created);
        if let Some(line) = channel.caller_line() {
            line.timeline.push((at, moment));
        }
    }

    /// A caller presses a key now.
    pub(crate) fn press(&mut self, now: Duration, key: Key, digit: char) {
        self.advance(now);
        if self.channels.contains_key(&key) {
            self.digit(key, digit);
        }
    }

    pub(super) fn digit(&mut self, key: Key, digit: char) {
        self.pass_on(key, digit);
        let fields = json!({ "digit": digit.to_string(), "duration_ms": DIGIT_MS });
        self.publish_channel(key, EventKind::ChannelDtmfReceived, fields);
        self.note(key, Moment::DigitSent(digit));
    }

    /// A bridge passes keys on to its other members, and external media as telephone events.
    fn pass_on(&mut self, from: Key, key: char) {
        let lost = self.loses_packet();
        let Some(bridge) = self.channel(from).bridge.clone() else { return };
        let Some(bridge) = self.bridges.get(&bridge).filter(|_| !lost) else { return };
        let held = Duration::from_millis(DIGIT_MS);
        let began = held.as_millis() as u32 * audio::SAMPLE_RATE / 1_000;
        let timestamp = self.media_time().wrapping_sub(began);
        for &channel in bridge.members.iter().filter(|&&member| member != from) {
            if matches!(self.channels[&channel].line, Line::Media(_)) {
                self.effects.push_back(Effect::SendKey { channel, timestamp, key, held });
            }
        }
    }

    pub(super) fn caller_hangs_up(&mut self, key: Key) {
        self.end(key, Ending::Remote(cause::NORMAL_CLEARING));
    }

    /// A caller hangs up now, by hand.
    pub(crate) fn hang_up_caller(&mut self, now: Duration, key: Key) {
        self.advance(now);
        if self.channels.contains_key(&key) {
            self.caller_hangs_up(key);
        }
    }

    pub(super) fn channel_id(&self, serial: u64) -> String {
        format!("{}.{serial}", (self.config.started + self.now).as_secs())
    }
}
