//! Operations on Asterisk itself and on applications (`res/ari/resource_asterisk.c`,
//! `resource_applications.c`).

use super::{
    Switch,
    app::{App, ENTITY_ID, Topic},
    request::Request,
};
use crate::{
    EventKind,
    reply::{Refusal, Reply},
};
use serde_json::{Value, json};
use std::time::Duration;

/// The release whose behaviour the switch follows.
pub(crate) const VERSION: &str = "22.10.1";

/// The modules that a voice application looks for.
const MODULES: [(&str, &str); 8] = [
    ("app_stasis.so", "Stasis dialplan application"),
    ("chan_pjsip.so", "PJSIP Channel Driver"),
    ("chan_rtp.so", "RTP Media Channel"),
    ("codec_ulaw.so", "mu-Law Coder/Decoder"),
    ("res_ari.so", "Asterisk RESTful Interface"),
    ("res_http_websocket.so", "HTTP WebSocket Support"),
    ("res_rtp_asterisk.so", "Asterisk RTP Stack"),
    ("res_stasis.so", "Stasis application support"),
];

impl Switch {
    pub(super) fn info(&self) -> Reply {
        Reply::ok(json!({
            "build": {
                "os": "Linux",
                "kernel": "",
                "machine": "",
                "options": "",
                "date": "",
                "user": "",
            },
            "system": { "version": VERSION, "entity_id": ENTITY_ID },
            "config": {
                "name": "",
                "default_language": "en",
                "setid": { "user": "", "group": "" },
            },
            "status": {
                "startup_time": self.stamp(Duration::ZERO),
                "last_reload_time": self.stamp(Duration::ZERO),
            },
        }))
    }

    pub(super) fn ping(&self) -> Reply {
        let timestamp = self.stamp(self.now);
        Reply::ok(json!({ "ping": "pong", "timestamp": timestamp, "asterisk_id": ENTITY_ID }))
    }

    pub(super) fn list_modules(&self) -> Reply {
        Reply::ok(Value::Array(MODULES.iter().map(|module| module_json(*module)).collect()))
    }

    pub(super) fn get_module(&self, request: &Request) -> Result<Reply, Refusal> {
        let found = MODULES.iter().find(|(name, _)| *name == request.id());
        let found = found.ok_or(Refusal::new(404, "Module could not be found in running modules"));
        found.map(|module| Reply::ok(module_json(*module)))
    }

    pub(super) fn list_applications(&self) -> Reply {
        let apps = self.apps.iter().map(|(name, app)| app_json(name, app));
        Reply::ok(Value::Array(apps.collect()))
    }

    pub(super) fn get_application(&self, request: &Request) -> Result<Reply, Refusal> {
        let name = request.id();
        let app = self.apps.get(name).ok_or_else(no_application)?;
        Ok(Reply::ok(app_json(name, app)))
    }

    /// An event of a client's own making, to the application that it names.
    pub(super) fn user_event(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let app = request.params.text("application");
        let app = app.ok_or(Refusal::new(400, "Missing parameter application"))?;
        if !self.apps.contains_key(app) {
            return Err(no_application());
        }
        let name = request.id();
        let fields = json!({ "eventname": name, "userevent": { "eventname": name } });
        self.emit(app, EventKind::ChannelUserevent, fields);
        Ok(Reply::no_content())
    }

    pub(super) fn subscribe_application(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let topics = self.event_sources(request)?;
        let exists = |topic: &Topic| match topic {
            Topic::Channel(id) => self.find_channel(id).is_some(),
            Topic::Bridge(id) => self.bridges.contains_key(id),
            Topic::Endpoint(name) => self.endpoints.contains_key(name),
        };
        if !topics.iter().all(exists) {
            return Err(Refusal::new(422, "Event source does not exist"));
        }
        for topic in topics {
            self.subscribe(request.id(), topic);
        }
        self.get_application(request)
    }

    pub(super) fn unsubscribe_application(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let topics = self.event_sources(request)?;
        let app = &self.apps[request.id()];
        if !topics.iter().all(|topic| app.subscriptions.contains_key(topic)) {
            return Err(Refusal::new(422, "Event source was not subscribed to"));
        }
        let reply = app_json(request.id(), app);
        for topic in topics {
            self.unsubscribe(request.id(), &topic);
        }
        Ok(self.get_application(request).unwrap_or(Reply::ok(reply)))
    }

    /// The topics that a request names, for an application that exists.
    fn event_sources(&self, request: &Request) -> Result<Vec<Topic>, Refusal> {
        let sources = request.params.list("eventSource");
        if sources.is_empty() {
            return Err(Refusal::new(400, "Missing parameter eventSource"));
        }
        if !self.apps.contains_key(request.id()) {
            return Err(no_application());
        }
        let parse = |source: &String| match source.split_once(':') {
            Some(("channel", id)) => Ok(Topic::Channel(id.to_owned())),
            Some(("bridge", id)) => Ok(Topic::Bridge(id.to_owned())),
            Some(("endpoint", name)) => Ok(Topic::Endpoint(name.to_owned())),
            _ => Err(Refusal::new(400, "Invalid event source URI scheme")),
        };
        sources.iter().map(parse).collect()
    }
}

fn no_application() -> Refusal {
    Refusal::new(404, "Application not found")
}

fn module_json((name, description): (&str, &str)) -> Value {
    json!({
        "name": name,
        "description": description,
        "use_count": 0,
        "status": "Running",
        "support_level": "core",
    })
}

fn app_json(name: &str, app: &App) -> Value {
    let topics = app.subscriptions.keys();
    let of = |pick: fn(&Topic) -> Option<&str>| topics.clone().filter_map(pick).collect::<Vec<_>>();
    let channels = of(|topic| match topic {
        Topic::Channel(id) => Some(id),
        _ => None,
    });
    let bridges = of(|topic| match topic {
        Topic::Bridge(id) => Some(id),
        _ => None,
    });
    let endpoints = of(|topic| match topic {
        Topic::Endpoint(name) => Some(name),
        _ => None,
    });
    json!({
        "name": name,
        "channel_ids": channels,
        "bridge_ids": bridges,
        "endpoint_ids": endpoints,
        "device_names": [],
        "events_allowed": [],
        "events_disallowed": [],
    })
}
