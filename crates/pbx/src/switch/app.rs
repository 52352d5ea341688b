//! Applications: their sockets, what they are subscribed to, and the events that reach them
//! (Asterisk's `res/stasis/app.c`).

use super::{Effect, Key, Switch};
use crate::{EventKind, Fault, stamp::stamp};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};

/// Names a WebSocket of the shell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SocketId(pub(crate) u64);

/// Something whose events an application can subscribe to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Topic {
    Channel(String),
    Bridge(String),
    Endpoint(String),
}

#[derive(Debug)]
pub(super) struct App {
    /// Where its events go; `None` while the application is inactive.
    pub(super) socket: Option<SocketId>,
    pub(super) subscribes_all: bool,
    /// Counted: a channel that was originated for the application and is in it counts twice.
    pub(super) subscriptions: BTreeMap<Topic, u32>,
}

impl Switch {
    /// A WebSocket takes these applications over. The subscribe-all mark counts only for an
    /// application that did not exist.
    pub(crate) fn attach(
        &mut self,
        now: Duration,
        socket: SocketId,
        names: &[String],
        subscribes_all: bool,
    ) {
        self.advance(now);
        for name in names {
            let old = self.apps.get(name).and_then(|app| app.socket);
            if old.is_some_and(|old| old != socket) {
                self.emit(name, EventKind::ApplicationReplaced, json!({}));
            }
            let app = self.apps.entry(name.clone()).or_insert(App {
                socket: None,
                subscribes_all,
                subscriptions: BTreeMap::new(),
            });
            app.socket = Some(socket);
        }
    }

    /// A WebSocket is gone. Its applications become inactive; their calls stay in Stasis.
    pub(crate) fn detach(&mut self, now: Duration, socket: SocketId) {
        self.advance(now);
        for app in self.apps.values_mut().filter(|app| app.socket == Some(socket)) {
            app.socket = None;
            app.subscribes_all = false;
        }
        self.forget_idle_apps();
    }

    pub(super) fn is_active(&self, app: &str) -> bool {
        self.apps.get(app).is_some_and(|app| app.socket.is_some())
    }

    pub(super) fn subscribe(&mut self, app: &str, topic: Topic) {
        if let Some(app) = self.apps.get_mut(app) {
            *app.subscriptions.entry(topic).or_default() += 1;
        }
    }

    pub(super) fn unsubscribe(&mut self, app: &str, topic: &Topic) {
        if let Some(app) = self.apps.get_mut(app)
            && let Some(count) = app.subscriptions.get_mut(topic)
        {
            *count -= 1;
            if *count == 0 {
                app.subscriptions.remove(topic);
            }
        }
        self.forget_idle_apps();
    }

    /// Ends every subscription to something that is gone.
    pub(super) fn retire(&mut self, topic: &Topic) {
        for app in self.apps.values_mut() {
            app.subscriptions.remove(topic);
        }
        self.forget_idle_apps();
    }

    /// Sends an event to every application that is subscribed to `topic`.
    pub(super) fn publish(&mut self, topic: &Topic, kind: EventKind, fields: Value) {
        let heard = self
            .apps
            .iter()
            .filter(|(_, app)| app.subscribes_all || app.subscriptions.contains_key(topic));
        let names: Vec<String> = heard.map(|(name, _)| name.clone()).collect();
        for name in names {
            self.emit(&name, kind, fields.clone());
        }
    }

    pub(super) fn publish_channel(&mut self, key: Key, kind: EventKind, mut fields: Value) {
        let channel = &self.channels[&key];
        fields["channel"] = self.channel_json(channel);
        let topic = channel.topic();
        self.publish(&topic, kind, fields);
    }

    /// Sends an event to one application; an inactive one misses it.
    pub(super) fn emit(&mut self, app: &str, kind: EventKind, mut fields: Value) {
        let Some(socket) = self.apps.get(app).and_then(|app| app.socket) else { return };
        if self.faults.contains(&Fault::DropEvents { kind }) {
            return;
        }
        fields["type"] = json!(kind.to_string());
        fields["application"] = json!(app);
        fields["timestamp"] = json!(self.stamp(self.now));
        fields["asterisk_id"] = json!(ENTITY_ID);
        let not_before = self.hold_events_until;
        let send = Effect::Send { socket, not_before, text: fields.to_string() };
        if self.faults.contains(&Fault::DuplicateEvents { kind }) {
            self.effects.push_back(send.clone());
        }
        self.effects.push_back(send);
        self.count_event();
    }

    pub(super) fn stamp(&self, at: Duration) -> String {
        stamp(self.config.started + at)
    }

    fn forget_idle_apps(&mut self) {
        self.apps.retain(|_, app| app.socket.is_some() || !app.subscriptions.is_empty());
    }
}

/// The id of this Asterisk (`entityid` in `asterisk.conf`).
pub(super) const ENTITY_ID: &str = "02:00:00:00:00:01";
