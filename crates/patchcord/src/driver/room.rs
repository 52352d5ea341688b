//! A bridge with a media channel of ours in it, in which somebody and we hear each other: the caller's, and one apart for
//! each agent who is told of the caller first.

use ari::{AddChannel, BridgeFeature, Client, CreateBridge, Mailbox, RequestError, Resource, ids};

use super::line::Line;

/// A bridge and its media channel. They are joined with somebody once Asterisk has made the channel, it has entered our
/// application, our own end of it is open, and who it is for is there.
pub(super) struct Room {
    pub(super) bridge: String,
    pub(super) media: String,
    /// Whether the media channel may exist.
    pub(super) requested: bool,
    pub(super) entered: bool,
    pub(super) flowing: bool,
    pub(super) joined: bool,
}

impl Room {
    /// One that is still to be made.
    pub(super) fn new() -> Self {
        Self {
            bridge: ids::unique("bridge"),
            media: ids::unique("media"),
            requested: false,
            entered: false,
            flowing: false,
            joined: false,
        }
    }

    pub(super) fn watch(&self, mailbox: &Mailbox) {
        mailbox.watch(Resource::Bridge(self.bridge.clone()));
        mailbox.watch(Resource::Channel(self.media.clone()));
    }

    /// Makes the bridge and, by `line`, the media channel, side by side.
    pub(super) fn make<F>(
        &mut self,
        client: &Client,
        line: F,
    ) -> impl Future<Output = Result<Box<Line>, String>> + use<F>
    where
        F: Future<Output = Result<Line, String>>,
    {
        self.requested = true;
        let (client, bridge) = (client.clone(), self.bridge.clone());
        async move {
            let (bridge, line) = tokio::join!(create_bridge(&client, &bridge), line);
            bridge.and(line).map(Box::new)
        }
    }

    /// Joins the media channel with `party`, if they can be by now and are not yet.
    pub(super) fn join(
        &mut self,
        client: &Client,
        party: &str,
    ) -> Option<impl Future<Output = Result<(), RequestError>> + use<>> {
        if !self.entered || !self.flowing || self.joined {
            return None;
        }
        self.joined = true;
        let (client, bridge) = (client.clone(), self.bridge.clone());
        let channels = vec![party.to_owned(), self.media.clone()];
        let add = AddChannel { channels, ..AddChannel::default() };
        Some(async move { client.bridges().add_channel(&bridge, &add).await })
    }
}

pub(crate) async fn create_bridge(client: &Client, bridge: &str) -> Result<(), String> {
    // Digits and audio must stay visible to us, also once two people talk.
    let features = vec![BridgeFeature::DtmfEvents, BridgeFeature::ProxyMedia];
    let create = CreateBridge { features, ..CreateBridge::default() };
    let made = client.bridges().create(bridge, &create).await;
    made.map(drop).map_err(|error| error.to_string())
}
