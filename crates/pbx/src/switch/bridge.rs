//! Bridges as values, and how channels enter and leave them (`main/stasis_bridges.c`,
//! `res/stasis/control.c`).

use super::{
    Key, Switch,
    app::Topic,
    channel::{Line, State},
};
use crate::{EventKind, Moment, Place, cause};
use serde_json::{Value, json};
use std::time::Duration;

#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) name: String,
    pub(super) kind: BridgeKind,
    pub(super) created: Duration,
    pub(super) members: Vec<Key>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum BridgeKind {
    /// Everybody hears everybody else.
    Mixing,
    /// Nobody hears anybody.
    Holding,
}

impl Switch {
    pub(super) fn enter_bridge(&mut self, key: Key, bridge_id: &str) {
        self.leave_bridge(key);
        let Some(bridge) = self.bridges.get_mut(bridge_id) else { return };
        bridge.members.push(key);
        let channel = self.channel(key);
        channel.bridge = Some(bridge_id.to_owned());
        if let Some(app) = channel.stasis.clone() {
            self.subscribe(&app, Topic::Bridge(bridge_id.to_owned()));
        }
        self.publish_membership(key, bridge_id, EventKind::ChannelEnteredBridge);
        self.note(key, Moment::EnteredBridge(bridge_id.to_owned()));
        self.note_connections(bridge_id);
    }

    pub(super) fn leave_bridge(&mut self, key: Key) {
        let channel = self.channel(key);
        let Some(bridge_id) = channel.bridge.take() else { return };
        // Whoever leaves a bridge has this cause from then on, also if the channel lives.
        if channel.cause == 0 {
            channel.cause = cause::NORMAL_CLEARING;
        }
        if let Some(bridge) = self.bridges.get_mut(&bridge_id) {
            bridge.members.retain(|member| *member != key);
        }
        self.publish_membership(key, &bridge_id, EventKind::ChannelLeftBridge);
        if let Some(app) = self.channel(key).stasis.clone() {
            self.unsubscribe(&app, &Topic::Bridge(bridge_id.clone()));
        }
        self.note(key, Moment::LeftBridge(bridge_id));
    }

    /// Connects the caller of a bridge with an agent in it who has answered.
    pub(super) fn note_connections(&mut self, bridge_id: &str) {
        let Some(bridge) = self.bridges.get(bridge_id) else { return };
        if bridge.kind == BridgeKind::Holding {
            return;
        }
        let members = bridge.members.clone();
        let agent = members.iter().find_map(|member| match &self.channels[member] {
            channel if channel.state != State::Up => None,
            channel => match &channel.line {
                Line::Agent(agent) => Some((*member, agent.endpoint.clone())),
                Line::Caller(_) | Line::Media(_) => None,
            },
        });
        let Some((agent, endpoint)) = agent else { return };
        for member in members {
            let Some(line) = self.channel(member).caller_line() else { continue };
            if line.agent != Some(agent) {
                line.agent = Some(agent);
                self.connected(member, Place::Endpoint(endpoint.clone()));
            }
        }
    }

    pub(super) fn bridge_json(&self, id: &str, bridge: &Bridge) -> Value {
        let members: Vec<&str> =
            bridge.members.iter().map(|key| self.channels[key].id.as_str()).collect();
        let (kind, technology) = match bridge.kind {
            BridgeKind::Holding => ("holding", "holding_bridge"),
            BridgeKind::Mixing if members.len() > 2 => ("mixing", "softmix"),
            BridgeKind::Mixing => ("mixing", "simple_bridge"),
        };
        json!({
            "id": id,
            "technology": technology,
            "bridge_type": kind,
            "bridge_class": "stasis",
            "creator": "Stasis",
            "name": bridge.name,
            "channels": members,
            "creationtime": self.stamp(bridge.created),
            "video_mode": "talker",
        })
    }

    fn publish_membership(&mut self, key: Key, bridge_id: &str, kind: EventKind) {
        let Some(bridge) = self.bridges.get(bridge_id) else { return };
        let fields = json!({
            "bridge": self.bridge_json(bridge_id, bridge),
            "channel": self.channel_json(&self.channels[&key]),
        });
        self.publish(&Topic::Bridge(bridge_id.to_owned()), kind, fields);
    }
}
