//! Operations on bridges (`res/ari/resource_bridges.c`).

use super::{
    Key, Switch,
    app::Topic,
    bridge::{Bridge, BridgeKind},
    request::Request,
};
use crate::{
    EventKind,
    reply::{Refusal, Reply},
};
use serde_json::{Value, json};

impl Switch {
    pub(super) fn list_bridges(&self) -> Reply {
        let bridges = self.bridges.iter().map(|(id, bridge)| self.bridge_json(id, bridge));
        Reply::ok(Value::Array(bridges.collect()))
    }

    pub(super) fn get_bridge(&self, request: &Request) -> Result<Reply, Refusal> {
        let id = self.bridge_id(request)?;
        Ok(Reply::ok(self.bridge_json(&id, &self.bridges[&id])))
    }

    pub(super) fn create_bridge(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let params = &request.params;
        let chosen = request.ids.first().map(String::as_str).or(params.text("bridgeId"));
        let serial = self.next_serial();
        let id = chosen.map_or_else(|| format!("bridge-{serial:08x}"), str::to_owned);
        if self.bridges.contains_key(&id) {
            return Err(Refusal::new(409, format!("Bridge with id '{id}' already exists")));
        }
        let kinds = params.list("type");
        let asked = |kind: &str| kinds.iter().any(|it| it == kind);
        let kind =
            match (asked("mixing") || kinds.is_empty() || asked("video_sfu"), asked("holding")) {
                (true, false) => BridgeKind::Mixing,
                (false, true) => BridgeKind::Holding,
                (true, true) | (false, false) => {
                    return Err(Refusal::new(500, "Unable to create bridge"));
                }
            };
        let name = params.text("name").unwrap_or_default().to_owned();
        let bridge = Bridge { name, kind, created: self.now, members: Vec::new() };
        let json = self.bridge_json(&id, &bridge);
        self.bridges.insert(id.clone(), bridge);
        let fields = json!({ "bridge": json });
        self.publish(&Topic::Bridge(id), EventKind::BridgeCreated, fields);
        Ok(Reply::ok(json))
    }

    /// The channels in the bridge leave it and stay in their application.
    pub(super) fn destroy_bridge(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let id = self.bridge_id(request)?;
        self.unmake_bridge(id);
        Ok(Reply::no_content())
    }

    pub(super) fn unmake_bridge(&mut self, id: String) {
        for member in self.bridges[&id].members.clone() {
            self.leave_bridge(member);
        }
        let fields = json!({ "bridge": self.bridge_json(&id, &self.bridges[&id]) });
        self.bridges.remove(&id);
        let topic = Topic::Bridge(id);
        self.publish(&topic, EventKind::BridgeDestroyed, fields);
        self.retire(&topic);
    }

    pub(super) fn add_to_bridge(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let id = self.bridge_id(request)?;
        for channel in self.bridgeable(request)? {
            self.enter_bridge(channel, &id);
        }
        Ok(Reply::no_content())
    }

    pub(super) fn remove_from_bridge(&mut self, request: &Request) -> Result<Reply, Refusal> {
        let id = self.bridge_id(request)?;
        let channels = self.bridgeable(request)?;
        let inside = |key: &Key| self.channels[key].bridge.as_deref() == Some(&id);
        if !channels.iter().all(inside) {
            return Err(Refusal::new(422, "Channel not in this bridge"));
        }
        for channel in channels {
            self.leave_bridge(channel);
        }
        Ok(Reply::no_content())
    }

    fn bridge_id(&self, request: &Request) -> Result<String, Refusal> {
        let id = request.id();
        if !self.bridges.contains_key(id) {
            return Err(Refusal::new(404, "Bridge not found"));
        }
        Ok(id.to_owned())
    }

    /// The channels that the request names. Unlike everywhere else an unknown one is answered 400,
    /// and one that is not in an application 422.
    fn bridgeable(&self, request: &Request) -> Result<Vec<Key>, Refusal> {
        let ids = request.params.list("channel");
        if ids.is_empty() {
            return Err(Refusal::new(400, "Missing parameter channel"));
        }
        ids.iter()
            .map(|id| {
                let key = self.find_channel(id).ok_or(Refusal::new(400, "Channel not found"))?;
                if self.channels[&key].stasis.is_none() {
                    return Err(Refusal::new(422, "Channel not in Stasis application"));
                }
                Ok(key)
            })
            .collect()
    }
}
