//! How an outbound channel reaches its far end (Asterisk's `main/dial.c`; for a channel that was
//! created first, `res/stasis/control.c`).

use super::{
    GivesUp, Key, Switch, Timer,
    channel::{Line, Next, Origin, State},
    end::Ending,
};
use crate::{EventKind, Reaction, cause};
use serde_json::json;
use std::time::Duration;

impl Switch {
    /// The call goes out.
    pub(super) fn place_call(&mut self, key: Key) {
        if let Origin::Originated { timeout: Some(timeout), .. } = self.channel(key).origin {
            self.after(timeout, key, Timer::DialTimeout(GivesUp::Originate));
        }
        self.publish_dial(key, "");
        let (rings_for, answers_never) = match &self.channel(key).line {
            Line::Agent(agent) => {
                let never = matches!(agent.behaviour.then, Reaction::NoAnswer);
                (agent.behaviour.rings_for, never)
            }
            Line::Caller(_) | Line::Media(_) => (Duration::ZERO, false),
        };
        if answers_never || rings_for > Duration::ZERO {
            self.set_state(key, State::Ringing);
            self.publish_dial(key, "RINGING");
        }
        if !answers_never {
            self.after(rings_for, key, Timer::React);
        }
    }

    /// The far end does what it was going to do.
    pub(super) fn react(&mut self, key: Key) {
        let hangs_up_after = match &self.channel(key).line {
            Line::Agent(agent) => match agent.behaviour.then {
                Reaction::Answers { hangs_up_after, .. } => hangs_up_after,
                Reaction::Busy => return self.end(key, Ending::Remote(cause::USER_BUSY)),
                Reaction::Rejects { cause } => return self.end(key, Ending::Remote(cause)),
                Reaction::NoAnswer | Reaction::Unregistered => return,
            },
            Line::Caller(_) | Line::Media(_) => None,
        };
        self.timers
            .retain(|_, timer| !matches!(timer, (owner, Timer::DialTimeout(_)) if *owner == key));
        self.set_state(key, State::Up);
        self.publish_dial(key, "ANSWER");
        if let Some(after) = hangs_up_after {
            self.after(after, key, Timer::AgentHangsUp);
        }
        match self.channel(key).origin.clone() {
            Origin::Originated { next, .. } => self.go_on(key, next),
            Origin::Inbound | Origin::Created { .. } => {}
        }
        if let Some(bridge) = self.channels.get(&key).and_then(|channel| channel.bridge.clone()) {
            self.note_connections(&bridge);
        }
    }

    /// The thread of a created channel enters its application.
    pub(super) fn enter_stasis_or_end(&mut self, key: Key) {
        if let Origin::Created { next } = self.channel(key).origin.clone() {
            self.go_on(key, next);
        }
    }

    pub(super) fn dial_timed_out(&mut self, key: Key, how: GivesUp) {
        match how {
            GivesUp::Originate => self.end(key, Ending::DialTimeout),
            GivesUp::Command => self.end(key, Ending::Request(cause::NO_ANSWER)),
        }
    }

    pub(super) fn agent_hangs_up(&mut self, key: Key) {
        self.end(key, Ending::Remote(cause::NORMAL_CLEARING));
    }

    /// A `Dial` event, which only the channel that is dialled takes part in here.
    pub(super) fn publish_dial(&mut self, key: Key, status: &str) {
        let channel = &self.channels[&key];
        let dialstring = match (&channel.origin, &channel.line) {
            (Origin::Created { .. }, _) if !status.is_empty() => String::new(),
            (_, Line::Agent(agent)) => {
                let resource = agent.endpoint.split_once('/').map(|(_, resource)| resource);
                resource.unwrap_or_default().to_owned()
            }
            (_, Line::Media(media)) => format!("{}/c({})", media.remote, media.codec.name()),
            (_, Line::Caller(_)) => String::new(),
        };
        let fields = json!({
            "dialstatus": status,
            "forward": "",
            "dialstring": dialstring,
            "peer": self.channel_json(channel),
        });
        let topic = channel.topic();
        self.publish(&topic, EventKind::Dial, fields);
    }

    fn go_on(&mut self, key: Key, next: Next) {
        match next {
            Next::Stasis { app, args } => {
                if !self.enter_stasis(key, &app, &args) {
                    self.end(key, Ending::Dialplan);
                }
            }
            Next::Dialplan(location) => self.enter_dialplan(key, location),
        }
    }
}
